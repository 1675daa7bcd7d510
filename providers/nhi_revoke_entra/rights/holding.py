"""Whether the operator may what a stage needs: what its Graph token says, and Azure's own list in each subscription.

Microsoft docs: access-token-claims-reference (`roles` of an app, `scp` and `wids` of a user). Azure docs: Permissions -
List, of a resource group or resource; of a subscription it is recalled and was never asked of Azure itself: what does
not answer is unknown. Of what is within a vault the vault alone knows, by its policies or roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from nhi_revoke.model.right import Holding
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.http import segment
from nhi_revoke_entra.arm import SUBSCRIPTIONS
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.permissions import READ_AZURE
from nhi_revoke_entra.rights.sorts import AS_MUCH, ASK_AZURE, api_of

BY_ROLES = "roles in the Graph token"
BY_SCP = "scp and wids in the Graph token"
BY_AZURE = "Azure's list of your permissions in each subscription; deny assignments are not looked at"
MINE = "/providers/Microsoft.Authorization/permissions"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
"""Template id of the directory role (Microsoft docs: permissions-reference of Entra's built-in roles)."""
OF_A_VAULT = "of each vault by itself: what is in it was not asked"


def holds(conn: EntraConnection, permissions: Sequence[str]) -> Iterable[Holding]:
    """Raises what signing in raises. What Azure does not answer makes its own permissions unknown."""
    claims = conn.claims()
    yield from (_in_graph(each, claims) for each in permissions if api_of(each) == "graph")
    azure = [each for each in permissions if api_of(each) == "azure"]
    if azure:
        yield from _in_azure(conn, azure)
    yield from (Holding(each, "unknown", "", OF_A_VAULT, True) for each in permissions if api_of(each) == "vault")


def _in_graph(permission: str, claims: Mapping[str, Any]) -> Holding:
    scopes = claims.get("scp")
    if isinstance(scopes, str):
        return _of_user(permission, scopes.split(), claims.get("wids"))
    roles = claims.get("roles")
    if not isinstance(roles, list):
        if claims.get("idtyp") == "app":
            return Holding(permission, "missing", BY_ROLES, "the token has none at all: nobody gave admin consent")
        return Holding(permission, "unknown", BY_ROLES, "the token does not tell what it allows")
    by = next((each for each in (permission, *AS_MUCH.get(permission, ())) if each in roles), "")
    if not by:
        return Holding(permission, "missing", BY_ROLES)
    return Holding(permission, "held", BY_ROLES, "" if by == permission else f"{by} allows as much")


def _of_user(permission: str, scopes: Sequence[str], wids: object) -> Holding:
    """Both have to allow it: the client's scopes, and the user's directory roles."""
    by = next((each for each in (permission, *AS_MUCH.get(permission, ())) if each in scopes), "")
    if not by:
        return Holding(permission, "missing", BY_SCP, "the client that you signed in through does not have the scope")
    if isinstance(wids, list) and GLOBAL_ADMINISTRATOR in wids:
        return Holding(permission, "held", BY_SCP)
    why = "the scope is there; whether your directory roles allow as much is told by nothing"
    return Holding(permission, "unknown", BY_SCP, why)


def _in_azure(conn: EntraConnection, permissions: Sequence[str]) -> Iterable[Holding]:
    """In every subscription that is shown. None at all is no answer: Azure shows those alone where one may anything."""
    try:
        shown = [str(row.get("subscriptionId") or "") for row in conn.azure.rows(SUBSCRIPTIONS, READ_AZURE)]
        told = {each: list(conn.azure.rows(f"{SUBSCRIPTIONS}/{segment(each)}{MINE}", ASK_AZURE)) for each in shown}
    except Fault as fault:
        yield from (Holding(each, "unknown", BY_AZURE, fault.message) for each in permissions)
        return
    if not told:
        why = "no subscription is shown to you: there is none, or you have no role in any"
        yield from (Holding(each, "unknown", BY_AZURE, why) for each in permissions)
        return
    for each in permissions:
        lacking = [subscription for subscription, rows in told.items() if not _allows(rows, each)]
        if not lacking:
            yield Holding(each, "held", BY_AZURE)
        else:
            yield Holding(each, "missing", BY_AZURE, f"in {len(lacking)} of {len(told)} subscriptions: {lacking[0]}")


def _allows(rows: Iterable[Mapping[str, Any]], action: str) -> bool:
    """One row each role assignment; what one excludes another may allow."""
    return any(_matches(row.get("actions"), action) and not _matches(row.get("notActions"), action) for row in rows)


def _matches(patterns: object, action: str) -> bool:
    listed = patterns if isinstance(patterns, list) else []
    return any(fnmatchcase(action.lower(), str(pattern).lower()) for pattern in listed)
