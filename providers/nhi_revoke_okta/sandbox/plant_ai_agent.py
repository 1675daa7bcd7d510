"""An AI agent and its intruder, for tests that ask for it: no part of the demo's identity, since all of this is from
third-party notes.

A secret and a private key were copied, and a token of a custom server. A second key, which nobody stole, stays with the
workload. Machine access: client credentials at a custom server (Okta docs: guides/ai-agent-token-exchange).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nhi_revoke_okta.sandbox import routes_ai_agents as routes
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.state import Agent, Server

if TYPE_CHECKING:
    from nhi_revoke_okta.sandbox.scene import Scene

NAME = "Payments Agent"
SCOPE = "payments"
STOLEN, KEPT = "stolen-key", "workload-key"
"""Key ids (`kid`)."""


def plant(scene: Scene) -> Agent:
    """The agent, with doors `ai-agent-secret`, `ai-agent-key` and `ai-agent-token`. Call it under the org's lock."""
    org, then = scene.org, seed.long_ago(scene.now())
    server = org.servers.get("default") or seed.new_server(org, "default", then)
    agent = routes.new_agent(org, NAME, then)
    agent.app = scene.app.id
    agent.connections += [
        _connection(org.new_id("mcn1"), "IDENTITY_ASSERTION_CUSTOM_AS", "Payments API"),
        _connection(org.new_id("mcn1"), "STS_VAULT_SECRET", "ledger password"),
    ]
    other = routes.new_agent(org, "Planner", then)
    org.delegations += [
        _delegation(org.new_id("dlk1"), routes.orn_of(other), routes.orn_of(agent)),
        _delegation(org.new_id("dlk1"), routes.orn_of(agent), "orn:okta:directory:00o:resource-servers:mcp:mcp1tools"),
        _delegation(org.new_id("dlk1"), routes.orn_of(other), "orn:okta:directory:00o:resource-servers:mcp:mcp1tools"),
    ]
    routes.add_secret(org, agent, then, "INACTIVE")
    secret = routes.add_secret(org, agent, then)
    key, private = routes.add_key(org, agent, then, STOLEN)
    routes.add_key(org, agent, then, KEPT)
    token = scene.gate.issuer.mint(agent.client, server.id, (SCOPE,), scene.now())
    scene.steal(secret.value, token.value)
    url = f"{scene.url}/oauth2/{server.id}/v1/token"
    form = {"grant_type": "client_credentials", "scope": SCOPE}
    scene.door(
        "ai-agent-secret", "client-secret", "the agent's secret gets a token from the custom server",
        f"okta:ai-agent-secret/{agent.id}/{secret.id}",
        lambda: [{"method": "POST", "url": url, "auth": (agent.id, secret.value), "data": form}],
    )  # fmt: skip
    scene.door(
        "ai-agent-key", "client-key", "the agent's private key gets a token from the custom server",
        f"okta:ai-agent-key/{agent.id}/{key.id}",
        lambda: [{"method": "POST", "url": url, "data": {**form, **_asserted(scene, server, agent, private)}}],
    )  # fmt: skip
    bearer = {"Authorization": f"Bearer {token.value}"}
    scene.door(
        "ai-agent-token", "access-token", "a service that checks tokens by itself takes one that the agent had",
        f"okta:ai-agent-token/{urlsplit(scene.url).netloc}/{agent.id}/*",
        lambda: [{"method": "GET", "url": f"{scene.url}/_resource/local", "headers": bearer}],
    )  # fmt: skip
    return agent


def _asserted(scene: Scene, server: Server, agent: Agent, private: Any) -> dict[str, str]:
    import jwt

    now = int(scene.now().timestamp())
    url = f"{scene.url}/oauth2/{server.id}/v1/token"
    claims = {"iss": agent.id, "sub": agent.id, "aud": url, "iat": now, "exp": now + 300}
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, private, "ES256", headers={"kid": STOLEN}),
    }


def _connection(unique: str, kind: str, name: str) -> dict[str, Any]:
    return {
        "id": unique,
        "connectionType": kind,
        "status": "ACTIVE",
        "resource": {"name": name},
        "scopeCondition": "INCLUDE_ONLY",
        "scopes": [SCOPE],
    }


def _delegation(unique: str, client: str, resource: str) -> dict[str, Any]:
    return {
        "id": unique,
        "from": {"type": "OKTA_AUTHORIZATION_SERVER", "clientOrn": client, "tokenType": "ACCESS_TOKEN"},
        "to": {"resourceOrn": resource},
    }
