"""Where nhi.toml demands more than one person, no command gets past the engine without them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from nhi_revoke.config.approval import Approving
from nhi_revoke.engine.approval import broken_glass, message_of, must_be_approved, own
from nhi_revoke.model.approval import Approval, Signer
from nhi_revoke.model.error import Refused, Usage
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step

BOT, ALICE = PrincipalRef("example", "bot", "b"), PrincipalRef("example", "user", "alice")
STEP = Step(id="1", does="example:token/delete", on=BOT, scope="org-1", phase=Phase.END, says="deletes the token")
PLAN = Plan(Identity("b", (BOT,)), Intent(), datetime(2026, 11, 23, tzinfo=UTC), (), (), (STEP,), operator=(ALICE,))
FINAL = replace(PLAN, steps=(replace(STEP, reversible=False),))
ROLL = replace(PLAN, intent=Intent(order="rollover"))
TWO = Approving(required=2)


def refused(rules: Approving, plan: Plan, approval: Approval | None = None) -> bool:
    try:
        must_be_approved(rules, plan, approval)
    except Refused as told:
        return told.code == "not-approved"
    else:
        return False


def test_what_is_demanded() -> None:
    assert not any(refused(Approving(), plan) for plan in (PLAN, FINAL, ROLL))
    for words, expected in (
        (("revoke", "rotate"), [True, True, True]),
        (("revoke",), [True, True, False]),
        (("rotate",), [False, False, True]),
        (("irreversible",), [False, True, False]),
    ):
        assert [refused(Approving(1, words), plan) for plan in (PLAN, FINAL, ROLL)] == expected, words


def test_fewer_people_than_demanded_are_not_enough() -> None:
    people = (Signer("alice", "SHA256:a"), Signer("bob", "SHA256:b"))
    assert refused(TWO, PLAN, Approval(2))
    assert refused(TWO, PLAN, Approval(1, people[:1])), "what it says it needed is not asked"
    assert not refused(TWO, PLAN, Approval(2, people))
    assert not refused(TWO, PLAN, broken_glass(TWO, "  the  intruder is deleting  "))
    assert broken_glass(TWO, "  the  intruder is deleting  ").break_glass == "the intruder is deleting"
    for short in ("", "now", " " * 40):
        with pytest.raises(Usage):
            broken_glass(TWO, short)


def test_whoever_carries_it_out_is_not_among_those_who_agreed() -> None:
    """A planner may have written somebody else's name into the file before signing it."""
    people: dict[str, tuple[str, ...]] = {"alice@x": ("example:user/alice",), "bob@x": ("example:user/bob",)}
    one = Approving(required=1, people=people)
    alice, bob = Signer("alice@x", "SHA256:a"), Signer("bob@x", "SHA256:b")
    with pytest.raises(Refused, match="alice@x is example:user/alice, who carries it out: it needs somebody else"):
        must_be_approved(one, PLAN, Approval(1, (alice,)))
    must_be_approved(one, PLAN, Approval(1, (bob,)))
    must_be_approved(one, PLAN, Approval(1, (alice, bob)))
    with pytest.raises(Refused, match="and 1 of those who agreed count"):
        must_be_approved(replace(one, required=2), PLAN, Approval(2, (alice, bob)))


def test_what_is_signed_changes_with_the_file_and_with_the_steps() -> None:
    first = message_of(b"{}", PLAN)
    assert first.startswith(b"nhi-revoke plan approval, version 1\nplan ")
    assert len({first, message_of(b"{} ", PLAN), message_of(b"{}", FINAL)}) == 3


def test_who_may_not_approve() -> None:
    known = replace(TWO, people={"alice@x": ("example:user/al*",), "bob@x": ("example:user/bob",)})
    assert "who made the plan: it needs somebody else" in own(known, "alice@x", PLAN.operator)
    assert own(known, "bob@x", PLAN.operator) == ""
    assert "does not say which operator eve@x is" in own(known, "eve@x", PLAN.operator)
    assert "who made the plan is unknown" in own(known, "bob@x", ())
    assert own(TWO, "alice@x", PLAN.operator) == "", "without people nobody can tell"
    spelled = replace(TWO, people={"alice@x": ("Example:User/Alice",)})
    assert "who made the plan" in own(spelled, "alice@x", PLAN.operator), "in whatever case"
