"""Whole runs that deliver to a key vault: contained and rolled over, and whatever goes wrong on the way."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.intent import Intent
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance.crash import Killed, kill_at
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.state import Password
from nhi_revoke_entra.sandbox.vault_state import VaultSecret, VaultVersion, held

from .conftest import Whole

ADD, REMOVE = "POST /v1.0/applications/<one>/addPassword", "POST /v1.0/applications/<one>/removePassword"
PUT = "PUT /_vault/<vault>/secrets/<name>"
PATCH = "PATCH /_vault/<vault>/secrets/<name>/<version>"
TOKEN = "POST /<tenant>/oauth2/v2.0/token"
ROLLOVER = "rollover"
BESIDE = "other"


def secret(whole: Whole) -> VaultSecret:
    return whole.entra.tenant.vaults[seed.VAULT].secrets[seed.VAULT_SECRET]


def current(whole: Whole) -> VaultVersion:
    return secret(whole).versions[-1]


def passwords(whole: Whole) -> list[Password]:
    """What stands on the application, but what has expired."""
    with whole.entra.lock:
        kept = whole.entra.scene.application.passwords.values()
        return [p for p in kept if p.there.shown and p.name != "last year"]


def writes(whole: Whole) -> list[str]:
    return [c.name for c in whole.sandbox.calls() if c.by == "operator" and c.mutates]


def beside(whole: Whole) -> list[dict[str, Any]]:
    """A secret of the same vault that is nobody's business."""
    with whole.entra.lock:
        if BESIDE not in whole.entra.tenant.vaults[seed.VAULT].secrets:
            seed.add_vault_secret(whole.entra.tenant, seed.VAULT, BESIDE, "x", whole.entra.now())
        return held(whole.entra.tenant.vaults[seed.VAULT].secrets[BESIDE])


def rotated(whole: Whole, order: str, **more: Any) -> Report:
    if order != ROLLOVER:
        return whole.run(**more)
    plan = whole.plan(Intent(order="rollover", replace=whole.intent.replace))
    return whole.run(plan, verb="rotate", **more)


@pytest.mark.parametrize("order", ["contain", ROLLOVER])
def test_the_new_one_is_what_the_vault_holds_and_nothing_else_changed(vaulted: Whole, order: str) -> None:
    was, other = held(secret(vaulted)), beside(vaulted)
    report = rotated(vaulted, order)
    [one] = report.replacements
    assert (one.result, one.to) == ("served", f"azure-keyvault:{seed.VAULT}/{seed.VAULT_SECRET}")
    [made] = passwords(vaulted)
    assert current(vaulted).value == made.value
    assert current(vaulted).tags["keyId"] == made.key_id
    assert current(vaulted).tags["nhi-revoke-run"] == report.run
    assert current(vaulted).times == {"exp": int(made.end.timestamp())}
    assert held(secret(vaulted))[:-1] == was, "the version before stays, until finish"
    assert beside(vaulted) == other
    assert not vaulted.open_doors() & {"client-secret", "hidden-secret"}
    assert any("still holds the old credential, until finish" in n.says for n in report.notices)
    assert mispredicted(vaulted, report) == []
    asked = writes(vaulted)
    assert asked.count(PUT) == 1
    if order == ROLLOVER:
        assert asked.index(PUT) < asked.index(REMOVE), "the old one works until the new one is served"
    with vaulted.engine() as engine:
        if order != ROLLOVER:  # the identity's user is held, too
            engine.act(report.run, "release", engine.plan_release(report.run, wait=False), YES)
        last = engine.act(report.run, "finish", engine.plan_finish(report.run), YES)
    assert [v.enabled for v in secret(vaulted).versions] == [False, True]
    assert any("is disabled, and still holds" in n.says for n in last.notices)
    assert beside(vaulted) == other


def test_the_plan_says_that_nothing_is_written_before_the_proof(vaulted: Whole) -> None:
    says = [s.says for s in vaulted.plan().steps if s.does.startswith("azure-keyvault/")]
    to = f"azure-keyvault:{seed.VAULT}/{seed.VAULT_SECRET}"
    assert says == [
        f"look, before anything is written, at {to}", f"write the new one, current at once, to {to}"
    ]  # fmt: skip


