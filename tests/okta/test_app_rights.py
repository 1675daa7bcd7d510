"""Scopes and admin roles of an app: taken away first, given back exactly, never wider.

facts okta-github.md 1.4: 12, 15.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_okta.access import app_grant, app_role
from nhi_revoke_okta.sandbox import plant_app, seed
from nhi_revoke_okta.sandbox.state import RoleAssignment
from nhi_revoke_okta.scopes import GRANTS, ROLES

from .conftest import APP, START, Bench, Whole

GRANT, ROLE = app_grant.KIND, app_role.KIND


def step_of(bench: Bench, kind: str, **intent: Any) -> Step:
    [step] = [s for s in bench.steps(APP, **intent) if s.does.startswith(f"{kind}/")]
    return step


def add_role(bench: Bench, kind: str, **more: Any) -> RoleAssignment:
    with bench.org.lock:
        role = seed.add_role(bench.org, bench.sandbox.scene.app.roles, kind, START)
        for name, value in more.items():
            setattr(role, name, value)
    return role


def without_roles(bench: Bench) -> None:
    with bench.org.lock:
        bench.sandbox.scene.app.roles.clear()


def assigned(bench: Bench) -> list[tuple[str, str, str]]:
    roles = bench.sandbox.scene.app.roles.values()
    return [(r.type, r.role, r.resource_set) for r in roles if r.status.shown == "ACTIVE"]


def granted(bench: Bench) -> list[str]:
    return [g.scope for g in bench.sandbox.scene.app.grants.values() if g.status.shown == "ACTIVE"]


# -- listing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000])
def test_both_are_listed_and_let_nobody_in_by_themselves(bench: Bench, size: int) -> None:
    with bench.org.lock:
        seed.add_grant(bench.org, bench.sandbox.scene.app, "okta.apps.manage", START)
    add_role(bench, "APP_ADMIN")
    bench.sandbox.page_size(size)
    scopes, roles = bench.accesses(APP, GRANT), bench.accesses(APP, ROLE)
    assert {a.door for a in scopes.values()} == {"okta.users.read", "okta.apps.manage"}
    assert {a.before["type"] for a in roles.values()} == {"READ_ONLY_ADMIN", "APP_ADMIN"}
    for access in (*scopes.values(), *roles.values()):
        assert (access.family, access.state, access.opens) == ("grant", "live", False)


def test_roles_are_found_by_client_id(bench: Bench) -> None:
    """Facts 1.4, 15: this app's client id is not its id."""
    with bench.org.lock:
        terminal = next(a for a in bench.org.apps.values() if a.label == plant_app.TERMINAL)
        role = seed.add_role(bench.org, terminal.roles, "HELP_DESK_ADMIN", START)
    assert terminal.client_id != terminal.id
    [access] = bench.accesses(f"okta:app/{plant_app.TERMINAL}", ROLE).values()
    assert access.id == f"{ROLE}/{terminal.id}/{role.id}"
    [step] = [s for s in bench.steps(f"okta:app/{plant_app.TERMINAL}") if s.does == f"{ROLE}/unassign"]
    assert isinstance(bench.do(step), Done)
    assert role.status.shown == "GONE"


@pytest.mark.parametrize(
    ("kind", "call", "scope"),
    [
        (GRANT, "GET /api/v1/apps/<app>/grants", GRANTS.read),
        (ROLE, "GET /oauth2/v1/clients/<client>/roles", ROLES.read),
    ],
)
def test_a_denied_list_names_the_scope(bench: Bench, kind: str, call: str, scope: str) -> None:
    bench.sandbox.fault(call, "denied")
    with pytest.raises(Denied) as said:
        list(bench.kinds[kind].collect(bench.conn, PrincipalRef.parse(APP), bench.io))
    assert said.value.needs == scope


# -- planning ----------------------------------------------------------------------------------------------------------


def test_they_are_cut_first_and_nothing_gives_them_back_by_itself(bench: Bench) -> None:
    for kind in (GRANT, ROLE):
        step = step_of(bench, kind)
        assert (step.phase, step.reversible, step.rearms, step.brake) == (Phase.CUT, True, 3600.0, False)
        assert step.breaks
        assert bench.doer(step.does).only_first, "what goes first and fails stops nothing"


