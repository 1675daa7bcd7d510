"""What tells Okta's principals elsewhere, and from where they are used."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from nhi_revoke.model.consumer import Consumer, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke_okta.access.access_token import BY_ORG, BY_SERVER
from nhi_revoke_okta.consumers import used

from .conftest import APP, START, Bench

SECRET, KEY = "okta:client-secret", "okta:client-key"


def plant(bench: Bench) -> None:
    """Events of the app, of another one, and one that failed."""
    who = bench.resolve(APP)
    mine = {"id": who.facts["client_id"], "type": "PublicClientApp"}
    other = {"id": "0oaSOMEBODYELSE00000", "type": "PublicClientApp"}
    with bench.org.lock:
        bench.org.events.clear()
        for what, days, actor, outcome, address in (
            (BY_ORG, 1, mine, "SUCCESS", "198.51.100.1"),
            (BY_SERVER, 2, mine, "SUCCESS", "198.51.100.1"),
            (BY_ORG, 8, mine, "SUCCESS", "198.51.100.2"),
            (BY_ORG, 1, mine, "FAILURE", "198.51.100.3"),
            (BY_ORG, 1, other, "SUCCESS", "198.51.100.4"),
            ("user.session.start", 1, mine, "SUCCESS", "198.51.100.5"),
        ):
            bench.org.log(what, START - timedelta(days=days), actor, {"id": "AT.1", "type": "access_token"})
            bench.org.events[-1].outcome, bench.org.events[-1].address = outcome, address


def look(bench: Bench) -> tuple[dict[str, Consumer], list[BlindSpot]]:
    who = bench.resolve(APP)
    found = list(bench.provider.consumers(bench.conn, Sought("payments-bot", (who,), ())))
    assert bench.writes() == []
    assert not any(secret in msgspec.json.encode(found).decode() for secret in bench.sandbox.canaries())
    rows = [each for each in found if isinstance(each, Consumer)]
    return {each.what: each for each in rows}, [each for each in found if isinstance(each, BlindSpot) and each.counts]


def test_an_app_is_told_by_its_client_id_and_its_id(bench: Bench) -> None:
    who = bench.resolve(APP)
    found = {mark.text: mark for mark in bench.provider.marks(who, ())}
    assert set(found) == {who.unique_id, who.facts["client_id"]}
    assert {(mark.of, mark.kind) for mark in found.values()} == {(who.ref, "")}


def test_its_kind_is_told_where_it_has_one_sort_of_credential_alone(bench: Bench) -> None:
    who = bench.resolve(APP)
    secrets, keys = (list(bench.accesses(APP, kind).values()) for kind in (SECRET, KEY))
    assert secrets
    assert keys
    for held, kind in ((secrets, SECRET), (keys, KEY), ([*secrets, *keys], "")):
        client = next(m for m in bench.provider.marks(who, held) if m.text == who.facts["client_id"])
        assert (client.kind, client.field) == (kind, "client_id")


def test_a_short_client_id_may_be_any_word(bench: Bench) -> None:
    who = bench.resolve(APP)
    short = msgspec.structs.replace(who, facts={**who.facts, "client_id": "payments"})
    assert {mark.text for mark in bench.provider.marks(short, ())} == {who.unique_id}


def test_a_user_is_told_by_its_login(bench: Bench) -> None:
    user = next(iter(bench.org.users.values()))
    who = bench.resolve(f"okta:user/{user.id}")
    assert {mark.text for mark in bench.provider.marks(who, ())} == {who.name, user.id}


def test_from_where_it_got_tokens_in_the_last_week(bench: Bench) -> None:
    plant(bench)
    found, unseen = look(bench)
    assert set(found) == {"whatever gets tokens from 198.51.100.1"}
    [one] = found.values()
    assert one.basis == "use"
    assert one.why == "2 tokens of the last week, the last at 2026-11-27T12:00:00.000Z"
    assert one.of == (bench.resolve(APP).ref,)
    assert unseen == []


def test_a_denied_log_is_a_blind_spot(bench: Bench) -> None:
    plant(bench)
    bench.sandbox.fault("GET /api/v1/logs", "denied", times=9)
    found, unseen = look(bench)
    assert found == {}
    assert [each.needs for each in unseen] == ["okta.logs.read"]
    assert "okta.logs.read" in bench.provider.finds


@pytest.mark.parametrize("size", [1, 1000])
def test_any_size_of_page_finds_the_same(bench: Bench, size: int) -> None:
    plant(bench)
    bench.sandbox.page_size(size)
    assert set(look(bench)[0]) == {"whatever gets tokens from 198.51.100.1"}


def test_more_events_than_are_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(bench)
    monkeypatch.setattr(used, "MOST", 1)
    found, unseen = look(bench)
    assert len(found) == 1
    assert ["events before the last 1" in each.why for each in unseen] == [True]
