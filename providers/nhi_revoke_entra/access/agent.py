"""Whose credentials sign in for an agent, and who else is signed in with them: told, each with the command for it.

facts entra.md 1 (row 17, "Agent ID revoke specifics") and 8 (31); Microsoft docs: agent-autonomous-app-oauth-flow. To
stop one agent identity leaves the blueprint's secret with whoever stole it, and with it every other agent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.command import command
from nhi_revoke.model.found import BlindSpot, Family, Found, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_entra.agents import IDENTITIES, USER_TYPE, agents_of
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.named import Named
from nhi_revoke_entra.naming import AGENT, APP, USER, canonical
from nhi_revoke_entra.permissions import READ_AGENTS, READ_USERS

KIND = "entra:agent"
EVIDENCE = f"GET {IDENTITIES}"
SHARED = "its blueprint, whose credentials sign in for it and for every other agent identity of that blueprint"
CHILD = "an agent identity of this blueprint, whose credentials sign in for it"
PARENT = "the agent identity that signs it in: it has no password of its own"
ITS_USER = "its user: this agent identity signs it in, and tokens of the user are no tokens of the agent"


class Agents(AccessKind[EntraConnection]):
    """Leads alone: each is a principal of its own."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "agents that share credentials"
    family: ClassVar[Family] = "trust"
    on: ClassVar[tuple[str, ...]] = (APP, AGENT, USER)
    reads: ClassVar[tuple[str, ...]] = (READ_AGENTS, READ_USERS)
    survives: ClassVar[str] = "every other agent of the blueprint, and its user"

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        if ref.kind == USER:
            user = conn.user_named(ref)
            if user.agent:
                yield _lead(ref, AGENT, user.agent, PARENT, "GET /users/…")
            return
        named = conn.named(ref)
        if ref.kind == APP and named.blueprint:
            yield from _children(conn, ref, named)
        if ref.kind == AGENT:
            if named.blueprint:
                yield _lead(ref, APP, named.blueprint, SHARED, EVIDENCE)
            yield from _users(conn, ref, named)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """No step. How many agents an app's end stops, before anybody consents."""
        children = [lead for lead in view.inventory.leads if lead.of == view.who.ref and lead.why == CHILD]
        if children and intent.order == "contain":
            many = f"{len(children)} agent {'identity' if len(children) == 1 else 'identities'}"
            said = (
                f"{view.who.name} is the blueprint of {many}: whatever ends its credentials stops every one of them. "
                "They are ended as every app's are: whether the permission for apps is enough for a blueprint's is "
                "documented nowhere, and where it is not, the step fails and says so"
            )
            yield Notice(view.who.ref, said, "warning")


def _children(conn: EntraConnection, ref: PrincipalRef, named: Named) -> Iterable[Found]:
    try:
        rows = agents_of(conn, named.blueprint)
    except Fault as fault:
        why = f"agent identities of this blueprint, which its credentials sign in for: {fault.message}"
        yield BlindSpot(ref, KIND, why, READ_AGENTS)
        return
    yield from (_lead(ref, AGENT, str(row["id"]), CHILD, EVIDENCE) for row in rows)


def _users(conn: EntraConnection, ref: PrincipalRef, named: Named) -> Iterable[Found]:
    """Compared here: no document says that Graph filters by the parent."""
    query = {"$select": "id,userPrincipalName,identityParentId"}
    try:
        rows = list(conn.rows(f"/users/{USER_TYPE}", READ_USERS, **query))
    except Fault as fault:
        why = f"the user that this agent identity signs in, where there is one: {fault.message}"
        yield BlindSpot(ref, KIND, why, READ_USERS)
        return
    mine = [row for row in rows if str(row.get("identityParentId") or "").lower() == named.service_principal]
    yield from (_lead(ref, USER, str(row["id"]), ITS_USER, f"GET /users/{USER_TYPE}") for row in mine)


def _lead(of: PrincipalRef, kind: str, its_id: str, why: str, evidence: str) -> Lead:
    to = canonical(kind, its_id)
    return Lead(to, why, evidence, of=of, next=command("list", to))