def test_only_in_an_incident_of_everything(bench: Bench) -> None:
    """A rotation's new credential needs them; narrower scopes are about credentials."""
    for intent in ({"order": "rollover"}, {"scope": "sessions"}, {"scope": "keys"}):
        assert [s for s in bench.steps(APP, **intent) if s.does.startswith((GRANT, ROLE))] == []
    wanted = next(iter(bench.accesses(APP, ROLE)))
    assert step_of(bench, ROLE, scope=wanted).ends == (wanted,)


def test_scopes_that_are_not_oktas_own_stay(bench: Bench) -> None:
    with bench.org.lock:
        seed.add_grant(bench.org, bench.sandbox.scene.app, "profile", START)
    assert len(bench.accesses(APP, GRANT)) == 2
    assert step_of(bench, GRANT).says.startswith("take scope okta.users.read away")


# -- doing and undoing -------------------------------------------------------------------------------------------------


def test_a_role_is_taken_away_and_living_tokens_lose_its_power(bench: Bench) -> None:
    before = bench.doors()
    step = step_of(bench, ROLE)
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == app_role.GONE
    assert bench.prove(step).proof is Proof.RECORDED
    after = bench.doors()
    assert {n for n in before if before[n] != after[n]} == {"management-token"}
    assert granted(bench) == ["okta.users.read"], "and nothing else"
    assert bench.writes() == ["DELETE /oauth2/v1/clients/<client>/roles/<role>"]
    assert isinstance(bench.do(step), Already)

    assert isinstance(bench.undo(step), Done)
    assert bench.seen(step) is None
    assert assigned(bench) == [("READ_ONLY_ADMIN", "", "")]
    assert bench.doors() == before
    assert isinstance(bench.undo(step), Already)


def test_a_scope_is_taken_away_and_granted_again(bench: Bench) -> None:
    before = bench.doors()
    step = step_of(bench, GRANT)
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == app_grant.GONE
    assert granted(bench) == []
    assert assigned(bench) == [("READ_ONLY_ADMIN", "", "")], "and nothing else"
    assert bench.doors() == before, "a token that holds it already keeps it: the role decides"
    assert isinstance(bench.do(step), Already)

    assert isinstance(bench.undo(step), Done)
    assert granted(bench) == ["okta.users.read"]
    assert bench.seen(step) is None
    assert isinstance(bench.undo(step), Already)


def test_a_new_token_does_not_get_the_scope(bench: Bench) -> None:
    bench.do(step_of(bench, GRANT))
    answer = httpx.post(f"{bench.sandbox.url}/oauth2/v1/token", data=assertion(bench))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def assertion(bench: Bench) -> dict[str, str]:
    import jwt

    with bench.org.lock:
        key, private = seed.add_key(bench.org, bench.sandbox.scene.app, START)
    who, now = bench.sandbox.scene.app.client_id, int(bench.sandbox.now().timestamp())
    url = f"{bench.sandbox.url}/oauth2/v1/token"
    claims = {"iss": who, "sub": who, "aud": url, "iat": now, "exp": now + 60}
    return {
        "grant_type": "client_credentials", "scope": "okta.users.read",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, private, "ES256", headers={"kid": key.kid}),
    }  # fmt: skip


def test_a_custom_role_comes_back_with_its_resource_set(bench: Bench) -> None:
    without_roles(bench)
    add_role(bench, "CUSTOM", role="cr0payments", resource_set="iampayments")
    add_role(bench, "CUSTOM", role="cr0payments", resource_set="iamother")
    step = next(s for s in bench.steps(APP) if s.before.get("resource-set") == "iampayments")
    bench.do(step)
    assert assigned(bench) == [("CUSTOM", "cr0payments", "iamother")], "the same role over other resources is another"
    assert bench.seen(step) is not None
    bench.undo(step)
    assert sorted(assigned(bench)) == [("CUSTOM", "cr0payments", "iamother"), ("CUSTOM", "cr0payments", "iampayments")]


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        ("APP_ADMIN", {"apps": ("salesforce", "box")}),
        ("HELP_DESK_ADMIN", {"groups": ("00gsupport",)}),
        ("USER_ADMIN", {"groups": ("00gsupport",)}),
        ("GROUP_MEMBERSHIP_ADMIN", {"groups": ("00gsupport",)}),
    ],
)
def test_a_limited_role_is_never_given_back_without_its_limits(bench: Bench, kind: str, limits: dict[str, Any]) -> None:
    without_roles(bench)
    add_role(bench, kind, **limits)
    step = step_of(bench, ROLE)
    assert (step.reversible, step.rearms) == (False, "no"), "the plan says so"
    bench.do(step)
    undone = bench.undo(step)
    assert isinstance(undone, Impossible)
    assert all(name in undone.why for names in limits.values() for name in names)
    assert assigned(bench) == []


