"""AI agents, their credentials, connections and delegation links, as third parties describe them: nobody has compared
this with a real org.

Okta docs, API reference, AI Agent Registrations (Beta): 20 rows of a page, 200 at most, a Link header; 202 for a
lifecycle call, whose operation runs on. Okta help: ai-agent-statuses (only an active record is deactivated, a public
key only where there are two or more), ai-agent-manage (never the only active credential; an owner before activation).
Okta docs, guides/mcp-server-token-exchange: 409 DEACTIVATE_NOT_ALLOWED. Third-party notes: `{"data": […]}`, a plain
list of secrets, a value shown once.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.state import Agent, App, ClientKey, ClientSecret, Org, Refusal, Status, stamp

READ, MANAGE = "okta.aiAgents.read", "okta.aiAgents.manage"
ALL = "/workload-principals/api/v1/ai-agents"
ONE = f"{ALL}/<agent>"
SECRETS, KEYS = f"{ONE}/credentials/secrets", f"{ONE}/credentials/jwks"
DELEGATIONS = "/workload-principals/api/v1/delegation-links"
ORG_ID = "00o1sandbox0sandbox0"
KEYS_UNDER = ""
"""The member that holds the list of keys: nobody tells whether there is one."""


def new_agent(org: Org, name: str, at: datetime, status: str = "ACTIVE") -> Agent:
    """Its client id is its id, and its status is its client's."""
    unique = org.new_id("wlp1")
    shared: Lagged[Any] = Lagged(status, at)
    client = App(unique, unique, name, at, shared, name="ai_agent")
    agent = Agent(unique, name, at, shared, client)
    org.agents[unique] = agent
    return agent


def add_secret(org: Org, agent: Agent, at: datetime, status: Any = "ACTIVE") -> ClientSecret:
    secret = ClientSecret(org.new_id("ocs1"), org.new_secret(), at, org.new_status(at, status))
    agent.client.secrets[secret.id] = secret
    return secret


