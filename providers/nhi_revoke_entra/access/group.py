"""Groups that a principal is in, however deep: what they hold is held by it.

Microsoft docs: serviceprincipal-list-transitivememberof, user-list-transitivememberof. Without the right to read groups
Graph tells their ids alone.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lookup import PAGE
from nhi_revoke_entra.named import SERVICE_PRINCIPALS
from nhi_revoke_entra.permissions import READ_APPS, READ_USERS

TYPE = "#microsoft.graph.group"
"""Directory roles and administrative units are listed among them."""


class Group(Struct, frozen=True):
    id: str
    name: str
    """Its id where the name may not be read."""


def groups_of(conn: EntraConnection, principal: str, *, user: bool) -> tuple[Group, ...]:
    """`principal`: object id of a service principal or a user. Raises Denied, Missing."""
    collection, needs = ("users", READ_USERS) if user else (SERVICE_PRINCIPALS, READ_APPS)
    query: dict[str, Any] = {"$top": PAGE}
    rows = conn.rows(f"/{collection}/{principal}/transitiveMemberOf", needs, **query)
    mine = (row for row in rows if row.get("@odata.type") == TYPE)
    return tuple(Group(str(row["id"]), str(row.get("displayName") or row["id"])) for row in mine)
