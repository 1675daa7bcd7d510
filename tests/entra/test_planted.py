"""What the identity made for others, as the audit log tells it (facts entra.md 1, row 12, and 8, 27)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.fault import Unavailable
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_entra import planted
from nhi_revoke_entra.planted import KIND, LATE, Planted
from nhi_revoke_entra.planting import LONGEST, PLANTS, act_of, words
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.auditing import target
from nhi_revoke_entra.sandbox.plant_planted import LATER, NAME
from nhi_revoke_entra.sandbox.plant_user import LOGIN
from nhi_revoke_entra.sandbox.state import GRAPH, Token

from .conftest import APP, START, Bench, Whole, world

A_DAY = timedelta(days=1)
SERVICE_USER = f"entra:user/{LOGIN}"
LOG = "GET /v1.0/auditLogs/directoryAudits"
ROLES = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All",
         "RoleManagement.ReadWrite.Directory", "User.ReadWrite.All", "User-PasswordProfile.ReadWrite.All",
         "User.EnableDisableAccount.All")  # fmt: skip


def found(bench: Bench, on: str = APP, since: timedelta = A_DAY) -> tuple[list[Lead], list[BlindSpot]]:
    seen = bench.observe(on, KIND, bench.conn.now() - since)
    return [f for f in seen if isinstance(f, Lead)], [f for f in seen if isinstance(f, BlindSpot)]


def log(bench: Bench, activity: str, *targets: dict[str, Any], hours: float = 1, by: str = "", **more: Any) -> None:
    """By the identity's app, an hour ago."""
    with bench.tenant.lock:
        made = bench.tenant.audit(activity, START - timedelta(hours=hours), by or bench.principal.id, *targets)
        made.result = more.get("result", "success")


class Intruder:
    """Whoever has a live token of the app, with every right that an app can have."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        with bench.tenant.lock:
            self.token: Token = bench.tenant.new_token(bench.principal, GRAPH, START, roles=frozenset(ROLES))
            bench.scene.steal(self.token.value)

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.token.value}"}
        answer = httpx.request(method, f"{self.bench.sandbox.url}/v1.0{path}", json=body, headers=headers)
        answer.raise_for_status()
        return answer.json() if answer.content else None


@pytest.fixture
def intruder(bench: Bench) -> Intruder:
    return Intruder(bench)


# -- what is told ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000])
def test_an_app_that_was_made_is_one_lead_under_both_of_its_objects(
    bench: Bench, intruder: Intruder, size: int
) -> None:
    bench.sandbox.page_size(size)
    app = intruder.send("POST", "/applications", {"displayName": "Backdoor"})
    principal = intruder.send("POST", "/servicePrincipals", {"appId": app["appId"]})
    intruder.send("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "x"}})
    intruder.send("POST", f"/servicePrincipals/{principal['id']}/addPassword", {"passwordCredential": {}})
    leads, _ = found(bench)
    [lead] = leads
    assert str(lead.to) == f"entra:app/{app['appId']}"
    assert (lead.how, lead.evidence) == ("planted", "GET /auditLogs/directoryAudits")
    assert lead.of == bench.resolve(APP).ref
    assert lead.at is not None
    assert re.match(
        r"Payments Bot created this app; created its service principal; changed its secrets or certificates; "
        r"added credentials to its service principal at 2026-11-28T12:00:0\dZ",
        lead.why,
    )
    assert lead.next == f"nhi-revoke revoke {lead.to} --since {lead.at:%Y-%m-%dT%H:%M:%SZ}"
    for secret in bench.tenant.secrets:
        assert secret not in repr(leads)


def test_rights_given_to_another_app_name_that_app_and_the_right(bench: Bench, intruder: Intruder) -> None:
    """The log's target is the API; who was given the right stands in a modified property."""
    with bench.tenant.lock:
        application, other = seed.new_app(bench.tenant, "Other", START)
        helper = seed.new_user(bench.tenant, "helper@example.com")
    graph = bench.tenant.principal_of(GRAPH)
    assert graph is not None
    [role] = [r for r, name in graph.roles.items() if name == "Mail.Read"]
    body = {"principalId": other.id, "resourceId": graph.id, "appRoleId": role}
    intruder.send("POST", f"/servicePrincipals/{other.id}/appRoleAssignments", body)
    grant = {"clientId": other.id, "consentType": "AllPrincipals", "resourceId": graph.id, "scope": "Mail.Read"}
    intruder.send("POST", "/oauth2PermissionGrants", grant)
    [definition] = [r for r, name in bench.tenant.role_names.items() if name == "Cloud Application Administrator"]
    member = {"principalId": other.id, "roleDefinitionId": definition, "directoryScopeId": "/"}
    intruder.send("POST", "/roleManagement/directory/roleAssignments", member)
    owner = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{helper.id}"}
    intruder.send("POST", f"/applications/{application.id}/owners/$ref", owner)
    trust = {"name": "t", "issuer": "https://issuer.example.com", "subject": "s", "audiences": ["a"]}
    intruder.send("POST", f"/applications/{application.id}/federatedIdentityCredentials", trust)
    [lead] = found(bench)[0]
    assert str(lead.to) == f"entra:app/{other.app_id}"
    for said in (
        "gave it an app role (Mail.Read)", "let it act for users", "gave it an owner (helper@example.com)",
        "gave it a directory role (Cloud Application Administrator)", "made it trust another issuer",
    ):  # fmt: skip
        assert said in lead.why
    assert "issuer.example.com" not in lead.why
    assert graph.app_id not in str(found(bench)[0])


