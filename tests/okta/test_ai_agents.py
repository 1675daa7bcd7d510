"""AI agents, the experiment: what third-party notes tell, against a sandbox that was made from the same notes. These
tests show that the parts fit together, and nothing of what a real org does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Manual, Notice, Phase, Residual, Step
from nhi_revoke.provider.fault import AmbiguousName, Denied, Missing, Rejected
from nhi_revoke_okta.access import ai_agent, ai_agent_link
from nhi_revoke_okta.access.ai_agent_credential import KEYS, SECRETS
from nhi_revoke_okta.access.ai_agent_token import KIND as TOKEN
from nhi_revoke_okta.naming import is_native, parse_ref
from nhi_revoke_okta.sandbox import plant_ai_agent, routes_ai_agents
from nhi_revoke_okta.sandbox.plant_ai_agent import NAME, STOLEN
from nhi_revoke_okta.sandbox.state import Agent
from nhi_revoke_okta.scopes import AGENTS, WANTED

from .conftest import START, Bench
from .responder import Responder, signed_in

AGENT = f"okta:ai-agent/{NAME}"
ONE = routes_ai_agents.ONE
LISTS = (ONE, routes_ai_agents.SECRETS, routes_ai_agents.KEYS, f"{ONE}/connections", routes_ai_agents.DELEGATIONS)
OFF = {
    ai_agent.KIND: f"POST {ONE}/lifecycle/deactivate",
    SECRETS.kind: f"POST {routes_ai_agents.SECRETS}/<secret>/lifecycle/deactivate",
    KEYS.kind: f"POST {routes_ai_agents.KEYS}/<key>/lifecycle/deactivate",
}


@pytest.fixture
def agent(bench: Bench) -> Agent:
    with bench.org.lock:
        return plant_ai_agent.plant(bench.sandbox.scene)


def step_of(bench: Bench, kind: str, **intent: Any) -> Step:
    return next(s for s in bench.steps(AGENT, **intent) if s.does == f"{kind}/deactivate")


def notices(bench: Bench, **intent: Any) -> list[Notice]:
    return [d for d in bench.draft(AGENT, **intent) if isinstance(d, Notice)]


def only_key(agent: Agent) -> None:
    """Nothing but the stolen key signs in."""
    agent.client.secrets.clear()
    for key in [k.id for k in agent.client.keys.values() if k.kid != STOLEN]:
        del agent.client.keys[key]


# -- names -------------------------------------------------------------------------------------------------------------


def test_by_id_and_by_exact_name(bench: Bench, agent: Agent) -> None:
    who = bench.resolve(AGENT)
    assert (who.ref, who.name) == (PrincipalRef("okta", "ai-agent", agent.id), NAME)
    assert bench.resolve(f"okta:ai-agent/{agent.id}").ref == who.ref
    with pytest.raises(Missing):
        bench.resolve("okta:ai-agent/Payments")


def test_a_bare_id_may_be_another_workloads(agent: Agent) -> None:
    assert parse_ref(agent.id) is None
    assert not is_native(agent.id)
    assert parse_ref(f"ai-agent/{agent.id}") is not None


def test_several_of_one_name_are_not_guessed(bench: Bench, agent: Agent) -> None:
    with bench.org.lock:
        routes_ai_agents.new_agent(bench.org, NAME, START)
    with pytest.raises(AmbiguousName) as said:
        bench.resolve(AGENT)
    assert f"okta:ai-agent/{agent.id}" in said.value.candidates


@pytest.mark.parametrize("by", ["id", "name"])
def test_an_org_without_agents_is_told_apart_from_nobody(bench: Bench, agent: Agent, by: str) -> None:
    """404 says either, so both are said."""
    bench.org.ai_agents = False
    with pytest.raises(Missing, match="or this org has no Okta for AI Agents") as said:
        bench.resolve(f"okta:ai-agent/{agent.id if by == 'id' else NAME}")
    assert "Directory > AI Agents" in said.value.hint


# -- listing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000])
def test_all_of_it_is_found_and_no_value_is(bench: Bench, agent: Agent, size: int) -> None:
    bench.sandbox.page_size(size)
    found = bench.accesses(AGENT)
    assert sorted((a.kind.removeprefix("okta:ai-agent"), a.state) for a in found.values()) == [
        ("", "live"), ("-key", "live"), ("-key", "live"),
        ("-link", "live"), ("-link", "live"), ("-link", "live"), ("-link", "live"),
        ("-secret", "disabled"), ("-secret", "live"), ("-token", "unknown"),
    ]  # fmt: skip
    for secret in agent.client.secrets.values():
        assert secret.value not in repr(found)


def test_whom_it_reaches_and_who_reaches_it(bench: Bench, agent: Agent) -> None:
    links = bench.accesses(AGENT, ai_agent_link.KIND).values()
    assert all(not a.opens and a.family == "grant" for a in links)
    labels = sorted(a.label for a in links)
    assert labels[0] == "connection to Payments API (IDENTITY_ASSERTION_CUSTOM_AS)"
    assert labels[2] == "delegation link: it may act through mcp1tools"
    planner = next(a for a in bench.org.agents.values() if a.name == "Planner")
    assert labels[3] == f"delegation link: {planner.id} may act through it"
    [lead] = [f for f in bench.collect(AGENT, ai_agent.KIND) if isinstance(f, Lead)]
    assert str(lead.to) == f"okta:app/{bench.sandbox.scene.app.id}"
    assert "deactivating the agent leaves it as it is" in lead.why


@pytest.mark.parametrize("under", ["keys", "data"])
def test_the_list_of_keys_may_be_wrapped(bench: Bench, agent: Agent, under: str, monkeypatch: Any) -> None:
    """Nobody tells its form."""
    monkeypatch.setattr(routes_ai_agents, "KEYS_UNDER", under)
    assert len(bench.accesses(AGENT, KEYS.kind)) == len(agent.client.keys)


def test_another_form_is_no_empty_list(bench: Bench, agent: Agent, monkeypatch: Any) -> None:
    monkeypatch.setattr(routes_ai_agents, "KEYS_UNDER", "credentials")
    with pytest.raises(Rejected, match="no list"):
        bench.collect(AGENT, KEYS.kind)


@pytest.mark.parametrize("path", LISTS)
def test_a_denied_listing_names_the_scope(bench: Bench, agent: Agent, path: str) -> None:
    bench.resolve(AGENT)
    bench.sandbox.fault(f"GET {path}", "denied", 9)
    with pytest.raises(Denied) as said:
        bench.collect(AGENT)
    assert said.value.needs == AGENTS.read


def test_404_for_an_agent_that_is_there_is_unseen(bench: Bench, agent: Agent) -> None:
    """Its paths may be others in this org: that is never "none"."""
    ref = PrincipalRef.parse(AGENT)
    bench.resolve(AGENT)
    bench.org.ai_agents = False
    kinds = (SECRETS.kind, KEYS.kind, ai_agent_link.KIND)
    found = [f for kind in kinds for f in bench.kinds[kind].collect(bench.conn, ref, bench.io)]
    assert [(f.kind, f.needs) for f in found if isinstance(f, BlindSpot)] == [
        (kind, ai_agent.SUBSCRIPTION) for kind in (*kinds, ai_agent_link.KIND)
    ]
    assert len(found) == len(kinds) + 1
    with pytest.raises(Rejected, match="whether this one still works is unseen"):
        list(bench.kinds[ai_agent.KIND].collect(bench.conn, ref, bench.io))


def test_exactly_the_declared_scopes(bench: Bench, agent: Agent) -> None:
    bench.sandbox.allow_only(AGENTS)
    for kind in OFF:
        assert isinstance(bench.do(step_of(bench, kind)), Done)


def test_a_service_app_asks_for_its_scope_alone(bench: Bench, agent: Agent, tmp_path: Path) -> None:
    """An org that does not know the scope would refuse it with all the others."""
    assert not set(AGENTS) & set(WANTED)
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path)
    conn.whoami()
    with pytest.raises(Denied) as said:
        conn.named(PrincipalRef.parse(AGENT))
    assert said.value.needs == AGENTS.read
    assert who.minted() == 1, "the other scopes' token is as it was"
    conn.get(f"/api/v1/apps/{who.app.id}", "okta.apps.read")
    assert who.minted() == 1

    chosen = signed_in(bench, who, tmp_path, scopes=WANTED[:1])
    with pytest.raises(Denied):
        chosen.named(PrincipalRef.parse(AGENT))
    assert who.minted() == 2, "what the operator chose, and nothing else"

    other = Responder(bench.sandbox, scopes=(*WANTED, *AGENTS))
    conn = signed_in(bench, other, tmp_path)
    assert conn.named(PrincipalRef.parse(AGENT)).id == agent.id
    assert other.minted() == 1


# -- the plan ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("intent", [{}, {"brake": "off"}, {"scope": "sessions"}, {"order": "rollover"}])
def test_every_plan_says_that_it_is_an_experiment(bench: Bench, agent: Agent, intent: dict[str, Any]) -> None:
    [said] = [n for n in notices(bench, **intent) if n.level == "danger"]
    assert "published API description has none of these calls" in said.says
    assert "nobody has tried" in said.says
    assert said.says.endswith("Directory > AI Agents")


def test_where_to_look() -> None:
    assert ai_agent.console_of("acme.okta.com") == "https://acme-admin.okta.com, Directory > AI Agents"
    assert ai_agent.console_of("acme.oktapreview.com").startswith("https://acme-admin.oktapreview.com")
    assert ai_agent.console_of("id.acme.example") == "the admin console of id.acme.example, Directory > AI Agents"


def test_the_steps(bench: Bench, agent: Agent) -> None:
    steps = bench.steps(AGENT)
    assert sorted(s.does.removeprefix("okta:ai-agent") for s in steps) == [
        "-key/deactivate", "-key/deactivate", "-secret/deactivate", "/deactivate",
    ]  # fmt: skip
    stop = step_of(bench, ai_agent.KIND)
    assert (stop.phase, stop.brake, stop.rearms) == (Phase.CUT, True, "always")
    assert {s.lock for s in steps if s.phase is Phase.END} == {f"okta:ai-agent/{agent.id}:credentials"}
    assert [n for n in notices(bench) if "last active credential" in n.says and "key of your own" in n.says]
    [by_hand] = [d for d in bench.draft(AGENT) if isinstance(d, Manual)]
    assert "ledger password" in by_hand.what
    assert "Okta Privileged Access" in by_hand.what
    [residual] = [d for d in bench.draft(AGENT) if isinstance(d, Residual)]
    assert residual.access.startswith(f"{TOKEN}/127.0.0.1:")


def test_the_brake_is_the_operators(bench: Bench, agent: Agent) -> None:
    for intent in ({"brake": "off"}, {"scope": "keys"}):
        assert not [s for s in bench.steps(AGENT, **intent) if s.brake]
        assert [n for n in notices(bench, **intent) if "leaves the agent itself running" in n.says]
    assert [s for s in bench.steps(AGENT, scope="keys", brake="on") if s.brake]


def test_a_rotation_ends_nothing_that_it_cannot_replace(bench: Bench, agent: Agent) -> None:
    assert bench.steps(AGENT, order="rollover") == []
    left = [d for d in bench.draft(AGENT, order="rollover") if isinstance(d, Manual) and d.ends]
    assert sum(len(d.ends) for d in left) == 3


def test_an_imported_agent_runs_elsewhere(bench: Bench, agent: Agent) -> None:
    agent.platform = "AWS_BEDROCK_AGENTS"
    assert [n for n in notices(bench) if "not Okta's to end" in n.says]


# -- ending and undoing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(OFF))
def test_it_ends_and_nothing_else_does(bench: Bench, agent: Agent, kind: str) -> None:
    step, before = step_of(bench, kind), bench.doors()
    change = bench.do(step)
    assert isinstance(change, Done)
    [until] = change.left["residuals"].values()
    assert until.startswith("2026-11-29T12:00:")
    assert bench.seen(step) == change.left
    assert bench.writes() == [OFF[kind]]
    shut = {"ai-agent-secret", "ai-agent-key"} if kind == ai_agent.KIND else {kind.removeprefix("okta:")}
    assert {name for name, was in before.items() if bench.doors()[name] != was} == shut
    proven = bench.prove(step)
    assert proven.proof is Proof.RECORDED
    assert "nobody tried" in proven.how
    assert isinstance(bench.do(step), Already)
    assert bench.writes() == [OFF[kind]]

    assert isinstance(bench.undo(step), Done)
    assert bench.doors() == before
    assert bench.seen(step) is None
    assert isinstance(bench.undo(step), Already)


@pytest.mark.parametrize("kind", list(OFF))
def test_a_lost_answer_is_looked_after(bench: Bench, agent: Agent, kind: str) -> None:
    """What is asked for again is refused, since it was done."""
    step = step_of(bench, kind)
    bench.sandbox.fault(OFF[kind], "lost")
    assert isinstance(bench.do(step), Already)
    assert bench.seen(step) is not None


@pytest.mark.parametrize("kind", list(OFF))
def test_undo_acts_only_on_what_this_run_left(bench: Bench, agent: Agent, kind: str) -> None:
    step = step_of(bench, kind)
    bench.do(step)
    bench.run.lefts[step.id] = {"status": "ELSE"}
    assert isinstance(bench.undo(step), Failed)


@pytest.mark.parametrize("kind", list(OFF))
def test_without_the_manage_scope(bench: Bench, agent: Agent, kind: str) -> None:
    step = step_of(bench, kind)
    bench.sandbox.allow_only([AGENTS.read])
    with pytest.raises(Denied) as said:
        bench.do(step)
    assert said.value.needs == AGENTS.manage


@pytest.mark.parametrize("kind", list(OFF))
def test_a_feature_that_goes_off_meanwhile_ended_nothing(bench: Bench, agent: Agent, kind: str) -> None:
    """404 for everything says nothing of this agent."""
    step = step_of(bench, kind)
    bench.org.ai_agents = False
    for act in (bench.do, bench.seen):
        with pytest.raises(Rejected, match="unseen"):
            act(step)


def test_an_agent_that_is_gone_while_others_are_there(bench: Bench, agent: Agent) -> None:
    step = step_of(bench, ai_agent.KIND)
    with bench.org.lock:
        del bench.org.agents[agent.id]
    change = bench.do(step)
    assert isinstance(change, Already)
    assert change.left["status"] == "DELETED"
    assert isinstance(bench.undo(step), Impossible)


def test_the_last_active_credential_is_by_hand(bench: Bench, agent: Agent) -> None:
    only_key(agent)
    step = step_of(bench, KEYS.kind)
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert "last active credential" in change.why
    assert "key of your own" in change.manual
    assert bench.seen(step) is None
    assert bench.doors()["ai-agent-key"]


@pytest.mark.parametrize("status", ["INACTIVE", "STAGED"])
def test_one_that_was_not_active_stays_so(bench: Bench, agent: Agent, status: str) -> None:
    agent.status.set(status, START, 0)
    [access] = bench.accesses(AGENT, ai_agent.KIND).values()
    assert access.state == "disabled"
    step = step_of(bench, ai_agent.KIND)
    assert (step.rearms, step.breaks) == ("no", "")
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Already)
    assert bench.writes() == []


def test_an_operation_takes_its_time(bench: Bench, agent: Agent) -> None:
    step = step_of(bench, ai_agent.KIND)
    bench.sandbox.lag(5, 0)
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) is None
    bench.sandbox.advance(5)
    assert bench.seen(step) is not None


def test_an_activation_that_okta_refuses_is_no_undo(bench: Bench, agent: Agent) -> None:
    step = step_of(bench, ai_agent.KIND)
    bench.do(step)
    agent.owned = False
    with pytest.raises(Rejected):
        bench.undo(step)
    assert bench.seen(step) is not None
