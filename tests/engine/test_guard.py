"""Each refusal, its exit 7, and the one thing that lifts it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine import guard
from nhi_revoke.engine.consent import Consent
from nhi_revoke.model.error import Refused
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef
from tests.engine.cloud import bot
from tests.engine.story import CI, access, plan_of, principal, step

YES = Consent(how="--yes")
PLAN = plan_of(step("a"), accesses=(access(),))


def refused(plan: Plan, consent: Consent | None = YES, protect: tuple[str, ...] = ()) -> Refused:
    with pytest.raises(Refused) as caught:
        guard.check(plan, protect, consent)
    error = caught.value
    assert error.exit_code == 7
    assert "Nothing was changed" in error.message
    assert error.hint
    return error


def allowed(plan: Plan, consent: Consent | None = YES, protect: tuple[str, ...] = ()) -> None:
    guard.check(plan, protect, consent)


@pytest.mark.parametrize("how", ["tty", "--yes", "--confirm", "apply"])
def test_an_ordinary_plan_passes(how: Any) -> None:
    allowed(PLAN, Consent(how=how))
    allowed(PLAN, None)


def test_the_operators_own_principal_and_no_consent_lifts_it() -> None:
    me = replace(PLAN, operator=(bot("other"), CI))
    everything = Consent("tty", "it", allow_irreversible=True, force=True, max_accesses=1000)
    for consent in (None, YES, everything):
        assert refused(me, consent).code == "own-principal"
    allowed(replace(PLAN, operator=(bot("other"), PrincipalRef("other", "bot", "ci"))))


def test_the_operators_chain_by_alias_and_by_unique_id() -> None:
    who = replace(principal(), aliases=("arn:x",), unique_id="AID1")
    for name in ("arn:x", "AID1", str(CI)):
        assert guard.is_operator(who, (name,))
    assert not guard.is_operator(who, ("arn:y", "ci"))
    chain = replace(PLAN, principals=(replace(who, aliases=("fake:role/ci-job",)),))
    assert refused(replace(chain, operator=(PrincipalRef("fake", "role", "ci-job"),))).code == "own-principal"


@pytest.mark.parametrize("pattern", ["fake:bot/ci", "fake:bot/c*", "org/ci", "typed/*"])
def test_protected_by_whatever_name(pattern: str) -> None:
    plan = replace(PLAN, principals=(replace(principal(), typed="typed/ci"),))
    error = refused(plan, None, ("fake:bot/z", pattern))
    assert error.code == "protected"
    assert repr(pattern) in error.message
    everything = Consent("tty", "it", allow_irreversible=True, force=True, max_accesses=1000)
    assert refused(plan, everything, (pattern,)).code == "protected"
    allowed(plan, YES, ("fake:bot/other", "CI"))


@pytest.mark.parametrize("pattern", ["Fake:Bot/CI", "typed/Emergency@Example.com", "typed/emergency@*"])
def test_protected_in_whatever_case_it_is_written(pattern: str) -> None:
    """A directory shows the name that was typed as Emergency@ as emergency@, or the other way round."""
    for typed in ("typed/emergency@example.com", "typed/EMERGENCY@example.com"):
        plan = replace(PLAN, principals=(replace(principal(), typed=typed),))
        error = refused(plan, None, (pattern,))
        assert (error.code, repr(pattern) in error.message) == ("protected", True)


@pytest.mark.parametrize("pattern", ["fake:bot/Break Glass", "fake:bot/Break*"])
def test_protected_by_what_the_vendor_calls_it_where_an_id_was_typed(pattern: str) -> None:
    """Its canonical name is an id, and no alias is its label: who protects it writes what the screens show."""
    who = replace(principal(), name="Break Glass", typed="fake:bot/ci", aliases=())
    assert refused(replace(PLAN, principals=(who,)), None, (pattern,)).code == "protected"
    allowed(replace(PLAN, principals=(who,)), None, ("fake:bot/Break", "other:bot/Break*", "fake:role/*"))


def test_vendor_managed_only_where_nothing_else_is_left() -> None:
    managed = principal("m", untouchable="it is the vendor's own: open a ticket")
    assert "open a ticket" in refused(replace(PLAN, principals=(managed,)), None).message
    allowed(replace(PLAN, principals=(principal(), managed)))
    allowed(replace(PLAN, principals=(), steps=()))


def test_a_step_on_somebody_whom_the_plan_does_not_name() -> None:
    """A saved plan that was written into: neither `protect` nor the operator's chain was held against such a step."""
    strange = replace(PLAN, steps=(*PLAN.steps, step("b", on=bot("break-glass"))))
    everything = Consent("apply", allow_irreversible=True, force=True, max_accesses=1000)
    for consent in (None, everything):
        error = refused(strange, consent, ("fake:bot/break-glass",))
        assert (error.code, "a step on fake:bot/break-glass" in error.message) == ("strange-step", True)
    assert refused(replace(PLAN, principals=())).code == "strange-step"


def test_more_accesses_than_allowed() -> None:
    many = plan_of(step("a", ends=("x", "y")), step("b", ends=("y", "z")))
    error = refused(many, Consent("--yes", max_accesses=2))
    assert (error.code, error.hint) == ("too-many", "Read the plan; then --max-accesses 3.")
    allowed(many, Consent("--yes", max_accesses=3))
    allowed(many, None)


def test_irreversible_changes_in_a_script() -> None:
    plan = plan_of(step("a", reversible=False, says="delete the key"))
    for how in ("--yes", "--confirm", "apply"):
        error = refused(plan, Consent(how))
        assert error.code == "irreversible"
        assert "delete the key" in error.message
    allowed(plan, Consent("--yes", allow_irreversible=True))
    allowed(plan, Consent("tty"))  # the terminal asked for the name


def test_another_name_than_the_plans() -> None:
    plan = replace(PLAN, identity=Identity("pay ments", (CI,)))
    error = refused(plan, Consent("--confirm", "payments"))
    assert (error.code, error.hint) == ("wrong-name", "--confirm 'pay ments'")
    allowed(plan, Consent("--confirm", "pay ments"))


def test_a_delicate_principal_needs_force_and_force_lifts_nothing_else() -> None:
    plan = replace(PLAN, principals=(principal(delicate="every build stops"),))
    error = refused(plan)
    assert (error.code, "every build stops" in error.message, "--force" in error.hint) == ("delicate", True, True)
    allowed(plan, Consent("--yes", force=True))
    allowed(replace(plan, steps=()))
    forced = Consent("--yes", force=True)
    assert refused(replace(plan, operator=(CI,)), forced).code == "own-principal"
    assert refused(plan, forced, ("fake:*",)).code == "protected"
    assert refused(replace(plan, steps=(step("a", reversible=False),)), forced).code == "irreversible"
    assert refused(plan, Consent("--yes", force=True, max_accesses=0)).code == "too-many"


def test_all_names_once() -> None:
    who = replace(principal(), typed="fake:bot/ci", aliases=("a", "a"))
    assert guard.all_names(who) == ("fake:bot/ci", "a")
    assert guard.all_names(replace(who, name="Label")) == ("fake:bot/ci", "fake:bot/Label", "a")
