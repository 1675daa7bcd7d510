"""How long a vendor wants us to wait: every form of it, by the vendor's clock, waited out by the real engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.engine.io import LONGEST_OBEYED, TRIES
from nhi_revoke.provider.fault import Denied, Throttled
from nhi_revoke.provider.http import Refusal
from nhi_revoke.provider.retry import A_MOMENT, RateHeaders, pause, throttled, window

from .conftest import NAMES, START, Acme, Desk, Told

SKEWS = pytest.mark.parametrize("skew", [timedelta(0), timedelta(minutes=10), timedelta(minutes=-10)], ids=str)


def rates(limit: int, remaining: int, reset: datetime | int) -> tuple[tuple[str, str], ...]:
    told = reset if isinstance(reset, int) else int(reset.timestamp())
    return (("X-Limit", str(limit)), ("X-Remaining", str(remaining)), ("X-Reset", str(told)))


class Strict(Acme):
    """A vendor that also says "slower" with 403, as GitHub does."""

    rates: ClassVar[RateHeaders] = RateHeaders("x-limit", "x-remaining", "x-reset", (403, 429))


def test_retry_after_in_seconds_is_waited_out_exactly(desk: Desk) -> None:
    desk.side.answers([Told(429, headers=(("Retry-After", "7"),)), Told(429, headers=(("Retry-After", "0"),)), Told()])
    desk.api().call("POST", "/x")
    assert desk.waits == [7.0, 0.0]
    assert len(desk.side.asked) == 3, "throttled is not done: a POST is asked again, too"


@SKEWS
def test_retry_after_as_a_date_is_by_the_vendors_clock(desk: Desk, skew: timedelta) -> None:
    desk.side.skew = skew
    when = format_datetime(desk.side.now() + timedelta(seconds=30), usegmt=True)
    desk.side.answers([Told(429, headers=(("Retry-After", when),)), Told()])
    desk.api().call("GET", "/x")
    assert desk.waits == [pytest.approx(30, abs=1.5)]


@SKEWS
def test_reset_is_a_moment_of_the_vendors_clock(desk: Desk, skew: timedelta) -> None:
    """Never seconds from now, and never by this machine's clock (facts 1.4, 14)."""
    desk.side.skew = skew
    desk.side.answers([Told(429, headers=rates(100, 0, desk.side.now() + timedelta(seconds=40))), Told()])
    desk.api().call("GET", "/x")
    assert desk.waits == [pytest.approx(40 + A_MOMENT, abs=1.5)]


@SKEWS
def test_a_reset_that_has_passed_costs_a_moment(desk: Desk, skew: timedelta) -> None:
    desk.side.skew = skew
    desk.side.answers([Told(429, headers=rates(100, 0, desk.side.now() - timedelta(seconds=90))), Told()])
    desk.api().call("GET", "/x")
    assert desk.waits == [A_MOMENT]


def test_retry_after_goes_before_reset(desk: Desk) -> None:
    headers = (("Retry-After", "3"), *rates(100, 0, desk.side.now() + timedelta(seconds=90)))
    desk.side.answers([Told(429, headers=headers), Told()])
    desk.api().call("DELETE", "/x")
    assert 3.0 in desk.waits


def test_a_limit_of_zero_is_about_requests_side_by_side(desk: Desk) -> None:
    """Its reset is a guess (facts 1.4, 24): the engine backs off by itself."""
    headers = rates(0, 0, desk.side.now() + timedelta(seconds=60))
    desk.side.answers([Told(429, headers=headers), Told()])
    desk.api().call("GET", "/x")
    assert desk.waits == [pytest.approx(0.5, abs=0.3)]
    desk.api().call("GET", "/y")
    assert len(desk.waits) == 1, "no window was remembered"


def test_without_a_word_the_engine_backs_off(desk: Desk) -> None:
    desk.side.answers([Told(429), Told(429), Told()])
    desk.api().call("GET", "/x")
    assert len(desk.waits) == 2
    assert desk.waits[0] < desk.waits[1]


def test_a_wait_that_is_too_long_is_told_and_not_waited(desk: Desk) -> None:
    desk.side.answers([Told(429, headers=(("Retry-After", str(int(LONGEST_OBEYED) + 1)),))])
    with pytest.raises(Throttled) as said:
        desk.api().call("GET", "/x")
    assert said.value.retry_after == LONGEST_OBEYED + 1
    assert said.value.code == "429"
    assert desk.waits == []


def test_tries_are_bounded(desk: Desk) -> None:
    desk.side.answers([Told(429, headers=(("Retry-After", "1"),))])
    with pytest.raises(Throttled):
        desk.api().call("GET", "/x")
    assert len(desk.side.asked) == TRIES[Throttled]


