"""Admin roles of a user: taken away first, assigned again by undo, and never by more than there was."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.step import Manual, Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.testing.conformance.declared import permissions
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.state import RoleAssignment
from nhi_revoke_okta.scopes import APPS, LOGS, ROLES, TOKENS, USERS

from . import user_run
from .conftest import START, USER, Bench, Whole

KIND = "okta:user-role"


def give(bench: Bench, kind: str, **more: Any) -> RoleAssignment:
    with bench.org.lock:
        role = seed.add_role(bench.org, bench.sandbox.scene.user.roles, kind, START)
        for field, value in more.items():
            setattr(role, field, value)
    return role


def held(bench: Bench) -> list[str]:
    roles = bench.sandbox.scene.user.roles.values()
    return sorted(r.type for r in roles if r.status.shown == "ACTIVE")


def unassignments(bench: Bench, **intent: Any) -> dict[str, Step]:
    """By the role's id."""
    return {s.ends[0].rpartition("/")[2]: s for s in bench.steps(USER, **intent) if s.does == f"{KIND}/unassign"}


def first(bench: Bench) -> Step:
    return next(iter(unassignments(bench).values()))


@pytest.mark.parametrize("size", [1, 1000])
def test_every_role_is_listed_with_what_it_gives(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    give(bench, "USER_ADMIN", groups=("Contractors",))
    give(bench, "CUSTOM", role="cr0Reader", resource_set="iamFinance", label="Finance reader")
    found = bench.accesses(USER, KIND)
    assert sorted(a.label for a in found.values()) == [
        "admin role App Admin", "admin role Finance reader", "admin role User Admin for Contractors",
    ]  # fmt: skip
    assert not any(a.opens for a in found.values()), "rights let nobody in by themselves"


def test_it_is_taken_away_and_nothing_else_is_changed(bench: Bench) -> None:
    doors = bench.doors()
    other = give(bench, "REPORT_ADMIN")
    step = next(s for i, s in unassignments(bench).items() if i != other.id)
    assert step.phase is Phase.CUT
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"assigned": False}
    assert held(bench) == ["REPORT_ADMIN"]
    assert bench.doors() == doors, "a role lets nobody in by itself"
    assert bench.writes() == ["DELETE /api/v1/users/<user>/roles/<role>"]


def test_undo_assigns_the_same_role_once(bench: Bench) -> None:
    custom = give(bench, "CUSTOM", role="cr0Reader", resource_set="iamFinance")
    for step in unassignments(bench).values():
        bench.do(step)
        assert isinstance(bench.undo(step), Done)
        assert bench.undo(step) == Already({"assigned": True})
    roles = [r for r in bench.sandbox.scene.user.roles.values() if r.status.shown == "ACTIVE"]
    assert sorted((r.type, r.role, r.resource_set) for r in roles) == [
        ("APP_ADMIN", "", ""), ("CUSTOM", custom.role, custom.resource_set),
    ]  # fmt: skip


def test_undo_assigns_one_of_oktas_own_by_its_type_alone(bench: Bench) -> None:
    """It is listed as a custom role is, and refused if it is asked for so."""
    role = give(bench, "WORKFLOWS_ADMIN", role="WORKFLOWS_ADMIN", resource_set="WORKFLOWS_ADMIN_RESOURCES")
    step = unassignments(bench)[role.id]
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert bench.undo(step) == Already({"assigned": True})
    assert held(bench) == ["APP_ADMIN", "WORKFLOWS_ADMIN"]


def test_undo_assigns_nothing_that_this_run_did_not_take(bench: Bench) -> None:
    step = first(bench)
    bench.do(step)
    bench.run.lefts[step.id] = {}
    assert isinstance(bench.undo(step), Failed)
    assert held(bench) == []


def test_twice_is_already(bench: Bench) -> None:
    step = first(bench)
    bench.do(step)
    assert bench.do(step) == Already({"assigned": False})


