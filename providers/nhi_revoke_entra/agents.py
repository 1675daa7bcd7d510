"""Entra's objects of AI agents: which they are, and how one is looked up.

Microsoft docs: agentidentity, agentidentityblueprint, agentuser (resource types); agent-autonomous-app-oauth-flow. An
agent identity is a service principal without credentials: its blueprint, which is an app, signs in for it and for every
other agent identity of that blueprint. An agent's user has no password either, and is signed in by its agent identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_entra.named import Named
from nhi_revoke_entra.naming import AGENT, GUID, canonical
from nhi_revoke_entra.permissions import READ_AGENTS

if TYPE_CHECKING:
    from nhi_revoke_entra.connection import EntraConnection

TYPE = "ServiceIdentity"
"""`servicePrincipalType` of every agent identity."""
IDENTITY = "microsoft.graph.agentIdentity"
BLUEPRINT = "microsoft.graph.agentIdentityBlueprint"
BLUEPRINT_PRINCIPAL = "microsoft.graph.agentIdentityBlueprintPrincipal"
USER_TYPE = "microsoft.graph.agentUser"
CASTS = frozenset({IDENTITY, BLUEPRINT, BLUEPRINT_PRINCIPAL})
IDENTITIES = f"/servicePrincipals/{IDENTITY}"
SELECT = "id,displayName,agentIdentityBlueprintId,accountEnabled"


def cast_of(row: Mapping[str, Any]) -> str:
    """The type of an object, where it is one of these; Graph tells it of whatever is no plain app."""
    told = str(row.get("@odata.type") or "").removeprefix("#")
    return told if told in CASTS else ""


def is_agent(row: Mapping[str, Any]) -> bool:
    """Of a service principal."""
    return cast_of(row) == IDENTITY or row.get("servicePrincipalType") == TYPE


def an_agent(conn: EntraConnection, ref: PrincipalRef, row: Mapping[str, Any]) -> Missing:
    """What to say where an app was named and an agent identity is there."""
    to = canonical(AGENT, str(row["id"]))
    why = "no app, but an agent identity, which has no credentials of its own"
    return Missing(f"{ref} is {why} in {conn.scope}: nothing was looked at", hint=f"Type {to}")


def look_up_agent(conn: EntraConnection, ref: PrincipalRef) -> Named:
    """By object id or exact display name. Raises Missing, AmbiguousName, Denied."""
    rows = [_one(conn, ref)] if GUID.fullmatch(ref.id) else _of_name(conn, ref.id)
    if len(rows) > 1:
        raise AmbiguousName(
            f"{ref} is {len(rows)} agent identities in {conn.scope}: nothing was looked at",
            candidates=tuple(str(canonical(AGENT, str(row["id"]))) for row in rows),
            hint="Type the object id of one.",
        )
    if not rows:
        raise _missing(conn, ref)
    [row] = rows
    its_id = str(row["id"]).lower()
    blueprint = str(row.get("agentIdentityBlueprintId") or "").lower()
    return Named("", str(row.get("displayName") or its_id), "", its_id, IDENTITY, blueprint=blueprint)


def agents_of(conn: EntraConnection, blueprint: str) -> list[dict[str, Any]]:
    """Every agent identity of a blueprint, by its appId. Raises Denied.

    Compared here: no document says that Graph filters by the blueprint.
    """
    rows = conn.rows(IDENTITIES, READ_AGENTS, **{"$select": SELECT})
    return [row for row in rows if str(row.get("agentIdentityBlueprintId") or "").lower() == blueprint]


def _one(conn: EntraConnection, ref: PrincipalRef) -> dict[str, Any]:
    try:
        found: dict[str, Any] = conn.get(f"{IDENTITIES}/{segment(ref.id)}", READ_AGENTS, **{"$select": SELECT})
    except Missing:
        raise _missing(conn, ref) from None
    return found


def _of_name(conn: EntraConnection, name: str) -> list[dict[str, Any]]:
    quoted = name.replace("'", "''")
    return list(conn.rows(IDENTITIES, READ_AGENTS, **{"$filter": f"displayName eq '{quoted}'", "$select": SELECT}))


def _missing(conn: EntraConnection, ref: PrincipalRef) -> Missing:
    return Missing(
        f"{ref}: no such agent identity in {conn.scope}", hint="Type its object id, or its exact display name."
    )
