"""What is told while the engine works: each thing once, and no more than was asked for."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from nhi_revoke.engine.event import CountEvent, Event, HoldEvent, Remaining, SaysEvent, StepEvent, WaitEvent
from nhi_revoke.render.moment import length, minute, moment
from nhi_revoke.render.progress import MOST_LEFT, LiveProgress, PlainProgress

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
waiting until 2026-01-31T12:00:58Z (58 s): settle
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
    assert moment(there) == "2026-01-31T12:05:09Z"
    assert minute(there) == "2026-01-31T12:05Z"
    assert moment(None) == minute(None) == ""


def holding(looks: int, *, minutes: float = 0, closed: tuple[str, ...] = ()) -> HoldEvent:
    now = NOON + timedelta(minutes=minutes)
    left = tuple(
        Remaining(access, says, NOON + timedelta(minutes=after))
        for access, says, after in (("ses/1", "session 1", 9), ("jwt/*", "", 60), ("ses/2", "session 2", 90))
        if after > minutes
    )
    return HoldEvent(now, now + timedelta(seconds=30), NOON + timedelta(minutes=90), looks, left, closed)


COUNTDOWN = """\
holding  next look in 30 s  closed again 0  until 2026-01-31T13:30Z (90 min)  look 1
        9 min left  until 2026-01-31T12:09Z  session 1
       60 min left  until 2026-01-31T13:00Z  jwt/*
       90 min left  until 2026-01-31T13:30Z  session 2
"""
CHANGED = """\
holding  next look in 30 s  closed again 1  until 2026-01-31T13:30Z (80 min)  look 3, last: disable token ci
       50 min left  until 2026-01-31T13:00Z  jwt/*
       80 min left  until 2026-01-31T13:30Z  session 2
"""


def test_off_a_terminal_a_countdown_is_said_where_it_changed() -> None:
    out = io.StringIO()
    progress = PlainProgress(out, 0)
    progress.tell(holding(1))
    progress.tell(holding(2, minutes=0.5))
    assert out.getvalue() == COUNTDOWN, "nothing changed but the time"
    progress.tell(holding(3, minutes=10, closed=("disable token ci",)))
    assert out.getvalue() == COUNTDOWN + CHANGED
    quiet = io.StringIO()
    PlainProgress(quiet, -1).tell(holding(1))
    assert quiet.getvalue() == ""


def test_live_counts_each_residual_down_and_the_next_look() -> None:
    out, passed = io.StringIO(), [0.0]
    progress = LiveProgress(out, 0, width=60, color=True, now=lambda: passed[0])
    progress.start()
    progress.tell(holding(1))
    for seconds, expected in (
        (12.0, ("next look in 18 s", " 9 min left", "60 min left")),
        (29.5, ("next look in 1 s", " 9 min left")),
        (450.0, ("next look in 0 s", " 90 s left", "53 min left")),
        (100_000.0, (" 0 s left",)),
    ):
        passed[0] = seconds
        out.seek(0)
        out.truncate()
        progress.tell(SaysEvent("a note"))
        bare = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", out.getvalue())
        assert [each for each in expected if each not in bare.replace("\n", " ")] == [], bare
        assert max(map(len, bare.splitlines())) <= 60, "cut, not wrapped: a line that wraps makes the others jump"
    progress.tell(holding(2, closed=("disable token ci",)))
    progress.stop()


def test_without_colour_it_still_counts_down() -> None:
    out = io.StringIO()
    progress = LiveProgress(out, 0, width=80, color=False)
    progress.start()
    progress.tell(CountEvent(4, 5, 1, 5, 0))
    progress.tell(WaitEvent(NOON + timedelta(seconds=58), NOON, "settle"))
    progress.tell(holding(1, closed=("disable token ci",)))
    progress.stop()
    shown = out.getvalue()
    assert [each for each in ("acted 4/5", "(58 s): settle", "closed again 1", "9 min left") if each not in shown] == []
    assert re.search("\x1b\\[[0-9;]*m", shown) is None, "the cursor moves, and nothing is coloured"


def test_live_names_the_last_of_what_it_has_no_line_for() -> None:
    out = io.StringIO()
    progress = LiveProgress(out, 0, width=80, color=True)
    progress.start()
    left = tuple(Remaining(f"ses/{n}", "", NOON + timedelta(minutes=n)) for n in range(1, MOST_LEFT + 4))
    progress.tell(HoldEvent(NOON, NOON, NOON, 1, left))
    progress.stop()
    assert f"and 3 more, the last until {minute(left[-1].until)}" in out.getvalue()
    assert f"ses/{MOST_LEFT}" in out.getvalue()
    assert f"ses/{MOST_LEFT + 1}" not in out.getvalue()


def test_waits_that_differ_by_less_than_a_second_are_said_once() -> None:
    out = io.StringIO()
    progress = PlainProgress(out, 0)
    for fraction in (0.1, 0.2, 0.3):
        progress.tell(WaitEvent(NOON + timedelta(seconds=58 + fraction), NOON, "settle"))
    assert out.getvalue().count("waiting until") == 1
