"""Receivers that are told of a run, through the command line: who was told what, and what came of a no."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.incident.conftest import BOT, USER_REF, WORKER_REF, YES, Incident
from tests.local.events import CAEP, Signals
from tests.local.receiving import Receiving, receiving

KEY = "canary-shared-key"


@pytest.fixture
def receiver(incident: Incident, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiving]:
    """The map names it."""
    monkeypatch.setenv("FLUSH_KEY", KEY)
    with receiving() as made:
        incident.map += f'\n[[identity.{BOT}.flush]]\nuse = "http"\nurl = "{made.url}"\nkey_env = "FLUSH_KEY"\n'
        yield made


def flushes(data: dict[str, Any], use: str) -> list[dict[str, Any]]:
    return [step for step in data["steps"] if step["does"] == use]


def troubled(data: dict[str, Any]) -> set[str]:
    return {s["does"] for s in data["steps"] if s["result"] in ("failed", "lost", "impossible", "skipped")}


def test_a_plan_names_the_receiver_and_tells_it_nothing(incident: Incident, receiver: Receiving) -> None:
    ran = incident("revoke", BOT, "--dry-run")
    assert ran.code == 0, ran
    at = receiver.url.removeprefix("http://")
    assert f"tell {at} (signed POST) to forget the old credentials after the seal" in ran.words
    assert receiver.got == []


def test_the_receiver_is_told_once_after_the_seal(incident: Incident, receiver: Receiving) -> None:
    ran = incident("revoke", BOT, "--rotate", "no", *YES, "-o", "json")
    assert ran.code in (6, 8, 9), ran
    [got] = receiver.got
    assert got.json["identity"] == BOT
    assert got.json["run"] == incident.runs()[-1]
    assert got.json["moment"] == "after the seal"
    assert {USER_REF, WORKER_REF} <= set(got.json["principals"])
    [step] = flushes(ran.data, "http")
    assert (step["result"], step["proof"]) == ("done", "requested")
    assert "FLUSHED REQUESTED http" in incident("report", "@last").words
    assert KEY not in incident.journal().read_text() + ran.out + ran.err


def test_a_receiver_that_says_no_makes_the_run_partial_and_nothing_else_fails(
    incident: Incident, receiver: Receiving
) -> None:
    receiver.says(422, {"message": "no such bot"})
    ran = incident("revoke", BOT, "--rotate", "no", *YES, "-o", "json")
    assert ran.code == 5, ran
    assert troubled(ran.data) == {"http"}
    assert any(error["message"].endswith("nothing was changed: no such bot") for error in ran.json["errors"]), ran
    assert incident.key_states()[incident.leaked] is False
    receiver.says(202)
    again = incident("resume", "@last", "-o", "json")
    assert [step["result"] for step in flushes(again.data, "http")] == ["done"]
    assert len({got.headers["idempotency-key"] for got in receiver.got}) == 1


# -- caep ----------------------------------------------------------------------------------------------------------

ISS, AUD = "https://ir.example/", "https://sp.example/"


@pytest.fixture(scope="module")
def signing() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def signals(incident: Incident, signing: RSAPrivateKey) -> Iterator[Signals]:
    """The map names it."""
    (incident.folder / "ssf.pem").write_bytes(signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with receiving() as made:
        strict = Signals(made, ISS, AUD)
        strict.knows("2026-1", signing)
        incident.map += (
            f'\n[[identity.{BOT}.flush]]\nuse = "caep"\nurl = "{made.url}"\niss = "{ISS}"\naud = "{AUD}"\n'
            f'kid = "2026-1"\nkey_file = "{incident.folder}/ssf.pem"\ncredential_type = "app"\n'
        )
        yield strict


def events(signals: Signals) -> list[tuple[str, str, str]]:
    """Event, change and subject of each token that was taken."""
    found = []
    for claims in signals.took.values():
        [(name, event)] = claims["events"].items()
        found.append((name.removeprefix(CAEP), event.get("change_type", ""), claims["sub_id"]["sub"]))
    return sorted(found)


def test_signals_are_told_what_ended_and_what_is_new(incident: Incident, signals: Signals) -> None:
    plan = incident("plan", BOT)
    assert "push session-revoked and credential-change of each principal to" in plan.words
    assert signals.took == {}
    ran = incident("rotate", BOT, "--case", "INC-4711", *YES, "-o", "json")
    assert ran.code in (6, 8, 9), ran
    assert events(signals) == [
        ("credential-change", "create", USER_REF),
        ("credential-change", "revoke", USER_REF),
        ("session-revoked", "", WORKER_REF),
        ("session-revoked", "", USER_REF),
    ]
    assert {claims["txn"] for claims in signals.took.values()} == {"INC-4711"}
    assert [(s["result"], s["proof"]) for s in flushes(ran.data, "caep")] == [("done", "requested")] * 2


def test_signals_are_told_of_no_session_that_the_scope_leaves(incident: Incident, signals: Signals) -> None:
    ran = incident("revoke", BOT, "--rotate", "no", "--scope", "keys", *YES, "-o", "json")
    assert not troubled(ran.data), ran
    assert {name for name, _, _ in events(signals)} == {"credential-change"}


def test_a_receiver_of_signals_that_knows_no_such_key(incident: Incident, signals: Signals) -> None:
    signals.jwks.clear()
    ran = incident("revoke", BOT, "--rotate", "no", *YES, "-o", "json")
    assert ran.code == 5, ran
    assert troubled(ran.data) == {"caep"}
    assert any("(400 invalid_key): nothing was changed: unknown kid" in e["message"] for e in ran.json["errors"]), ran
    assert incident.key_states()[incident.leaked] is False
    assert "PRIVATE KEY" not in incident.journal().read_text()
