"""Agent identities, their blueprint and their users (facts entra.md 1, row 17, and 8: 31)."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx
import pytest

from nhi_revoke.model.change import Done
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Manual, Notice
from nhi_revoke.provider.fault import AmbiguousName, Missing
from nhi_revoke_entra.agents import BLUEPRINT_PRINCIPAL, IDENTITY
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.gate import INTRUDER
from nhi_revoke_entra.sandbox.routes_tokens import ASSERTION, EXCHANGE
from nhi_revoke_entra.sandbox.state import TENANT, Application, Password, ServicePrincipal, Tenant, User

from .conftest import APP, START, Bench, Whole

AGENTS = f"GET /v1.0/servicePrincipals/{IDENTITY}"
LEDGER = "entra:access-token"


class Family(NamedTuple):
    """One blueprint with its secret, two agent identities, and the user of the first."""

    blueprint: Application
    principal: ServicePrincipal
    secret: Password
    agent: ServicePrincipal
    sibling: ServicePrincipal
    user: User

    @property
    def name(self) -> str:
        return f"entra:agent/{self.agent.id}"


@pytest.fixture
def family(bench: Bench) -> Family:
    return planted(bench.tenant)


def planted(tenant: Tenant) -> Family:
    with tenant.lock:
        blueprint, principal = seed.new_app(tenant, "Invoice agents", START)
        blueprint.agents = True
        secret = seed.add_password(tenant, blueprint, START, "stolen")
        agent, sibling = (seed.new_principal(tenant, name, START, "") for name in ("invoice-bot", "refund-bot"))
        for each in (agent, sibling):
            each.type, each.blueprint = "ServiceIdentity", blueprint.app_id
        user = seed.new_user(tenant, "invoice-bot@example.com")
        user.agent = agent.id
    return Family(blueprint, principal, secret, agent, sibling, user)


def asked(bench: Bench, **form: str) -> Any:
    url = f"{bench.sandbox.url}/{TENANT}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", **form}
    return httpx.post(url, data=form, headers={"User-Agent": INTRUDER})


def gets_in(bench: Bench, family: Family, agent: ServicePrincipal) -> bool:
    """The intruder with the blueprint's secret, as this agent (Microsoft docs: agent-autonomous-app-oauth-flow)."""
    first = asked(bench, client_id=family.blueprint.app_id, client_secret=family.secret.value, fmi_path=agent.id,
                  scope=f"{EXCHANGE}/.default")  # fmt: skip
    if first.status_code != 200:
        return False
    second = asked(bench, client_id=agent.id, client_assertion=first.json()["access_token"],
                   client_assertion_type=ASSERTION, scope="https://graph.microsoft.com/.default")  # fmt: skip
    return bool(second.status_code == 200)


def test_named_by_id_and_by_name(bench: Bench, family: Family) -> None:
    for typed in (family.agent.id, family.agent.name):
        who = bench.resolve(f"entra:agent/{typed}")
        assert (str(who.ref), who.kind, who.name) == (family.name, "agent", "invoice-bot")
        assert who.facts["blueprint"] == family.blueprint.app_id
    assert [str(ref) for ref in bench.provider.find(bench.conn, "invoice-bot")] == [family.name]


def test_a_name_of_two_is_refused_and_of_none_is_said(bench: Bench, family: Family) -> None:
    with bench.tenant.lock:
        family.sibling.name = family.agent.name
    with pytest.raises(AmbiguousName) as refused:
        bench.resolve(f"entra:agent/{family.agent.name}")
    assert set(refused.value.candidates) == {family.name, f"entra:agent/{family.sibling.id}"}
    with pytest.raises(Missing, match="no such agent identity"):
        bench.resolve("entra:agent/o'nobody")
    with pytest.raises(Missing, match="no such agent identity"):
        bench.resolve(f"entra:agent/{bench.principal.id}")


@pytest.mark.parametrize("typed", ["id", "name"])
def test_typed_as_an_app_it_is_told_what_it_is(bench: Bench, family: Family, typed: str) -> None:
    with pytest.raises(Missing, match="agent identity") as refused:
        bench.resolve(f"entra:app/{family.agent.id if typed == 'id' else family.agent.name}")
    assert family.name in refused.value.hint


def test_an_app_beside_an_agent_of_its_name_is_found(bench: Bench, family: Family) -> None:
    with bench.tenant.lock:
        family.agent.name = bench.principal.name
    assert bench.resolve(APP).unique_id == bench.principal.app_id