@pytest.mark.parametrize("order", ["contain", ROLLOVER])
@pytest.mark.parametrize("wrong", ["deleted", "managed", "form", "denied"])
def test_what_the_look_finds_stops_the_mint(vaulted: Whole, order: str, wrong: str) -> None:
    """In a rollover the old one goes on working; in a containment nothing new is made."""
    with vaulted.entra.lock:
        if wrong == "form":
            current(vaulted).value = '{"a": "b"}'
        elif wrong == "denied":
            vaulted.entra.tenant.vaults[seed.VAULT].by_policy = frozenset({"secrets/list"})
        else:
            setattr(secret(vaulted), wrong, True)
    was = held(secret(vaulted))
    report = rotated(vaulted, order)
    assert [r.result for r in report.replacements] == ["not-replaced"]
    assert ADD not in writes(vaulted)
    assert PUT not in writes(vaulted)
    assert REMOVE not in writes(vaulted)
    assert held(secret(vaulted)) == was
    assert ("client-secret" in vaulted.open_doors()) is (order == ROLLOVER)
    assert mispredicted(vaulted, report) == []


@pytest.mark.parametrize("order", ["contain", ROLLOVER])
def test_a_write_that_is_refused_destroys_the_new_one(vaulted: Whole, order: str) -> None:
    """That it may be written is known only then. In a rollover the old one goes on working."""
    with vaulted.entra.lock:
        vaulted.entra.tenant.vaults[seed.VAULT].by_policy = frozenset({"secrets/get", "secrets/list"})
    was = held(secret(vaulted))
    report = rotated(vaulted, order)
    [one] = report.replacements
    assert one.result != "served"
    assert held(secret(vaulted)) == was
    names = [p.name for p in passwords(vaulted)]
    assert names == (["production"] if order == ROLLOVER else [])
    assert ("client-secret" in vaulted.open_doors()) is (order == ROLLOVER)
    assert report.exit_code == (1 if order == ROLLOVER else 5), "in a rollover nothing is changed in the end"


@pytest.mark.parametrize("order", ["contain", ROLLOVER])
@pytest.mark.parametrize("fault", ["lost", "timeout"])
def test_an_answer_that_did_not_come_is_found_out(vaulted: Whole, order: str, fault: Any) -> None:
    vaulted.sandbox.fault(PUT, fault)
    report = rotated(vaulted, order)
    assert [r.result for r in report.replacements] == ["served"]
    [made] = passwords(vaulted)
    assert [v.value == made.value for v in secret(vaulted).versions] == [False, True], "one version, never two"
    assert writes(vaulted).count(PUT) == (1 if fault == "lost" else 2)


def test_not_proven_nothing_is_written(vaulted: Whole) -> None:
    was = held(secret(vaulted))
    plan = vaulted.plan(Intent(order="rollover", replace=vaulted.intent.replace))
    vaulted.sandbox.fault(TOKEN, "down", times=1_000_000, after=3)  # the operator signs in at Graph, Azure, the vault
    report = vaulted.run(plan, verb="rotate")
    assert [r.result for r in report.replacements] != ["served"]
    assert held(secret(vaulted)) == was
    assert [p.name for p in passwords(vaulted)] == ["production"]
    assert "client-secret" in vaulted.open_doors()


@pytest.mark.parametrize("order", ["contain", ROLLOVER])
def test_killed_anywhere_and_resumed_it_ends_alike(vaulted: Whole, order: str) -> None:
    """At every seventh line: the conformance kit kills at the others, with a file in the vault's place."""
    lines = vaulted.lines(rotated(vaulted, order).run)
    told = [type(line).__name__ for line in lines]
    for number in range(told.index("Intended"), len(lines), 7):
        vaulted.restart()
        with pytest.raises(Killed):
            rotated(vaulted, order, before_append=kill_at(number))
        [run] = vaulted.runs()
        report = vaulted.resume(run)
        assert [r.result for r in report.replacements] == ["served"], f"line {number}"
        [made] = passwords(vaulted)
        assert current(vaulted).value == made.value, f"line {number}: what the vault holds is what the app has"
        assert len({v.value for v in secret(vaulted).versions}) == len(secret(vaulted).versions)
        assert mispredicted(vaulted, report) == []
