"""`caep`: events as the standards have them, judged by a strict receiver that is shown to refuse what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import NoAnswer, Rejected
from nhi_revoke_local.flush.caep import Caep
from tests.local.events import CAEP as EVENTS
from tests.local.events import No, Signals
from tests.local.receiving import HangUp, Receiving
from tests.local.trial import NOON, Trial

CAEP = Caep()
ISS, AUD, KID = "https://ir.example/", "https://sp.example/caep", "2026-1"
SEALED, DELIVERED = "after the seal", "after the delivery"


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem(key: Any) -> bytes:
    made: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made


@pytest.fixture
def signals(receiver: Receiving) -> Signals:
    made = Signals(receiver, ISS, AUD)
    made.knows(KID, rsa_key())
    return made


@pytest.fixture
def settings(receiver: Receiving, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "key.pem").write_bytes(pem(rsa_key()))
    return {
        "url": receiver.url, "iss": ISS, "aud": AUD, "kid": KID, "key_file": str(tmp_path / "key.pem"),
        "credential_type": "app",
    }  # fmt: skip


def flush(run: Trial, settings: dict[str, Any], moment: str = SEALED, **more: Any) -> Step:
    return run.step("caep", moment, before={**settings, **more})


def names(signals: Signals) -> list[tuple[str, str]]:
    """(event, subject) of each token that was taken."""
    found = ((next(iter(c["events"])).removeprefix(EVENTS), c["sub_id"]["sub"]) for c in signals.took.values())
    return sorted(found)


def of_bot(signals: Signals, name: str) -> dict[str, Any]:
    """The bot's token of this event."""
    took = [c for c in signals.took.values() if EVENTS + name in c["events"]]
    [found] = [c for c in took if c["sub_id"]["sub"] == "example:user/bot"]
    return found


def test_what_ended_of_each_principal_and_no_more(run: Trial, signals: Signals, settings: dict[str, Any]) -> None:
    step = flush(run, settings)
    assert CAEP.check(run.conn, step) is None
    assert signals.took == {}, "the preflight pushes nothing"
    assert run.seen(CAEP, step) is None
    change = run.do(CAEP, step)
    assert isinstance(change, Done), change
    assert names(signals) == [
        ("credential-change", "example:user/bot"), ("session-revoked", "example:role/worker"),
        ("session-revoked", "example:user/bot"),
    ]  # fmt: skip
    assert set(change.left["sent"]) == set(signals.took)
    assert run.seen(CAEP, step) == change.left


def test_what_a_token_says(run: Trial, signals: Signals, settings: dict[str, Any]) -> None:
    """Facts standards.md D8."""
    run.do(CAEP, flush(run, settings))
    session, credential = of_bot(signals, "session-revoked"), of_bot(signals, "credential-change")
    stamp = int(NOON.timestamp())
    assert set(session) == {"iss", "aud", "iat", "jti", "txn", "sub_id", "events"}
    assert (session["iss"], session["aud"], session["iat"], session["txn"]) == (ISS, AUD, stamp, "INC-4711")
    assert session["sub_id"] == {"format": "iss_sub", "iss": ISS, "sub": "example:user/bot"}
    reason = {"en": "Incident INC-4711: payments-bot contained by nhi-revoke, run r-1 (leaked)"}
    common = {"event_timestamp": stamp, "initiating_entity": "admin", "reason_admin": reason}
    assert session["events"] == {f"{EVENTS}session-revoked": common}
    changed = {**common, "credential_type": "app", "change_type": "revoke"}
    assert credential["events"] == {f"{EVENTS}credential-change": changed}
    assert len(signals.took) == 3, "no jti twice"


def test_a_delivery_alone_revokes_no_session(run: Trial, signals: Signals, settings: dict[str, Any]) -> None:
    """A rotation delivers first and ends the old sessions later: until then, saying so would be a lie."""
    run.do(CAEP, flush(run, settings, DELIVERED))
    assert {name for name, _ in names(signals)} == {"credential-change"}
    assert {next(iter(c["events"].values()))["change_type"] for c in signals.took.values()} == {"create"}
    step = flush(run, settings, DELIVERED, events=["session-revoked"])
    assert run.do(CAEP, step) == Already({"sent": []})
    assert len(signals.took) == 1
    assert CAEP.prove(run.conn, step, run).how == "no event is due at this moment: nothing was pushed"


