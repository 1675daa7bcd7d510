"""Whom a run concerns, as its steps tell: what a scope leaves alone is not told as ended."""

from __future__ import annotations

from datetime import UTC, datetime

from nhi_revoke.engine.concerning import concern
from nhi_revoke.engine.history import History
from nhi_revoke.model.found import Access, Family
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Opened
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step

AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
BOT, ROLE = PrincipalRef("example", "user", "bot"), PrincipalRef("example", "role", "worker")


def access(name: str, on: PrincipalRef, family: Family) -> Access:
    return Access(name, on, f"example:{family}", family, "live")


def history(*steps: Step, case: str = "") -> History:
    people = tuple(Principal(ref, ref.kind, ref.id, "", ref.id) for ref in (BOT, ROLE))
    accesses = (access("k1", BOT, "key"), access("s1", BOT, "session"), access("s2", ROLE, "session"))
    plan = Plan(Identity("it", (BOT,)), Intent(case=case), AT, people, accesses, steps)
    return History([Opened("r-1", "revoke", plan, "", (), "--yes", "1", AT)])


def step(name: str, on: PrincipalRef, phase: Phase, *ends: str, does: str = "example:key/end") -> Step:
    return Step(name, does, on, phase, "", ends=ends)


def test_sessions_and_keys_are_told_apart() -> None:
    about = concern(history(step("1", BOT, Phase.END, "k1"), step("2", ROLE, Phase.SEAL, "s2"), case="INC-1"))
    assert (about.identity, about.principals, about.at, about.case) == ("it", (BOT, ROLE), AT, "INC-1")
    assert (about.keys, about.sessions, about.minted) == ((BOT,), (ROLE,), ())


def test_a_mint_is_told_and_a_slot_that_is_freed_is_none() -> None:
    made = step("1", BOT, Phase.MINT, does="example:key/create")
    freed = step("2", ROLE, Phase.MINT, "k1", does="example:key/free")
    about = concern(history(made, freed))
    assert (about.keys, about.sessions, about.minted) == ((), (), (BOT,))
