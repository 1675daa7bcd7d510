"""A GitHub App's permissions as its manifest has them, and a classic token's scopes.

GitHub docs: registering-a-github-app-from-a-manifest (`default_permissions`), scopes-for-oauth-apps. OpenAPI:
app-permissions (names and levels; it lacks those of variables, which the docs of fine-grained permissions have).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from nhi_revoke.model.right import Document, Stage
from nhi_revoke_github.permissions import (
    ACTIONS,
    ADMINISTRATION,
    APP_ITSELF,
    CLIENT_ITSELF,
    DEPENDABOT_SECRETS,
    ENVIRONMENTS,
    MEMBERS,
    METADATA,
    ORG_ADMINISTRATION,
    ORG_RUNNERS,
    ORG_SECRETS,
    ORG_TOKEN_REQUESTS,
    ORG_TOKENS,
    ORG_VARIABLES,
    SECRETS,
    VARIABLES,
)

NO_PERMISSIONS = (APP_ITSELF, CLIENT_ITSELF)
"""Of the compromised apps themselves: their own key or secret asks."""
APPS_ALONE = (*ORG_TOKENS, *ORG_TOKEN_REQUESTS)
"""What GitHub lets no token have (OpenAPI: orgs/list-pat-grants)."""
REPO, ADMIN_ORG, READ_ORG, READ_AUDIT = "repo", "admin:org", "read:org", "read:audit_log"
BY_SCOPE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (*ADMINISTRATION, *ACTIONS, *SECRETS, *ENVIRONMENTS, *DEPENDABOT_SECRETS, *VARIABLES, METADATA), (REPO,)
    ),
    **dict.fromkeys((*ORG_SECRETS, *ORG_VARIABLES, *ORG_RUNNERS, MEMBERS.write), (ADMIN_ORG,)),
    MEMBERS.read: (READ_ORG,),
    ORG_ADMINISTRATION.read: (ADMIN_ORG, READ_AUDIT),
    ORG_ADMINISTRATION.write: (ADMIN_ORG,),
}
"""Scopes of a classic token that allow as much, all of them."""
ALSO = {ADMIN_ORG: ("write:org", READ_ORG)}
"""Scopes that one includes (GitHub docs: scopes-for-oauth-apps)."""


def documents(stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
    """The App, which can have all of it; then the token's scopes."""
    wanted = sorted(each for each in permissions if each not in NO_PERMISSIONS)
    itself = [each for each in permissions if each in NO_PERMISSIONS]
    beside = (
        f" {' and '.join(itself)} are no permissions: the key and the secret of an app that is to be ended, in "
        "[[github.apps]]."
        if itself
        else ""
    )
    manifest = {
        "name": f"nhi-revoke {stage}",
        "url": "https://example.com",
        "public": False,
        "default_permissions": levels(wanted),
        "default_events": [],
    }
    yield Document(
        "app",
        f"nhi-revoke-{stage}-app.json",
        "application/json",
        json.dumps(manifest, indent=2) + "\n",
        "Post it as `manifest` to https://github.com/organizations/ORG/settings/apps/new, or tick the same permissions "
        f"there; then install the App on the organisation and all of its repositories.{beside}",
        tuple(wanted),
    )
    by_token = [each for each in wanted if each not in APPS_ALONE]
    yield Document(
        "token",
        f"nhi-revoke-{stage}-token.txt",
        "text/plain",
        "".join(f"{each}\n" for each in scopes_for(by_token)),
        "Scopes of a classic token of an organisation's owner: coarser than the App. A fine-grained token takes the "
        "App's permissions. Neither can look at or end other members' fine-grained tokens: GitHub lets Apps alone do "
        "that.",
        tuple(by_token),
    )


def levels(permissions: Iterable[str]) -> dict[str, str]:
    """By resource: `write` allows to read."""
    found: dict[str, str] = {}
    for each in sorted(permissions):
        resource, _, level = each.partition(":")
        if found.get(resource) != "write":
            found[resource] = level
    return found


def scopes_for(permissions: Iterable[str]) -> list[str]:
    """Without those that another one includes."""
    needed = {scope for each in permissions for scope in BY_SCOPE.get(each, ())}
    return sorted(needed - {less for scope in needed for less in ALSO.get(scope, ())})
