"""What is told while the engine works: each thing once, and no more than was asked for."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from nhi_revoke.engine.event import CountEvent, Event, SaysEvent, StepEvent, WaitEvent
from nhi_revoke.render.moment import length, minute, moment
from nhi_revoke.render.progress import LiveProgress, PlainProgress

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
EVENTS: tuple[Event, ...] = (
    CountEvent(0, 5, 0, 5, 0),
    StepEvent("s1", "disable token ci", "end", "started"),
    StepEvent("s1", "disable token ci", "end", "asked"),
    StepEvent("s1", "disable token ci", "end", "seen"),
    CountEvent(4, 5, 1, 5, 0),
    CountEvent(4, 5, 1, 5, 0),
    WaitEvent(NOON + timedelta(seconds=58), NOON, "settle"),
    WaitEvent(NOON + timedelta(seconds=58), NOON + timedelta(seconds=1), "settle"),
    SaysEvent("a note"),
    SaysEvent("the intruder \x1b[31mis back", "danger"),
    StepEvent("s2", "cut", "cut", "failed", "403"),
)
NORMAL = """\
acted 0/5  sealed 0/5  failed 0
seen  disable token ci
acted 4/5  sealed 1/5  failed 0
waiting until 2026-01-31 12:00:58Z (58 s): settle
a note
the intruder \\x1b[31mis back
failed  cut: 403
"""


def plain(verbosity: int) -> str:
    out = io.StringIO()
    progress = PlainProgress(out, verbosity)
    progress.start()
    for event in EVENTS:
        progress.tell(event)
    progress.stop()
    return out.getvalue()


def test_plain_lines() -> None:
    assert plain(0) == NORMAL


def test_quiet_tells_only_what_went_wrong() -> None:
    assert plain(-1) == "the intruder \\x1b[31mis back\nfailed  cut: 403\n"


def test_verbose_tells_every_request() -> None:
    assert [line for line in plain(1).splitlines() if line not in NORMAL.splitlines()] == [
        "started  disable token ci",
        "asked  disable token ci",
    ]


def test_live_keeps_the_count_on_the_last_line() -> None:
    out = io.StringIO()
    progress = LiveProgress(out, 0, width=80, color=True)
    progress.tell(EVENTS[3])
    assert out.getvalue() == "", "it is not started"
    progress.start()
    for event in EVENTS:
        progress.tell(event)
    progress.stop()
    progress.stop()
    shown = out.getvalue()
    assert "seen" in shown
    assert "acted 4/5" in shown
    assert "waiting until" in shown
    assert "\x1b[31mis back" not in shown
    progress.tell(EVENTS[3])
    assert out.getvalue() == shown, "it is stopped"


def test_live_counts_a_wait_down() -> None:
    out, passed = io.StringIO(), [0.0]
    progress = LiveProgress(out, 0, width=120, color=True, now=lambda: passed[0])
    progress.start()
    progress.tell(WaitEvent(NOON + timedelta(minutes=5), NOON, "grace: the old credential ends then"))
    for seconds in (61.0, 290.0, 10_000.0):
        passed[0] = seconds
        progress.tell(SaysEvent("a note"))
    progress.stop()
    shown = out.getvalue()
    assert [left for left in ("(5 min)", "(4 min)", "(10 s)", "(0 s)") if left not in shown] == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (58, "58 s"),
        (58.2, "59 s"),
        (120, "2 min"),
        (121, "3 min"),
        (3600, "60 min"),
        (7200, "2 h"),
        (11100, "3 h 05 min"),
        (172800, "2 d"),
        (187200, "2 d 04 h"),
    ],
)
def test_a_wait_is_never_said_shorter_than_it_is(seconds: float, text: str) -> None:
    assert length(seconds) == text


def test_moments_are_utc() -> None:
    from datetime import timezone

    there = datetime(2026, 1, 31, 14, 5, 9, tzinfo=timezone(timedelta(hours=2)))
    assert moment(there) == "2026-01-31 12:05:09Z"
    assert minute(there) == "2026-01-31 12:05Z"
    assert moment(None) == minute(None) == ""
