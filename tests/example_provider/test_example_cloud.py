"""The example vendor's rules, tried over the socket: what the conformance kit's verdicts on it rest on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.found import Access, Lead
from nhi_revoke.provider.fault import Denied, Missing, NoAnswer, Unauthenticated, Unavailable
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_example import Example, ExampleSettings, provider
from nhi_revoke_example.connection import Cloud
from nhi_revoke_example.sandbox import ExampleSandbox

LIVE = "example:token/tok_0008"
SESSIONS = "example:session/org-1/payments-bot/*"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[ExampleSandbox]:
    made = ExampleSandbox()
    made.start(MovableClock(datetime(2026, 11, 23, 12, tzinfo=UTC)))
    made.seed(str(tmp_path))
    yield made
    made.close()


@pytest.fixture
def conn(sandbox: ExampleSandbox) -> Iterator[Cloud]:
    io = EngineIo(SandboxClock(sandbox))
    yield provider.connect("", ExampleSettings(**sandbox.settings()), io)
    io.close()


def opened(sandbox: ExampleSandbox) -> dict[str, bool]:
    return {door.id: door.open() for door in sandbox.doors()}


def test_the_intruder_begins_with_doors_of_many_kinds(sandbox: ExampleSandbox) -> None:
    doors = opened(sandbox)
    assert [name for name, is_open in doors.items() if not is_open] == ["old", "expired", "late", "late-chained"]
    assert len({door.kind for door in sandbox.doors()}) >= 8


def test_a_disabled_token_is_refused_after_the_lag_and_its_sessions_live_on(
    sandbox: ExampleSandbox, conn: Cloud
) -> None:
    conn.call("PATCH", "/bots/payments-bot/tokens/tok_0008", {"state": "disabled"})
    assert opened(sandbox)["live"], "obeyed at once, although the vendor lags"
    sandbox.advance(3.1)
    doors = opened(sandbox)
    assert not doors["live"]
    assert not doors["mint"]
    assert doors["session"]
    assert doors["ledger"]


def test_the_intruder_mints_in_the_last_moment_so_that_one_cut_is_not_enough(
    sandbox: ExampleSandbox, conn: Cloud
) -> None:
    conn.call("PUT", "/bots/payments-bot/cutoff", {"cutoff": sandbox.now().isoformat(), "by": "test"})
    conn.call("PATCH", "/bots/payments-bot/tokens/tok_0008", {"state": "disabled"})
    sandbox.advance(10)
    doors = opened(sandbox)
    assert not doors["session"], "issued before the cut-off"
    assert doors["late"], "issued after the cut-off, with a token that was still obeyed"
    assert doors["late-chained"], "minted by the payments bot on the ledger bot in its last moment"
    conn.call("PUT", "/bots/payments-bot/cutoff", {"cutoff": sandbox.now().isoformat(), "by": "test"})
    sandbox.advance(10)
    assert not opened(sandbox)["late"]


def test_sessions_end_by_themselves_after_an_hour(sandbox: ExampleSandbox, conn: Cloud) -> None:
    conn.call("PATCH", "/bots/payments-bot/tokens/tok_0008", {"state": "disabled"})
    sandbox.advance(3700)
    assert not any(opened(sandbox)[door] for door in ("session", "late", "beyond"))


def test_lifting_a_cutoff_brings_sessions_back(sandbox: ExampleSandbox, conn: Cloud) -> None:
    conn.call("PUT", "/bots/payments-bot/cutoff", {"cutoff": sandbox.now().isoformat(), "by": "test"})
    sandbox.advance(4)
    assert not opened(sandbox)["session"]
    sandbox.meddle("lift-cutoff")
    sandbox.advance(4)
    assert opened(sandbox)["session"]


def test_a_new_token_is_refused_until_the_vendor_obeys_it(sandbox: ExampleSandbox, conn: Cloud) -> None:
    conn.call("DELETE", "/bots/payments-bot/tokens/tok_0007")
    new = conn.call("POST", "/bots/payments-bot/tokens", {"label": "new"}, again=False)
    with pytest.raises(Unauthenticated):
        conn.call_as(new["secret"], "GET", "/me")
    sandbox.advance(3.1)
    assert conn.call_as(new["secret"], "GET", "/me") == {"bot": "payments-bot"}


def test_a_third_token_is_refused(conn: Cloud) -> None:
    with pytest.raises(Exception, match="two-tokens-at-most"):
        conn.call("POST", "/bots/payments-bot/tokens", {"label": "third"}, again=False)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_pages_hide_nothing(sandbox: ExampleSandbox, conn: Cloud, size: int) -> None:
    sandbox.page_size(size)
    assert [t["id"] for t in conn.pages("/bots/payments-bot/tokens", "tokens")] == ["tok_0007", "tok_0008"]


def test_events_lag_and_show_lineage_and_what_was_planted(sandbox: ExampleSandbox, conn: Cloud) -> None:
    ref = provider.parse("bot/payments-bot")
    assert ref is not None
    who = provider.resolve(conn, ref)
    io = EngineIo(SandboxClock(sandbox))
    sessions = provider.kinds()[1]
    found = list(sessions.observe(conn, who, (), datetime(2026, 1, 1, tzinfo=UTC), io))
    born = {f.id.rpartition("/")[2]: f for f in found if isinstance(f, Access)}
    assert {f.parent for f in born.values() if f.on == ref} == {LIVE}
    assert sorted({str(f.on) for f in born.values()}) == [
        f"example:bot/{n}-bot" for n in ("deploy", "ledger", "payments")
    ]
    assert [str(f.to) for f in found if isinstance(f, Lead)] == ["example:bot/helper-bot"]
    assert sorted({f.state for f in born.values()}) == ["expired", "live"]
    assert opened(sandbox)["mint"]  # one more, now
    assert len(list(sessions.observe(conn, who, (), datetime(2026, 1, 1, tzinfo=UTC), io))) == len(found)
    sandbox.advance(21)
    assert len(list(sessions.observe(conn, who, (), datetime(2026, 1, 1, tzinfo=UTC), io))) == len(found) + 1


def test_faults_come_as_told(sandbox: ExampleSandbox, conn: Cloud) -> None:
    sandbox.allow_only(["tokens.list"])
    with pytest.raises(Denied) as denied:
        conn.call("GET", "/bots/payments-bot")
    assert denied.value.needs == "bots.read"
    sandbox.allow_only(None)
    sandbox.fault("tokens.create", "timeout")
    with pytest.raises(NoAnswer):
        conn.call("POST", "/bots/ledger-bot/tokens", {"label": "x"}, again=False)
    assert len(sandbox.cloud.tokens_of("ledger-bot")) == 1, "a timeout does not happen"
    sandbox.fault("tokens.create", "lost")
    with pytest.raises(NoAnswer):
        conn.call("POST", "/bots/ledger-bot/tokens", {"label": "x"}, again=False)
    assert len(sandbox.cloud.tokens_of("ledger-bot")) == 2, "a lost answer did happen"
    sandbox.fault("bots.read", "down", times=9)
    with pytest.raises(Unavailable):
        conn.call("GET", "/bots/payments-bot")
    sandbox.fault("whoami", "429")
    assert conn.whoami(), "throttling is waited out"
    with pytest.raises(Missing):
        conn.call("GET", "/bots/nobody/tokens")


def test_who_asked_is_told_apart(sandbox: ExampleSandbox, conn: Cloud) -> None:
    opened(sandbox)
    conn.call("GET", "/bots/payments-bot")
    by = {(call.by, call.mutates) for call in sandbox.calls()}
    assert by == {("intruder", False), ("intruder", True), ("operator", False)}


def test_the_control_door_works_from_outside(sandbox: ExampleSandbox) -> None:
    doors = httpx.get(f"{sandbox.control}/doors").json()["doors"]
    assert {d["id"]: d["open"] for d in doors}["live"]
    assert not any(canary in str(doors) for canary in sandbox.canaries())


@pytest.mark.parametrize(
    ("text", "ref"),
    [("bot/ci", "example:bot/ci"), ("bot_0001", "example:bot/bot_0001"), ("user/ci", "None"), ("bot/", "None")],
)
def test_names(text: str, ref: str) -> None:
    assert str(Example().parse(text)) == ref
