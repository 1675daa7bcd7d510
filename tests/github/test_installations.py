"""Installations of an app and the tokens they mint: suspended by the app's key, else by hand; removed if asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.intent import Reason
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Manual, Notice, Phase, Residual, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_github.permissions import APP_ITSELF, ORG_ADMINISTRATION
from nhi_revoke_github.sandbox import plant_app, seed
from nhi_revoke_github.sandbox.routes_apps import stop

from .conftest import APP, START, Bench

KIND = "github:installation"
TOKENS = "github:installation-token/example-payments/payments-bot/*"
SUSPEND = "PUT /app/installations/<int:installation>/suspended"
UNSUSPEND = "DELETE /app/installations/<int:installation>/suspended"
MINE = {"installation-token", "minted-token", "app-key", "app-secret", "user-token"}


def installation_id(bench: Bench) -> str:
    return f"{KIND}/example-payments/{bench.sandbox.scene.installation.id}"


def steps(bench: Bench, **intent: Any) -> list[Step]:
    return [s for s in bench.steps(APP, **intent) if s.does.startswith(f"{KIND}/")]


def mine(doors: dict[str, bool]) -> dict[str, bool]:
    return {name: is_open for name, is_open in doors.items() if name in MINE}


def without_key(bench: Bench) -> None:
    plant_app.forget_key(bench.sandbox.scene)
    bench.settings = replace(bench.settings, apps=())
    bench.conn = bench.connect()


def elsewhere(bench: Bench, account: str = "example-customer") -> int:
    """The app is installed on another account, too."""
    with bench.hub.lock:
        seed.new_account(bench.hub, account, START, "Organization")
        return seed.install(bench.hub, bench.sandbox.scene.app, START, account).id


# -- listing -----------------------------------------------------------------------------------------------------------


def test_with_the_apps_key_every_account_is_listed(bench: Bench) -> None:
    other = elsewhere(bench)
    bench.sandbox.page_size(1)
    found = bench.accesses(APP, KIND)
    assert set(found) == {installation_id(bench), f"{KIND}/example-customer/{other}"}
    access = found[installation_id(bench)]
    assert (access.family, access.state, access.evidence) == ("grant", "live", "GET /app/installations")
    assert "contents: write" in access.note
    assert access.before["url"] == (
        f"{bench.conn.site}/organizations/example-payments/settings/installations/{access.before['installation']}"
    )


def test_an_owner_without_the_key_sees_the_organisations_own(bench: Bench) -> None:
    elsewhere(bench)
    with bench.hub.lock:
        for number in range(3):
            another, _ = seed.new_app(bench.hub, f"app-{number}", START)
            seed.install(bench.hub, another, START)
    without_key(bench)
    bench.sandbox.page_size(1)
    [access] = bench.accesses(APP, KIND).values()
    assert (access.id, access.evidence) == (installation_id(bench), "GET /orgs/…/installations")
    [blind] = [f for f in bench.collect(APP, KIND) if isinstance(f, BlindSpot)]
    assert "other accounts: the app's private key is not held" in blind.why, "the one at the customer's is not none"
    assert (blind.counts, blind.needs) == (True, "the app's private key")


def test_without_the_key_a_suspension_here_ends_no_tokens_of_other_accounts(bench: Bench) -> None:
    """By hand on the organisation's page: the app goes on at the customer's, which nobody here is shown."""
    elsewhere(bench)
    with bench.hub.lock:
        stop(bench.sandbox.scene.installation, "an-owner", START)
    assert [TOKENS in s.ends for s in steps(bench)] == [True, True], "with the key both are seen, and both stopped"
    without_key(bench)
    [step] = steps(bench)
    assert (step.says, step.ends) == ("keep app payments-bot on example-payments suspended", (installation_id(bench),))


def test_a_denied_listing_names_its_permission(bench: Bench) -> None:
    without_key(bench)
    bench.resolve(APP)
    bench.sandbox.allow_only([])
    with pytest.raises(Denied) as said:
        list(bench.kinds[KIND].collect(bench.conn, PrincipalRef.parse(APP), bench.io))
    assert "organization_administration" in said.value.needs


@pytest.mark.parametrize("how", ["denied", "unreadable", "another app's"])
def test_a_key_that_cannot_be_used_hides_other_accounts(bench: Bench, how: str) -> None:
    if how == "denied":
        bench.sandbox.allow_only(["metadata:read", ORG_ADMINISTRATION.read])
    elif how == "unreadable":
        held = replace(bench.settings.apps[0], private_key_file="/nowhere/key.pem")
        bench.conn = bench.connect(apps=(held,))
    else:
        with bench.hub.lock:
            other, key = seed.new_app(bench.hub, "other", START)
            seed.install(bench.hub, other, START)
        file = Path(bench.sandbox.scene.folder) / "other.pem"
        file.write_text(plant_app.pem_of(key))
        held = replace(bench.settings.apps[0], client_id=other.client_id, private_key_file=str(file))
        bench.conn = bench.connect(apps=(held,))
    found = bench.collect(APP, KIND)
    assert [f.id for f in found if not isinstance(f, BlindSpot) and hasattr(f, "id")] == [installation_id(bench)]
    [blind] = [f for f in found if isinstance(f, BlindSpot)]
    assert "other accounts" in blind.why
    assert blind.needs


def test_a_suspended_one_tells_by_whom(bench: Bench) -> None:
    with bench.hub.lock:
        stop(bench.sandbox.scene.installation, "an-owner", START)
    [access] = bench.accesses(APP, KIND).values()
    assert access.state == "disabled"
    assert "suspended 2026-11-28T12:00:00Z by an-owner" in access.note


# -- suspending --------------------------------------------------------------------------------------------------------


def test_pitfall_7_it_is_suspended_by_put_and_by_the_app_alone(bench: Bench) -> None:
    before = mine(bench.doors())
    assert before == dict.fromkeys(MINE, True)
    [step] = steps(bench)
    assert (step.phase, step.brake, step.reversible, step.rearms) == (Phase.CUT, True, True, 3600.0)
    assert step.ends == (installation_id(bench), TOKENS)
    assert "until release" in step.breaks
    change = bench.do(step)
    assert isinstance(change, Done)
    assert change.left["suspended"] == "yes"
    assert change.left["residuals"][TOKENS].startswith("2026-11-28T13:00:0")
    assert bench.writes() == [SUSPEND]
    assert bench.seen(step) == change.left
    after = mine(bench.doors())
    assert {n for n in before if before[n] != after[n]} == {"minted-token"}, "those minted before live on"
    proven = bench.prove(step)
    assert proven.proof is Proof.RECORDED
    assert "documented nowhere" in proven.how
    assert "take it back" in proven.how
    assert isinstance(bench.do(step), Already)
    assert bench.writes() == [SUSPEND]

    assert isinstance(bench.undo(step), Done)
    assert bench.writes() == [SUSPEND, UNSUSPEND]
    assert mine(bench.doors()) == before
    assert bench.seen(step) is None
    assert isinstance(bench.undo(step), Already)


def test_pitfall_8_an_owner_without_the_key_is_sent_to_the_page(bench: Bench) -> None:
    without_key(bench)
    assert steps(bench) == []
    drafted = bench.draft(APP)
    [manual] = [d for d in drafted if isinstance(d, Manual) and d.kind == KIND]
    number = bench.sandbox.scene.installation.id
    assert f"/organizations/example-payments/settings/installations/{number} " in manual.what
    assert "cannot take back" in manual.what
    assert bench.writes() == []


def test_every_account_of_the_app_is_suspended_and_nothing_else(bench: Bench) -> None:
    elsewhere(bench)
    with bench.hub.lock:
        other, _ = seed.new_app(bench.hub, "other", START)
        untouched = seed.install(bench.hub, other, START)
    both = steps(bench)
    assert len(both) == 2
    assert all(TOKENS in s.ends for s in both)
    for step in both:
        assert isinstance(bench.do(step), Done)
    app = bench.sandbox.scene.app.id
    assert {i.status.shown for i in bench.hub.installations.values() if i.app == app} == {"suspended"}
    assert untouched.status.shown == "active"


def test_it_was_suspended_before_and_stays_so(bench: Bench) -> None:
    with bench.hub.lock:
        stop(bench.sandbox.scene.installation, seed.OPERATOR, START)
    bench.sandbox.advance(600)
    [step] = steps(bench)
    assert (step.rearms, step.breaks) == ("no", "")
    change = bench.do(step)
    assert isinstance(change, Already)
    assert change.left["residuals"][TOKENS] == "2026-11-28T13:00:01Z", "an hour after it was suspended"
    assert isinstance(bench.undo(step), Already)
    assert bench.writes() == []


def test_an_owners_suspension_is_not_taken_back_by_the_app(bench: Bench) -> None:
    """Suspended by us, unsuspended, and suspended by an owner: undo says that it cannot."""
    [step] = steps(bench)
    bench.do(step)
    with bench.hub.lock:
        stop(bench.sandbox.scene.installation, seed.OPERATOR, START)
    assert isinstance(bench.undo(step), Failed)
    assert bench.sandbox.scene.installation.status.shown == "suspended"


def test_one_that_is_removed_meanwhile_is_gone(bench: Bench) -> None:
    [step] = steps(bench)
    with bench.hub.lock:
        bench.sandbox.scene.installation.status.set("gone", START, 0)
    change = bench.do(step)
    assert isinstance(change, Already)
    assert change.left["suspended"] == "gone"
    assert bench.seen(step) is not None
    assert isinstance(bench.undo(step), Impossible)


def test_pitfall_13_a_404_that_is_a_denial_is_not_called_gone(bench: Bench) -> None:
    [step] = steps(bench)
    bench.sandbox.allow_only(["metadata:read", ORG_ADMINISTRATION.read])
    assert bench.seen(step) is None, "the owner's list shows it live"
    bench.sandbox.allow_only(["metadata:read"])
    with pytest.raises(Denied):
        bench.seen(step)


def test_what_was_suspended_is_seen_after_the_key_is_dead(bench: Bench) -> None:
    """By the owner's list."""
    [step] = steps(bench)
    left = bench.do(step).left
    bench.sandbox.meddle("delete-app-key")
    assert bench.seen(step) == left


