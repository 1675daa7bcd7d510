"""`predicted_open`: what a report says of a door, from the report alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.model.found import Access, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Fate, Outcome, Report, Times
from nhi_revoke.model.step import OpenDoor, Residual

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOT, OTHER = PrincipalRef("example", "bot", "ci"), PrincipalRef("example", "bot", "deploy")
KEY = "example:token/1"
EMPTY = Report(
    run="r", verb="revoke", identity="ci", intent=Intent(), state="contained", exit_code=0, headline="OUT",
    operator=(), times=Times(verified=NOON), principals=(), outcomes=(), steps=(),
)  # fmt: skip


def report(fate: Fate, proof: Proof | None) -> Report:
    access = Access(KEY, BOT, "example:token", "key", "live")
    return replace(EMPTY, outcomes=(Outcome(access, fate, proof, "because"),))


@pytest.mark.parametrize("fate", get_args(Fate))
@pytest.mark.parametrize("proof", [*Proof, None])
def test_an_access_is_shut_only_when_its_end_was_recorded_or_better(fate: Fate, proof: Proof | None) -> None:
    shut = fate in ("ended", "already", "expired") and proof in (Proof.ENFORCED, Proof.SIMULATED, Proof.RECORDED)
    assert predicted_open(report(fate, proof), KEY) is not shut


def test_what_the_report_does_not_know_is_predicted_shut_so_that_trying_it_finds_the_gap() -> None:
    assert not predicted_open(EMPTY, KEY)
    assert not predicted_open(EMPTY, str(OTHER))


def test_an_open_door_is_open_whatever_its_outcome_says() -> None:
    ended = report("ended", Proof.ENFORCED)
    assert predicted_open(replace(ended, open=(OpenDoor(BOT, KEY, "it came back"),)), KEY)
    assert predicted_open(replace(ended, open=(OpenDoor(BOT, KEY, "wanted", kept=True),)), KEY), "kept is open, too"
    assert predicted_open(replace(ended, open=(OpenDoor(OTHER, "example:trust/1", "foreign"),)), str(OTHER))
    assert not predicted_open(replace(ended, open=(OpenDoor(OTHER, "example:trust/1", "foreign"),)), KEY)


@pytest.mark.parametrize(("after", "is_open"), [(None, True), (60, True), (0, False), (-60, False)])
def test_residuals_and_leads_last_until_their_time(after: int | None, is_open: bool) -> None:
    until = None if after is None else NOON + timedelta(seconds=after)
    ended = report("ended", Proof.RECORDED)
    assert predicted_open(replace(ended, residuals=(Residual(BOT, KEY, until, "lag", "docs"),)), KEY) is is_open
    lead = Lead(OTHER, "a session of it", "events", until=until)
    assert predicted_open(replace(EMPTY, leads=(lead,)), str(OTHER)) is is_open
    assert predicted_open(replace(EMPTY, planted=(lead,)), str(OTHER)) is is_open
