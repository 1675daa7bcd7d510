"""How long the longest access token lives: every server, policy and rule that may have minted one which still lives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from nhi_revoke.provider.fault import Denied, Missing, Unavailable
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.sandbox import plant_app, seed
from nhi_revoke_okta.scopes import SERVERS
from nhi_revoke_okta.servers import ABSENT, MOST_MINUTES, PATH, Known, Lives, Server, custom_servers, lives_of

from .conftest import START, Bench

LONG_AGO = (START - timedelta(days=90)).isoformat()
MINE = "payments-client"


class Lists:
    """Answers by path; an exception is raised."""

    def __init__(self, rows: dict[str, Any]) -> None:
        self._rows = rows

    def now(self) -> datetime:
        return START

    def rows(self, path: str, needs: str, **query: Any) -> Iterator[dict[str, Any]]:
        assert needs == SERVERS.read
        found = self._rows[path.removeprefix(PATH)]
        if isinstance(found, Exception):
            raise found
        yield from found


def policy(*clients: str, status: str = "ACTIVE", changed: str = LONG_AGO) -> dict[str, Any]:
    return {
        "id": "p", "status": status, "conditions": {"clients": {"include": list(clients)}}, "created": LONG_AGO,
        "lastUpdated": changed,
    }  # fmt: skip


def rule(minutes: int | None, *, status: str = "ACTIVE", changed: str = LONG_AGO) -> dict[str, Any]:
    token = {} if minutes is None else {"accessTokenLifetimeMinutes": minutes}
    return {
        "id": "r", "status": status, "actions": {"token": token}, "created": LONG_AGO, "lastUpdated": changed,
    }  # fmt: skip


def lives(bench: Bench, policies: Any, rules: Any, servers: int = 1) -> Lives:
    """Of one server, or of several alike."""
    known = Known(tuple(Server(f"aus{n}", f"server {n}") for n in range(servers)))
    rows = {f"/{s.id}/policies": policies for s in known.servers}
    rows |= {f"/{s.id}/policies/p/rules": rules for s in known.servers}
    return lives_of(cast("OktaConnection", Lists(rows)), MINE, known, bench.io)


def test_the_org_servers_hour_is_the_least(bench: Bench) -> None:
    assert lives(bench, [policy("ALL_CLIENTS")], [rule(5)]) == Lives(60, "the org server")
    assert lives(bench, [], []) == Lives(60, "the org server")


def test_the_longest_rule_counts(bench: Bench) -> None:
    assert lives(bench, [policy("ALL_CLIENTS")], [rule(5), rule(480), rule(90)]) == Lives(480, "server server 0")
    assert lives(bench, [policy(MINE)], [rule(120)]).minutes == 120


def test_policies_for_other_clients_do_not(bench: Bench) -> None:
    assert lives(bench, [policy("another")], [rule(480)]).minutes == 60
    assert lives(bench, [policy()], [rule(480)]).minutes == 480, "one that names nobody may be for all"


def test_a_client_that_was_taken_out_of_a_policy_within_the_day_still_has_its_tokens(bench: Bench) -> None:
    """The responder's own first move: the policy names the client no more, and what it minted lives on."""
    lately = (START - timedelta(hours=1)).isoformat()
    assert lives(bench, [policy("another", changed=lately)], [rule(480)]) == Lives(480, "server server 0")
    assert lives(bench, [policy("another", changed=lately, status="INACTIVE")], [rule(480)]).minutes == 480
    assert lives(bench, [policy("another", changed=lately)], [rule(480, status="INACTIVE")]).minutes == 480
    yesterday = (START - timedelta(hours=25)).isoformat()
    assert lives(bench, [policy("another", changed=yesterday)], [rule(480)]).minutes == 60, "none of them lives"


@pytest.mark.parametrize("off", ["policy", "rule"])
def test_what_has_been_inactive_for_a_day_minted_nothing_that_lives(bench: Bench, off: str) -> None:
    for changed, minutes in ((LONG_AGO, 60), ((START - timedelta(hours=23)).isoformat(), MOST_MINUTES)):
        status = {"status": "INACTIVE", "changed": changed}
        policies = [policy("ALL_CLIENTS", **(status if off == "policy" else {}))]
        rules = [rule(MOST_MINUTES, **(status if off == "rule" else {}))]
        assert lives(bench, policies, rules).minutes == minutes


def test_of_a_rule_that_was_changed_within_the_day_the_former_life_is_unknown(bench: Bench) -> None:
    lately = (START - timedelta(minutes=10)).isoformat()
    assert lives(bench, [policy("ALL_CLIENTS")], [rule(5, changed=lately)]).minutes == MOST_MINUTES


def test_a_rule_that_tells_no_life_may_have_the_longest(bench: Bench) -> None:
    assert lives(bench, [policy("ALL_CLIENTS")], [rule(None)]).minutes == MOST_MINUTES


@pytest.mark.parametrize("fault", [Denied("no", needs=SERVERS.read), Missing("gone")])
def test_what_cannot_be_read_is_said_and_taken_for_the_longest(bench: Bench, fault: Exception) -> None:
    found = lives(bench, fault, [], servers=2)
    assert (found.minutes, len(found.unseen)) == (MOST_MINUTES, 2)
    assert found.needs == (SERVERS.read if isinstance(fault, Denied) else "")
    found = lives(bench, [policy("ALL_CLIENTS")], fault)
    assert (found.minutes, len(found.unseen)) == (MOST_MINUTES, 1)


def test_no_servers_known_is_not_the_same_as_none(bench: Bench) -> None:
    none = lives_of(bench.conn, MINE, Known(), bench.io)
    assert none == Lives(60, "the org server")
    unseen = lives_of(bench.conn, MINE, Known((), "why", ABSENT), bench.io)
    assert (unseen.minutes, unseen.unseen, unseen.needs) == (MOST_MINUTES, ("why",), ABSENT)


def test_the_servers_of_the_org(bench: Bench) -> None:
    with bench.org.lock:
        ledger = seed.new_server(bench.org, "ledger", START, minutes=300)
    for size in (1, 1000):
        bench.sandbox.page_size(size)
        assert custom_servers(bench.conn) == Known((Server("default", "default"), Server(ledger.id, "ledger")))
    assert lives_of(bench.conn, MINE, custom_servers(bench.conn), bench.io) == Lives(300, "server ledger")


def test_a_404_and_a_denial_are_told_and_a_fault_is_raised(bench: Bench) -> None:
    """Facts 1.4, 21."""
    bench.org.api_access_management = False
    assert custom_servers(bench.conn).needs == ABSENT
    bench.org.api_access_management = True
    bench.sandbox.allow_only([])
    assert custom_servers(bench.conn).needs == SERVERS.read
    bench.sandbox.allow_only(None)
    bench.sandbox.fault("GET /api/v1/authorizationServers", "down", times=100)
    with pytest.raises(Unavailable):
        custom_servers(bench.conn)


def test_looking_asks_no_deeper_than_it_must(bench: Bench) -> None:
    """Servers beside the app; then policies; then rules."""
    bench.conn.named(bench.resolve(f"okta:app/{plant_app.TERMINAL}").ref)
    before = len(bench.sandbox.calls())
    custom_servers(bench.conn)
    assert len(bench.sandbox.calls()) == before + 1
