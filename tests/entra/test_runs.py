"""Whole runs under the real engine: contain, release, undo, rotate; and what the intruder does meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke.model.error import Refused
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Phase
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_entra.access.client_secret_mint import AddPassword
from nhi_revoke_entra.access.credential import name_of
from nhi_revoke_entra.sandbox.seed import add_password, new_principal
from nhi_revoke_entra.sandbox.state import Password

from .conftest import Whole

TOKENS = {"graph-token", "api-token", "user-graph-token"}
HELD = {"client-secret", "hidden-secret", "certificate", "user-password"}
REMOVE = "POST /v1.0/applications/<one>/removePassword"


def writes(whole: Whole) -> list[str]:
    return [c.name for c in whole.sandbox.calls() if c.by == "operator" and c.mutates]


def test_contained_everything_is_shut_but_tokens_and_nothing_is_removed_for_good(whole: Whole) -> None:
    report = whole.run()
    assert whole.open_doors() == TOKENS
    assert report.exit_code == 6
    assert [b for b in report.blind if b.counts] == []
    assert report.state == "held"
    assert REMOVE not in writes(whole)
    assert {s.does for s in report.steps if not s.reversible} == {"entra:user-session/revoke"}
    assert mispredicted(whole, report) == []
    whole.clock.advance(16 * 60)
    assert whole.open_doors() == {"api-token"}
    whole.clock.advance(80 * 60)
    assert whole.open_doors() == set()


def test_undo_gives_everything_back(whole: Whole) -> None:
    before = whole.open_doors()
    report = whole.run()
    with pytest.raises(Refused):
        whole.undo(report.run)
    whole.clock.advance(2 * 60 * 60)
    ended = [o.access.id for o in report.outcomes if o.fate == "ended"]
    last = whole.undo(report.run, rearm=ended)
    whole.clock.advance(60)
    assert [s.result for s in last.steps if s.result in ("failed", "lost", "waiting")] == []
    over = {"api-token", "azure-token", "user-refresh-token", "user-graph-token"}
    assert whole.open_doors() == before - over, "sessions stay revoked, and a token has expired meanwhile"


def released(whole: Whole, run: str) -> object:
    with whole.engine() as engine:
        plan = engine.plan_release(run, wait=False)
        of_app, of_user = [Phase.FINISH] * 3 + [Phase.RELEASE], [Phase.FINISH] * 2 + [Phase.RELEASE]
        assert [s.phase for s in plan.steps] == of_app + of_user
        assert len(plan.irreversible) == 5
        return engine.act(run, "release", plan, YES)


def test_release_removes_first_what_the_brake_held(whole: Whole) -> None:
    report = whole.run()
    after = released(whole, report.run)
    whole.clock.advance(60)
    assert whole.entra.scene.principal.enabled.shown is True
    assert not whole.open_doors() & HELD
    assert "federated" not in whole.open_doors()
    done = whole.verify(report.run)
    assert {whole.outcome(done, a.access).fate for a in whole.sandbox.doors() if a.kind == "client-secret"} == {"ended"}
    assert after


def test_release_removes_what_was_added_beside_it_during_the_run(whole: Whole) -> None:
    plan = whole.plan()
    whole.sandbox.meddle("new-secret")
    report = whole.run(plan)
    assert "late-secret" not in whole.open_doors()
    with whole.engine() as engine:
        later = engine.plan_release(report.run, wait=False)
        assert sum(s.phase is Phase.FINISH for s in later.steps) == 6
        engine.act(report.run, "release", later, YES)
    whole.clock.advance(60)
    assert "late-secret" not in whole.open_doors()


def test_a_removal_that_fails_keeps_the_brake_on(whole: Whole) -> None:
    report = whole.run()
    whole.sandbox.fault(REMOVE, "denied", times=99)
    with whole.engine() as engine:
        after = engine.act(report.run, "release", engine.plan_release(report.run, wait=False), YES)
    assert after.exit_code == 5
    assert whole.entra.scene.principal.enabled.shown is False
    assert not whole.open_doors() & HELD


def test_replaced_in_one_run(replacing: Whole) -> None:
    report = replacing.run()
    assert [r.result for r in report.replacements] == ["served"]
    assert report.exit_code == 6
    assert report.headline == "OUT"
    assert replacing.open_doors() == TOKENS
    kept = json.loads((replacing.folder / "payments-entra.json").read_text())
    made: Password = replacing.entra.scene.application.passwords[kept["key_id"]]
    assert kept["client_secret"] == made.value
    assert kept["client_id"] == replacing.entra.scene.principal.app_id
    shown = [p for p in replacing.entra.scene.application.passwords.values() if p.there.shown]
    assert [p.name for p in shown if p.name != "last year"] == [made.name]
    assert mispredicted(replacing, report) == []


def test_what_is_added_while_it_is_replaced_is_removed_before_the_release(replacing: Whole) -> None:
    plan = replacing.plan()
    for what in ("new-secret", "new-certificate", "new-trust"):
        replacing.sandbox.meddle(what)
    report = replacing.run(plan)
    late = {"late-secret", "late-certificate", "late-federated"}
    assert not replacing.open_doors() & late
    fates = [o.fate for o in report.outcomes if o.appeared]
    assert fates == ["ended"] * 3
    assert replacing.entra.scene.principal.enabled.shown is True
    assert mispredicted(replacing, report) == []


def test_somebody_enables_it_again_and_the_run_disables_it_again(whole: Whole) -> None:
    plan = whole.plan()
    report = whole.run(plan)
    whole.sandbox.meddle("enable")
    assert "client-secret" in whole.open_doors()
    with whole.engine() as engine:
        engine.hold(report.run, interval=30, until=whole.clock.now())
    whole.clock.advance(60)
    assert "client-secret" not in whole.open_doors()


def test_somebody_makes_another_service_principal_and_the_run_disables_that(whole: Whole) -> None:
    """The old one stays disabled, and deleted; the held secret signs in by the new one."""
    report = whole.run()
    tenant, old = whole.entra.tenant, whole.entra.scene.principal
    with tenant.lock:
        tenant.deleted[old.id] = tenant.principals.pop(old.id)
        new = new_principal(tenant, old.name, whole.entra.scene.now(), app_id=old.app_id)
    assert "client-secret" in whole.open_doors()
    assert whole.verify(report.run).headline != "OUT"
    with whole.engine() as engine:
        engine.hold(report.run, interval=30, until=whole.clock.now())
    whole.clock.advance(60)
    assert not new.enabled.shown
    assert "client-secret" not in whole.open_doors()


def test_rolled_over_the_new_one_works_before_the_old_one_ends(replacing: Whole) -> None:
    intent = Intent(order="rollover", replace=replacing.intent.replace)
    report = replacing.run(replacing.plan(intent), verb="rotate")
    assert [r.result for r in report.replacements] == ["served"]
    assert replacing.entra.scene.principal.enabled.shown is True
    doors = replacing.open_doors()
    assert not doors & {"client-secret", "hidden-secret"}, "a secret of either object was replaced"
    assert {"certificate", "federated", "owner"} <= doors, "a rotation ends what it replaces, and nothing else"
    assert mispredicted(replacing, report) == []


def test_not_proven_the_brake_goes_back_on(replacing: Whole) -> None:
    plan = replacing.plan()
    replacing.sandbox.lag(100_000, 0)  # no replica ever learns of it in time
    with replacing.entra.lock:
        replacing.entra.tenant.write_lag = 8.0
    replacing.sandbox.fault(
        "POST /<tenant>/oauth2/v2.0/token", "down", times=1_000_000, after=2
    )  # the operator signs in at Graph and at Azure
    report = replacing.run(plan)
    assert [r.result for r in report.replacements] != ["served"]
    assert not replacing.open_doors() & HELD
    assert not (replacing.folder / "payments-entra.json").exists()


def test_a_federated_credential_that_was_not_removed_keeps_the_brake_on(whole: Whole) -> None:
    """What the brake alone keeps shut is not let in again by its release."""
    whole.sandbox.fault("DELETE /v1.0/applications/<one>/federatedIdentityCredentials/<trust>", "denied", times=99)
    report = whole.run()
    assert "federated" not in whole.open_doors()
    with whole.engine() as engine:
        after = engine.act(report.run, "release", engine.plan_release(report.run, wait=False), YES)
    assert after.exit_code == 5
    assert whole.entra.scene.principal.enabled.shown is False
    assert "federated" not in whole.open_doors()


@pytest.mark.parametrize("what", ["secret", "certificate", "federated"])
def test_what_is_added_between_the_last_look_and_the_release_keeps_the_brake_on(
    replacing: Whole, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """While the mint waits for the logs, whoever may manage apps adds a way in of its own (facts entra.md 8, 26)."""
    plan = replacing.plan()
    create = AddPassword.apply

    def meanwhile(doer: AddPassword, *more: Any) -> Any:
        replacing.sandbox.meddle(f"new-{'trust' if what == 'federated' else what}")
        return create(doer, *more)

    monkeypatch.setattr(AddPassword, "apply", meanwhile)
    report = replacing.run(plan)
    assert f"late-{what}" not in replacing.open_doors()
    assert replacing.entra.scene.principal.enabled.shown is False
    assert report.headline != "OUT"
    assert report.exit_code == 5
    assert [r.result for r in report.replacements] == ["destroyed"], "nothing is left that nobody received"
    [release] = [s for s in report.steps if s.does == "entra:service-principal/enable"]
    assert "appeared since the plan was made" in release.detail
    monkeypatch.setattr(AddPassword, "apply", create)
    after, principal = replacing.resume(report.run), replacing.entra.scene.principal
    assert principal.enabled.shown is True
    assert [r.result for r in after.replacements] == ["served"]
    assert not replacing.open_doors() - TOKENS, "what appeared was ended before this release"
    assert mispredicted(replacing, after) == []


@pytest.mark.parametrize("what", ["secret", "certificate", "federated"])
def test_what_is_added_after_the_run_is_not_freed_by_its_release(whole: Whole, what: str) -> None:
    """Days may lie between the two, and an owner of the app may be anybody's."""
    report = whole.run()
    whole.sandbox.meddle(f"new-{'trust' if what == 'federated' else what}")
    with whole.engine() as engine:
        after = engine.act(report.run, "release", engine.plan_release(report.run, wait=False), YES)
    assert after.exit_code == 5
    assert whole.entra.scene.principal.enabled.shown is False
    assert f"late-{what}" not in whole.open_doors()
    [release] = [s for s in after.steps if s.does == "entra:service-principal/enable"]
    assert "by hand" in release.detail


def test_one_that_bears_this_runs_name_is_not_taken_for_its_own(
    replacing: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of what a run makes stands in the directory for everybody to read."""
    create = AddPassword.apply

    def meanwhile(doer: AddPassword, conn: Any, step: Any, run: Any) -> Any:
        scene = replacing.entra.scene
        add_password(scene.tenant, scene.application, scene.now(), name_of(run.id))
        return create(doer, conn, step, run)

    monkeypatch.setattr(AddPassword, "apply", meanwhile)
    report = replacing.run()
    assert report.exit_code == 5
    assert replacing.entra.scene.principal.enabled.shown is False
