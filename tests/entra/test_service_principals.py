"""The brake: disabling the service principal, and what it does not reach (facts entra.md 3, 8: 28, 33)."""

from __future__ import annotations

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Manual, Notice, Phase, Residual, Step
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.state import ServicePrincipal, Tenant

from .conftest import APP, START, Bench

KIND = "entra:service-principal"
PATCH = "PATCH /v1.0/servicePrincipals/<one>"
TOKENS = {"graph-token", "api-token"}


def brake(bench: Bench, **intent: str) -> Step:
    [step] = [s for s in bench.steps(APP, **intent) if s.brake]
    return step


def open_doors(bench: Bench) -> set[str]:
    """Of the app."""
    return {name for name, is_open in bench.doors().items() if is_open and not name.startswith("user-")}


def test_nothing_signs_in_and_tokens_live_on(bench: Bench) -> None:
    step = brake(bench)
    assert step.phase is Phase.CUT
    change = bench.do(step)
    assert isinstance(change, Done)
    assert bench.seen(step)
    assert bench.prove(step).proof is Proof.RECORDED
    assert open_doors(bench) == {*TOKENS, "azure-token", "owner", "managing-app"}
    assert isinstance(bench.do(step), Done), "asked once more it is the same"
    assert isinstance(bench.do(brake(bench)), Already), "listed as disabled, it is left as it is"


def made_anew(tenant: Tenant, old: ServicePrincipal) -> ServicePrincipal:
    """Whoever may manage apps deletes the disabled one, and makes another of the same app: it is enabled."""
    with tenant.lock:
        tenant.deleted[old.id] = tenant.principals.pop(old.id)
        return seed.new_principal(tenant, old.name, START, app_id=old.app_id)


def test_another_one_in_its_place_is_seen_and_disabled(bench: Bench) -> None:
    """The secrets that the brake holds are the application's: they sign in by whatever service principal there is."""
    step = brake(bench)
    bench.do(step)
    new = made_anew(bench.tenant, bench.principal)
    assert "client-secret" in open_doors(bench)
    assert bench.seen(step) is None, "nothing is stopped"
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step)
    assert "client-secret" not in open_doors(bench)
    assert not new.enabled.shown
    assert isinstance(bench.do(step), Already)
    assert set(bench.writes()) == {PATCH}
    assert isinstance(bench.undo(step), Impossible), "which of the two is to be enabled a person decides"


def test_gone_for_good_it_stops_everything(bench: Bench) -> None:
    step = brake(bench)
    bench.do(step)
    with bench.tenant.lock:
        del bench.tenant.principals[bench.principal.id]
    assert bench.seen(step)
    assert isinstance(bench.do(step), Already)


def test_graph_hears_within_fifteen_minutes_and_other_apis_never(bench: Bench) -> None:
    step = brake(bench)
    change = bench.do(step)
    told = {k.partition("/")[0]: v for k, v in change.left["residuals"].items()}
    assert told["entra:cae-token"] == "2026-11-28T12:15:01Z"
    assert told["entra:access-token"] == "2026-11-28T13:30:01Z"
    bench.sandbox.advance(14 * 60)
    assert open_doors(bench) >= TOKENS
    bench.sandbox.advance(61)
    assert open_doors(bench) & TOKENS == {"api-token"}
    bench.sandbox.advance(76 * 60)
    assert not open_doors(bench) & TOKENS


def test_enabled_again_a_graph_token_may_work_again_and_that_is_told(bench: Bench) -> None:
    bench.scene.application.trusts.clear()
    step = brake(bench)
    bench.do(step)
    bench.sandbox.advance(16 * 60)
    assert "graph-token" not in open_doors(bench)
    release = msgspec.structs.replace(step, id="r", does=f"{KIND}/enable", phase=Phase.RELEASE, replaces=step.id)
    assert bench.doer(step.does).released_by == release.does
    change = bench.do(release)
    assert isinstance(change, Done)
    assert bench.seen(release)
    assert "graph-token" in open_doors(bench)
    [told] = [v for k, v in change.left["residuals"].items() if k.startswith("entra:cae-token")]
    assert told > "2026-11-29T12:"
    assert isinstance(bench.do(release), Already)