def add_key(org: Org, agent: Agent, at: datetime, kid: str, status: Any = "ACTIVE") -> tuple[ClientKey, Any]:
    """The registered public key, and the private one (a `cryptography` object)."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from jwt.algorithms import ECAlgorithm

    private = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(ECAlgorithm(ECAlgorithm.SHA256).to_jwk(private.public_key()))
    public = {**jwk, "kid": kid, "use": "sig", "alg": "ES256"}
    key = ClientKey(org.new_id("wpc1"), kid, public, at, org.new_status(at, status))
    agent.client.keys[key.id] = key
    return key, private


def orn_of(agent: Agent) -> str:
    return f"orn:okta:directory:{ORG_ID}:workload-principals:ai-agents:{agent.id}"


@route("GET", ALL, READ)
def agents(at: Context) -> Reply:
    _subscribed(at)
    return Reply(200, [_row(at, a) for a in at.org.agents.values()], rows=True, default=20, under="data")


@route("GET", ONE, READ)
def agent(at: Context, agent: str) -> Reply:
    return Reply(200, _row(at, _agent(at, agent)))


@route("POST", f"{ONE}/lifecycle/deactivate", MANAGE)
def deactivate_agent(at: Context, agent: str) -> Reply:
    found = _agent(at, agent)
    if found.status.obeyed(at.now) == "INACTIVE":
        raise Refusal(400, "E0000001", "Api validation failed: only an active AI agent is deactivated.")
    return _turn(at, found, "INACTIVE", "deactivate")


@route("POST", f"{ONE}/lifecycle/activate", MANAGE)
def activate_agent(at: Context, agent: str) -> Reply:
    found = _agent(at, agent)
    if not found.owned:
        raise Refusal(400, "E0000001", "Api validation failed: the AI agent has no owner.")
    return _turn(at, found, "ACTIVE", "activate")


@route("GET", SECRETS, READ)
def agent_secrets(at: Context, agent: str) -> Reply:
    """Without values: each was shown once, when it was made."""
    return Reply(200, [_status_of(s) for s in _agent(at, agent).client.secrets.values()])


@route("POST", f"{SECRETS}/<secret>/lifecycle/deactivate", MANAGE)
def deactivate_agent_secret(at: Context, agent: str, secret: str) -> Reply:
    found = _agent(at, agent)
    return _set(at, found, _named(found.client.secrets, secret), "INACTIVE")


@route("POST", f"{SECRETS}/<secret>/lifecycle/activate", MANAGE)
def activate_agent_secret(at: Context, agent: str, secret: str) -> Reply:
    found = _agent(at, agent)
    return _set(at, found, _named(found.client.secrets, secret), "ACTIVE")


@route("GET", KEYS, READ)
def agent_keys(at: Context, agent: str) -> Reply:
    rows = [{**k.jwk, **_status_of(k)} for k in _agent(at, agent).client.keys.values()]
    return Reply(200, {KEYS_UNDER: rows} if KEYS_UNDER else rows)


@route("POST", f"{KEYS}/<key>/lifecycle/deactivate", MANAGE)
def deactivate_agent_key(at: Context, agent: str, key: str) -> Reply:
    found = _agent(at, agent)
    if len(found.client.keys) < 2:
        raise _not_allowed()
    return _set(at, found, _named(found.client.keys, key), "INACTIVE")


@route("POST", f"{KEYS}/<key>/lifecycle/activate", MANAGE)
def activate_agent_key(at: Context, agent: str, key: str) -> Reply:
    found = _agent(at, agent)
    return _set(at, found, _named(found.client.keys, key), "ACTIVE")


@route("GET", f"{ONE}/connections", READ)
def connections(at: Context, agent: str) -> Reply:
    return Reply(200, _agent(at, agent).connections, rows=True, default=20, under="data")


@route("GET", DELEGATIONS, READ)
def delegation_links(at: Context) -> Reply:
    _subscribed(at)
    return Reply(200, at.org.delegations, rows=True, default=20, most=50, under="data")


def _subscribed(at: Context) -> None:
    if not at.org.ai_agents:
        raise Refusal(404, "E0000007", "Not found: Resource not found: ai-agents")


def _agent(at: Context, agent: str) -> Agent:
    _subscribed(at)
    if agent not in at.org.agents:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {agent} (AiAgent)")
    return at.org.agents[agent]


def _row(at: Context, agent: Agent) -> dict[str, Any]:
    here = f"{at.asked.url}{ALL}/{agent.id}"
    row: dict[str, Any] = {
        "id": agent.id,
        "status": agent.status.obeyed(at.now),
        "profile": {"name": agent.name, "description": ""},
        "created": stamp(agent.created),
        "lastUpdated": stamp(agent.created),
        "_links": {"self": {"href": here}},
    }
    if agent.platform:
        row["platform"] = agent.platform
    if agent.app:
        row["signOnProvider"] = {"appInstanceId": agent.app}
    return row


def _turn(at: Context, agent: Agent, status: str, verb: str) -> Reply:
    """Accepted: the operation is done after the lag."""
    if agent.status.shown != status:
        agent.status.set(status, at.now, at.org.write_lag)
        at.org.log(f"workload_principal.{verb}", at.now, at.by, _target(agent))
    return Reply(202)


def _named(shelf: dict[str, Any], credential: str) -> Any:
    if credential not in shelf:
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {credential}")
    return shelf[credential]


def _set(at: Context, agent: Agent, found: ClientSecret | ClientKey, status: Status) -> Reply:
    if status == "INACTIVE":
        held: list[ClientSecret | ClientKey] = [*agent.client.secrets.values(), *agent.client.keys.values()]
        active = [each for each in held if each.status.shown == "ACTIVE"]
        if active == [found]:
            raise _not_allowed()
        if found not in active:
            raise Refusal(400, "E0000001", "Api validation failed: only an active record is deactivated.")
    if found.status.shown != status:
        found.status.set(status, at.now, at.org.write_lag)
        verb = "activate" if status == "ACTIVE" else "deactivate"
        target = {"id": found.id, "type": "AiAgentCredential", "alternateId": None, "displayName": found.id}
        at.org.log(f"workload_principal.ai_agent.credential.{verb}", at.now, at.by, _target(agent), target)
    return Reply(200, _status_of(found))


def _not_allowed() -> Refusal:
    return Refusal(409, "E0000001", "DEACTIVATE_NOT_ALLOWED: the last active credential is not deactivated.")


def _status_of(found: ClientSecret | ClientKey) -> dict[str, Any]:
    return {"id": found.id, "status": found.status.shown, "created": stamp(found.created)}


def _target(agent: Agent) -> dict[str, Any]:
    return {"id": agent.id, "type": "AiAgent", "alternateId": agent.id, "displayName": agent.name}
