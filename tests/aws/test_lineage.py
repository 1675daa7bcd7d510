"""Sessions from the logs: who began what with what, how long it lives, and what could not be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Found, Lead
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_aws.events import moment, parse_event
from nhi_revoke_aws.lineage import KIND, Lineage, Root, session_of

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
    return [f for f in found if isinstance(f, BlindSpot) and f.kind == kind]


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
    assert parse_event({"CloudTrailEvent": "{"}) is None
    assert parse_event({"CloudTrailEvent": json.dumps({"eventTime": "soon"})}) is None
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
    assert not blinds(observed(bench, USER)), "nhi.toml names them"
    (only,) = blinds(observed(bench, USER, regions=()))
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


def test_what_was_planted_elsewhere_is_a_lead(bench: Bench) -> None:
    walk = Lineage(bench.conn, bench.io, WHO, START)
    made = {"eventName": "CreateUser", "requestParameters": {"userName": "evil"}}
    parsed = parse_event(event(**made, responseElements={"user": {"arn": "arn:aws:iam::111122223333:user/evil"}}))
    assert parsed
    lead = walk._planted(parsed, ROOT)
    assert isinstance(lead, Lead)
    assert (lead.how, lead.to.id) == ("planted", "arn:aws:iam::111122223333:user/evil")
    own = parse_event(event(eventName="CreateAccessKey", requestParameters={"userName": "bot"}, responseElements={}))
    assert own
    assert walk._planted(own, ROOT) is None, "its own keys are listed by state"