def test_a_user_that_was_made_and_one_whose_password_was_reset(bench: Bench, intruder: Intruder) -> None:
    with bench.tenant.lock:
        victim = seed.new_user(bench.tenant, "victim@example.com")
    made = intruder.send(
        "POST", "/users",
        {"accountEnabled": True, "displayName": "b", "mailNickname": "b", "userPrincipalName": "b@example.com",
         "passwordProfile": {"password": "correct horse battery"}},
    )  # fmt: skip
    intruder.send("PATCH", f"/users/{victim.id}", {"passwordProfile": {"password": "stolen from them"}})
    leads, _ = found(bench)
    assert {(str(lead.to), re.sub(" at 2026.*", "", lead.why)) for lead in leads} == {
        (f"entra:user/{made['id']}", "Payments Bot created this user"),
        (f"entra:user/{victim.id}", "Payments Bot reset this user's password"),
    }
    assert all(lead.next.startswith(f"nhi-revoke revoke {lead.to} --since") for lead in leads)


def test_what_a_user_did_is_asked_for_by_the_users_id(bench: Bench) -> None:
    with bench.tenant.lock:
        other, _ = seed.new_app(bench.tenant, "Theirs", START)
    user = bench.resolve(SERVICE_USER).unique_id
    log(bench, "Add application", target(other), by=user)
    assert [str(lead.to) for lead in found(bench, SERVICE_USER)[0]] == [f"entra:app/{other.app_id}"]
    assert found(bench)[0] == [], "what another one did is not this one's"


def test_each_activity_that_is_known(bench: Bench) -> None:
    with bench.tenant.lock:
        application, principal = seed.new_app(bench.tenant, "Theirs", START)
        user = seed.new_user(bench.tenant, "theirs@example.com")
    targets = {"Application": target(application), "ServicePrincipal": target(principal), "User": target(user)}
    for number, (activity, plant) in enumerate(PLANTS.items()):
        log(bench, activity.title(), targets[plant.on[0]], hours=2 - number / 60)
    leads = found(bench)[0]
    assert {str(lead.to) for lead in leads} == {f"entra:app/{application.app_id}", f"entra:user/{user.id}"}
    told = " ".join(lead.why for lead in leads)
    for plant in PLANTS.values():
        assert plant.says in told


@pytest.mark.parametrize(
    "written",
    ["Update application – Certificates and secrets management ", "update application - certificates and secrets "
     "management", "Update application — Certificates and Secrets Management"],
)  # fmt: skip
def test_names_are_compared_by_their_words(written: str) -> None:
    """They are recalled, and differ between records of one activity."""
    assert words(written) in PLANTS


def test_an_activity_that_is_not_known_is_told_by_its_name(bench: Bench) -> None:
    with bench.tenant.lock:
        others = [seed.new_user(bench.tenant, f"u{n}@example.com") for n in range(7)]
    for other in others:
        log(bench, "Update user", target(other))
    log(bench, "Set federation settings on domain", {"id": None, "type": "Other", "displayName": "example.com"})
    leads = {lead.why.partition(" at ")[0]: lead for lead in found(bench)[0]}
    users = ", ".join(o.login for o in others[:5])
    assert set(leads) == {
        f'Payments Bot did "Update user" ({users} and 2 more)',
        'Payments Bot did "Set federation settings on domain"',
    }
    [first, second] = leads.values()
    assert first.next == f"nhi-revoke list entra:user/{others[0].id}"
    assert (str(second.to), second.next) == (f"entra:tenant/{bench.conn.scope}", "")
    assert "admin center" in second.why