def test_a_lost_answer_is_looked_after(bench: Bench) -> None:
    [step] = steps(bench)
    bench.sandbox.fault(SUSPEND, "lost")
    bench.do(step)
    assert bench.seen(step) is not None


def test_with_exactly_the_declared_permissions(bench: Bench) -> None:
    bench.kinds = {name: kind for name, kind in bench.kinds.items() if name in (KIND, "github:installation-token")}
    bench.sandbox.allow_only(["metadata:read", APP_ITSELF, ORG_ADMINISTRATION.read])
    [step] = steps(bench)
    bench.do(step)
    assert bench.seen(step) is not None
    assert isinstance(bench.undo(step), Done)


def test_the_brake_and_the_scope_are_obeyed(bench: Bench) -> None:
    def dangers(**intent: Any) -> list[str]:
        found = [d for d in bench.draft(APP, **intent) if isinstance(d, Notice) and d.level == "danger"]
        return [n.says for n in found if "running" in n.says]

    assert steps(bench, brake="off") == []
    assert "--brake off" in dangers(brake="off")[0]
    for scope in ("sessions", "keys"):
        assert steps(bench, scope=scope) == []
        assert f"--scope {scope}" in dangers(scope=scope)[0]
        assert len(steps(bench, scope=scope, brake="on")) == 1
    assert steps(bench, order="rollover") == [], "a rotation is no incident"
    assert dangers() == []


