"""The sandbox's System Log: times, filters, pages and lag, as the real one documents them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from nhi_revoke_okta.sandbox.log_filter import compiled
from nhi_revoke_okta.sandbox.state import Event, Refusal, stamp

from .conftest import START, Bench

APP = {"id": "0oa1", "type": "PublicClientApp", "alternateId": "client", "displayName": "App"}
TOKEN = {"id": "AT.1", "type": "access_token"}
GRANTED = "app.oauth2.token.grant.access_token"


def ask(bench: Bench, **query: Any) -> httpx.Response:
    token = next(t.value for t in bench.org.api_tokens.values() if t.value in bench.sandbox.gate.operator)
    query.setdefault("until", stamp(bench.sandbox.now()))
    return httpx.get(
        f"{bench.sandbox.url}/api/v1/logs", params={k: v for k, v in query.items() if v is not None},
        headers={"Authorization": f"SSWS {token}"},
    )  # fmt: skip


def told(bench: Bench, **query: Any) -> list[str]:
    answer = ask(bench, **query)
    assert answer.status_code == 200, answer.text
    return [event["eventType"] for event in answer.json()]


@pytest.fixture
def log(bench: Bench) -> Bench:
    """Empty, but for what a test puts in."""
    bench.org.events.clear()
    return bench


def put(bench: Bench, what: str, at: datetime, actor: dict[str, Any] = APP) -> None:
    with bench.org.lock:
        bench.org.log(what, at, actor, TOKEN, grantType="client_credentials")


def test_an_event_in_the_documented_shape(log: Bench) -> None:
    put(log, GRANTED, START)
    log.sandbox.advance(1)
    [event] = ask(log).json()
    assert event["published"] == stamp(START)
    assert event["eventType"] == GRANTED
    assert (event["actor"]["id"], event["target"][0]["id"]) == ("0oa1", "AT.1")
    assert event["outcome"] == {"result": "SUCCESS"}
    assert event["debugContext"]["debugData"] == {"grantType": "client_credentials"}


def test_without_since_it_goes_back_seven_days_before_until(log: Bench) -> None:
    """Facts 1.4, 23."""
    for days in (8, 6):
        put(log, f"old.{days}", START - timedelta(days=days))
    assert told(log) == ["old.6"]
    assert told(log, since=stamp(START - timedelta(days=30))) == ["old.8", "old.6"]
    assert told(log, until=stamp(START - timedelta(days=7))) == ["old.8"]


def test_a_hundred_a_page_by_default_and_a_thousand_at_most(log: Bench) -> None:
    """Facts 1.4, 5."""
    for second in range(150):
        put(log, "event", START - timedelta(seconds=200 - second))
    assert len(told(log)) == 100
    assert len(told(log, limit=1000)) == 150
    assert ask(log, limit=1001).status_code == 400
    since = stamp(START - timedelta(days=1))
    rows = list(log.conn.rows("/api/v1/logs", "okta.logs.read", since=since, until=stamp(log.sandbox.now())))
    assert len(rows) == 150


def test_events_come_late(log: Bench) -> None:
    log.sandbox.lag(0, 30)
    put(log, "event", START)
    log.sandbox.advance(29)
    assert told(log) == []
    log.sandbox.advance(2)
    assert told(log) == ["event"]


def test_order(log: Bench) -> None:
    for second in (1, 3, 2):
        put(log, f"event.{second}", START - timedelta(seconds=second))
    assert told(log) == ["event.3", "event.2", "event.1"]
    assert told(log, sortOrder="DESCENDING") == ["event.1", "event.2", "event.3"]


def test_polling_is_refused(log: Bench) -> None:
    """The real one goes on for ever, page after page: whoever forgets `until` is to notice here."""
    assert ask(log, until=None).status_code == 400
    assert ask(log, since="yesterday").status_code == 400


def test_the_scope_is_needed(log: Bench) -> None:
    log.sandbox.allow_only(["okta.apps.read"])
    assert ask(log).status_code == 403


def event(type_: str = GRANTED, actor: str = "0oa1", target: str = "AT.1") -> Event:
    return Event("e", type_, START, {"id": actor}, [{"id": "other"}, {"id": target, "type": "access_token"}])


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        (f'eventType eq "{GRANTED}"', True),
        ('eventType eq "other"', False),
        ('actor.id eq "0oa1" and eventType eq "other"', False),
        ('actor.id eq "0oa1" or eventType eq "other"', True),
        ('target.id eq "AT.1"', True),
        ('target.id eq "AT.2" or target.id eq "other"', True),
        ('(actor.id eq "x" or actor.id eq "0oa1") and (target.id eq "AT.1")', True),
        ('actor.id eq "x" and target.id eq "AT.1" or actor.id eq "0oa1"', True),
        ('actor.id eq "0oa1" AND target.type EQ "access_token" and outcome.result eq "SUCCESS"', True),
    ],
)
def test_filters(text: str, matches: bool) -> None:
    assert compiled(text)(event()) is matches


@pytest.mark.parametrize(
    "text",
    ["actor.id", 'actor.id co "x"', "actor.id eq x", 'actor.id eq "x" and', '(actor.id eq "x"', 'actor.id eq "x")',
     'client.ip eq "x"', 'actor.id eq "x" actor.id eq "y"', "%", 'actor.id eq "x'],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        compiled(text)
