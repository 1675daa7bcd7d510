"""Principals of exactly one name, of every kind: each is looked for, whatever became of the others.

GitHub docs: rest/apps (a private app is shown to its owner alone), rest/users (logins are told apart without their
case). OpenAPI: orgs/list-app-installations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_github.connection import GithubConnection, repo_path
from nhi_revoke_github.naming import APP, CLIENT_ID, LOGIN, OAUTH, ORG, REPO, REPOSITORY, SLUG, USER, canonical
from nhi_revoke_github.permissions import METADATA
from nhi_revoke_github.principals import installed


def find(conn: GithubConnection, name: str) -> Iterable[PrincipalRef]:
    """An app of this slug, name or client id; an OAuth app of this client id that the settings name; a user or an
    organisation of this login; a repository of this name in the organisation, or of this full name.

    Raises, after all that was found: Denied where something could not be looked at, Unauthenticated where no
    organisation is named.
    """
    unseen: list[Denied] = []
    for look in (_held, _by_client_id, _apps, _accounts, _repositories):
        try:
            yield from look(conn, name)
        except Denied as denied:
            unseen.append(denied)
    if unseen:
        raise unseen[0]
    _ = conn.org


def _held(conn: GithubConnection, name: str) -> Iterable[PrincipalRef]:
    """No API tells of an OAuth app by its client id."""
    for app in conn.settings.apps:
        if app.client_id == name:
            yield canonical(APP, app.slug) if app.slug else canonical(OAUTH, app.client_id)


def _by_client_id(conn: GithubConnection, name: str) -> Iterable[PrincipalRef]:
    if conn.scope and CLIENT_ID.fullmatch(name):
        for row in installed(conn):
            if row.get("client_id") == name:
                yield canonical(APP, str(row["app_slug"]))


def _apps(conn: GithubConnection, name: str) -> Iterable[PrincipalRef]:
    """A slug is made of the name; which of the two this is, the app's own row says."""
    slug = name.lower() if SLUG.fullmatch(name.lower()) else _slug_of(name)
    if not slug:
        return
    for app in _looked(conn, f"/apps/{segment(slug)}"):
        if slug == name.lower() or app.get("name") == name:
            yield canonical(APP, str(app["slug"]))
        return
    for row in installed(conn) if conn.scope else ():
        if row.get("app_slug") == slug and slug == name.lower():
            yield canonical(APP, slug)
        elif row.get("app_slug") == slug:
            why = (
                f"an app {slug} is installed on {conn.org}; whether its name is this one, GitHub tells its owner alone"
            )
            raise Denied(why, hint=f"Look for {slug} instead.")


def _slug_of(name: str) -> str:
    """What GitHub makes of an app's name; empty where that is no slug."""
    made = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    plain = name.isascii() and name.strip() == name and "/" not in name
    return made if plain and SLUG.fullmatch(made) else ""


def _accounts(conn: GithubConnection, name: str) -> Iterable[PrincipalRef]:
    if LOGIN.fullmatch(name):
        for account in _looked(conn, f"/users/{segment(name)}"):
            yield canonical(ORG if account.get("type") == "Organization" else USER, str(account["login"]))


def _repositories(conn: GithubConnection, name: str) -> Iterable[PrincipalRef]:
    for place in dict.fromkeys((name, f"{conn.scope}/{name}")):
        if REPOSITORY.fullmatch(place):
            for repo in _looked(conn, repo_path(place)):
                yield canonical(REPO, str(repo["full_name"]))


def _looked(conn: GithubConnection, path: str) -> Iterable[dict[str, Any]]:
    try:
        yield conn.get(path, METADATA, known=True)
    except Missing:
        return