def test_undo_enables_it_and_only_where_it_was(bench: Bench) -> None:
    step = brake(bench)
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert bench.seen(step) is None
    assert isinstance(bench.undo(step), Already)
    bench.do(step)
    bench.run.lefts.clear()
    assert isinstance(bench.undo(step), Failed)


def test_what_was_disabled_before_stays_so(bench: Bench) -> None:
    with bench.tenant.lock:
        bench.principal.enable(False, START, 0)
    [access] = bench.accesses(APP, KIND).values()
    assert access.state == "disabled"
    step = brake(bench)
    assert "keep" in step.says
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Already)
    release = msgspec.structs.replace(step, id="r", does=f"{KIND}/enable", phase=Phase.RELEASE)
    assert isinstance(bench.do(release), Already)
    assert bench.seen(release) == {"enabled": False}
    assert bench.principal.enabled.shown is False
    assert PATCH not in bench.writes()


def test_null_is_not_disabled(bench: Bench) -> None:
    with bench.tenant.lock:
        bench.principal.null_enabled = True
    [access] = bench.accesses(APP, KIND).values()
    assert access.state == "live"
    step = brake(bench)
    assert isinstance(bench.do(step), Done)
    assert "client-secret" not in open_doors(bench)


def test_deleted_by_somebody_else_is_already_and_is_not_undone(bench: Bench) -> None:
    step = brake(bench)
    with bench.tenant.lock:
        del bench.tenant.principals[bench.principal.id]
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Impossible)
    release = msgspec.structs.replace(step, id="r", does=f"{KIND}/enable", phase=Phase.RELEASE)
    assert isinstance(bench.do(release), Failed)


@pytest.mark.parametrize(
    ("intent", "on"),
    [({}, True), ({"brake": "on"}, True), ({"brake": "off"}, False), ({"scope": "keys"}, False),
     ({"scope": "sessions", "brake": "on"}, True), ({"order": "rollover"}, False)],
)  # fmt: skip
def test_when_it_is_disabled(bench: Bench, intent: dict[str, str], on: bool) -> None:
    drafts = bench.draft(APP, **intent)
    assert any(isinstance(d, Step) and d.brake for d in drafts) is on
    said = [d for d in drafts if isinstance(d, Notice) and d.level == "danger"]
    assert bool(said) == (not on and "order" not in intent), "what is left enabled is said in red"


def test_an_app_without_one_has_no_brake_and_no_tokens(bench: Bench) -> None:
    with bench.tenant.lock:
        application, principal = seed.new_app(bench.tenant, "Unused", START)
        del bench.tenant.principals[principal.id]
        seed.add_password(bench.tenant, application, START, "x")
    drafts = bench.draft(f"entra:app/{application.app_id}")
    [step] = [d for d in drafts if isinstance(d, Step)]
    assert step.does == "entra:client-secret/remove"
    assert not any(isinstance(d, Residual) for d in drafts)


def test_a_managed_identity_is_not_said_to_be_stopped(bench: Bench) -> None:
    """Facts entra.md 8, 11, and 9: the platform keeps tokens for 24 hours; what disabling does is not established."""
    with bench.tenant.lock:
        made = seed.new_principal(bench.tenant, "vm-payments", START, bench.tenant.new_id())
        made.type = "ManagedIdentity"
    name = f"entra:app/{made.id}"
    drafts = bench.draft(name)
    assert any(isinstance(d, Manual) and "24 hours" in d.what for d in drafts)
    [step] = [s for s in bench.steps(name) if s.brake]
    change = bench.do(step)
    assert "denies" not in change.left
    assert change.left["residuals"] == {f"entra:access-token/{bench.conn.scope}/{step.on.id}/*": "2026-11-29T12:00:01Z"}
    assert bench.prove(step).proof is Proof.UNPROVEN


def test_users_tokens_are_told_only_where_there_is_a_grant(bench: Bench) -> None:
    residuals = {d.access.partition("/")[0] for d in bench.draft(APP) if isinstance(d, Residual)}
    assert residuals == {"entra:access-token", "entra:cae-token", "entra:user-token"}
    with bench.tenant.lock:
        bench.tenant.grants.clear()
    assert not bench.accesses(APP, "entra:user-token")
