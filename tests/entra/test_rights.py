"""Owners, app roles and delegated grants (facts entra.md 8: 4, 25, 26)."""

from __future__ import annotations

import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Notice, Step
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.state import GRAPH

from .conftest import APP, START, Bench, Whole

OWNER, ROLE, GRANT = "entra:owner", "entra:app-role", "entra:delegated-grant"
DIRECTORY = "entra:directory-role"


def steps_of(bench: Bench, kind: str) -> list[Step]:
    return [s for s in bench.steps(APP) if s.does == f"{kind}/remove"]


def done_and_undone(bench: Bench, step: Step) -> None:
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) is not None
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Done)
    assert bench.seen(step) is None
    assert isinstance(bench.undo(step), Already)
    assert isinstance(bench.do(step), Done)
    bench.run.lefts.clear()
    assert isinstance(bench.undo(step), Failed), "another run's doing is not taken back"


def test_owners_of_both_objects_are_removed_and_put_back(bench: Bench) -> None:
    steps = steps_of(bench, OWNER)
    assert sorted(s.before["place"] for s in steps) == ["applications", "applications", "servicePrincipals"]
    for step in steps:
        done_and_undone(bench, step)
    assert not bench.doors()["owner"]
    assert bench.doors()["client-secret"], "nothing else was ended"


def test_what_was_taken_away_is_not_called_failed_where_the_listing_is_denied(bench: Bench) -> None:
    """It happened, and so can be taken back; that it is gone is seen only where it is listed."""
    [step] = steps_of(bench, ROLE)
    bench.sandbox.fault("GET /v1.0/servicePrincipals/<one>/appRoleAssignments", "denied")
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step)
    assert isinstance(bench.undo(step), Done)


def test_more_writes_than_an_app_for_personal_accounts_takes_in_a_minute_are_waited_for(whole: Whole) -> None:
    """Facts entra.md 8, 36: 60 a minute."""
    tenant, application = whole.entra.tenant, whole.entra.scene.application
    with tenant.lock:
        application.audience = "AzureADandPersonalMicrosoftAccount"
        for number in range(70):
            seed.add_owner(application, seed.new_user(tenant, f"owner-{number}@example.com").id, START)
    report = whole.run(whole.plan(Intent(rotate="no"), name=APP))
    assert {s.result for s in report.steps if s.does == f"{OWNER}/remove"} == {"done"}
    assert not [owner for owner, there in application.owners.items() if there.shown]


def test_the_operator_as_an_owner_stays(bench: Bench) -> None:
    with bench.tenant.lock:
        mine = bench.tenant.principal_of(bench.settings.client_id)
        assert mine is not None
        seed.add_owner(bench.scene.application, mine.id, START)
    view = bench.view(APP, operator=tuple(bench.conn.whoami()))
    drafts = list(bench.kinds[OWNER].draft(view, Intent()))
    assert mine.id not in {d.before["owner"] for d in drafts if isinstance(d, Step)}
    assert any(isinstance(d, Notice) and "it is you" in d.says for d in drafts)
    assert len([d for d in drafts if isinstance(d, Step)]) == 3


def test_a_role_by_which_it_could_repair_itself_is_taken_away(bench: Bench) -> None:
    found = {a.label: a.before["repairs"] for a in bench.accesses(APP, ROLE).values()}
    assert found == {
        "app role Application.ReadWrite.OwnedBy at Microsoft Graph": True,
        "app role User.Read.All at Microsoft Graph": False,
    }
    [step] = steps_of(bench, ROLE)
    done_and_undone(bench, step)
    left = [
        bench.tenant.principals[a.resource].roles[a.role] for a in bench.principal.assignments.values() if a.there.shown
    ]
    assert left == ["User.Read.All"]


@pytest.mark.parametrize(
    "value", ["RoleAssignmentSchedule.ReadWrite.Directory", "AgentIdentityBlueprint.AddRemoveCreds.All"]
)
def test_so_is_one_by_which_it_assigns_roles_by_a_schedule_or_gives_a_blueprint_credentials(
    bench: Bench, value: str
) -> None:
    graph = bench.tenant.principal_of(GRAPH)
    assert graph is not None
    with bench.tenant.lock:
        graph.roles[bench.tenant.new_id()] = value
        seed.add_role(bench.tenant, bench.principal, graph, value, START)
    [step] = [s for s in steps_of(bench, ROLE) if value in s.says]
    done_and_undone(bench, step)


def test_a_role_whose_name_cannot_be_read_counts_as_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = bench.tenant.principal_of(GRAPH)
    assert graph is not None
    monkeypatch.setattr("nhi_revoke_entra.access.app_role._resource", lambda *_: {})
    assert all(a.before["repairs"] for a in bench.accesses(APP, ROLE).values())
    assert len(steps_of(bench, ROLE)) == 2


def test_a_role_at_another_api_is_left(bench: Bench) -> None:
    with bench.tenant.lock:
        seed.add_role(bench.tenant, bench.principal, bench.scene.ledger, "Ledger.Post", START)
    [access] = [a for a in bench.accesses(APP, ROLE).values() if "Ledger" in a.label]
    assert not access.before["repairs"]
    assert len(steps_of(bench, ROLE)) == 1


@pytest.mark.parametrize("whose", ["one user", "every user"])
def test_a_delegated_grant_is_removed_and_given_again(bench: Bench, whose: str) -> None:
    if whose == "every user":
        with bench.tenant.lock:
            next(iter(bench.tenant.grants.values())).user = ""
    [step] = steps_of(bench, GRANT)
    assert step.before["object"] == bench.principal.id, "the client is the service principal's object id"
    assert bench.doors()["refresh-token"]
    done_and_undone(bench, step)
    assert not bench.doors()["refresh-token"]
    assert bench.doors()["client-secret"], "nothing else was ended"


@pytest.mark.parametrize("scope", ["/", "/administrativeUnits/au-1"])
def test_a_directory_role_that_changes_anything_is_taken_away_and_given_again(bench: Bench, scope: str) -> None:
    with bench.tenant.lock:
        mine = next(r for r in bench.tenant.directory_roles.values() if "Admin" in bench.tenant.role_names[r.role])
        mine.scope = scope
    found = {a.label.partition(" over")[0]: a.before["reads"] for a in bench.accesses(APP, DIRECTORY).values()}
    assert found == {
        "directory role Cloud Application Administrator": False,
        "directory role Directory Readers": True,
    }
    [step] = steps_of(bench, DIRECTORY)
    done_and_undone(bench, step)
    mine_now = [r for r in bench.tenant.directory_roles.values() if r.principal == bench.principal.id]
    left = [r for r in mine_now if r.there.shown]
    assert [bench.tenant.role_names[r.role] for r in left] == ["Directory Readers"]
    given = [r.scope for r in bench.tenant.directory_roles.values() if r.role == mine.role]
    assert given == [scope] * 2


def test_a_grant_that_cannot_be_listed_hides_no_other_kind(bench: Bench) -> None:
    bench.sandbox.allow_only(["Application.Read.All"])
    assert bench.accesses(APP, OWNER)
    with pytest.raises(Exception, match="denied"):
        bench.accesses(APP, GRANT)


def test_a_rotation_takes_no_rights_away(bench: Bench) -> None:
    rights = {s.does for s in bench.steps(APP, order="rollover")}
    assert not {f"{kind}/remove" for kind in (OWNER, ROLE, GRANT, DIRECTORY)} & rights
