"""Where an app is installed: as the app itself is told, where its key is held; else as the organisation's owner is.

OpenAPI: GET /app/installations (the App's JWT: every account), GET /orgs/{org}/installations (owners: this one alone).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Unauthenticated
from nhi_revoke.provider.http import HttpApi
from nhi_revoke_github.connection import PAGE, GithubConnection, listed, org_path
from nhi_revoke_github.permissions import APP_ITSELF, ORG_ADMINISTRATION
from nhi_revoke_github.words import HIDDEN, REFUSED

GONE, LIVE = "gone", "live"
ITS_KEY = "the app's private key"


class Installed(Struct, frozen=True):
    """The rows, and how far they can be trusted to be all."""

    rows: tuple[dict[str, Any], ...]
    by_app: bool
    """Its own key listed them, and may suspend them."""
    unseen: str = ""
    """Why its own key did not list them: those on other accounts are missing. Empty where it did, or is dead."""
    needs: str = ""


def as_app(conn: GithubConnection, slug: str) -> HttpApi | None:
    """Asks as the app; None where its key is not held. Raises Unauthenticated for a file that cannot be read."""
    held = conn.held_app(slug=slug)
    return conn.as_held_app(held) if held is not None else None


def installed(conn: GithubConnection, slug: str) -> Installed:
    """Raises Denied, Unauthenticated where nobody may list them, and what a request raises."""
    unseen, needs = f"{ITS_KEY} is not held, and an owner of {conn.org} is told of that account alone", ITS_KEY
    try:
        api = as_app(conn, slug)
        if api is not None:
            return Installed(tuple(_by_app(api, slug)), by_app=True)
    except Unauthenticated as fault:
        # Refused: the key is dead, as it should be; that another may be there is said of the keys.
        unseen = "" if fault.code == REFUSED else fault.message
    except Denied as denied:
        unseen, needs = denied.message, denied.needs
    return Installed(tuple(_by_owner(conn, slug)), by_app=False, unseen=unseen, needs=needs)


def _by_app(api: HttpApi, slug: str) -> list[dict[str, Any]]:
    path, rows = "/app/installations", []
    for page in api.pages(path, needs=APP_ITSELF, per_page=PAGE):
        rows += list(listed(page.body, path))
    if any(str(row.get("app_slug") or slug) != slug for row in rows):
        raise Denied(f"the key that is held for {slug} is another app's", needs="the app's own private key")
    return rows


def _by_owner(conn: GithubConnection, slug: str) -> list[dict[str, Any]]:
    path = org_path(conn.org, "/installations")
    rows = conn.rows(path, ORG_ADMINISTRATION.read, under="installations")
    return [row for row in rows if str(row.get("app_slug") or "") == slug]


def suspension_of(conn: GithubConnection, slug: str, installation: int, account: str) -> str:
    """`gone`, `live`, or since when it is suspended. By the app itself; by its owner where the key is refused.

    Raises what a request raises.
    """
    try:
        api = as_app(conn, slug)
        if api is not None:
            return _told(api.call("GET", f"/app/installations/{installation}", needs=APP_ITSELF).body)
    except Unauthenticated as fault:
        if fault.code != REFUSED or account.lower() != conn.org.lower():
            raise
    except Denied as denied:
        if denied.code != HIDDEN:
            raise
        # An app sees all of its own, so that this one would be gone. But a denial looks alike: the list tells.
        found = installed(conn, slug)
        rows = [row for row in found.rows if int(row["id"]) == installation]
        if not rows and not found.by_app and account.lower() != conn.org.lower():
            raise
        return _told(rows[0]) if rows else GONE
    rows = [row for row in _by_owner(conn, slug) if int(row["id"]) == installation]
    return _told(rows[0]) if rows else GONE


def _told(row: dict[str, Any]) -> str:
    return str(row.get("suspended_at") or LIVE)
