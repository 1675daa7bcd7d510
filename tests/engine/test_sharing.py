"""Each connection tells whoever shares a tenant's rate what it sends, and for which tenant; without a share nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
import respx

from nhi_revoke.config import Config
from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.sharing import SharedIo
from nhi_revoke.provider.counting import Counting, ask_counted, sends
from nhi_revoke.provider.fault import Throttled, Unavailable
from nhi_revoke.provider.http import HttpApi, Vendor
from nhi_revoke.provider.pace import UsedUp
from nhi_revoke.provider.rate import Rate
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.retry import RateHeaders, Window
from nhi_revoke.testing.conformance.world import Loaded
from tests.engine.counted import Counted
from tests.engine.test_io import failing
from tests.engine.tick import NOON, Tick

URL = "http://127.0.0.1:9"


class Conn:
    """A connection that learns its scope by asking."""

    def __init__(self, io: Any, scope: str = "") -> None:
        self.io, self.scope = io, scope

    def whoami(self) -> tuple[()]:
        return ()

    def now(self) -> datetime:
        return NOON


class ManyNames(Conn):
    counted_for = "id"


class Limited(Vendor):
    title: ClassVar[str] = "Vendor"
    rates: ClassVar[RateHeaders] = RateHeaders("limit", "remaining", "reset")

    def bucket(self, path: str) -> str:
        return path.split("/")[1]


class Renewing:
    """Its first token is refused. Each was asked for by a login of its own."""

    def __init__(self, io: SharedIo) -> None:
        self._io, self.tokens = io, 0

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        self.tokens += 1
        self._io.ask(lambda: None, repeatable=True)
        return {"authorization": "x"}

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        return self.tokens == 1


@pytest.fixture
def share() -> Counted:
    return Counted()


@pytest.fixture
def io(share: Counted) -> Iterator[SharedIo]:
    engine = EngineIo(Tick())
    made = SharedIo(engine, share, "acme", "t", "shop", Rate(7, 1.0))
    made.bind(Conn(made, "t"))
    yield made
    engine.close()


def test_without_a_share_connections_have_the_engines_own_io(tmp_path: Path, share: Counted) -> None:
    from nhi_revoke_example import provider as example

    registry, engine = Registry([Loaded("example", example)]), EngineIo(Tick())
    alone = Connections(registry, Config(state=tmp_path), engine)
    conn: Any = alone.at("example", "")
    assert alone.io(conn) is engine
    assert not isinstance(engine, Counting)
    sends(engine)
    assert ask_counted(engine, lambda: "answer", repeatable=True) == "answer"
    shared = Connections(registry, Config(state=tmp_path), engine, share, "shop")
    lent = shared.io(shared.at("example", ""))
    assert isinstance(lent, SharedIo)
    assert isinstance(lent, Counting)
    engine.close()


def test_each_try_is_counted_for_its_tenant(io: SharedIo, share: Counted) -> None:
    call, made = failing(Unavailable("down"), Unavailable("down"))
    io.ask(call, repeatable=True)
    assert made == [3]
    assert (share.sent, share.answers) == (3, 3)
    assert {(w.provider, w.scope, w.settings, w.bucket, w.rate) for w in share.wishes} == {
        ("acme", "t", "shop", "", Rate(7, 1.0))
    }


def test_what_says_that_it_sends_is_counted_once(io: SharedIo, share: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    io.ask(lambda: sends(io), repeatable=True)
    assert share.sent == 1

    def twice() -> None:
        sends(io)
        sends(io)

    io.ask(twice, repeatable=True)
    assert share.sent == 3
    io.ask(lambda: io.ask(lambda: None, repeatable=True), repeatable=True)  # a login on the way
    assert share.sent == 5
    ask_counted(io, lambda: sends(io, 20), repeatable=True)
    assert share.sent == 25
    monkeypatch.setattr("nhi_revoke.engine.sharing.AT_ONCE", -1.0)  # the turn has passed
    io.ask(lambda: sends(io), repeatable=True)
    assert share.sent == 27


def test_a_refusal_is_told_and_a_full_window_of_our_own_is_none(io: SharedIo, share: Counted) -> None:
    io.ask(
        failing(Throttled("slow", retry_after=3.0), Throttled("slow"), UsedUp("used", retry_after=1.0))[0],
        repeatable=True,
    )
    assert share.refusals == [3.0, None]


def test_what_was_asked_before_the_tenant_was_known_is_owed_once(share: Counted) -> None:
    engine = EngineIo(Tick())
    io = SharedIo(engine, share, "acme", "", "shop", None)
    sends(io, 2)
    conn = Conn(io)
    io.bind(conn)
    sends(io)
    conn.scope = "t"
    sends(io)
    sends(io)
    assert [(w.scope, w.count, w.owed, w.was_unknown) for w in share.wishes] == [
        ("", 2, 0, False), ("", 1, 0, False), ("t", 1, 3, True), ("t", 1, 0, True),
    ]  # fmt: skip
    engine.close()


def test_a_vendors_own_name_of_the_tenant_counts(io: SharedIo, share: Counted) -> None:
    io.bind(ManyNames(io, "example.com"))
    sends(io)
    assert [(w.scope, w.named) for w in share.wishes] == [("id", "example.com")]


def test_ctrl_c_stops_before_anything_is_sent(io: SharedIo, share: Counted) -> None:
    call, made = failing()
    io._io.stop.set()
    with pytest.raises(Interrupted):
        io.ask(call, repeatable=True)
    assert made == [0]
    assert share.sent == 0


def test_a_rate_that_a_provider_keeps_is_kept_by_all_and_how_often_it_looks_is_its_own(
    io: SharedIo, share: Counted
) -> None:
    io.pace("logs", 0.5, 5)
    io.pace("logs", 2.0)
    io.pace("one operation", 1 / 5)
    io.pace("one operation", 1 / 5)
    assert [(w.bucket, w.rate) for w in share.paces] == [("logs", Rate(5, 10.0)), ("logs", Rate(1, 0.5))]
    assert io.now() == NOON + timedelta(seconds=5)
    with pytest.raises(ValueError, match="never go together"):
        io.pace("logs", 0.5, 5, 6)


@respx.mock
def test_an_http_interface_tells_each_request_by_what_the_vendor_counts_it(io: SharedIo, share: Counted) -> None:
    headers = {"limit": "10", "remaining": "4", "reset": str(int(NOON.timestamp()) + 30)}
    answers = [httpx.Response(401, headers=headers), httpx.Response(200, headers=headers), httpx.Response(204)]
    respx.route().mock(side_effect=answers)
    api = HttpApi(io, URL, Limited(), Renewing(io))
    api.call("GET", "/users/1")
    api.call("DELETE", "/apps/1", count=3)
    login = ("", 1, True)
    assert [(w.bucket, w.count, w.reads) for w in share.wishes] == [
        login, ("users", 1, True), login, ("users", 1, True), login, ("apps", 3, False),
    ]  # fmt: skip
    assert share.answers == 8
    reset = NOON + timedelta(seconds=30)
    assert share.told == [("users", Window(10, 4, reset), 30.0)] * 2


@respx.mock
def test_what_a_full_window_held_back_is_given_back(io: SharedIo, share: Counted) -> None:
    reset = int(NOON.timestamp()) + 300
    full = {"limit": "10", "remaining": "0", "reset": str(reset)}
    respx.route().mock(return_value=httpx.Response(200, headers=full))
    api = HttpApi(io, URL, Limited())
    api.call("GET", "/users/1")
    with pytest.raises(UsedUp):
        api.call("GET", "/users/2")
    assert share.sent == share.answers == 2
    assert not share.refusals
