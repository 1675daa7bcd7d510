"""The application itself: the brake in every tenant, and what it does not reach (facts entra.md 3, 8: 9 and 28)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.error import Refused
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.step import Manual, Notice, Phase, Residual, Step
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_entra.access import client_secret_mint
from nhi_revoke_entra.sandbox import routes_objects, seed
from nhi_revoke_entra.sandbox.gate import Here, bad
from nhi_revoke_entra.sandbox.state import OTHER_TENANT

from .conftest import APP, START, Bench, Whole, world

KIND, FOREIGN = "entra:application", "entra:foreign-token"
PATCH, BETA = "PATCH /v1.0/applications/<one>", "PATCH /beta/applications/<one>"
ABROAD = {"abroad-secret", "abroad-hidden-secret", "abroad-token"}


def deactivation(bench: Bench, **intent: str) -> Step:
    [step] = [s for s in bench.steps(APP, **intent) if s.does == f"{KIND}/deactivate"]
    return step


def activation(step: Step) -> Step:
    return msgspec.structs.replace(step, id="r", does=f"{KIND}/activate", phase=Phase.RELEASE, replaces=step.id)


def opened(bench: Bench) -> set[str]:
    return {name for name, is_open in bench.doors().items() if is_open}


def refuse(monkeypatch: pytest.MonkeyPatch, *versions: str) -> None:
    """Graph answers 400 to a write of isDisabled in these."""
    write = routes_objects._deactivate

    def refused(at: Here, thing: Any, value: Any) -> None:
        if at.asked.path.split("/")[1] in versions:
            raise bad("Property 'isDisabled' is invalid or cannot be updated.")
        write(at, thing, value)

    monkeypatch.setattr(routes_objects, "_deactivate", refused)


# -- what it does ------------------------------------------------------------------------------------------------------


def test_no_new_token_in_any_tenant_and_every_old_one_lives_on(abroad: Bench) -> None:
    before = opened(abroad)
    assert before >= ABROAD
    step = deactivation(abroad)
    assert (step.phase, step.brake, step.rearms) == (Phase.CUT, True, "always")
    change = abroad.do(step)
    assert isinstance(change, Done)
    assert "denies" not in change.left, "it ends no session"
    [(told, until)] = change.left["residuals"].items()
    assert told == f"{FOREIGN}/{abroad.conn.scope}/{step.on.id}/*"
    assert until > "2026-11-29T12:00:00Z", "up to 24 hours at Microsoft Graph of the other tenant, which hears nothing"
    assert abroad.seen(step)
    proven = abroad.prove(step)
    assert proven.proof is Proof.RECORDED
    assert "live on" in proven.how
    tokens = {"graph-token", "api-token", "azure-token", "abroad-token"}
    assert opened(abroad) == {*tokens, "owner", "managing-app", *(d for d in before if d.startswith("user-"))}
    abroad.sandbox.advance(20 * 60)
    assert opened(abroad) >= tokens, "no resource hears of it"
    assert isinstance(abroad.do(step), Already)


def test_disabling_the_service_principal_alone_leaves_other_tenants_open(abroad: Bench) -> None:
    """Facts entra.md 8, 9."""
    [step] = [s for s in abroad.steps(APP) if s.does == "entra:service-principal/disable"]
    assert isinstance(abroad.do(step), Done)
    assert opened(abroad) >= ABROAD


def test_undo_activates_it_and_only_where_this_run_deactivated_it(abroad: Bench) -> None:
    step = deactivation(abroad)
    abroad.do(step)
    assert isinstance(abroad.undo(step), Done)
    assert abroad.seen(step) is None
    assert isinstance(abroad.undo(step), Already)
    assert opened(abroad) >= ABROAD
    abroad.do(step)
    abroad.run.lefts.clear()
    assert isinstance(abroad.undo(step), Failed)
    assert abroad.scene.application.disabled.shown


def test_what_was_deactivated_before_stays_so(abroad: Bench) -> None:
    with abroad.tenant.lock:
        abroad.scene.application.disabled.set(True, START, 0)
    [access] = abroad.accesses(APP, KIND).values()
    assert access.state == "disabled"
    assert "can activate it again" in access.note
    step = deactivation(abroad)
    assert "keep" in step.says
    assert isinstance(abroad.do(step), Already)
    assert isinstance(abroad.undo(step), Already)
    release = activation(step)
    assert isinstance(abroad.do(release), Already)
    assert abroad.seen(release) == {"active": False}
    assert not {PATCH, BETA} & set(abroad.writes())


def test_activated_again_only_once_its_own_credentials_are_gone(abroad: Bench) -> None:
    steps = abroad.steps(APP)
    step = next(s for s in steps if s.does == f"{KIND}/deactivate")
    abroad.do(step)
    release = activation(step)
    assert abroad.doer(step.does).released_by == release.does
    refused = abroad.do(release)
    assert isinstance(refused, Failed)
    assert "in every tenant" in refused.why
    assert abroad.scene.application.disabled.shown
    ended = [s for s in steps if s.before.get("object") == abroad.scene.application.id and s.phase is Phase.END]
    for each in ended:
        if each.does.endswith("/remove") and not each.does.startswith("entra:owner"):
            assert isinstance(abroad.do(each), Done)
    assert isinstance(abroad.do(release), Done)
    assert abroad.seen(release) == {"active": True}
    assert opened(abroad) & ABROAD == {"abroad-hidden-secret", "abroad-token"}, "what is theirs, nobody here removed"
    assert isinstance(abroad.undo(release), Done)
    assert "abroad-hidden-secret" not in opened(abroad)


def test_not_activated_over_a_secret_that_appeared_since(abroad: Bench) -> None:
    steps = abroad.steps(APP)
    step = next(s for s in steps if s.does == f"{KIND}/deactivate")
    abroad.do(step)
    application = abroad.scene.application
    for each in steps:
        own = each.before.get("object") == application.id and not each.does.startswith("entra:owner")
        if own and each.phase is Phase.END and each.does.endswith("/remove"):
            abroad.do(each)
    with abroad.tenant.lock:
        seed.add_password(abroad.tenant, abroad.principal, START, "of the service principal here")
        late = seed.add_password(abroad.tenant, application, START, "late")
    refused = abroad.do(activation(step))
    assert isinstance(refused, Failed)
    assert "client secret late on the application appeared" in refused.why
    assert "of the service principal" not in refused.why, "that is the other brake's to hold"
    assert application.disabled.shown
    del application.passwords[late.key_id]
    assert isinstance(abroad.do(activation(step)), Done)


def test_its_credentials_are_removed_at_once_and_the_service_principals_are_held(abroad: Bench) -> None:
    """Nobody has seen the deactivation hold in other tenants: what works there is not left to it."""
    removed = {s.before["object"] for s in abroad.steps(APP) if s.does.startswith("entra:client-secret/")}
    assert removed == {abroad.scene.application.id}
    [brake] = [s for s in abroad.steps(APP) if s.does == "entra:service-principal/disable"]
    assert {a.split("/")[1] for a in brake.ends if a.startswith("entra:client-secret/")} == {abroad.principal.id}


# -- when --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("intent", "on"),
    [({}, True), ({"brake": "on"}, True), ({"brake": "off"}, False), ({"scope": "keys"}, False),
     ({"scope": "sessions", "brake": "on"}, True), ({"order": "rollover"}, False)],
)  # fmt: skip
def test_when_it_is_deactivated(abroad: Bench, intent: dict[str, str], on: bool) -> None:
    drafts = abroad.draft(APP, **intent)
    assert any(isinstance(d, Step) and d.does == f"{KIND}/deactivate" for d in drafts) is on
    said = [d.what for d in drafts if isinstance(d, Manual) and "other tenants" in d.what]
    assert ["deactivate the application" in what for what in said] == ([] if "order" in intent else [not on])


def test_a_single_tenant_apps_is_listed_and_left(bench: Bench) -> None:
    [access] = bench.accesses(APP, KIND).values()
    assert (access.state, access.opens, access.elsewhere) == ("live", False, False)
    assert not [s for s in bench.steps(APP) if s.does.startswith(KIND)]
    assert not bench.accesses(APP, FOREIGN)
    with bench.tenant.lock:
        bench.scene.application.disabled.set(True, START, 0)
    [access] = bench.accesses(APP, KIND).values()
    assert access.state == "disabled"
    drafts = bench.draft(APP)
    assert any(isinstance(d, Notice) and "was deactivated before this run" in d.says for d in drafts)
    assert not [d for d in drafts if isinstance(d, Step) and d.does.startswith(KIND)]


def test_a_vendors_app_has_no_application_to_deactivate(bench: Bench) -> None:
    with bench.tenant.lock:
        made = seed.new_principal(bench.tenant, "Vendor", START, bench.tenant.new_id(), owner_tenant=OTHER_TENANT)
        made.audience = "AzureADMultipleOrgs"
    assert not bench.accesses(f"entra:app/{made.id}", KIND)
    drafts = bench.draft(f"entra:app/{made.id}")
    assert not [d for d in drafts if isinstance(d, Step) and d.does.startswith(KIND)]
    assert any(isinstance(d, Notice) and "another tenant" in d.says for d in drafts)


def test_an_application_without_a_service_principal_here_is_deactivated_all_the_same(abroad: Bench) -> None:
    with abroad.tenant.lock:
        del abroad.tenant.principals[abroad.principal.id]
    name = f"entra:app/{abroad.scene.application.id}"
    [step] = [s for s in abroad.steps(name) if s.brake]
    assert step.does == f"{KIND}/deactivate"
    assert isinstance(abroad.do(step), Done)
    assert abroad.scene.application.disabled.shown


def test_tokens_in_other_tenants_are_told(abroad: Bench) -> None:
    told = {d.access.partition("/")[0]: d for d in abroad.draft(APP) if isinstance(d, Residual)}
    assert "no resource hears" in told[FOREIGN].why
    remove = next(s for s in abroad.steps(APP) if s.does == "entra:client-secret/remove")
    assert any(access.startswith(FOREIGN) for access in abroad.do(remove).left["residuals"])


# -- where Graph refuses -----------------------------------------------------------------------------------------------


def test_beta_is_asked_where_v1_refuses(abroad: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts entra.md 9: which of them takes it in every cloud is not established."""
    step = deactivation(abroad)
    refuse(monkeypatch, "v1.0")
    assert isinstance(abroad.do(step), Done)
    assert abroad.writes() == [PATCH, BETA]
    assert "abroad-hidden-secret" not in opened(abroad)


