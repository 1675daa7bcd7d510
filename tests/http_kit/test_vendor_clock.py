"""The vendor's clock from Date headers: whole seconds, slow answers, both directions, and what is no date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.provider.vendor_clock import VendorClock, parse_date

from .conftest import START


class Local:
    """This machine's clock, set by the test."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


def dated(moment: datetime) -> str:
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


def seconds(apart: timedelta) -> float:
    return apart.total_seconds()


def test_it_is_this_machines_own_until_an_answer_came() -> None:
    local = Local()
    clock = VendorClock(local.now)
    assert clock.now() == START
    assert clock.ahead == timedelta(0)


@pytest.mark.parametrize("skew", [-600, -1, 0, 1, 600])
def test_it_is_learnt_within_a_second(skew: int) -> None:
    local = Local()
    clock = VendorClock(local.now)
    for step in (0, 0.4, 0.9, 7):
        local.at = START + timedelta(seconds=step)
        clock.learn(dated(local.at + timedelta(seconds=skew)))
        assert -1 < seconds(clock.now() - local.at) - skew <= 0


def test_a_slow_answer_does_not_set_the_clock_back() -> None:
    local = Local()
    clock = VendorClock(local.now)
    clock.learn(dated(local.at), local.at)
    asked = local.at
    local.at += timedelta(seconds=20)
    clock.learn(dated(asked + timedelta(seconds=1)), asked)
    assert seconds(clock.ahead) > -1
    clock.learn(dated(asked + timedelta(seconds=1)))  # it came at once: this is another clock now
    assert seconds(clock.ahead) == -19


def test_a_slow_first_answer_is_made_good_by_the_next() -> None:
    local = Local()
    clock = VendorClock(local.now)
    asked = local.at
    local.at += timedelta(seconds=15)
    clock.learn(dated(asked), asked)
    assert seconds(clock.ahead) == -15
    clock.learn(dated(local.at), local.at)
    assert -1 < seconds(clock.ahead) <= 0


def test_a_clock_that_was_set_anew_is_followed() -> None:
    local = Local()
    clock = VendorClock(local.now)
    clock.learn(dated(local.at + timedelta(minutes=10)), local.at)
    clock.learn(dated(local.at - timedelta(minutes=10)), local.at)
    assert seconds(clock.ahead) == -600


@pytest.mark.parametrize("header", ["", "yesterday", "Sat, 28 Nov 2026 12:00:00", "Sat, 99 Nov 2026 12:00:00 GMT", "²"])
def test_what_is_no_date_is_passed_over(header: str) -> None:
    clock = VendorClock(Local().now)
    clock.learn(header)
    assert clock.now() == START


def test_a_date_of_another_zone_is_told_in_utc() -> None:
    assert parse_date("Sat, 28 Nov 2026 14:00:00 +0200") == START
    told = parse_date("Sat, 28 Nov 2026 12:00:00 GMT")
    assert told is not None
    assert told.tzinfo is UTC


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} \d\d:\d\d:\d\d [+-]\d{1,9}"))
def test_no_header_breaks_it(header: str) -> None:
    told = parse_date(header)
    assert told is None or told.tzinfo is UTC