def test_the_limits_of_a_role_are_read_page_by_page(bench: Bench) -> None:
    without_roles(bench)
    add_role(bench, "APP_ADMIN", apps=tuple(f"app{n}" for n in range(25)))
    for size in (1, 1000):
        bench.sandbox.page_size(size)
        [access] = bench.accesses(APP, ROLE).values()
        assert len(access.before["limits"]) == 25


def test_an_unlimited_role_that_may_be_limited_comes_back(bench: Bench) -> None:
    without_roles(bench)
    add_role(bench, "APP_ADMIN")
    step = step_of(bench, ROLE)
    assert step.reversible
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert assigned(bench) == [("APP_ADMIN", "", "")]


@pytest.mark.parametrize("kind", [GRANT, ROLE])
def test_what_this_run_did_not_take_away_it_does_not_give_back(bench: Bench, kind: str) -> None:
    step = step_of(bench, kind)
    bench.do(step)
    bench.run.lefts[step.id] = {}
    assert isinstance(bench.undo(step), Failed)
    assert granted(bench) == ([] if kind == GRANT else ["okta.users.read"])


def test_given_anew_under_another_id_it_is_the_same_right(bench: Bench) -> None:
    """Somebody with rights of their own puts it back before, or after, it is taken away."""
    role, scope = step_of(bench, ROLE), step_of(bench, GRANT)
    with bench.org.lock:
        app = bench.sandbox.scene.app
        app.roles.clear()
        app.grants.clear()
        seed.add_role(bench.org, app.roles, "READ_ONLY_ADMIN", START)
        seed.add_grant(bench.org, app, "okta.users.read", START)
    for step in (role, scope):
        assert bench.seen(step) is None
        assert isinstance(bench.do(step), Done)
        assert bench.seen(step) is not None
    assert (assigned(bench), granted(bench)) == ([], [])


def test_an_app_that_is_deleted_meanwhile_has_neither(bench: Bench) -> None:
    role, scope = step_of(bench, ROLE), step_of(bench, GRANT)
    with bench.org.lock:
        bench.sandbox.scene.app.status.set("GONE", START, 0)
    for step in (role, scope):
        assert isinstance(bench.do(step), Already)
        assert bench.seen(step) is not None


# -- whole runs --------------------------------------------------------------------------------------------------------


def test_a_role_that_is_given_back_during_the_run_is_taken_away_again(whole: Whole) -> None:
    done: list[str] = []

    def meddle(line: int) -> None:
        """Once something is under way that waits until the role is seen to be gone."""
        if not done and any(c.name.endswith("/lifecycle/deactivate") for c in whole.okta.calls()):
            done.append("once")
            whole.okta.meddle("assign-role")

    plan = whole.plan(name=APP)
    role = next(a.id for a in plan.accesses if a.kind == ROLE)
    report = whole.run(plan, before_append=meddle)
    assert done
    assert [r.status.shown for r in whole.okta.scene.app.roles.values()] == ["GONE", "GONE"]
    assert whole.outcome(report, role).fate == "ended"
    assert "management-token" not in whole.open_doors()


def test_where_roles_may_not_be_touched_the_rest_is_ended_all_the_same(whole: Whole) -> None:
    plan = whole.plan(name=APP)
    whole.okta.fault("DELETE /oauth2/v1/clients/<client>/roles/<role>", "denied", times=1000)
    report = whole.run(plan)
    assert whole.outcome(report, ROLE).fate == "failed"
    assert whole.outcome(report, "okta:client-secret").fate == "ended"
    assert report.exit_code == 5
    assert "management-token" in whole.open_doors()


def test_undo_gives_both_back_only_where_that_is_asked_for(whole: Whole) -> None:
    report = whole.run(whole.plan(name=APP))
    scene = whole.okta.scene
    ended = [o.access.id for o in report.outcomes if o.access.kind in (GRANT, ROLE)]
    whole.undo(report.run, rearm=ended)
    assert [r.type for r in scene.app.roles.values() if r.status.shown == "ACTIVE"] == ["READ_ONLY_ADMIN"]
    assert [g.scope for g in scene.app.grants.values() if g.status.shown == "ACTIVE"] == ["okta.users.read"]
    assert "client-secret" not in whole.open_doors()