def test_refused_by_both_it_is_told_as_could_not(abroad: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    step = deactivation(abroad)
    refuse(monkeypatch, "v1.0", "beta")
    change = abroad.do(step)
    assert isinstance(change, Impossible)
    assert "could not be deactivated" in change.why
    assert "admin center" in change.manual
    assert abroad.seen(step) is None
    assert "abroad-hidden-secret" in opened(abroad)


def test_a_write_that_changes_nothing_is_not_seen(abroad: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """204, and isDisabled stays null."""
    step = deactivation(abroad)
    monkeypatch.setattr(abroad.scene.application.disabled, "set", lambda *_: None)
    assert isinstance(abroad.do(step), Done)
    assert abroad.seen(step) is None


def test_deleted_by_somebody_else_is_already_and_is_not_undone(abroad: Bench) -> None:
    step = deactivation(abroad)
    with abroad.tenant.lock:
        del abroad.tenant.applications[abroad.scene.application.id]
    assert isinstance(abroad.do(step), Already)
    assert abroad.seen(step)
    assert isinstance(abroad.undo(step), Impossible)
    assert isinstance(abroad.do(activation(step)), Failed)


def test_an_owner_can_activate_it_again(abroad: Bench) -> None:
    """What the other tenants' door hangs on until the owners are removed."""
    abroad.do(deactivation(abroad))
    door = next(d for d in abroad.scene.doors if d.id == "entra/owner")
    request = {**next(iter(door.tries())), "json": {"isDisabled": False}}
    assert httpx.request(**request).status_code == 204
    assert "abroad-hidden-secret" in opened(abroad)


# -- whole runs --------------------------------------------------------------------------------------------------------


@pytest.fixture
def wide(tmp_path: Path) -> Iterator[Whole]:
    """Nothing is replaced."""
    with world(tmp_path, deliver=False, abroad=True) as made:
        assert isinstance(made, Whole)
        yield made


@pytest.fixture
def wide_replacing(tmp_path: Path) -> Iterator[Whole]:
    with world(tmp_path, deliver=True, abroad=True) as made:
        assert isinstance(made, Whole)
        yield made


def test_contained_in_every_tenant_and_given_back_by_release(wide: Whole) -> None:
    report = wide.run()
    assert wide.open_doors() & ABROAD == {"abroad-token"}
    assert mispredicted(wide, report) == []
    assert report.state == "held"
    [left] = [r for r in report.residuals if r.access.startswith(FOREIGN)]
    assert left.until is not None
    with wide.engine() as engine:
        plan = engine.plan_release(report.run, wait=False)
        does = [s.does for s in plan.steps if s.phase is Phase.RELEASE]
        assert {f"{KIND}/activate", "entra:service-principal/enable"} <= set(does)
        engine.act(report.run, "release", plan, YES)
    wide.clock.advance(60)
    assert not wide.entra.scene.application.disabled.shown
    assert wide.open_doors() & ABROAD == {"abroad-hidden-secret", "abroad-token"}
    assert not wide.open_doors() & {"client-secret", "hidden-secret", "certificate", "federated"}


def test_both_brakes_are_released_where_a_secret_is_replaced(wide_replacing: Whole) -> None:
    report = wide_replacing.run()
    assert [r.result for r in report.replacements] == ["served"]
    assert not wide_replacing.entra.scene.application.disabled.shown
    assert wide_replacing.entra.scene.principal.enabled.shown
    assert mispredicted(wide_replacing, report) == []


def test_not_proven_both_brakes_go_back_on(wide_replacing: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    why = Proven(Proof.UNPROVEN, "Entra does not accept it yet")
    monkeypatch.setattr(client_secret_mint, "proven", lambda *_: why)
    report = wide_replacing.run()
    assert [r.result for r in report.replacements] != ["served"]
    writes = [c.name for c in wide_replacing.sandbox.calls() if c.by == "operator" and c.name == PATCH]
    assert len(writes) > 2, "deactivated, activated for the proof, and deactivated again"
    assert wide_replacing.entra.scene.application.disabled.shown
    assert not wide_replacing.entra.scene.principal.enabled.shown
    assert mispredicted(wide_replacing, report) == []


def test_one_that_was_deactivated_before_is_not_replaced(wide_replacing: Whole) -> None:
    with wide_replacing.entra.lock:
        wide_replacing.entra.scene.application.disabled.set(True, wide_replacing.clock.now(), 0)
    report = wide_replacing.run()
    assert report.replacements == ()
    assert any("was deactivated before" in m.what for m in report.manual)
    assert wide_replacing.entra.scene.application.disabled.shown


def test_somebody_activates_it_again_and_the_run_deactivates_it_again(wide: Whole) -> None:
    report = wide.run()
    wide.sandbox.meddle("activate")
    assert "abroad-hidden-secret" in wide.open_doors()
    with wide.engine() as engine:
        engine.hold(report.run, interval=30, until=wide.clock.now())
    wide.clock.advance(60)
    assert "abroad-hidden-secret" not in wide.open_doors()


def test_not_deactivated_the_run_is_partial_and_the_door_stays_told(
    wide: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "v1.0", "beta")
    report = wide.run()
    assert report.exit_code == 5
    assert "abroad-hidden-secret" in wide.open_doors()
    outcome = wide.outcome(report, KIND)
    assert outcome.fate == "left"
    assert "could not be deactivated" in outcome.how
    assert "admin center" in outcome.how
    assert mispredicted(wide, report) == []


def test_undo_gives_other_tenants_back_what_was_theirs(wide: Whole) -> None:
    report = wide.run()
    with pytest.raises(Refused):
        wide.undo(report.run)
    wide.clock.advance(2 * 60 * 60)
    ended = [o.access.id for o in report.outcomes if o.fate == "ended"]
    wide.undo(report.run, rearm=ended)
    wide.clock.advance(60)
    assert "abroad-hidden-secret" in wide.open_doors()
    assert "abroad-secret" not in wide.open_doors(), "removed at once, for good"


@pytest.mark.parametrize("intent", [Intent(brake="off"), Intent(scope="keys"), Intent(order="rollover")])
def test_left_active_the_door_is_foretold(wide: Whole, intent: Intent) -> None:
    report = wide.run(wide.plan(intent), verb="rotate" if intent.order == "rollover" else "revoke")
    assert "abroad-hidden-secret" in wide.open_doors()
    assert mispredicted(wide, report) == []