def test_a_principal_that_the_receiver_knows_by_another_name(
    run: Trial, signals: Signals, settings: dict[str, Any]
) -> None:
    known = {"example:user/bot": {"iss": "https://idp.example/", "sub": "99beb27c"}}
    run.do(CAEP, flush(run, settings, subjects=known))
    assert {subject for _, subject in names(signals)} == {"99beb27c", "example:role/worker"}


def test_a_retry_pushes_the_same_tokens(
    run: Trial, signals: Signals, settings: dict[str, Any], receiver: Receiving
) -> None:
    taken: list[int] = []

    def flaky(got: Any) -> Any:
        taken.append(1)
        if len(taken) in (2, 3):
            raise HangUp
        return signals.answer(got)

    receiver.answer = flaky
    assert isinstance(run.do(CAEP, flush(run, settings)), Done)
    assert len(signals.took) == 3
    first = set(signals.took)
    run.clock.advance(60)
    run.do(CAEP, flush(run, settings))
    assert set(signals.took) == first, "jti is the step's, whenever it is tried"
    assert len(signals.again) >= 3


def test_lost_for_good_is_lost(run: Trial, settings: dict[str, Any], receiver: Receiving) -> None:
    def hang(_: Any) -> Any:
        raise HangUp

    receiver.answer = hang
    with pytest.raises(NoAnswer):
        run.do(CAEP, flush(run, settings))


def test_a_no_is_failed_with_its_words(run: Trial, signals: Signals, settings: dict[str, Any]) -> None:
    """RFC 8935, 2.4."""
    with pytest.raises(Rejected) as caught:
        run.do(CAEP, flush(run, settings, aud="https://other.example/"))
    assert "(400 invalid_audience): nothing was changed: aud" in caught.value.message
    signals.jwks.clear()
    with pytest.raises(Rejected) as caught:
        run.do(CAEP, flush(run, settings))
    assert "(400 invalid_key): nothing was changed: unknown kid" in caught.value.message


def test_200_is_not_what_the_standard_says(run: Trial, settings: dict[str, Any], receiver: Receiving) -> None:
    receiver.says(200, b"ok")
    change = run.do(CAEP, flush(run, settings))
    assert isinstance(change, Failed)
    assert "answered 200 and not 202 (RFC 8935)" in change.why


def test_accepted_is_all_that_is_claimed(run: Trial, signals: Signals, settings: dict[str, Any]) -> None:
    step = flush(run, settings)
    run.do(CAEP, step)
    told = CAEP.prove(run.conn, step, run)
    assert told.proof is Proof.REQUESTED
    assert "accepted 3 events (202); what it did with them cannot be seen from here" in told.how