# -- removing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["named", "offboarding"])
def test_it_is_removed_only_where_it_is_named_or_leaves_for_good(bench: Bench, how: str) -> None:
    elsewhere(bench)
    intent: dict[str, Any] = {"scope": installation_id(bench)} if how == "named" else {"reason": Reason.OFFBOARDING}
    drafted = steps(bench, **intent)
    [step] = [s for s in drafted if s.does.endswith("/uninstall")]
    assert (step.phase, step.reversible, step.rearms) == (Phase.END, False, "no")
    assert step.ends[0] == installation_id(bench)
    others = [s.does for s in drafted if s is not step]
    assert others == ([] if how == "named" else [f"{KIND}/suspend"]), "a customer's is never removed"
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == ["DELETE /app/installations/<int:installation>"]
    assert bench.seen(step) is not None
    assert bench.prove(step).proof is Proof.RECORDED
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Impossible)
    assert not bench.doors()["minted-token"]


# -- tokens of installations -------------------------------------------------------------------------------------------


def test_tokens_are_standing_and_last_an_hour(bench: Bench) -> None:
    [access] = bench.accesses(APP, "github:installation-token").values()
    assert (access.id, access.state, access.family) == (TOKENS, "unknown", "session")
    [left] = [d for d in bench.draft(APP) if isinstance(d, Residual) and d.access == TOKENS]
    assert left.until is not None
    assert (left.until - bench.conn.now()).total_seconds() == pytest.approx(3600, abs=5)
    assert bench.doors()["installation-token"]
    bench.sandbox.advance(3601)
    assert not bench.doors()["installation-token"]
