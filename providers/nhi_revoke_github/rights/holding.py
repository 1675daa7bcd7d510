"""Whether the operator may what a stage needs: what GitHub tells of the sign-in that would ask.

Of an App: its installation's permissions, with the token that it is given (OpenAPI: apps/create-installation-access-
token). Of a classic token: X-OAuth-Scopes of any answer (GitHub docs: scopes-for-oauth-apps). Of a fine-grained token,
and of a job's, GitHub tells nobody anything: X-Accepted-GitHub-Permissions tells what a request needs, not what is had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nhi_revoke.model.right import Holding
from nhi_revoke.provider.fault import Fault
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.permissions import APP_ITSELF, CLIENT_ITSELF
from nhi_revoke_github.rights.documents import ALSO, APPS_ALONE, BY_SCOPE
from nhi_revoke_github.sign_in import AppSignIn, SignIn, TokenSignIn

BY_APP = "the permissions of the operator's App's installation"
BY_CLASSIC = "X-OAuth-Scopes of the operator's token; what its owner may not, it may not either"
HELD_APPS = "[[github.apps]] of nhi.toml"


def holds(conn: GithubConnection, permissions: Sequence[str]) -> Iterable[Holding]:
    """Never raises a refusal of one sign-in: what it would ask is unknown then."""
    yield from (_itself(conn, each) for each in permissions if each in (APP_ITSELF, CLIENT_ITSELF))
    by: dict[SignIn, list[str]] = {}
    for each in permissions:
        if each not in (APP_ITSELF, CLIENT_ITSELF):
            by.setdefault(conn.asks_for(apps_alone=each in APPS_ALONE), []).append(each)
    for sign_in, asked in by.items():
        try:
            yield from _told(sign_in, asked)
        except Fault as fault:
            yield from (Holding(each, "unknown", "", fault.message) for each in asked)


def _itself(conn: GithubConnection, permission: str) -> Holding:
    """Keys and secrets of apps that are to be ended: they are had or not, and no permission."""
    had = [
        app
        for app in conn.settings.apps
        if (app.private_key_file if permission == APP_ITSELF else app.client_secret_file)
    ]
    if had:
        return Holding(permission, "held", HELD_APPS, f"of those that are named there ({len(had)}), and of no other")
    what = "private_key_file" if permission == APP_ITSELF else "client_secret_file"
    return Holding(permission, "unknown", HELD_APPS, f"of each app by itself: its {what} is named when it is had", True)


def _told(sign_in: SignIn, asked: Sequence[str]) -> Iterable[Holding]:
    if isinstance(sign_in, AppSignIn):
        had = sign_in.permissions()
        return [_by_app(each, had) for each in asked]
    scopes = sign_in.scopes() if isinstance(sign_in, TokenSignIn) else None
    return [_by_scopes(each, scopes) for each in asked]


def _by_app(permission: str, had: Mapping[str, str]) -> Holding:
    resource, _, level = permission.partition(":")
    enough = had.get(resource) in ("write", "admin") or had.get(resource) == level
    return Holding(permission, "held" if enough else "missing", BY_APP)


def _by_scopes(permission: str, scopes: frozenset[str] | None) -> Holding:
    if permission in APPS_ALONE:
        return Holding(
            permission, "missing", BY_CLASSIC, "GitHub lets Apps alone ask for it, and you sign in by a token"
        )
    if scopes is None:
        why = "what this token may, GitHub tells nobody: it has no X-OAuth-Scopes, as fine-grained ones have none"
        return Holding(permission, "unknown", BY_CLASSIC, why)
    if permission not in BY_SCOPE:
        return Holding(permission, "unknown", BY_CLASSIC, "which scope of a classic token allows it is not known here")
    whole = scopes | {less for scope in scopes for less in ALSO.get(scope, ())}
    lacking = [scope for scope in BY_SCOPE[permission] if scope not in whole]
    if lacking:
        return Holding(permission, "missing", BY_CLASSIC, f"the token has no scope {' and '.join(lacking)}")
    return Holding(permission, "held", BY_CLASSIC)