def test_one_that_was_given_again_under_another_id_is_taken_again(bench: Bench) -> None:
    step = first(bench)
    bench.do(step)
    give(bench, "APP_ADMIN")
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert held(bench) == []


@pytest.mark.parametrize("limit", [{"groups": ("Contractors",)}, {"apps": ("salesforce",)}])
def test_a_limited_role_is_never_given_back_without_its_limits(bench: Bench, limit: dict[str, Any]) -> None:
    """Assigning it anew would make it hold for all."""
    role = give(bench, "HELP_DESK_ADMIN", **limit)
    step = unassignments(bench)[role.id]
    assert not step.reversible
    assert "would lift the limits" in step.says
    assert unassignments(bench)[next(i for i in unassignments(bench) if i != role.id)].reversible


def test_one_that_comes_with_a_group_is_by_hand(bench: Bench) -> None:
    role = give(bench, "SUPER_ADMIN", group="Administrators")
    assert role.id not in unassignments(bench)
    [manual] = [d for d in bench.draft(USER) if isinstance(d, Manual)]
    assert "take the user out of the group" in manual.what
    # its own of the same type is another assignment, and the group's is not touched
    own = give(bench, "SUPER_ADMIN")
    bench.do(unassignments(bench)[own.id])
    assert role.status.shown == "ACTIVE"
    assert own.status.shown == "GONE"


def test_a_rotation_leaves_the_roles_alone(bench: Bench) -> None:
    assert unassignments(bench)
    assert not unassignments(bench, order="rollover")


def test_a_listing_that_is_denied_names_the_scope(bench: Bench) -> None:
    bench.sandbox.allow_only([USERS.read])
    with pytest.raises(Denied) as no:
        bench.collect(USER, KIND)
    assert no.value.needs == ROLES.read


# -- a whole run ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("denied", "kinds"),
    [
        (ROLES.read, {"okta:user-role"}),
        (TOKENS.read, {"okta:api-token"}),
        (APPS.read, {"okta:app-session"}),
        (LOGS, {"okta:user-session"}),
    ],
)
def test_what_may_not_be_listed_is_unseen_and_the_scope_is_named(whole: Whole, denied: str, kinds: set[str]) -> None:
    rights = permissions(whole.provider)
    whole.sandbox.allow_only(sorted(rights - {denied}))
    report = user_run.run(whole)
    blind = [b for b in report.blind if b.counts]
    assert {b.kind for b in blind} >= kinds
    assert {b.needs for b in blind} == {denied}
    assert report.exit_code in (8, 9)
    assert report.headline == "NOT PROVEN OUT"
    assert whole.okta.scene.user.status.shown == "SUSPENDED", "what may be ended is ended"


@pytest.mark.parametrize("denied", [ROLES.manage, TOKENS.manage])
def test_what_may_not_be_done_first_holds_up_nothing_else(whole: Whole, denied: str) -> None:
    """Half a containment beats none: an operator without the right to roles still stops the user."""
    rights = permissions(whole.provider)
    whole.sandbox.allow_only(sorted(rights - {denied}))
    report = user_run.run(whole)
    assert whole.okta.scene.user.status.shown == "SUSPENDED"
    assert [s.does for s in report.steps if s.result == "failed"] == [
        f"{'okta:user-role/unassign' if denied == ROLES.manage else 'okta:api-token/delete'}"
    ]
    assert user_run.mine(whole) == {
        "api-token": denied == TOKENS.manage, "user-session": False, "user-refresh-token": False,
    }  # fmt: skip
    assert report.exit_code == 5
    assert {s.does for s in report.steps if s.result == "skipped"} == {
        "okta:user-session/clear", "okta:user-token/revoke",
    }, "the seals wait"  # fmt: skip
    whole.sandbox.allow_only(None)
    resumed = whole.resume(report.run)
    assert user_run.still_open(resumed) == []
    assert user_run.wrong(whole, resumed) == []
