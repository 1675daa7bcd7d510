"""Our policies by properties: what is ours, what is foreign, and that no cut-off moves backwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.model.found import Access
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_aws.named_session import (
    DenySession,
    Named,
    by_key,
    given_name,
    named,
    named_of,
    one_session,
    read_session,
)
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


@pytest.mark.parametrize(
    "more",
    [
        {"DateLessThan": {"aws:TokenIssueTime": "2030-01-01T00:00:00Z", "aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z", "aws:TokenIssueTime": "2030-01-01T00:00:00Z"}},
        {"DateLessThan": {"aws:TokenIssueTime": "2030-01-01T00:00:00Z"}, "Bool": {"aws:SecureTransport": "false"}},
    ],
)
def test_a_policy_of_the_consoles_name_that_asks_for_more_denies_nothing_for_certain(more: Any) -> None:
    """Whoever may write it could have every session told as denied already."""
    statement = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": more}
    assert console_cutoff({"Version": "2012-10-17", "Statement": [statement]}) is None


def test_a_sid_takes_letters_and_digits_only() -> None:
    assert sid_of("20261123T1200Z-7f3a_x") == "20261123T1200Z7f3ax"
    assert sid_of("--") == "NHIRevoke"


# -- one session -----------------------------------------------------------------------------------------------------

SIDS = st.from_regex(r"[A-Za-z0-9]{1,40}", fullmatch=True)
CHOSEN = st.from_regex(r"[A-Za-z0-9_+=,.@-]{2,64}", fullmatch=True)
USER_IDS = CHOSEN.map(lambda name: Named("aws:userid", f"AROAEXAMPLEEXAMPLE123:{name}"))
NAMED = USER_IDS | CHOSEN.map(lambda name: Named("aws:SourceIdentity", name))
ROLE = Principal(PrincipalRef("aws", "", "arn:aws:iam::1:role/x/worker"), "role", "worker", "1", "AROAEXAMPLE")
USER = Principal(PrincipalRef("aws", "", "arn:aws:iam::1:user/bot"), "user", "bot", "1", "AIDAEXAMPLE")


@given(SIDS, NAMED)
def test_a_deny_of_one_session_is_read_back_and_is_no_other_policy_of_ours(sid: str, name: Named) -> None:
    deny = DenySession(sid, name)
    text = compact(deny.document())
    assert read_session(deny.document()) == read_session(text) == read_session(quote(text)) == deny
    assert read(deny.document()) is None
    assert console_cutoff(deny.document()) is None
    assert Named.of(str(name)) == name


@given(DENIES)
def test_our_other_policies_are_no_deny_of_one_session(deny: Deny) -> None:
    assert read_session(deny.document()) is None


@given(SIDS, NAMED, st.sampled_from(["Effect", "Action", "Resource", "Sid", "Condition", "NotAction", "Version"]))
def test_a_deny_of_one_session_that_was_changed_by_hand_is_foreign(sid: str, name: Named, field: str) -> None:
    document = json.loads(compact(DenySession(sid, name).document()))
    target = document if field == "Version" else document["Statement"][0]
    target[field] = "x y" if field != "Sid" else 7
    assert read_session(document) is None


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:userid": "AROA1:a", "aws:SourceIdentity": "b"}},
        {"StringEquals": {"aws:userid": ["AROA1:a"]}},
        {"StringEquals": {"aws:PrincipalTag/x": "a"}},
        {"StringLike": {"aws:userid": "AROA1:a"}},
        {"StringEquals": {"aws:userid": "AROA1:a"}, "DateLessThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}},
        {"StringEquals": {}},
    ],
)
def test_another_condition_is_foreign(condition: dict[str, Any]) -> None:
    statement = {"Sid": "a", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    assert read_session({"Version": "2012-10-17", "Statement": [statement]}) is None


@pytest.mark.parametrize("document", [None, "", "{", [], {}, {"Statement": []}, {"Statement": [{}]}, {"Statement": 1}])
def test_rubbish_is_no_deny_of_one_session(document: Any) -> None:
    assert read_session(document) is None


@given(NAMED)
def test_policy_names_fit_and_differ(name: Named) -> None:
    assert len(f"{name.policy}-20261123T120000Z-7f3a") <= 128
    assert name.policy not in ("NHIRevoke", "AWSRevokeOlderSessions")
    other = (
        Named("aws:SourceIdentity", name.name) if name.key == "aws:userid" else Named("aws:userid", f"1:{name.name}")
    )
    assert other.policy != name.policy


@pytest.mark.parametrize(
    ("scope", "who", "key", "value"),
    [
        ("aws:role-session/1/worker/nightly", ROLE, "aws:userid", "AROAEXAMPLE:nightly"),
        ("aws:role-session/1/worker/source-identity=ann@x", ROLE, "aws:SourceIdentity", "ann@x"),
        ("aws:user-session/1/bot/federated:guest", USER, "aws:userid", "1:guest"),
    ],
)
def test_a_scope_names_one_session(scope: str, who: Principal, key: str, value: str) -> None:
    assert one_session(scope)
    assert not by_key(scope)
    given_text = given_name(scope, who)
    assert given_text
    found = named(given_text, who)
    assert (str(found), found and found.name) == (f"{key}={value}", value.rpartition(":")[2])


@pytest.mark.parametrize(
    "scope",
    ["all", "sessions", "keys", "aws:access-key/AKIA1", "aws:role-session/1/worker/*", "aws:user-session/1/bot/*"],
)
def test_a_wider_scope_names_none(scope: str) -> None:
    assert not one_session(scope)
    assert given_name(scope, ROLE) is None


@pytest.mark.parametrize(
    "scope",
    [
        "aws:role-session/1/other/nightly",
        "aws:role-session/2/worker/nightly",
        "aws:role-session/ASIAEXAMPLE",
        "aws:user-session/1/worker/federated:x",
    ],
)
def test_a_session_of_another_principal(scope: str) -> None:
    assert one_session(scope)
    assert given_name(scope, ROLE) is None


@pytest.mark.parametrize("wrong", ["", "a", "night*", "a b", "${aws:username}", "a/b", "n" * 65, "source-identity=*"])
def test_what_no_role_session_is_called_is_refused(wrong: str) -> None:
    """A wildcard or a policy variable would deny more than was asked for, or nothing."""
    assert named(wrong, ROLE) is None
    assert named(f"federated:{wrong}", USER) is None


def test_a_user_has_named_sessions_by_federation_alone() -> None:
    assert named("nightly", USER) is None
    assert named("source-identity=nightly", USER) is None


def test_the_name_in_the_logs_is_the_one_that_is_denied() -> None:
    def seen(on: Principal, **before: Any) -> Access:
        return Access("aws:x/ASIA1", on.ref, "aws:x", "session", "live", before=before)

    assert str(named_of(seen(ROLE, session="nightly"), ROLE)) == "aws:userid=AROAEXAMPLE:nightly"
    assert str(named_of(seen(USER, session="guest"), USER)) == "aws:userid=1:guest"
    assert named_of(seen(ROLE), ROLE) is None
    assert named_of(seen(ROLE, session="*"), ROLE) is None
    meant = named("nightly", ROLE)
    assert meant
    assert meant.means(seen(ROLE, session="nightly", source_identity="ann"))
    assert not meant.means(seen(ROLE, session="Nightly")), "names differ by case"
    assert not meant.means(seen(ROLE))
    source = named("source-identity=ann", ROLE)
    assert source
    assert source.means(seen(ROLE, session="nightly", source_identity="ann"))
    assert not source.means(seen(ROLE, session="ann"))
