"""Okta's scopes, as permissions are named here (Okta docs: oauth2). With an API token its owner's role decides."""

from __future__ import annotations

from typing import NamedTuple


class Scope(NamedTuple):
    """One resource's two scopes."""

    read: str
    manage: str


def _of(resource: str) -> Scope:
    return Scope(f"okta.{resource}.read", f"okta.{resource}.manage")


APPS = _of("apps")
GRANTS = _of("appGrants")
USERS = _of("users")
ROLES = _of("roles")
FACTORS = _of("factors")
SERVERS = _of("authorizationServers")
TOKENS = _of("apiTokens")
SERVICES = _of("oauthIntegrations")
AGENTS = _of("aiAgents")
"""Not asked for with the others: an org without Okta for AI Agents may not know it, and would refuse them all."""
LOGS = "okta.logs.read"
LOGOUT = "okta.universalLogout.manage"
WANTED = (
    *APPS, *GRANTS, *USERS, *ROLES, *FACTORS, *SERVERS, *TOKENS, *SERVICES, LOGS, LOGOUT,
)  # fmt: skip
"""All that this tool may need."""
