"""GitHub's fine-grained permissions, as they are named here: `resource:read` or `resource:write`.

GitHub docs: permissions-required-for-github-apps, permissions-required-for-fine-grained-personal-access-tokens. With a
classic token scopes decide (`admin:org`, `repo`); the nearest fine-grained name is told all the same.
"""

from __future__ import annotations

from typing import NamedTuple


class Permission(NamedTuple):
    """One resource's two levels."""

    read: str
    write: str


def _of(resource: str) -> Permission:
    return Permission(f"{resource}:read", f"{resource}:write")


METADATA = "metadata:read"
ADMINISTRATION = _of("administration")
"""Of repositories: deploy keys, collaborators, runners, whether Actions is on."""
ACTIONS = _of("actions")
SECRETS = _of("secrets")
ENVIRONMENTS = _of("environments")
DEPENDABOT_SECRETS = _of("dependabot_secrets")
ORG_SECRETS = _of("organization_secrets")
VARIABLES = _of("actions_variables")
ORG_VARIABLES = _of("organization_actions_variables")
ORG_ADMINISTRATION = _of("organization_administration")
"""Installations, credential authorisations, OIDC subjects, the audit log."""
ORG_TOKENS = _of("organization_personal_access_tokens")
ORG_TOKEN_REQUESTS = _of("organization_personal_access_token_requests")
"""Fine-grained tokens that wait for an owner's approval."""
ORG_RUNNERS = _of("organization_self_hosted_runners")
MEMBERS = _of("members")
APP_ITSELF = "app:jwt"
"""Not a permission: the app's own private key signs the request."""
CLIENT_ITSELF = "client:secret"
"""Not a permission: the app's own client id and secret."""
