"""No span holds more than the limit, whoever sends when: the pure part of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nhi_revoke.campaign.beat import ALIVE_WITHIN
from nhi_revoke.campaign.rates import SHARE
from nhi_revoke.campaign.slots import (
    GENTLY,
    GENTLY_FOR,
    GUESSED,
    SLACK,
    SLACK_SHARE,
    SharedClock,
    Told,
    handed_out,
    lane,
    learnt,
    slot,
    spared,
)
from nhi_revoke.provider.rate import Rate
from tests.campaign.process import ROOT

BEGAN = 1_800_000_000.0
A_HAIR = 1e-4
"""What floating point may lose of a moment."""


def fullest(sent: list[tuple[float, int]], seconds: float) -> int:
    """The most requests in any span of so many seconds."""
    sent, most, first, held = sorted(sent), 0, 0, 0
    for moment, count in sent:
        held += count
        while sent[first][0] <= moment - seconds + A_HAIR:
            held -= sent[first][1]
            first += 1
        most = max(most, held)
    return most


asks = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.0, 0.3, 1.7]),  # spans between two asks
        st.sampled_from([1, 1, 1, 2, 5, 20]),  # requests that go together
        st.sampled_from([0.0, 0.5, 1.0]),  # how late it arrives, of what is allowed
        st.booleans(),  # whether it is used at all
    ),
    max_size=120,
)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.sampled_from([1, 2, 3, 7, 40, 100]), st.sampled_from([1.0, 10.0, 60.0]), asks)
def test_no_span_holds_more_than_the_limit(
    requests: int, seconds: float, asked: list[tuple[float, int, float, bool]]
) -> None:
    at, now, sent = lane(Rate(requests, seconds)), BEGAN, list[tuple[float, int]]()
    for gap, count, late, used in asked:
        now += gap * seconds
        size = min(count, requests)
        at, moment = slot(at, now, size)
        assert moment >= now
        if used:
            sent.append((moment + late * (at.span - seconds), size))
    assert fullest(sent, seconds) <= requests


@pytest.mark.parametrize("seconds", [1.0, 10.0, 60.0, 3600.0])
def test_slots_follow_each_other_at_no_less_than_95_percent_of_the_limit(seconds: float) -> None:
    at, moments = lane(Rate(50, seconds)), list[float]()
    for _ in range(501):
        at, moment = slot(at, BEGAN)
        moments.append(moment)
    floor = 500 / 50 * seconds
    assert floor < moments[-1] - moments[0] <= floor * (1 + SLACK_SHARE) + A_HAIR


def test_slots_that_nobody_used_do_not_bunch_up() -> None:
    at, first = slot(lane(Rate(10, 1.0)), BEGAN)
    at, second = slot(at, BEGAN + 1000)
    at, third = slot(at, BEGAN + 1000)
    assert (first, second) == (BEGAN, BEGAN + 1000)
    assert third - second == pytest.approx(1.05 / 10, abs=A_HAIR)


def test_a_batch_costs_its_size_and_an_old_one_nothing() -> None:
    at, first = slot(lane(Rate(3000, 10.0)), BEGAN, 20)
    at, second = slot(at, BEGAN, 20)
    assert first == BEGAN
    assert second - first == pytest.approx(20 * (10 + SLACK) / (3000 - 19), abs=A_HAIR)
    at, _ = slot(at, BEGAN + 60)
    assert at.most == 1


def test_a_batch_of_more_than_half_of_the_limit_goes_alone() -> None:
    at, first = slot(lane(Rate(30, 10.0)), BEGAN)
    at, batch = slot(at, BEGAN, 20)
    _, after = slot(at, BEGAN)
    assert batch - first > 10 < after - batch


def test_a_share_stretches_the_span_and_is_slack_too() -> None:
    assert lane(Rate(1, 1.0), 0.8).span == pytest.approx(1.25)
    assert lane(Rate(1, 60.0), 0.8).span == pytest.approx(75.0)
    assert lane(Rate(1, 60.0), 0.999).span == lane(Rate(1, 60.0)).span == 60.0 + SLACK


def test_a_window_is_handed_out_down_to_what_is_spared() -> None:
    told, again = Told(10, 3, BEGAN + 30), 0.0
    spare = spared(10, 0.8, reads=True)
    told, again = handed_out(told, BEGAN, 1, spare)
    assert (told.left, again) == (2, 0.0)
    told, again = handed_out(told, BEGAN, 1, spare)
    assert (told.left, again) == (2, BEGAN + 31)
    for left in (1, 0):  # what ends something uses all of it
        told, again = handed_out(told, BEGAN, 1, spared(10, 0.8, reads=False))
        assert (told.left, again) == (left, 0.0)
    told, again = handed_out(told, BEGAN, 1, 0)
    assert again == BEGAN + 31
    told, again = handed_out(told, BEGAN + 31, 1, spare)
    assert (told, again) == (Told(10, 9, BEGAN + 31 + GUESSED, known=False), 0.0)


def test_a_limit_of_one_is_not_spared_away() -> None:
    told, again = handed_out(Told(1, 1, BEGAN + 9), BEGAN, 1, spared(1, 0.8, reads=True))
    assert (told.left, again) == (0, 0.0)


def test_answers_come_in_any_order_and_the_lowest_of_a_window_counts() -> None:
    told = learnt(None, Told(100, 50, BEGAN + 30), BEGAN)
    assert learnt(told, Told(100, 60, BEGAN + 31), BEGAN).left == 50
    assert learnt(told, Told(100, 40, BEGAN + 29), BEGAN) == Told(100, 40, BEGAN + 30)
    assert learnt(told, Told(100, 1, BEGAN - 30), BEGAN) == told  # of the window before
    assert learnt(told, Told(100, 1, BEGAN + 30), BEGAN + 31) == told
    assert learnt(told, Told(80, 79, BEGAN + 90), BEGAN + 31) == Told(80, 79, BEGAN + 90)
    guessed = Told(100, 90, BEGAN + 90, known=False)
    assert learnt(guessed, Told(100, 95, BEGAN + 80), BEGAN) == Told(100, 90, BEGAN + 80)
    assert learnt(guessed, Told(100, 0, BEGAN - 1), BEGAN) == guessed


def test_the_databases_clock_is_bounded_by_its_best_answers() -> None:
    clock = SharedClock()
    clock.learn(10.0, BEGAN, 10.4)
    clock.learn(11.3, BEGAN + 1.5, 11.6)
    assert clock.earliest(BEGAN + 5) == pytest.approx(15.1)
    assert clock.latest(BEGAN + 5, 1.0) == pytest.approx(16.0)
    assert clock.latest(BEGAN + 5, 0.06) == pytest.approx(15.13)  # too far away: half of it
    clock.learn(12.0, BEGAN - 100, 12.1)  # it was set back
    assert clock.earliest(BEGAN - 100) == pytest.approx(12.1)
    clock.learn(90.0, BEGAN - 21.5, 90.2)  # a minute on, by a slow answer: what was known is old
    assert clock.earliest(BEGAN - 21.5) == pytest.approx(90.2)


def test_the_guide_tells_what_holds() -> None:
    guide = " ".join((ROOT / "docs" / "how-to" / "campaign.md").read_text().split())
    first, *then = (many for _, many in GENTLY)
    assert f"{first} requests a second, {', '.join(f'then {many}' for many in then)}, and after a minute" in guide
    assert GENTLY_FOR == 60.0
    assert f"{SHARE:.0%}".replace("%", " %") + " of it" in guide
    assert f"less than half of the {ALIVE_WITHIN:.0f} seconds" in guide
