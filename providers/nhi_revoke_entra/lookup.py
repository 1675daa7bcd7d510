"""From what was typed to the two objects of one app: its application, and its service principal in this tenant.

facts entra.md 2 ("IDs") and 8, 4: an appId, the application's object id and the service principal's are three GUIDs;
8, 22: a name may be several apps', and a quote in it ends the filter's text unless it is doubled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_entra.agents import BLUEPRINT, BLUEPRINT_PRINCIPAL, an_agent, cast_of, is_agent, look_up_agent
from nhi_revoke_entra.deleted import deleted
from nhi_revoke_entra.identities import resource_of
from nhi_revoke_entra.named import APPLICATIONS, SERVICE_PRINCIPALS, Named, NamedUser
from nhi_revoke_entra.naming import AGENT, APP, GUID, PROVIDER
from nhi_revoke_entra.permissions import READ_APPS, READ_USERS

if TYPE_CHECKING:
    from nhi_revoke_entra.connection import EntraConnection

BRIEF = "id,appId,displayName"
BRIEFS = {APPLICATIONS: BRIEF, SERVICE_PRINCIPALS: f"{BRIEF},servicePrincipalType,alternativeNames"}
PAGE = 999


def look_up_user(conn: EntraConnection, ref: PrincipalRef) -> NamedUser:
    """By object id or user principal name. Raises Missing, Denied."""
    try:
        row = conn.get(f"/users/{segment(ref.id)}", READ_USERS, **{"$select": "id,userPrincipalName,identityParentId"})
    except Missing as missing:
        hint = "Type its object id or its whole user principal name."
        raise Missing(f"{ref}: no such user in {conn.scope}", code=missing.code, hint=hint) from None
    login, agent = str(row.get("userPrincipalName") or row["id"]), str(row.get("identityParentId") or "")
    return NamedUser(str(row["id"]), login, agent.lower())


def look_up(conn: EntraConnection, ref: PrincipalRef) -> Named:
    """Raises Missing, AmbiguousName, Denied."""
    if ref.kind == AGENT:
        return look_up_agent(conn, ref)
    found = _by_guid(conn, ref.id) if GUID.fullmatch(ref.id) else _by_name(conn, ref)
    if found is None:
        raise deleted(conn, ref) or Missing(
            f"{ref}: no such app in {conn.scope}",
            hint="Type its appId, an object id of its application or service principal, or its exact display name.",
        )
    return found


def rows_of(conn: EntraConnection, name: str) -> Sequence[Sequence[dict[str, Any]]]:
    """Applications and service principals of exactly this display name."""
    quoted = name.replace("'", "''")

    def named(collection: str) -> Callable[[], list[dict[str, Any]]]:
        query: dict[str, Any] = {"$filter": f"displayName eq '{quoted}'", "$select": BRIEFS[collection], "$top": PAGE}
        return lambda: list(conn.rows(f"/{collection}", READ_APPS, **query))

    found: Sequence[Sequence[dict[str, Any]]] = conn.side_by_side(named(APPLICATIONS), named(SERVICE_PRINCIPALS))
    return found


def _by_name(conn: EntraConnection, ref: PrincipalRef) -> Named | None:
    applications, principals = rows_of(conn, ref.id)
    agents = [row for row in principals if is_agent(row)]
    principals = [row for row in principals if not is_agent(row)]
    ids = list(dict.fromkeys(str(row["appId"]).lower() for row in (*applications, *principals)))
    if agents and not ids:
        raise an_agent(conn, ref, agents[0])
    if len(ids) > 1:
        raise AmbiguousName(
            f"{ref} is {len(ids)} apps in {conn.scope}: nothing was looked at",
            candidates=tuple(f"entra:app/{each}" for each in ids),
            hint="Type the appId of one.",
        )
    if applications and principals:
        return _named(applications[0], principals[0])
    # The two objects may bear different names: the other one is asked for by the appId.
    return _by_guid(conn, ids[0]) if ids else None


def _by_guid(conn: EntraConnection, guid: str) -> Named | None:
    """An appId goes before an object id: that is what is typed most."""
    found = _objects(conn, guid)
    if found is not None:
        return found
    either = conn.side_by_side(
        lambda: _row(conn, f"/{APPLICATIONS}/{guid}"), lambda: _row(conn, f"/{SERVICE_PRINCIPALS}/{guid}")
    )
    row = next((each for each in either if each is not None), None)
    if row is not None and is_agent(row):
        raise an_agent(conn, PrincipalRef(PROVIDER, APP, guid), row)
    return _objects(conn, str(row["appId"])) if row is not None else None


def _objects(conn: EntraConnection, app_id: str) -> Named | None:
    application, principal = conn.side_by_side(
        lambda: _row(conn, f"/{APPLICATIONS}(appId='{app_id}')"),
        lambda: _row(conn, f"/{SERVICE_PRINCIPALS}(appId='{app_id}')"),
    )
    if principal is not None and is_agent(principal):
        raise an_agent(conn, PrincipalRef(PROVIDER, APP, app_id), principal)
    return _named(application, principal)


def _named(application: dict[str, Any] | None, principal: dict[str, Any] | None) -> Named | None:
    told = application or principal
    if told is None:
        return None
    app_id, cast = str(told["appId"]).lower(), cast_of(principal or {})
    return Named(
        app_id,
        str(told.get("displayName") or told["appId"]),
        str((application or {}).get("id") or ""),
        str((principal or {}).get("id") or ""),
        cast,
        resource_of(principal or {}),
        app_id if cast == BLUEPRINT_PRINCIPAL or cast_of(application or {}) == BLUEPRINT else "",
    )


def _row(conn: EntraConnection, path: str) -> dict[str, Any] | None:
    try:
        select = BRIEFS[SERVICE_PRINCIPALS if path.startswith(f"/{SERVICE_PRINCIPALS}") else APPLICATIONS]
        found: dict[str, Any] = conn.get(path, READ_APPS, **{"$select": select})
    except Missing:
        return None
    return found
