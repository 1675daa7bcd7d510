"""Sessions from the logs: who began what with what, how long it lives, and what could not be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_aws.begun import Root, session_of
from nhi_revoke_aws.events import moment, parse_event
from nhi_revoke_aws.lineage import KIND

from .conftest import START, USER, WORKER, Bench

WHO = PrincipalRef("aws", "", "arn:aws:iam::111122223333:user/bot")


def observed(bench: Bench, typed: str, **changes: Any) -> list[Found]:
    view = bench.view(typed)
    conn = bench.connect(**changes)
    conn.now()
    since = bench.sandbox.now() - timedelta(hours=36)
    kind = bench.kinds["aws:user-session" if view.who.kind == "user" else "aws:role-session"]
    return list(kind.observe(conn, view.who, view.accesses, since, bench.io))


def sessions(found: list[Found]) -> dict[str, Access]:
    return {f.id: f for f in found if isinstance(f, Access)}


def blinds(found: list[Found], kind: str = KIND) -> list[BlindSpot]:
    """All but the one that tells which Regions the settings name: the sandbox's always do."""
    return [f for f in found if isinstance(f, BlindSpot) and f.kind == kind and "says so" not in f.why]


@pytest.mark.parametrize(
    "text",
    ["2026-11-23T17:57:36Z", "20261123T175736Z", "Nov 23, 2026, 5:57:36 PM", "Nov 23, 2026, 5:57:36\u202fPM",
     "2026-11-23T17:57:36+00:00", "2026-11-23T18:57:36+01:00"],
)  # fmt: skip
def test_every_form_of_time(text: str) -> None:
    assert moment(text) == datetime(2026, 11, 23, 17, 57, 36, tzinfo=UTC)


def test_no_time_is_none_and_an_unknown_form_is_never_guessed() -> None:
    assert moment(None) is None
    assert moment("") is None
    with pytest.raises(ValueError, match="soon"):
        moment("soon")


def event(**body: Any) -> dict[str, Any]:
    base = {
        "eventTime": "2026-11-23T11:00:00Z", "eventName": "GetSessionToken", "awsRegion": "eu-west-1",
        "userIdentity": {"type": "IAMUser", "arn": WHO.id, "accessKeyId": "AKIA1", "userName": "bot"},
        "requestParameters": {"durationSeconds": 3600},
        "responseElements": {"credentials": {"accessKeyId": "ASIA1", "expiration": "Nov 23, 2026, 12:30:00 PM"}},
    }  # fmt: skip
    return {"CloudTrailEvent": json.dumps({**base, **body})}


ROOT = Root("AKIA1", "aws:access-key/AKIA1", WHO)


def test_failed_and_unreadable_events_show_no_session() -> None:
    assert parse_event(event(errorCode="AccessDenied", responseElements=None)) is None
    for unreadable in ("{", "[]", json.dumps({"eventTime": "soon"}), json.dumps({"eventName": "AssumeRole"})):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever it is: unseen, not nothing
            parse_event({"CloudTrailEvent": unreadable})
    other = parse_event(event(eventName="ListBuckets", responseElements=None))
    assert other
    assert session_of(other, ROOT, START) is None


def test_a_session_has_parent_birth_and_end() -> None:
    parsed = parse_event(event())
    assert parsed
    found = session_of(parsed, ROOT, START)
    assert found
    assert (found.id, found.on, found.parent) == ("aws:user-session/ASIA1", WHO, ROOT.access)
    assert found.created == datetime(2026, 11, 23, 11, tzinfo=UTC)
    assert found.expires == datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    assert found.state == "live"
    late = session_of(parsed, ROOT, START + timedelta(hours=1))
    assert late
    assert late.state == "expired"


def test_an_unreadable_end_is_the_one_asked_for() -> None:
    answer = {"credentials": {"accessKeyId": "ASIA1", "expiration": "whenever"}}
    parsed = parse_event(event(responseElements=answer))
    assert parsed
    found = session_of(parsed, ROOT, START)
    assert found
    assert found.expires == datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_role_session_without_its_request_takes_the_answers_role() -> None:
    answer = {
        "credentials": {"accessKeyId": "ASIA2", "expiration": "2026-11-23T13:00:00Z"},
        "assumedRoleUser": {"arn": "arn:aws:sts::999900001111:assumed-role/far/s"},
    }
    parsed = parse_event(event(eventName="AssumeRole", requestParameters=None, responseElements=answer))
    assert parsed
    found = session_of(parsed, ROOT, START)
    assert found
    assert found.on.id == "arn:aws:iam::999900001111:role/far"


def test_lineage_from_the_key_through_the_role_to_the_chained_one(bench: Bench) -> None:
    bench.sandbox.lag(0, 0)
    loot = bench.sandbox.loot()
    bench.doors()
    found = sessions(observed(bench, USER))
    worker, ledger = bench.resolve(WORKER).ref, bench.resolve("role/payments-ledger").ref
    token = found[f"aws:user-session/{loot.session_token.key_id}"]
    assert token.parent == f"aws:access-key/{loot.key.key_id}"
    assert token.expires
    assert token.expires - bench.sandbox.now() > timedelta(hours=35)
    assert found[f"aws:user-session/{loot.federation_token.key_id}"].parent == token.parent
    assert f"aws:user-session/{loot.console.key_id}" in found, "seen by what it did"
    chained = found[f"aws:role-session/{loot.ledger.key_id}"]
    assert chained.on == ledger
    assert chained.parent == f"aws:role-session/{loot.worker.key_id}"
    assert found[f"aws:role-session/{loot.worker.key_id}"].on == worker
    assert len(found) == len(set(found)), "each once"
    of_role = sessions(observed(bench, WORKER))
    assert {loot.worker.key_id, loot.ledger.key_id} <= {a.door for a in of_role.values()}
    assert of_role[f"aws:role-session/{loot.worker.key_id}"].parent == f"aws:access-key/{loot.key.key_id}"


