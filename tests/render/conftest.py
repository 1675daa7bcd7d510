"""A small inventory, plan and report, made by hand: nothing in them moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.identity import Delivery, Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory, Unreachable
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Outcome, Replacement, Report, StepResult, Times
from nhi_revoke.model.step import Manual, Notice, OpenDoor, Phase, Residual, Step

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BOT = PrincipalRef("example", "bot", "payments-bot")
OTHER = PrincipalRef("example", "bot", "deploy-bot")
GONE = PrincipalRef("other", "app", "payments")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def inventory() -> Inventory:
    return Inventory(
        identity=Identity("payments-bot", (BOT, GONE), deliver=(Delivery("example:token", "file:/run/bot"),)),
        at=NOON,
        principals=(Principal(BOT, "bot", "payments-bot", "org-1", "b-1"),),
        accesses=(
            Access("tok_1", BOT, "example:token", "key", "live", "ci", created=at(-9000), last_used=at(-3)),
            Access("tok_2", BOT, "example:token", "key", "disabled", "old"),
            Access("ses/*", BOT, "example:session", "session", "unknown", "every session"),
            Access("ses/1", BOT, "example:session", "session", "live", parent="tok_1", expires=at(30)),
            Access("trust/p", BOT, "example:trust", "trust", "live", "a partner", exposure="foreign"),
        ),
        leads=(
            Lead(OTHER, "it may mint sessions there", "GET /trusts"),
            Lead(OTHER, "a token was made on it", "GET /events", "planted", at(-5)),
        ),
        blind=(
            BlindSpot(BOT, "example:grant", "the listing was denied", needs="grants.list"),
            BlindSpot(BOT, "example:session", "events lag", until=at(15)),
        ),
        unreachable=(Unreachable(GONE, "not-installed", "no library", "pip install 'x'"),),
    )


@pytest.fixture
def plan(inventory: Inventory) -> Plan:
    return Plan(
        identity=inventory.identity,
        intent=Intent(case="IR-17", settle=60),
        at=NOON,
        principals=inventory.principals,
        accesses=inventory.accesses,
        steps=(
            Step(
                "s1", "example:session/cut", BOT, Phase.CUT, "end every session", breaks="sessions end", rearms=3600.0
            ),
            Step("s2", "example:token/disable", BOT, Phase.END, "disable token ci", ends=("tok_1",), rearms="always"),
            Step(
                "s3", "example:token/delete", BOT, Phase.MINT, "delete token old", reversible=False, after=("s1", "s2")
            ),
            Step("s4", "file/stage", BOT, Phase.DELIVER, "deliver the new one", to="file:/run/bot", after=("s3",)),
        ),
        residuals=(Residual(BOT, "ses/1", at(30), "no API ends it", "Example docs"),),
        manual=(Manual(BOT, "example:factor", "remove the phone by hand"),),
        open=(OpenDoor(BOT, "trust/p", "a partner can begin sessions", "--cut-trust trust/p"),),
        notices=(Notice(BOT, "a quota is nearly full"),),
        blind=inventory.blind,
        leads=inventory.leads,
        unreachable=inventory.unreachable,
    )


@pytest.fixture
def report(plan: Plan, inventory: Inventory) -> Report:
    tok, old, standing, session, trust = inventory.accesses
    return Report(
        run="20260131T120000Z-abc123",
        verb="revoke",
        identity="payments-bot",
        intent=plan.intent,
        state="partial",
        exit_code=5,
        headline="NOT PROVEN OUT",
        operator=("example:bot/responder",),
        times=Times(started=NOON, acted=at(0.05), sealed=at(2)),
        principals=plan.principals,
        outcomes=(
            Outcome(tok, "ended", Proof.ENFORCED, "the vendor refused it"),
            Outcome(old, "already", Proof.RECORDED, "read twice"),
            Outcome(standing, "ended", Proof.REQUESTED, "accepted, not yet seen"),
            Outcome(session, "left", None, "it expires by itself", until=at(30), appeared=True),
            Outcome(trust, "open", None, "nobody cut it"),
        ),
        steps=(
            StepResult("s1", "example:session/cut", str(BOT), Phase.CUT, "end every session", "done", "", True),
            StepResult("s2", "x", str(BOT), Phase.END, "disable token ci", "failed", "403 (needs tokens.update)", True),
        ),
        replacements=(
            Replacement("example:token", str(BOT), "waiting", None, "file:/run/bot", None, "the brake is on"),
        ),
        open=(*plan.open, OpenDoor(BOT, "trust/q", "known", kept=True)),
        residuals=plan.residuals,
        residual_until=at(30),
        blind=plan.blind,
        leads=plan.leads[:1],
        planted=plan.leads[1:],
        manual=plan.manual,
        notices=plan.notices,
        unreachable=plan.unreachable,
        next=("nhi-revoke resume 20260131T120000Z-abc123", "nhi-revoke apply plan-2.json"),
        next_plan="plan-2.json",
        journal="20260131T120000Z-abc123.jsonl",
        journal_sha256="ab" * 32,
    )
