"""Whole runs on an AI agent, the experiment: what the report says, with a sandbox that was made from the same notes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nhi_revoke.model.error import NothingCanStart
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_okta.access import ai_agent
from nhi_revoke_okta.access.ai_agent_credential import KEYS, SECRETS
from nhi_revoke_okta.sandbox import plant_ai_agent, routes_ai_agents
from nhi_revoke_okta.sandbox.plant_ai_agent import NAME, STOLEN
from nhi_revoke_okta.sandbox.state import Agent
from nhi_revoke_okta.scopes import AGENTS

from .conftest import Whole

AGENT = f"okta:ai-agent/{NAME}"
LEARNT = Intent(rotate="no", experimental=True)


@pytest.fixture
def planted(whole: Whole) -> Agent:
    whole.okta.lag(0, 0)
    with whole.okta.org.lock:
        return plant_ai_agent.plant(whole.okta.scene)


def only_key(agent: Agent) -> None:
    """Nothing but the stolen key signs in."""
    agent.client.secrets.clear()
    for key in [k.id for k in agent.client.keys.values() if k.kid != STOLEN]:
        del agent.client.keys[key]


def wrongly_told(whole: Whole, report: Report, *, only_claims: bool = False) -> list[str]:
    """Of the agent's doors: the run was of it alone."""
    return [line for line in mispredicted(whole, report, only_claims=only_claims) if "okta/ai-agent" in line]


def test_it_is_looked_at_only_where_that_is_asked_for(whole: Whole, planted: Agent) -> None:
    with pytest.raises(NothingCanStart) as said:
        whole.plan(Intent(rotate="no"), name=AGENT)
    assert "--experimental" in f"{said.value} {said.value.hint}"
    assert not [c for c in whole.sandbox.calls() if "ai-agents" in c.name]


def test_a_whole_run_with_an_own_key_beside_the_old_ones(whole: Whole, planted: Agent) -> None:
    """The last one is refused: here that is the workload's own, so that every door is shut but the token's."""
    plan = whole.plan(LEARNT, name=AGENT)
    report = whole.run(plan)
    assert [n for n in report.notices if "an experiment" in n.says]
    fates = {o.access.label: o.fate for o in report.outcomes if o.access.kind in (SECRETS.kind, KEYS.kind)}
    kept = next(label for label in fates if plant_ai_agent.KEPT in label)
    assert [label for label, fate in fates.items() if fate not in ("ended", "already")] == [kept]
    assert whole.outcome(report, f"{ai_agent.KIND}/").fate == "ended"
    assert planted.status.shown == "INACTIVE"
    assert whole.open_doors() & {"ai-agent-secret", "ai-agent-key", "ai-agent-token"} == {"ai-agent-token"}
    assert not wrongly_told(whole, report)
    assert report.exit_code not in (0, 6), "a credential is left, and so is the vaulted password"


def test_one_credential_alone(whole: Whole, planted: Agent) -> None:
    planted.connections.clear()
    key = next(k for k in planted.client.keys.values() if k.kid == STOLEN)
    intent = replace(LEARNT, scope=f"{KEYS.kind}/{planted.id}/{key.id}")
    report = whole.run(whole.plan(intent, name=AGENT))
    assert "ai-agent-key" not in whole.open_doors()
    assert "ai-agent-secret" in whole.open_doors()
    assert planted.status.shown == "ACTIVE"
    assert not wrongly_told(whole, report)


def test_the_last_credential_is_never_called_ended_by_the_status_of_its_agent(whole: Whole, planted: Agent) -> None:
    """It is shut in this sandbox; that a real org does so nobody saw."""
    only_key(planted)
    report = whole.run(whole.plan(LEARNT, name=AGENT))
    outcome = whole.outcome(report, f"{KEYS.kind}/")
    assert outcome.fate not in ("ended", "already")
    assert "By hand" in next(s.detail for s in report.steps if s.does.startswith(KEYS.kind))
    assert not wrongly_told(whole, report, only_claims=True)


def test_slow_operations(whole: Whole, planted: Agent) -> None:
    whole.okta.lag(20, 0)
    report = whole.run(whole.plan(LEARNT, name=AGENT))
    assert whole.outcome(report, f"{ai_agent.KIND}/").fate == "ended"


def test_taken_back(whole: Whole, planted: Agent) -> None:
    report = whole.run(whole.plan(LEARNT, name=AGENT))
    ended = [o.access.id for o in report.outcomes if o.fate == "ended"]
    whole.undo(report.run, rearm=ended)
    assert planted.status.shown == "ACTIVE"
    assert {"ai-agent-secret", "ai-agent-key"} <= whole.open_doors()


def test_a_denied_scope_is_a_blind_spot_in_the_report(whole: Whole, planted: Agent) -> None:
    whole.sandbox.fault(f"GET {routes_ai_agents.SECRETS}", "denied", 99)
    report = whole.run(whole.plan(LEARNT, name=AGENT))
    assert (SECRETS.kind, AGENTS.read) in [(b.kind, b.needs) for b in report.blind]
    assert not wrongly_told(whole, report, only_claims=True)


def test_no_value_is_anywhere(whole: Whole, planted: Agent) -> None:
    report = whole.run(whole.plan(LEARNT, name=AGENT))
    said = repr(report) + repr(whole.lines(report.run))
    assert not [value for value in whole.okta.org.secrets if value in said]