@pytest.mark.parametrize("headers", [rates(100, 0, 1_795_867_300), (("Retry-After", "2"),)])
def test_a_403_is_slower_only_where_the_vendor_is_known_to_mean_that(
    desk: Desk, headers: tuple[tuple[str, str], ...]
) -> None:
    desk.side.answers([Told(403, headers=headers)])
    with pytest.raises(Denied):
        desk.api().call("POST", "/x", needs="x.write")
    assert len(desk.side.asked) == 1
    desk.side.answers([Told(403, headers=headers), Told()])
    desk.api(Strict()).call("POST", "/x")
    assert len(desk.side.asked) == 3


def test_a_403_without_a_sign_of_a_limit_is_a_denial(desk: Desk) -> None:
    desk.side.answers([Told(403, headers=rates(100, 7, START))])
    with pytest.raises(Denied):
        desk.api(Strict()).call("GET", "/x")


# -- pure ----------------------------------------------------------------------------------------------------------

DATE = {"date": format_datetime(START, usegmt=True)}


def test_a_window_is_told_whole_or_not_at_all() -> None:
    whole = {"x-limit": "100", "x-remaining": "3", "x-reset": str(int(START.timestamp()) + 60), **DATE}
    seen = window(whole, NAMES)
    assert seen is not None
    assert (seen.limit, seen.remaining, seen.reset) == (100, 3, START + timedelta(seconds=60))
    assert seen.reset.tzinfo is UTC
    for name in ("x-limit", "x-remaining", "x-reset"):
        assert window({k: v for k, v in whole.items() if k != name}, NAMES) is None
        assert window({**whole, name: "soon"}, NAMES) is None
    assert window({**whole, "x-limit": "0"}, NAMES) is None
    assert window({**whole, "x-reset": "9" * 15}, NAMES) is None
    assert window(whole, RateHeaders()) is None


def test_pause_by_our_estimate_where_the_answer_has_no_date() -> None:
    reset = {"x-limit": "9", "x-remaining": "0", "x-reset": str(int(START.timestamp()) + 60)}
    assert pause(reset, NAMES, START + timedelta(seconds=20)) == 40 + A_MOMENT
    assert pause({**reset, **DATE}, NAMES, START + timedelta(seconds=20)) == 60 + A_MOMENT
    assert pause({**reset, "x-remaining": "1"}, NAMES, START) is None
    assert pause({**reset, "retry-after": "in a while"}, NAMES, START) == 60 + A_MOMENT
    assert pause({"retry-after": "1.5"}, NAMES, START) == 1.5
    assert pause({"retry-after": "-1"}, NAMES, START) is None
    past = format_datetime(START - timedelta(minutes=1), usegmt=True)
    assert pause({"retry-after": past}, NAMES, START) == 0


@given(st.text(max_size=40) | st.sampled_from(["²", "٣", "9" * 5000, "1e9", "0x10", " 5 ", "1_000"]))
def test_no_header_breaks_it(text: str) -> None:
    headers = {"retry-after": text, "x-limit": text, "x-remaining": text, "x-reset": text, "date": text}
    told = pause(headers, NAMES, START)
    assert told is None or told >= 0
    window(headers, NAMES)
    throttled(403, headers, RateHeaders("x-limit", "x-remaining", "x-reset", (403,)))


class Slow(Strict):
    """A vendor that asks for a minute where it says nothing else, and tells some limits in the body alone."""

    rates: ClassVar[RateHeaders] = RateHeaders("x-limit", "x-remaining", "x-reset", (403, 429), untold=60.0)

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        return Refusal("too-fast", fault=Throttled) if isinstance(body, dict) and body.get("slow") else Refusal()


def test_a_refusal_that_does_not_say_how_long_waits_as_the_vendor_documents(desk: Desk) -> None:
    later = rates(100, 50, START + timedelta(hours=1))
    desk.side.answers([Told(429), Told(429, headers=later), Told(403, {"slow": True}), Told()])
    desk.api(vendor=Slow()).call("GET", "/x")
    assert desk.waits == [60.0, 60.0, 60.0]


def test_what_the_vendor_says_goes_before_that(desk: Desk) -> None:
    asks = (("Retry-After", "3"),)
    desk.side.answers([Told(429, headers=asks), Told(403, {"slow": True}, headers=asks), Told()])
    desk.api(vendor=Slow()).call("GET", "/x")
    assert desk.waits == [3.0, 3.0]


def test_without_a_documented_pause_the_engine_decides() -> None:
    assert pause({}, NAMES, START) is None
    assert pause({}, RateHeaders(untold=60.0), START) == 60.0
