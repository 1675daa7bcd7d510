"""Certificates on both objects, and keys of single sign-on that are none (facts entra.md 8: 3, 5, 7, 32)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.step import Notice, Step
from nhi_revoke.provider.fault import Conflict
from nhi_revoke_entra.access.credential import thumbprint
from nhi_revoke_entra.sandbox import plant_keys

from .conftest import APP, START, Bench

KIND = "entra:certificate"
PATCH = "PATCH /v1.0/applications/<one>"


def removal(bench: Bench) -> Step:
    [step] = [s for s in bench.steps(APP, brake="off") if s.does == f"{KIND}/remove"]
    return step


def test_a_key_of_single_sign_on_is_no_way_in_and_is_kept(bench: Bench) -> None:
    found = bench.accesses(APP, KIND).values()
    opening = [a for a in found if a.opens]
    assert [a.label for a in opening] == ["certificate CN=payments-bot on the application"]
    kept = [a for a in found if not a.opens]
    assert {a.before["usage"] for a in kept} == {"Sign", "Verify"}
    drafts = bench.draft(APP, brake="off")
    assert not {a.id for a in kept} & {e for d in drafts if isinstance(d, Step) for e in d.ends}
    assert any(isinstance(d, Notice) and "single sign-on" in d.says for d in drafts)


def test_a_certificate_beside_a_signing_key_is_a_way_in(bench: Bench) -> None:
    with bench.tenant.lock:
        plant_keys.add_key(bench.tenant, bench.principal, "hidden", START)
    labels = {a.label for a in bench.accesses(APP, KIND).values() if a.opens}
    assert "certificate CN=hidden on the service principal" in labels


@pytest.mark.parametrize("form", ["hex", "base64"])
def test_thumbprints_in_either_form(bench: Bench, form: str) -> None:
    key = next(iter(bench.scene.application.keys.values()))
    mark = key.thumbprint
    if form == "base64":
        with bench.tenant.lock:
            key.thumbprint = base64.b64encode(bytes.fromhex(mark)).decode()
    assert mark in {a.door for a in bench.accesses(APP, KIND).values()}
    assert thumbprint("not base64!") == ""
    assert thumbprint(None) == ""


def test_removing_one_keeps_every_other(bench: Bench) -> None:
    """A PATCH of keyCredentials replaces them all."""
    with bench.tenant.lock:
        other, _ = plant_keys.add_key(bench.tenant, bench.scene.application, "other", START)
        signing, _ = plant_keys.add_key(bench.tenant, bench.scene.application, "sso", START, "Sign")
    steps = [s for s in bench.steps(APP, brake="off") if s.does == f"{KIND}/remove"]
    assert len({s.lock for s in steps}) == 1, "two of them side by side would bring each other back"
    step = next(s for s in steps if "payments-bot on" in s.says)
    before = {k.key_id: (k.certificate, k.end) for k in (other, signing)}
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step)
    shown = {k.key_id for k in bench.scene.application.keys.values() if k.there.shown}
    assert shown == {other.key_id, signing.key_id}
    assert {k.key_id: (k.certificate, k.end) for k in (other, signing)} == before
    assert not bench.doors()["certificate"]
    assert bench.doors()["client-secret"]
    assert isinstance(bench.do(step), Already)
    assert bench.writes().count(PATCH) == 1, "what is gone is not written again"


def lagging(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Once it is called, the next read of the keys comes from a replica that has heard of nothing since now."""
    path, query = f"/applications/{bench.scene.application.id}", {"$select": "id,keyCredentials"}
    good, later = bench.conn.get, list[Any]()
    old = good(path, "", **query)

    def read(asked: str, needs: str, **more: Any) -> Any:
        return later.pop() if later and (asked, more) == (path, query) else good(asked, needs, **more)

    monkeypatch.setattr(bench.conn, "get", read)
    return lambda: later.append(old)


def shown(bench: Bench) -> set[str]:
    return {key.name for key in bench.scene.application.keys.values() if key.there.shown}


def test_a_read_that_lags_brings_back_none_that_was_removed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts entra.md 2 ("Consistency"): the second list is read from where nobody heard of the first one."""
    with bench.tenant.lock:
        for name in ("other", "kept"):
            plant_keys.add_key(bench.tenant, bench.scene.application, name, START)
    lag = lagging(bench, monkeypatch)
    first, second = (
        next(s for s in bench.steps(APP, brake="off") if f"certificate CN={name} on" in s.says)
        for name in ("payments-bot", "other")
    )
    assert isinstance(bench.do(first), Done)
    assert shown(bench) == {"CN=other", "CN=kept"}
    lag()
    assert isinstance(bench.do(second), Done)
    assert shown(bench) == {"CN=kept"}
    assert not bench.doors()["certificate"]


def test_what_is_lost_besides_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench.tenant.lock:
        other, _ = plant_keys.add_key(bench.tenant, bench.scene.application, "other", START)
    step = next(s for s in bench.steps(APP, brake="off") if "payments-bot on" in s.says)
    good = bench.conn.send

    def raced(*arguments: object, **more: object) -> object:
        answer = good(*arguments, **more)  # type: ignore[arg-type]
        other.there.set(False, START, 0)
        return answer

    monkeypatch.setattr(bench.conn, "send", raced)
    with pytest.raises(Conflict, match=other.key_id):
        bench.do(step)


def test_a_lost_answer_is_looked_for(bench: Bench) -> None:
    step = removal(bench)
    bench.sandbox.fault(PATCH, "lost")
    with pytest.raises(Exception, match="it may have happened"):
        bench.do(step)
    assert bench.seen(step)
    assert bench.writes().count(PATCH) == 1


def test_no_private_or_public_key_is_journaled(bench: Bench) -> None:
    told = repr(bench.collect(APP, KIND)) + repr(bench.steps(APP, brake="off"))
    for key in (*bench.scene.application.keys.values(), *bench.principal.keys.values()):
        assert key.certificate[:40] not in told