def test_what_it_did_to_itself_is_on_its_own_lists_unless_no_list_shows_it(bench: Bench) -> None:
    own = target(bench.scene.application)
    log(bench, "Update application – Certificates and secrets management ", own)
    log(bench, "Add owner to service principal", target(bench.principal))
    assert found(bench)[0] == []
    log(bench, "Update application", own)
    [lead] = found(bench)[0]
    assert 'did "Update application"' in lead.why
    assert lead.to == bench.resolve(APP).ref


def test_what_is_gone_is_said_to_be(bench: Bench) -> None:
    with bench.tenant.lock:
        application, _ = seed.new_app(bench.tenant, "Gone", START)
        del bench.tenant.applications[application.id]
    log(bench, "Add application", target(application))
    [lead] = found(bench)[0]
    assert "it is gone by now" in lead.why
    assert lead.next == f"nhi-revoke list entra:app/{application.id}"


def row(**more: Any) -> dict[str, Any]:
    """An event of the log."""
    guid = "4f1c0000-0000-4000-8000-00000000aaaa"
    return {
        "activityDateTime": "2026-11-28T11:00:00Z", "activityDisplayName": "Add user", "result": "success",
        "targetResources": [{"id": guid, "type": "User", "userPrincipalName": "x@example.com"}], **more,
    }  # fmt: skip


def test_failed_tries_are_no_plants_and_what_is_unsure_is_one() -> None:
    assert act_of(row()) is not None
    assert act_of(row(result="failure")) is None
    assert act_of(row(activityDateTime="soon")) is None
    unsure = act_of(row(result="timeout"))
    assert unsure is not None
    assert "does not say that it succeeded" in unsure.says


@pytest.mark.parametrize(
    "targets",
    [None, [], ["no table"], [{"id": "../x", "type": "User"}], [{"id": 5}], [{"modifiedProperties": None}],
     [{"modifiedProperties": ["x", {"displayName": "Role.DisplayName", "newValue": 5}]}]],
)  # fmt: skip
def test_what_an_event_does_not_tell_hides_no_event(targets: Any) -> None:
    act = act_of(row(targetResources=targets))
    assert act is not None
    assert (act.on.id, act.details) == ("", "")


def test_of_an_event_names_and_ids_are_read_and_nothing_else(bench: Bench) -> None:
    """Facts entra.md 8, 21: modified properties may hold anything."""
    canary = bench.tenant.new_secret()
    with bench.tenant.lock:
        user = seed.new_user(bench.tenant, "theirs@example.com")
    told = target(user, Password=canary, Role_DisplayName="Global Administrator", AppRole_Value=canary)
    log(bench, "Add member to role", {**told, "groupType": canary})
    leads, blind = found(bench)
    assert "gave it a directory role (Global Administrator)" in leads[0].why
    assert canary not in repr((leads, blind))


def test_a_name_that_somebody_chose_is_one_line_and_short(bench: Bench) -> None:
    with bench.tenant.lock:
        user = seed.new_user(bench.tenant, "a\nb\x1b[31m" + "c" * 500)
    log(bench, "Update user\nOUT", target(user))
    [lead] = found(bench)[0]
    assert "\n" not in lead.why
    assert "\x1b" not in lead.why
    assert "c" * (LONGEST + 1) not in lead.why


# -- what is asked -----------------------------------------------------------------------------------------------------


def test_since_is_told_to_graph(bench: Bench) -> None:
    with bench.tenant.lock:
        other, _ = seed.new_app(bench.tenant, "Old", START)
    log(bench, "Add application", target(other), hours=24 * 10)
    assert found(bench)[0] == []
    assert [str(lead.to) for lead in found(bench, since=11 * A_DAY)[0]] == [f"entra:app/{other.app_id}"]


def test_another_initiators_rows_are_not_believed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Graph ignored the filter, every change of the tenant would be this one's."""
    with bench.tenant.lock:
        other, _ = seed.new_app(bench.tenant, "Theirs", START)
    log(bench, "Add application", target(other), by=bench.resolve(SERVICE_USER).unique_id)
    ask = bench.conn.log_rows

    def unfiltered(path: str, needs: str, **query: Any) -> Iterator[dict[str, Any]]:
        since = str(query["$filter"]).partition(" and ")[0]
        return ask(path, needs, **{"$filter": since})

    monkeypatch.setattr(bench.conn, "log_rows", unfiltered)
    assert found(bench)[0] == []