def test_a_bearer_where_the_receiver_wants_one(
    run: Trial, signals: Signals, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    signals.bearer = "canary-bearer"
    with pytest.raises(Rejected) as caught:
        run.do(CAEP, flush(run, settings))
    assert "authentication_failed" in caught.value.message
    monkeypatch.setenv("SSF_TOKEN", "canary-bearer")
    assert isinstance(run.do(CAEP, flush(run, settings, token_env="SSF_TOKEN")), Done)


# -- the receiver itself: what is wrong is refused -----------------------------------------------------------------

Mutate = Callable[[dict[str, Any]], None]


def _event(claims: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(claims["events"].values()))
    return found


WRONG: dict[str, Mutate] = {
    "sub must not be there": lambda c: c.update(sub="bot"),
    "exp must not be there": lambda c: c.update(exp=9_999_999_999),
    "event_timestamp is not in seconds": lambda c: _event(c).update(event_timestamp=int(NOON.timestamp()) * 1000),
    "not exactly one event": lambda c: c["events"].update({f"{EVENTS}credential-change": {}}),
    "sub_id": lambda c: c.pop("sub_id"),
    "txn": lambda c: c.update(txn=4711),
    "reason_admin": lambda c: _event(c).update(reason_admin={}),
    "initiating_entity": lambda c: _event(c).update(initiating_entity="operator"),
    "a claim that this event does not have": lambda c: _event(c).update(change_type="revoke"),
    "unknown event": lambda c: c.update(events={f"{EVENTS}made-up": _event(c)}),
    "MissingRequiredClaimError": lambda c: c.pop("jti"),
    "iss": lambda c: c.update(iss="https://evil.example/"),
    "aud": lambda c: c.update(aud="https://other.example/"),
    "iat": lambda c: c.update(iat=int(NOON.timestamp()) * 1000),
}


@pytest.mark.parametrize("why", WRONG)
def test_the_receiver_refuses_what_is_wrong(
    run: Trial, signals: Signals, settings: dict[str, Any], receiver: Receiving, why: str
) -> None:
    run.do(CAEP, flush(run, settings))
    good = of_bot(signals, "session-revoked")
    head = {"typ": "secevent+jwt", "kid": KID}
    assert signals.token(jwt.encode(good, rsa_key(), "RS256", head)) == good
    bad = {**good, "events": {name: dict(event) for name, event in good["events"].items()}}
    WRONG[why](bad)
    with pytest.raises(No) as caught:
        signals.token(jwt.encode(bad, rsa_key(), "RS256", head))
    assert caught.value.args[1] == why


def test_the_receiver_refuses_another_key_and_another_type(
    run: Trial, signals: Signals, settings: dict[str, Any]
) -> None:
    run.do(CAEP, flush(run, settings))
    good = of_bot(signals, "session-revoked")
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for key, head in ((other, {"typ": "secevent+jwt", "kid": KID}), (rsa_key(), {"typ": "JWT", "kid": KID})):
        with pytest.raises(No):
            signals.token(jwt.encode(good, key, "RS256", head))


# -- what the map says ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"url": "http://sp.example/"}, "must begin with https://"),
        ({"iss": "https://u:canary@ir.example/"}, "iss holds a user name"),
        ({"credential_type": ""}, "credential-change needs credential_type"),
        ({"events": []}, "Expected `array` of length >= 1"),
        ({"events": ["session-killed"]}, "Invalid enum value"),
        ({"kid": ""}, "kid"),
        ({"token_env": "A", "token_file": "b"}, "are both there"),
        ({"keyfile": "x"}, 'there is no setting "keyfile"'),
        ({"key": "canary"}, 'there is no setting "key"'),
        ({"subjects": {"a:b/c": {"iss": "x"}}}, "missing required field `sub`"),
        ({"key_file": "/no/such/file"}, "cannot be read (FileNotFoundError)"),
        ({"token_env": "NO_SUCH"}, "the variable NO_SUCH (token_env) is not set"),
    ],
)
def test_what_cannot_work_is_said_before(
    run: Trial, receiver: Receiving, settings: dict[str, Any], more: dict[str, Any], says: str
) -> None:
    told = CAEP.check(run.conn, flush(run, settings, **more))
    assert told is not None
    assert told.why.startswith("caep: ")
    assert says in told.why
    assert "canary" not in told.why + told.manual
    assert receiver.got == []


def test_keys_that_do_not_fit(run: Trial, settings: dict[str, Any], tmp_path: Path) -> None:
    for name, content in (
        ("short", pem(rsa_key(1024))), ("ec", pem(ec.generate_private_key(ec.SECP256R1()))), ("text", b"canary-text"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        told = CAEP.check(run.conn, flush(run, settings, key_file=str(tmp_path / name)))
        assert told is not None
        assert "holds no private key that fits (RSA of 2048 bits or more" in told.why
        assert "canary" not in repr(told)


def test_what_the_plan_says(settings: dict[str, Any]) -> None:
    says, breaks = CAEP.tells({**settings, "url": "https://sp.example/push"})
    what = "push session-revoked and credential-change of each principal to sp.example/push"
    assert says == f"{what} (signed, as https://ir.example/)"
    assert breaks == "whatever sp.example/push ends on such an event"


def test_a_missing_library_names_what_to_type(
    run: Trial, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nhi_revoke_local.flush.base.missing", tuple)
    told = CAEP.check(run.conn, flush(run, settings))
    assert told is not None
    assert told.manual == "pip install 'nhi-revoke[caep]'"
