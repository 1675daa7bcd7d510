"""Every event that the engine can tell has its line, in ndjson and on a screen: a missing one would look like a
provider's bug, and its logs like unread."""

from __future__ import annotations

import io
import json
from typing import get_args

import pytest

from nhi_revoke.cli.event_lines import EventLines
from nhi_revoke.engine.event import (
    CountEvent,
    Event,
    HoldEvent,
    ReadEvent,
    Remaining,
    SaysEvent,
    StepEvent,
    WaitEvent,
)
from nhi_revoke.render.progress import PlainProgress, event_line
from tests.engine.tick import NOON, after

EXAMPLES: dict[type, Event] = {
    CountEvent: CountEvent(4, 5, 1, 5, 0),
    HoldEvent: HoldEvent(
        NOON, after(30), after(900), 1, (Remaining("ses/1", "a session", after(600)),), ("disable it",)
    ),
    ReadEvent: ReadEvent("CloudTrail of x", 3, 12),
    SaysEvent: SaysEvent("look here"),
    StepEvent: StepEvent("s01", "disable it", "end", "seen"),
    WaitEvent: WaitEvent(after(60), NOON, "settling"),
}


@pytest.mark.parametrize("kind", get_args(Event))
def test_every_event_is_a_line_of_its_own_type(kind: type) -> None:
    out = io.StringIO()
    EventLines(out).tell(EXAMPLES[kind])
    [line] = out.getvalue().splitlines()
    assert json.loads(line)["type"] == kind.__name__.removesuffix("Event").lower()
    assert event_line(EXAMPLES[kind]).spans


def test_a_short_look_is_worth_no_line_and_a_long_one_is_told_when_it_ends() -> None:
    err = io.StringIO()
    shown = PlainProgress(err, 0)
    for done in (1, 2):
        shown.tell(ReadEvent("short", done, 2))
    for done in range(1, 13):
        shown.tell(ReadEvent("long", done, 12))
    assert err.getvalue() == "reading long: 12 of 12\n"
    PlainProgress(err, 1).tell(ReadEvent("short", 1, 2))
    assert err.getvalue().endswith("reading short: 1 of 2\n")