def test_it_leads_to_its_blueprint_and_its_user(bench: Bench, family: Family) -> None:
    found = bench.collect(family.name, "entra:agent")
    leads = {str(f.to): f for f in found if isinstance(f, Lead)}
    assert set(leads) == {f"entra:app/{family.blueprint.app_id}", f"entra:user/{family.user.id}"}
    assert "every other agent identity" in leads[f"entra:app/{family.blueprint.app_id}"].why
    assert all(lead.next == f"nhi-revoke list {name}" for name, lead in leads.items())
    assert len(found) == 2


def test_its_user_leads_to_it(bench: Bench, family: Family) -> None:
    [lead] = bench.collect(f"entra:user/{family.user.id}", "entra:agent")
    assert isinstance(lead, Lead)
    assert str(lead.to) == family.name
    assert not bench.collect(f"entra:user/{seed.LEAD}", "entra:agent")


def test_the_blueprint_leads_to_every_agent_and_says_how_many_it_stops(bench: Bench, family: Family) -> None:
    bench.sandbox.gate.largest_page = 1
    name = f"entra:app/{family.blueprint.app_id}"
    found = {str(f.to) for f in bench.collect(name, "entra:agent") if isinstance(f, Lead)}
    assert found == {family.name, f"entra:agent/{family.sibling.id}"}
    said = [d.says for d in bench.draft(name) if isinstance(d, Notice)]
    assert any("blueprint of 2 agent identities" in each for each in said)


def test_agents_that_cannot_be_listed_are_unseen(bench: Bench, family: Family) -> None:
    bench.sandbox.fault(AGENTS, "denied", times=9)
    [spot] = bench.collect(f"entra:app/{family.blueprint.app_id}", "entra:agent")
    assert isinstance(spot, BlindSpot)
    assert spot.counts
    bench.sandbox.fault("GET /v1.0/users/microsoft.graph.agentUser", "denied", times=9)
    found = bench.collect(family.name, "entra:agent")
    assert [type(f) for f in found] == [Lead, BlindSpot], "the blueprint is known all the same"


def test_a_plain_app_asks_for_no_agents(bench: Bench, family: Family) -> None:
    bench.sandbox.gate.calls.clear()
    assert bench.collect(APP, "entra:agent") == []
    assert not [c for c in bench.sandbox.calls() if "agent" in c.name]


def test_disabled_by_its_own_path_and_its_blueprint_is_named(bench: Bench, family: Family) -> None:
    assert gets_in(bench, family, family.agent)
    [step] = [s for s in bench.steps(family.name) if s.brake]
    manual = [d.what for d in bench.draft(family.name) if isinstance(d, Manual)]
    assert any(f"nhi-revoke list entra:app/{family.blueprint.app_id}" in each for each in manual)
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step)
    assert bench.writes() == [f"PATCH /v1.0/servicePrincipals/{IDENTITY}/<one>"]
    assert not gets_in(bench, family, family.agent)
    assert gets_in(bench, family, family.sibling), "the stolen secret signs in for every other agent"
    assert isinstance(bench.undo(step), Done)
    assert gets_in(bench, family, family.agent)


def test_the_blueprints_principal_stops_them_all(bench: Bench, family: Family) -> None:
    [step] = [s for s in bench.steps(f"entra:app/{family.blueprint.app_id}") if s.brake]
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == [f"PATCH /v1.0/servicePrincipals/{BLUEPRINT_PRINCIPAL}/<one>"]
    assert not gets_in(bench, family, family.agent)
    assert not gets_in(bench, family, family.sibling)


def test_it_has_no_credentials_of_its_own(bench: Bench, family: Family) -> None:
    families = {a.family for a in bench.accesses(family.name).values()}
    assert not families & {"secret", "certificate", "key", "password"}
    assert {"principal", "token"} <= families
    assert f"{LEDGER}/{bench.conn.scope}/{family.agent.id}/*" in bench.accesses(family.name)


def test_what_it_leads_to_is_of_the_principal_in_the_plan_however_it_was_typed(whole: Whole) -> None:
    family = planted(whole.entra.tenant)
    with whole.engine() as engine:
        found = engine.inventory(engine.resolve([f"entra:agent/{family.agent.name}"]), Intent(), logs=False)
    assert {str(lead.of) for lead in found.leads} == {family.name}


def test_contained_under_the_engine_it_is_stopped_and_the_rest_is_told(whole: Whole) -> None:
    family = planted(whole.entra.tenant)
    plan = whole.plan(Intent(rotate="no"), name=family.name)
    report = whole.run(plan)
    assert [s.result for s in report.steps] == ["done"]
    assert not family.agent.enabled.shown
    assert family.sibling.enabled.shown
    assert family.principal.enabled.shown
    assert family.user.enabled.shown
    told = {str(lead.to) for lead in report.leads}
    assert {f"entra:app/{family.blueprint.app_id}", f"entra:user/{family.user.id}"} <= told
