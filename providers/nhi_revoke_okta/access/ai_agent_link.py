"""What an AI agent may reach, and who may act through it: connections and delegation links, reported and never changed.
An experiment: third-party notes, never tried.

Okta docs, API reference, Delegation Links (Beta): from a client or agent, to an agent or server. Third-party notes:
…/ai-agents/{id}/connections (connectionType, status, resource), one list of delegation links for the org. Okta docs,
guides/ai-agent-token-exchange: a vaulted secret or service account that an agent was given is static, and no revocation
reaches it; it is rotated in Okta Privileged Access.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_okta.access.ai_agent import SUBSCRIPTION, console_of
from nhi_revoke_okta.connection import AI_AGENTS, OktaConnection
from nhi_revoke_okta.naming import AI_AGENT
from nhi_revoke_okta.scopes import AGENTS

KIND = "okta:ai-agent-link"
DELEGATIONS = "/workload-principals/api/v1/delegation-links"
ROWS = 50
"""Of one page of delegation links: no larger one is known to be taken."""
STATIC = frozenset({"STS_VAULT_SECRET", "STS_SERVICE_ACCOUNT"})
"""Types of connection that hand out what never changes by itself."""
BY_HAND = "Admin Console > Directory > AI Agents: its resource connections and its user and machine access"
KEPT = "reported, never changed"

STATES: Mapping[str, State] = {"ACTIVE": "live", "INACTIVE": "disabled"}


class AgentLinks(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "connections and delegation links of an AI agent (experimental)"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (AI_AGENT,)
    reads: ClassVar[tuple[str, ...]] = (AGENTS.read,)
    manual: ClassVar[str] = BY_HAND
    survives: ClassVar[str] = "every one of them, and what the agent was given through it"

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        agent = conn.named(ref).id
        for found in io.map(lambda read: list(read(conn, ref, agent)), (_connections, _delegations)):
            yield from found

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """What it was given through some of them is a person's to rotate."""
        for access in view.of(KIND):
            if access.before.get("type") in STATIC and intent.covers(access):
                what = (
                    f"{access.label} hands out a stored credential: {view.who.name} may have it already, and nothing "
                    f"here ends it. Rotate it in Okta Privileged Access; see {console_of(view.who.scope)}"
                )
                yield Manual(view.who.ref, KIND, what)


def _connections(conn: OktaConnection, ref: PrincipalRef, agent: str) -> Iterable[Found]:
    try:
        rows = list(conn.rows(f"{AI_AGENTS}/{segment(agent)}/connections", AGENTS.read))
    except Missing:
        yield _unseen(ref, "connections")
        return
    for row in rows:
        kind, status = str(row.get("connectionType") or "of an unknown type"), str(row.get("status") or "")
        scopes = ", ".join(str(scope) for scope in row.get("scopes") or ())
        told = f"{row.get('scopeCondition') or 'scopes'}: {scopes}" if scopes else ""
        yield Access(
            id=f"{KIND}/{agent}/{row['id']}",
            on=ref,
            kind=KIND,
            family="grant",
            state=STATES.get(status, "unknown"),
            label=f"connection to {_resource(row)} ({kind})",
            evidence="GET …/ai-agents/…/connections",
            door=_resource(row),
            before={"type": kind, "status": status},
            opens=False,
            note="; ".join(filter(None, (told, KEPT))),
        )


def _resource(row: Mapping[str, Any]) -> str:
    """By the first name that there is."""
    resource, server = row.get("resource") or {}, row.get("authorizationServer") or {}
    named = (
        resource.get("name"), resource.get("appInstanceName"), server.get("name"), row.get("resourceIndicator"),
        resource.get("orn"), server.get("orn"), row.get("id"),
    )  # fmt: skip
    return next(str(name) for name in named if name)


def _delegations(conn: OktaConnection, ref: PrincipalRef, agent: str) -> Iterable[Found]:
    """All of the org's: which filters the list takes, nobody tells."""
    try:
        rows = list(conn.rows(DELEGATIONS, AGENTS.read, limit=ROWS))
    except Missing:
        yield _unseen(ref, "delegation links")
        return
    for row in rows:
        client, resource = str((row.get("from") or {}).get("clientOrn")), str((row.get("to") or {}).get("resourceOrn"))
        if agent not in (_last(client), _last(resource)):
            continue
        inbound = _last(resource) == agent
        says = f"{_last(client)} may act through it" if inbound else f"it may act through {_last(resource)}"
        yield Access(
            id=f"{KIND}/{agent}/{row['id']}",
            on=ref,
            kind=KIND,
            family="grant",
            state="live",
            label=f"delegation link: {says}",
            evidence=f"GET {DELEGATIONS}",
            door=client if inbound else resource,
            before={"type": "delegation"},
            opens=False,
            note=KEPT,
        )


def _last(orn: str) -> str:
    """The id at the end of a resource name: `orn:okta:directory:…:ai-agents:wlp…`."""
    return orn.rpartition(":")[2]


def _unseen(ref: PrincipalRef, what: str) -> BlindSpot:
    why = f"{what} of the AI agent: Okta answers 404 for an agent that is there, so whether it has any is unseen"
    return BlindSpot(ref, KIND, why, SUBSCRIPTION)