@pytest.mark.parametrize("why", ["licence", "permission"])
def test_denied_it_is_unseen_and_never_none(bench: Bench, why: str) -> None:
    view = bench.view(APP)
    if why == "licence":
        bench.tenant.premium = False
    else:
        bench.sandbox.fault(LOG, "denied", 9)
    seen = list(bench.kinds[KIND].observe(bench.conn, view.who, view.accesses, START - A_DAY, bench.io))
    [spot] = seen
    assert isinstance(spot, BlindSpot)
    assert spot.counts
    assert "AuditLog.Read.All" in spot.needs
    assert "P1 or P2" in spot.needs


def test_a_failing_log_is_told_by_the_engine(bench: Bench) -> None:
    bench.sandbox.fault(LOG, "down", 9)
    with pytest.raises(Unavailable):
        found(bench)


def test_leads_are_told_where_nothing_else_may_be_read(bench: Bench) -> None:
    with bench.tenant.lock:
        other, _ = seed.new_app(bench.tenant, "Theirs", START)
    log(bench, "Add application", target(other))
    view = bench.view(APP)
    bench.sandbox.allow_only(["AuditLog.Read.All"])
    seen = bench.kinds[KIND].observe(bench.conn, view.who, view.accesses, START - A_DAY, bench.io)
    assert [str(f.to) for f in seen if isinstance(f, Lead)] == [f"entra:app/{other.id}"], "by its object id, then"


def test_the_limits_are_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for on in (APP, SERVICE_USER):
        lag, *more = found(bench, on)[1]
        assert (lag.why, lag.kind) == (LATE, KIND)
        assert lag.until is not None
        keys = {f"{k.name}/{d.name}" for k in bench.kinds.values() for d in k.remedies}
        assert set(lag.covered_by) <= keys
        assert [(spot.counts, "logged as that user's doing" in spot.why) for spot in more] == [(False, True)] * (
            on == APP
        )
    blind = found(bench, since=timedelta(days=200))[1]
    assert any("keeps 30 days, and 7 without a licence" in spot.why for spot in blind)
    with bench.tenant.lock:
        users = [seed.new_user(bench.tenant, f"u{n}@example.com") for n in range(3)]
    for user in users:
        log(bench, "Add user", target(user))
    monkeypatch.setattr(planted, "MOST", 2)
    leads, blind = found(bench)
    assert len(leads) == 2
    assert any("more than 2 events" in spot.why for spot in blind)


def test_few_objects_are_looked_at_and_all_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planted, "MOST_LOOKED_AT", 1)
    with bench.tenant.lock:
        users = [seed.new_user(bench.tenant, f"u{n}@example.com") for n in range(3)]
    for user in users:
        log(bench, "Add user", target(user))
    assert {lead.to.id for lead in found(bench)[0]} == {u.id for u in users}


def test_an_app_without_a_service_principal_did_nothing_here(bench: Bench) -> None:
    with bench.tenant.lock:
        application, principal = seed.new_app(bench.tenant, "Unused", START)
        del bench.tenant.principals[principal.id]
    who = bench.resolve(f"entra:app/{application.app_id}")
    assert list(Planted(bench.conn, bench.io, who, START - A_DAY).leads()) == []
    assert not [c for c in bench.sandbox.calls() if c.name == LOG]


# -- under the engine --------------------------------------------------------------------------------------------------


@pytest.fixture
def infested(tmp_path: Path) -> Iterator[Whole]:
    with world(tmp_path, deliver=False, planted=True) as made:
        assert isinstance(made, Whole)
        yield made


def planted_doors(whole: Whole) -> set[str]:
    return {name for name in whole.open_doors() if name.startswith("planted")}


def test_the_report_names_what_was_planted_and_it_stays_open(infested: Whole) -> None:
    report = infested.run(infested.plan(Intent(rotate="no")))
    [lead] = report.planted
    assert lead.next.startswith("nhi-revoke revoke entra:app/")
    made = next(a for a in infested.entra.tenant.applications.values() if a.name == NAME)
    assert lead.to.id == made.app_id
    assert len(planted_doors(infested)) == 1
    assert report.exit_code == 8
    assert mispredicted(infested, report) == []
    assert not [b for b in report.blind if b.kind == KIND and b.counts], "a stopped principal covers the log's lag"


def test_what_is_planted_later_is_found_by_verify(infested: Whole) -> None:
    report = infested.run(infested.plan(Intent(rotate="no")))
    infested.sandbox.meddle("plant-app")
    infested.clock.advance(120)
    made = {a.app_id for a in infested.entra.tenant.applications.values() if a.name in (NAME, LATER)}
    assert {lead.to.id for lead in infested.verify(report.run).planted} == made
