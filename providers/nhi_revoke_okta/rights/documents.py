"""Scopes for a service app, and a custom admin role that allows as much as such a role is known to.

Okta docs: oauth2 (scopes), implement-oauth-for-okta-serviceapp (scopes do nothing without an admin role), roles (body
of POST /api/v1/iam/roles). Names of a custom role's permissions: RolePermissionType of Okta's own Go SDK 3.0.14.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from nhi_revoke.model.right import Document, Stage
from nhi_revoke_okta.scopes import APPS, SERVERS, USERS

OF_A_ROLE = {
    APPS.read: "okta.apps.read",
    APPS.manage: "okta.apps.manage",
    USERS.read: "okta.users.read",
    USERS.manage: "okta.users.manage",
    SERVERS.read: "okta.authzServers.read",
    SERVERS.manage: "okta.authzServers.manage",
}
"""What a custom role calls it. Of every other scope no name is known there."""
SUPER = "SUPER_ADMIN"


def documents(stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
    """The scopes, one a line; then the role."""
    scopes = sorted(permissions)
    yield Document(
        "scopes",
        f"nhi-revoke-{stage}-scopes.txt",
        "text/plain",
        "".join(f"{each}\n" for each in scopes),
        "Grant each to the responder's service app: its tab Okta API Scopes, or POST /api/v1/apps/APP/grants. Without "
        "an admin role they allow nothing: see the document role. With an API token (SSWS) its owner's role alone "
        "decides.",
        tuple(scopes),
    )
    known = [each for each in scopes if each in OF_A_ROLE]
    others = [each for each in scopes if each not in OF_A_ROLE]
    if known:
        role = {
            "label": f"nhi-revoke {stage}",
            "description": "What nhi-revoke declares that it needs, as far as a custom role can hold it",
            "permissions": [OF_A_ROLE[each] for each in known],
        }
        names = ", ".join(others)
        more = f" No custom role is known to allow these; the standard role {SUPER} does: {names}." if others else ""
        yield Document(
            "role",
            f"nhi-revoke-{stage}-role.json",
            "application/json",
            json.dumps(role, indent=2) + "\n",
            f"POST /api/v1/iam/roles, then bind it to the app with a resource set of all apps and users.{more}",
            (),
        )
