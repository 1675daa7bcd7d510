"""Installations of an app in whole runs."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_github.access.app_key import AppKeys
from nhi_revoke_github.access.app_secret import AppSecrets
from nhi_revoke_github.access.installation import Installations
from nhi_revoke_github.access.installation_token import InstallationTokens
from nhi_revoke_github.access.user_token import UserTokens
from nhi_revoke_github.provider import GithubProvider
from nhi_revoke_github.sandbox import plant_app

from .conftest import APP, Whole

KIND = "github:installation"
TOKENS = "github:installation-token/example-payments/payments-bot/*"
MINE = {"installation-token", "minted-token", "app-key", "app-secret", "user-token"}


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, whole: Whole) -> Whole:
    """The engine, with what this part knows of an app."""
    kinds = (Installations(), InstallationTokens(), AppKeys(), AppSecrets(), UserTokens())
    monkeypatch.setattr(GithubProvider, "kinds", lambda _: kinds)
    return whole


def wrong(whole: Whole, report: Report) -> list[str]:
    """Doors of the app that are not as the report says."""
    return [line for line in mispredicted(whole, report) if any(f"github/{name} " in line for name in MINE)]


def run(whole: Whole, **intent: Any) -> Report:
    return whole.run(whole.plan(Intent(rotate="no", **intent), name=APP))


def test_a_run_with_the_key_foretells_every_door(narrow: Whole) -> None:
    report = run(narrow)
    assert wrong(narrow, report) == []
    assert narrow.open_doors() & MINE == MINE - {"minted-token"}
    number = narrow.hub.scene.installation.id
    suspended = narrow.outcome(report, f"{KIND}/example-payments/{number}")
    assert (suspended.fate, suspended.proof) == ("ended", Proof.RECORDED)
    [left] = [r for r in report.residuals if r.access == TOKENS]
    assert left.until == report.residual_until
    assert narrow.outcome(report, TOKENS).fate == "lasts", "the intruder's copy still reads the repository"
    key = narrow.outcome(report, "github:app-key/")
    assert (key.fate, report.exit_code) == ("left", 8)
    narrow.hub.advance(3700)
    assert wrong(narrow, narrow.verify(report.run)) == []
    assert "installation-token" not in narrow.open_doors()
    narrow.heard.files(narrow.state)
    assert [c for c in narrow.hub.canaries() if narrow.heard.holding(c)] == []


def test_a_run_without_the_key_foretells_every_door(narrow: Whole) -> None:
    plant_app.forget_key(narrow.hub.scene)
    narrow.hub.table.pop("apps")
    before = narrow.mutations()
    report = run(narrow)
    assert wrong(narrow, report) == []
    assert narrow.open_doors() >= MINE
    assert narrow.mutations() == before
    assert report.exit_code in (1, 8)
    assert {m.kind for m in report.manual} == {KIND, "github:app-key", "github:app-secret", "github:user-token"}


def test_whoever_holds_the_key_takes_it_back_and_it_is_told(narrow: Whole) -> None:
    report = run(narrow)
    narrow.hub.meddle("unsuspend")
    after = narrow.verify(report.run)
    assert wrong(narrow, after) == []
    assert "minted-token" in narrow.open_doors()
    number = narrow.hub.scene.installation.id
    assert narrow.outcome(after, f"{KIND}/example-payments/{number}").fate == "open"


def test_once_the_key_and_the_secret_are_deleted_by_hand(narrow: Whole) -> None:
    """Facts 2.1: GET /app with the old key must be 401. Pitfall 21: what it minted lives on for its hour."""
    run(narrow)
    narrow.hub.meddle("delete-app-key")
    narrow.hub.meddle("delete-app-secret")
    report = run(narrow)
    assert wrong(narrow, report) == []
    key = narrow.outcome(report, "github:app-key/")
    assert (key.fate, key.proof) == ("ended", Proof.ENFORCED)
    secret = narrow.outcome(report, "github:app-secret/")
    assert (secret.fate, secret.proof) == ("ended", Proof.ENFORCED)
    assert narrow.open_doors() & MINE == {"installation-token", "user-token"}
    # No API lists private keys: another one, of which nobody knows, would mint on.
    assert {b.kind for b in report.blind if b.counts} == {"github:app-key", "github:app-secret"}
    tokens = narrow.outcome(report, TOKENS)
    assert (tokens.fate, tokens.until) == ("lasts", report.residual_until)
    narrow.hub.advance(3700)
    assert wrong(narrow, narrow.verify(report.run)) == []
    assert narrow.open_doors() & MINE == {"user-token"}


def test_twice_undo_and_release(narrow: Whole) -> None:
    first = run(narrow)
    assert first.state == "held"
    again = run(narrow)
    assert wrong(narrow, again) == []
    assert [s.result for s in again.steps] == ["already"]
    narrow.hub.advance(3700)
    narrow.undo(first.run)
    assert "minted-token" in narrow.open_doors()
