"""Private keys and client secrets of an app: no API deletes them; the copy that is held is tried, and tells."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Failed, Impossible
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Manual, Phase, Step
from nhi_revoke.provider.fault import Throttled
from nhi_revoke_github.sandbox import plant_app, seed

from .conftest import APP, START, Bench

KEY, SECRET = "github:app-key", "github:app-secret"
BOTH = pytest.mark.parametrize("kind", [KEY, SECRET])
DELETE = {KEY: "delete-app-key", SECRET: "delete-app-secret"}
ASKED = {KEY: "GET /app", SECRET: "POST /applications/<client_id>/token"}


def one(bench: Bench, kind: str) -> Access:
    [access] = bench.accesses(APP, kind).values()
    return access


def confirms(bench: Bench, kind: str) -> list[Step]:
    return [s for s in bench.steps(APP) if s.does == f"{kind}/confirm"]


def by_hand(bench: Bench, kind: str) -> list[Manual]:
    return [d for d in bench.draft(APP) if isinstance(d, Manual) and d.kind == kind]


def blind(bench: Bench, kind: str) -> list[BlindSpot]:
    return [f for f in bench.collect(APP, kind) if isinstance(f, BlindSpot)]


def with_app(bench: Bench, **changes: Any) -> None:
    bench.settings = replace(bench.settings, apps=(replace(bench.settings.apps[0], **changes),))
    bench.conn = bench.connect()


# -- what is held --------------------------------------------------------------------------------------------------


@BOTH
def test_one_that_is_held_is_tried_and_lives(bench: Bench, kind: str) -> None:
    access = one(bench, kind)
    assert (access.state, access.elsewhere) == ("live", True)
    assert access.family == {KEY: "key", SECRET: "secret"}[kind]
    assert "GitHub accepts it" in access.note
    [other] = blind(bench, kind)
    assert other.counts, "another one would let its holder in again"
    assert "no API lists" in other.why
    assert bench.writes() == []


def test_the_key_is_named_by_the_fingerprint_that_github_shows(bench: Bench) -> None:
    public = bench.sandbox.scene.private_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    mark = b64encode(hashlib.sha256(public).digest()).decode()
    access = one(bench, KEY)
    assert access.label == f"private key SHA256:{mark} of app payments-bot"
    assert access.id == plant_app.key_access(bench.sandbox.scene)
    assert "/" not in access.id.removeprefix(f"{KEY}/payments-bot/")


@BOTH
def test_by_hand_with_the_very_page(bench: Bench, kind: str) -> None:
    [manual] = by_hand(bench, kind)
    assert f"{bench.conn.site}/organizations/example-payments/settings/apps/payments-bot" in manual.what
    assert manual.ends == (one(bench, kind).id,)
    assert confirms(bench, kind) == []
    if kind == KEY:
        assert "fingerprint SHA256:" in manual.what
        assert "take a suspension back" in manual.what
        assert "an hour" in manual.what, "facts 2.4, 21: what it minted lives on"


@BOTH
def test_once_it_was_deleted_it_is_tried_and_proven(bench: Bench, kind: str) -> None:
    """Facts 2.1: GET /app with the old key must be 401."""
    bench.sandbox.meddle(DELETE[kind])
    access = one(bench, kind)
    assert access.state == "expired"
    assert "refuses it" in access.note
    assert "401" in access.note
    assert by_hand(bench, kind) == []
    [step] = confirms(bench, kind)
    assert (step.phase, step.ends) == (Phase.END, (access.id,))
    assert isinstance(bench.do(step), Already)
    assert bench.seen(step) == {"refused": True}
    proven = bench.prove(step)
    assert proven.proof is Proof.ENFORCED
    assert isinstance(bench.undo(step), Impossible)
    assert bench.writes() == []


@BOTH
def test_one_that_works_again_is_not_called_dead(bench: Bench, kind: str) -> None:
    """As where the old file was put back, between plan and run."""
    app = bench.sandbox.scene.app
    keys, secret = dict(app.keys), app.client_secret
    bench.sandbox.meddle(DELETE[kind])
    [step] = confirms(bench, kind)
    app.keys.update(keys)
    app.client_secret = secret
    assert isinstance(bench.do(step), Failed)
    assert bench.seen(step) is None
    assert bench.prove(step).proof is Proof.UNPROVEN


@BOTH
@pytest.mark.parametrize("fault", ["500", "timeout", "down"])
def test_no_answer_is_no_refusal(bench: Bench, kind: str, fault: Any) -> None:
    from nhi_revoke.provider.fault import NoAnswer, Unavailable

    bench.sandbox.fault(ASKED[kind], fault, times=9)
    with pytest.raises((Unavailable, NoAnswer)):
        bench.collect(APP, kind)


@BOTH
def test_a_limit_is_no_refusal(bench: Bench, kind: str) -> None:
    """Facts 2.4, 19."""
    bench.sandbox.fault(ASKED[kind], "429", times=9)
    with pytest.raises(Throttled):
        bench.collect(APP, kind)


@BOTH
def test_a_denial_is_no_refusal(bench: Bench, kind: str) -> None:
    """Facts 2.4, 13."""
    bench.sandbox.allow_only(["metadata:read"])
    assert one(bench, kind).state == "unknown"
    told = [b for b in blind(bench, kind) if b.counts]
    assert len(told) == 2, "the held one's, and the others'"
    assert all(b.needs for b in told)
    assert [b for b in told if "could not be tried" in b.why]
    [manual] = by_hand_denied(bench, kind)
    assert manual.what


def by_hand_denied(bench: Bench, kind: str) -> list[Manual]:
    """Of this kind alone: the others' listings are denied."""
    bench.kinds = {kind: bench.kinds[kind]}
    return by_hand(bench, kind)


