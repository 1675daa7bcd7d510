"""Whole runs that replace a certificate: contained and rolled over, killed and resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.intent import Intent
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance.crash import Killed, kill_at
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_entra.access.credential import NAME
from nhi_revoke_entra.sandbox import plant_keys, seed
from nhi_revoke_entra.sandbox.state import Key

from .conftest import Whole, world

PATCH = "PATCH /v1.0/applications/<one>"
TOKEN = "POST /<tenant>/oauth2/v2.0/token"
ROLLOVER = "rollover"
SURVIVOR = "sso-of-the-app"


@pytest.fixture(autouse=True)
def survivor(certifying: Whole) -> None:
    """A key of single sign-on beside it, which no run may touch."""
    plant(certifying)


def plant(whole: Whole) -> None:
    with whole.entra.lock:
        scene = whole.entra.scene
        plant_keys.add_key(whole.entra.tenant, scene.application, SURVIVOR, scene.then, "Sign")


def keys(whole: Whole) -> dict[str, Key]:
    """What stands on the application, by name."""
    with whole.entra.lock:
        return {k.name: k for k in whole.entra.scene.application.keys.values() if k.there.shown}


def delivered(whole: Whole) -> dict[str, str]:
    file = whole.folder / "payments-entra.json"
    read: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return read


def rotated(whole: Whole, order: str, **more: Any) -> Report:
    if order != ROLLOVER:
        return whole.run(**more)
    plan = whole.plan(Intent(order="rollover", replace=whole.intent.replace))
    return whole.run(plan, verb="rotate", **more)


def ended_well(whole: Whole, report: Report, order: str) -> None:
    """The new one alone is there, it is what was delivered, and the survivor is as it was."""
    assert [r.result for r in report.replacements] == ["served"]
    there = keys(whole)
    [new] = [name for name in there if name.startswith(NAME)]
    assert set(there) == {new, f"CN={SURVIVOR}"}
    file = delivered(whole)
    assert file["key_id"] == there[new].key_id
    assert file["thumbprint"] == there[new].thumbprint
    assert "certificate" not in whole.open_doors()
    assert there[f"CN={SURVIVOR}"].usage == "Sign"
    assert whole.entra.scene.principal.enabled.shown is True
    assert ("client-secret" in whole.open_doors()) is (order == ROLLOVER), "a rotation ends what it replaces"
    assert mispredicted(whole, report) == []


@pytest.mark.parametrize("order", ["contain", ROLLOVER])
def test_replaced_in_one_run(certifying: Whole, order: str) -> None:
    beside = {k: (v.certificate, v.end) for k, v in whole_keys(certifying).items()}
    report = rotated(certifying, order)
    ended_well(certifying, report, order)
    assert {k: (v.certificate, v.end) for k, v in whole_keys(certifying).items()} == beside
    line = delivered(certifying)["client_certificate"].splitlines()[5]
    assert not certifying.heard.holding(line)
    kept = "".join(file.read_text() for file in certifying.state.rglob("*.jsonl"))
    assert kept
    assert line not in kept


def whole_keys(whole: Whole) -> dict[str, Key]:
    """Of the service principal: nobody's business here."""
    with whole.entra.lock:
        return {k.key_id: k for k in whole.entra.scene.principal.keys.values() if k.there.shown}


@pytest.mark.parametrize("order", ["contain", ROLLOVER])
@pytest.mark.parametrize("fault", ["lost", "timeout"])
def test_an_answer_that_did_not_come_is_found_out(certifying: Whole, order: str, fault: Any) -> None:
    certifying.sandbox.fault(PATCH, fault)
    ended_well(certifying, rotated(certifying, order), order)


def test_not_proven_the_old_one_stays_and_the_new_one_is_destroyed(certifying: Whole) -> None:
    plan = certifying.plan(Intent(order="rollover", replace=certifying.intent.replace))
    before = {name: key.key_id for name, key in keys(certifying).items()}
    certifying.sandbox.fault(TOKEN, "down", times=1_000_000, after=2)  # the operator signs in at Graph and at Azure
    report = certifying.run(plan, verb="rotate")
    assert [r.result for r in report.replacements] != ["served"]
    assert {name: key.key_id for name, key in keys(certifying).items()} == before
    assert delivered(certifying) == {}
    assert "certificate" in certifying.open_doors()


def test_what_is_added_while_it_is_replaced_is_removed_before_the_release(certifying: Whole) -> None:
    plan = certifying.plan()
    for what in ("new-secret", "new-certificate", "new-trust"):
        certifying.sandbox.meddle(what)
    report = certifying.run(plan)
    ended_well(certifying, report, "contain")
    assert [o.fate for o in report.outcomes if o.appeared] == ["ended"] * 3


@pytest.mark.parametrize("order", ["contain", ROLLOVER])
def test_killed_anywhere_and_resumed_it_ends_alike(certifying: Whole, order: str) -> None:
    lines = certifying.lines(rotated(certifying, order).run)
    first = [type(line).__name__ for line in lines].index("Intended")
    for number in range(first, len(lines), 19):
        certifying.restart()
        plant(certifying)
        with pytest.raises(Killed):
            rotated(certifying, order, before_append=kill_at(number))
        [run] = certifying.runs()
        ended_well(certifying, certifying.resume(run), order)


@pytest.fixture
def vaulting(tmp_path: Path) -> Iterator[Whole]:
    to = f"azure-keyvault:{seed.VAULT}/{seed.VAULT_SECRET}"
    with world(tmp_path / "vault", deliver=True, to=to, kind="entra:certificate") as made:
        assert isinstance(made, Whole)
        yield made


def test_delivered_to_a_key_vault_as_pem(vaulting: Whole) -> None:
    with vaulting.entra.lock:
        vaulting.entra.tenant.vaults[seed.VAULT].secrets[seed.VAULT_SECRET].versions[0].value = "-----BEGIN"
    report = rotated(vaulting, ROLLOVER)
    assert [r.result for r in report.replacements] == ["served"]
    held = vaulting.entra.tenant.vaults[seed.VAULT].secrets[seed.VAULT_SECRET].versions[-1]
    assert held.value.startswith("-----BEGIN PRIVATE KEY-----")
    assert held.value.rstrip().endswith("-----END CERTIFICATE-----")
    assert held.content_type == "application/x-pem-file"
    [new] = [key for name, key in keys(vaulting).items() if name.startswith(NAME)]
    assert held.tags["keyId"] == new.key_id
    assert held.times == {"exp": int(new.end.timestamp())}