def test_paging_finds_the_same(bench: Bench) -> None:
    bench.doors()
    whole = sessions(observed(bench, USER))
    bench.sandbox.page_size(1)
    assert set(sessions(observed(bench, USER))) >= set(whole)


def test_lag_is_unseen_until_it_has_passed_and_covered_by_the_cuts(bench: Bench) -> None:
    (lag,) = blinds(observed(bench, USER), "aws:user-session")
    assert lag.until
    assert timedelta(minutes=14) < lag.until - bench.sandbox.now() <= timedelta(minutes=15)
    assert "aws:user-session/seal" in lag.covered_by


def test_regions_that_were_not_read_are_named(bench: Bench) -> None:
    found = observed(bench, USER)
    assert not blinds(found), "nhi.toml names them"
    (told,) = (f for f in found if isinstance(f, BlindSpot) and "says so" in f.why)
    assert not told.counts, "the operator chose"
    assert "read in us-east-1 only (regions = [...] in [aws] of nhi.toml says so)" in told.why
    (off,) = blinds(observed(bench, USER, regions=()))
    assert "af-south-1, me-central-1, which the account has switched off" in off.why
    assert not off.counts, "nothing can be done there"
    bench.sandbox.allow_only(["cloudtrail:LookupEvents", "iam:*", "sts:*"])
    (only,) = blinds(observed(bench, USER, regions=()))
    assert only.counts
    assert "us-east-1 only" in only.why


def test_a_denied_lookup_is_blind_and_never_none(bench: Bench) -> None:
    bench.view(USER)
    bench.sandbox.fault("cloudtrail:LookupEvents", "denied", times=1000)
    found = observed(bench, USER)
    (blind,) = blinds(found)
    assert blind.needs == "cloudtrail:LookupEvents"
    assert not sessions(found)


def test_one_regions_failure_does_not_hide_the_others(bench: Bench) -> None:
    bench.doors()
    whole = set(sessions(observed(bench, USER)))
    assert set(sessions(observed(bench, USER, regions=("us-east-1", "eu-west-1")))) == whole


def test_expired_sessions_are_not_listed(bench: Bench) -> None:
    loot = bench.sandbox.loot()
    bench.sandbox.advance(3600)
    found = sessions(observed(bench, USER))
    assert f"aws:role-session/{loot.ledger.key_id}" not in found
    assert f"aws:user-session/{loot.session_token.key_id}" in found


def test_null_and_odd_parts_of_an_event_are_empty() -> None:
    odd = {"userIdentity": None, "requestParameters": None, "responseElements": "none", "eventSource": None}
    parsed = parse_event(event(**odd))
    assert parsed
    assert (parsed.actor, parsed.asked, parsed.answer, parsed.source, parsed.minted) == ("", {}, {}, "", "")
    context = {"attributes": {"creationDate": "soon"}, "sourceIdentity": "alice"}
    parsed = parse_event(event(userIdentity={"type": "AssumedRole", "sessionContext": context}))
    assert parsed
    assert (parsed.began, parsed.source_identity) == (None, "alice"), "its birth alone is unknown"


def test_a_session_tells_by_what_a_policy_can_name_it() -> None:
    answer = {
        "credentials": {"accessKeyId": "ASIA2", "expiration": "2026-11-23T13:00:00Z"},
        "assumedRoleUser": {
            "arn": "arn:aws:sts::111122223333:assumed-role/worker/nightly", "assumedRoleId": "AROA1:nightly",
        },
    }  # fmt: skip
    asked = {"roleArn": "arn:aws:iam::111122223333:role/x/worker", "roleSessionName": "nightly"}
    context = {"sourceIdentity": "alice"}
    who = {"type": "AssumedRole", "accessKeyId": "ASIA1", "sessionContext": context}
    parsed = parse_event(
        event(eventName="AssumeRole", requestParameters=asked, responseElements=answer, userIdentity=who)
    )
    assert parsed
    chained = session_of(parsed, ROOT, START)
    assert chained
    assert chained.before == {"session": "nightly", "userid": "AROA1:nightly", "source_identity": "alice"}
    federated = parse_event(
        event(
            eventName="GetFederationToken",
            requestParameters={"name": "partner"},
            responseElements={
                "credentials": {"accessKeyId": "ASIA3"}, "federatedUser": {"federatedUserId": "111122223333:partner"},
            },
        )
    )  # fmt: skip
    assert federated
    found = session_of(federated, ROOT, START)
    assert found
    assert found.before == {"session": "partner", "userid": "111122223333:partner"}
    plain = parse_event(event())
    assert plain
    nameless = session_of(plain, ROOT, START)
    assert nameless
    assert nameless.before == {}


def test_every_look_finds_the_same_session(bench: Bench) -> None:
    first = sessions(observed(bench, USER))
    bench.sandbox.advance(60)
    second = sessions(observed(bench, USER))
    worker = f"aws:role-session/{bench.sandbox.loot().worker.key_id}"
    assert first[worker].before == second[worker].before
    assert first[worker].before["session"] == "nightly"
    assert first[worker].before["userid"].endswith(":nightly")


def test_a_root_session_of_a_member_account_is_on_its_root_user() -> None:
    for target in ("444455556666", "arn:aws:iam::444455556666:root"):
        parsed = parse_event(event(eventName="AssumeRoot", requestParameters={"targetPrincipal": target}))
        assert parsed
        found = session_of(parsed, ROOT, START)
        assert found
        assert found.on.id == "arn:aws:iam::444455556666:root"