@pytest.mark.parametrize("text", [None, "hunter2", "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END-----"])
def test_a_file_without_a_key_proves_nothing(bench: Bench, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "key.pem"
    if text is not None:
        file.write_text(text)
    with_app(bench, private_key_file=str(file))
    access = one(bench, KEY)
    assert access.state == "unknown"
    assert access.id == f"{KEY}/example-payments/payments-bot/*"
    [told] = blind(bench, KEY)
    assert told.counts
    assert "hunter2" not in repr(bench.collect(APP, KEY))


def test_another_apps_key_proves_nothing(bench: Bench, tmp_path: Path) -> None:
    """It is accepted, and says nothing of this app."""
    other, key = seed.new_app(bench.hub, "other", START)
    file = tmp_path / "other.pem"
    file.write_text(plant_app.pem_of(key))
    with_app(bench, private_key_file=str(file), client_id=other.client_id)
    assert one(bench, KEY).state == "unknown"
    assert any(b.counts for b in blind(bench, KEY))


@pytest.mark.parametrize("skew", [-590, 590])
def test_this_machines_clock_is_no_reason_to_call_a_key_dead(bench: Bench, skew: int) -> None:
    bench.sandbox.skew(skew)
    bench.conn = bench.connect()
    assert one(bench, KEY).state == "live"


# -- what is not held ----------------------------------------------------------------------------------------------


@BOTH
def test_one_that_is_not_held_stands_for_all(bench: Bench, kind: str) -> None:
    bench.settings = replace(bench.settings, apps=())
    bench.conn = bench.connect()
    access = one(bench, kind)
    assert (access.id, access.state) == (f"{kind}/example-payments/payments-bot/*", "unknown")
    [manual] = by_hand(bench, kind)
    assert "[[github.apps]]" in manual.what
    if kind == KEY:
        assert "openssl rsa -in KEY.pem -pubout -outform DER | openssl sha256 -binary | openssl base64" in manual.what
    assert not [c for c in bench.sandbox.calls() if c.name == ASKED[kind]]


@BOTH
def test_outside_the_scope_nothing_is_asked_of_anybody(bench: Bench, kind: str) -> None:
    found = bench.draft(APP, scope="sessions")
    assert not [d for d in found if isinstance(d, Manual) and d.kind == kind]


def test_the_secret_of_an_oauth_app(bench: Bench, tmp_path: Path) -> None:
    """It has no key, no installation, and no name that an API tells."""
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    app, _ = seed.new_app(bench.hub, "terminal", START)
    app.client_id, app.client_secret = "0123456789abcdef0123", "hunter2"
    held = replace(bench.settings.apps[0], slug="", client_id=app.client_id, client_secret_file=str(secret))
    bench.settings = replace(bench.settings, apps=(held,))
    bench.conn = bench.connect()
    found = bench.accesses(f"github:oauth/{app.client_id}")
    assert {a.kind: a.state for a in found.values()} == {SECRET: "live", "github:user-token": "unknown"}
    app.client_secret = "another"
    assert bench.accesses(f"github:oauth/{app.client_id}", SECRET)[f"{SECRET}/{app.client_id}/held"].state == "expired"
    assert "hunter2" not in repr(found)
