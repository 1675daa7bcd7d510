"""Our policies by properties: what is ours, what is foreign, and that no cut-off moves backwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke_aws.policy import (
    Deny,
    compact,
    console_cutoff,
    cutoff_after,
    later,
    moment,
    read,
    sid_of,
    stamp,
)

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
STAMPS = MOMENTS.map(stamp)
DENIES = st.builds(Deny, st.from_regex(r"[A-Za-z0-9]{1,40}", fullmatch=True), st.none() | STAMPS, st.none() | STAMPS)


@given(DENIES)
def test_what_is_written_is_read_back(deny: Deny) -> None:
    text = compact(deny.document())
    assert read(deny.document()) == read(text) == read(quote(text)) == deny


@given(DENIES, st.sampled_from(["Effect", "Action", "Resource", "Sid", "Condition", "Version"]))
def test_anything_changed_by_hand_is_foreign(deny: Deny, field: str) -> None:
    document = json.loads(compact(deny.document()))
    target = document if field == "Version" else document["Statement"][0]
    target[field] = "x y" if field != "Sid" else 7
    assert read(document) is None


@pytest.mark.parametrize(
    "document", [None, "", "{", [], {}, {"Statement": []}, {"Statement": [{}]}, {"Statement": "x"}]
)
def test_rubbish_is_foreign(document: Any) -> None:
    assert read(document) is None
    assert console_cutoff(document) is None


@given(MOMENTS, st.lists(st.none() | STAMPS, max_size=4))
def test_a_cutoff_never_moves_backwards_and_is_past_the_vendors_clock(
    now: datetime, existing: list[str | None]
) -> None:
    cutoff = moment(cutoff_after(now, *existing))
    assert cutoff >= now + timedelta(seconds=2)
    assert all(cutoff >= moment(e) for e in existing if e)
    assert cutoff <= max([now + timedelta(seconds=3), *(moment(e) for e in existing if e)])


@given(MOMENTS)
def test_the_format_is_whole_seconds_with_z_and_never_earlier(when: datetime) -> None:
    text = stamp(when)
    assert len(text) == 20
    assert text.endswith("Z")
    assert timedelta(0) <= moment(text) - when < timedelta(seconds=1)


@given(st.lists(STAMPS, min_size=1))
def test_the_latest_wins(stamps: list[str]) -> None:
    assert moment(later(*stamps) or "") == max(moment(s) for s in stamps)


@given(DENIES, DENIES)
def test_what_stops_another_is_at_least_as_strong(one: Deny, other: Deny) -> None:
    if one.stops(other) and one.cutoff is not None:
        assert other.cutoff is not None
        assert moment(one.cutoff) >= moment(other.cutoff)
    assert one.stops(one)
    assert Deny("x").stops(other)


def test_only_the_right_operator_and_key() -> None:
    text = compact(Deny("r", "2026-01-01T00:00:00Z", "2026-01-01T12:00:00Z").document())
    assert "IfExists" not in text, "that would hit long-term keys"
    assert "NotAction" not in text
    assert " " not in text
    assert text.count('"DateLessThan"') == 2


@pytest.mark.parametrize(
    ("written", "expected"),
    [("2024-10-10T09:43:48.085Z", "2024-10-10T09:43:49Z"), ("2024-10-10T09:43:48Z", "2024-10-10T09:43:48Z")],
)
def test_the_consoles_own_cutoff_is_read_with_its_milliseconds(written: str, expected: str) -> None:
    condition = {"DateLessThan": {"aws:TokenIssueTime": written}}
    statement = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": condition}
    assert console_cutoff({"Version": "2012-10-17", "Statement": [statement]}) == expected
    assert console_cutoff({"Version": "2012-10-17", "Statement": statement}) == expected
    assert console_cutoff({"Statement": [{**statement, "Effect": "Allow"}]}) is None


def test_a_sid_takes_letters_and_digits_only() -> None:
    assert sid_of("20261123T1200Z-7f3a_x") == "20261123T1200Z7f3ax"
    assert sid_of("--") == "NHIRevoke"
