"""Whether a role lets its holder become an account: Google's own by a table, others by the permissions in them.

facts gcp.md 1 (row 8). Google Cloud docs: iam v1 roles.get, projects.roles.get, organizations.roles.get.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_gcp.permissions import GET_ROLE
from nhi_revoke_gcp.policy import GIVES, ROLES
from nhi_revoke_gcp.universe import IAM

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

BECOMES = {
    "iam.serviceAccounts.getAccessToken": "gets tokens as it",
    "iam.serviceAccounts.getOpenIdToken": "gets ID tokens as it",
    "iam.serviceAccounts.signBlob": "signs as it",
    "iam.serviceAccounts.signJwt": "signs as it, and so gets tokens",
    "iam.serviceAccounts.implicitDelegation": "passes on who gets tokens as it",
    "iam.serviceAccounts.actAs": "may run workloads as it",
    "iam.serviceAccounts.setIamPolicy": "may let anybody become it",
    "iam.serviceAccountKeys.create": "may make keys for it",
    "resourcemanager.projects.setIamPolicy": f"{GIVES}, and so become it",
    "resourcemanager.folders.setIamPolicy": f"{GIVES}, and so become it",
    "resourcemanager.organizations.setIamPolicy": f"{GIVES}, and so become it",
}
"""Permissions by which one becomes an account, the plainest first."""


NONE_KNOWN: Mapping[str, str | Fault] = MappingProxyType({})


def is_own(role: str) -> bool:
    """Whether an organisation or a project made it."""
    return not role.startswith("roles/")


def judged(
    conn: GcpConnection, roles: Iterable[str], known: Mapping[str, str | Fault] = NONE_KNOWN
) -> Mapping[str, str | Fault]:
    """What each lets its holder do to become an account: empty for nothing. Side by side; a fault is told in its place.

    Google's own are not asked for: those of the table are known, and others are taken for harmless. `known`: what was
    asked already.
    """
    wanted = dict.fromkeys(roles)
    own = [role for role in wanted if is_own(role) and role not in known]
    asked = {**known, **dict(zip(own, conn.io.map(lambda role: meaning(conn, role), own), strict=True))}
    return {role: asked[role] if role in asked else ROLES.get(role, "") for role in wanted}


def meaning(conn: GcpConnection, role: str) -> str | Fault:
    """Of one that an organisation or a project made, asked once by all kinds (fresh.py). Never raises a fault: it is
    told.
    """
    row = conn.fresh.told(("role", role), lambda: _role(conn, role))
    if isinstance(row, Missing):
        return ""  # a role that is gone allows nothing
    if isinstance(row, Fault):
        return row
    held = set() if row.get("deleted") else set(row.get("includedPermissions") or ())
    means = list(dict.fromkeys(said for permission, said in BECOMES.items() if permission in held))
    return ", ".join(means)


def _role(conn: GcpConnection, role: str) -> dict[str, Any]:
    path = "/".join(segment(part) for part in role.split("/"))
    return conn.get(IAM, f"/v1/{path}", GET_ROLE)


def in_words(said: str | Fault) -> str:
    """What a role does, for a note."""
    if isinstance(said, Fault):
        return "holds a role of the organisation's own whose permissions could not be read: it may become it"
    return said
