"""From a reference to the one principal that GitHub confirms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_github.connection import GithubConnection, org_path, repo_path
from nhi_revoke_github.host import oidc_issuer
from nhi_revoke_github.naming import APP, OAUTH, ORG, REPO, USER, canonical
from nhi_revoke_github.permissions import METADATA, ORG_ADMINISTRATION
from nhi_revoke_github.words import HIDDEN

GITHUBS_OWN = frozenset({"github-actions", "dependabot", "github-pages", "github-advanced-security", "copilot"})
"""Slugs of apps that GitHub itself runs."""


def resolve(conn: GithubConnection, ref: PrincipalRef) -> Principal:
    """Raises Missing (hidden or absent: GitHub answers alike), Denied."""
    look = {APP: _app, USER: _user, REPO: _repo, ORG: _org, OAUTH: _oauth}[ref.kind]
    try:
        return look(conn, ref)
    except Denied as denied:
        if denied.code != HIDDEN:
            raise
        why = f"{ref}: there is none, or this operator may not see it: GitHub answers alike"
        raise Missing(why, code=HIDDEN, hint="Check the name, and the operator's rights there.") from None


def _app(conn: GithubConnection, ref: PrincipalRef) -> Principal:
    app = _app_row(conn, ref.id)
    slug = str(app["slug"])
    facts: Json = {
        "app_id": str(app.get("id") or ""),
        "client_id": str(app.get("client_id") or ""),
        "owner": str((app.get("owner") or {}).get("login") or ""),
        "owner_type": str((app.get("owner") or {}).get("type") or ""),
    }
    own = "GitHub itself runs this app: ask its support" if slug in GITHUBS_OWN else None
    return Principal(
        ref=canonical(APP, slug),
        kind=APP,
        name=slug,
        scope=conn.scope,
        unique_id=str(app["id"]),
        typed=str(ref),
        aliases=(f"github:user/{slug}[bot]",),
        untouchable=own or _may_be_operators(conn, app),
        facts=facts,
    )


def _may_be_operators(conn: GithubConnection, app: dict[str, Any]) -> str | None:
    """An App that does not sign in is still named in the settings, by its id or client id; not every row tells both."""
    mine, client = conn.settings.app_id, str(app.get("client_id") or "")
    is_another = mine not in (str(app["id"]), client) and bool(mine.isdigit() or client)
    return None if is_another else conn.may_be_operator(APP) or None


def _app_row(conn: GithubConnection, slug: str) -> dict[str, Any]:
    """A private app is hidden from everybody but its owner: the organisation's installations name it, too."""
    try:
        found: dict[str, Any] = conn.get(f"/apps/{segment(slug)}", METADATA)
    except Denied as denied:
        if denied.code != HIDDEN or not conn.scope:
            raise
        hidden = denied
    else:
        return found
    try:
        rows = list(installed(conn))
    except Denied:
        rows = []
    for row in rows:
        if str(row.get("app_slug") or "") == slug:
            return {"slug": slug, "id": row["app_id"], "client_id": row.get("client_id")}
    raise hidden


def installed(conn: GithubConnection) -> Iterable[dict[str, Any]]:
    """Installations of the organisation's apps, private ones included. Raises Denied."""
    return conn.rows(org_path(conn.org, "/installations"), ORG_ADMINISTRATION.read, under="installations")


def _user(conn: GithubConnection, ref: PrincipalRef) -> Principal:
    user = conn.get(f"/users/{segment(ref.id)}", METADATA)
    login = str(user["login"])
    facts: Json = {"type": str(user.get("type") or "")}
    # An app as a user is the app: the operator's own must be known by either name.
    bot = login.endswith("[bot]")
    app = (f"github:app/{login.removesuffix('[bot]')}",) if bot else ()
    who = _principal(conn, ref, USER, login, user, facts, app)
    return msgspec.structs.replace(who, untouchable=conn.may_be_operator(APP if bot else USER) or None)


def _repo(conn: GithubConnection, ref: PrincipalRef) -> Principal:
    repo = conn.get(repo_path(ref.id), METADATA)
    facts: Json = {"private": bool(repo.get("private")), "archived": bool(repo.get("archived"))}
    who = _principal(conn, ref, REPO, str(repo["full_name"]), repo, facts)
    return msgspec.structs.replace(who, aliases=_subjects(conn, repo))


def _subjects(conn: GithubConnection, repo: dict[str, Any]) -> tuple[str, ...]:
    """How clouds name its jobs (`ISSUER/SUBJECT`, a glob): by names, and by names with ids (GitHub docs: OpenID Connect
    reference, immutable subjects). An enterprise may have an issuer of its own, which ends in its slug."""
    owner, _, name = str(repo["full_name"]).partition("/")
    issuer = oidc_issuer(conn.url)
    whose = (repo.get("owner") or {}).get("id")
    subjects = [f"repo:{owner}/{name}:*"] + ([f"repo:{owner}@{whose}/{name}@{repo['id']}:*"] if whose else [])
    issuers = [issuer] + ([f"{issuer}/{conn.settings.enterprise}"] if conn.settings.enterprise else [])
    return tuple(f"{each}/{subject}" for each in issuers for subject in subjects)


def _org(conn: GithubConnection, ref: PrincipalRef) -> Principal:
    org = conn.get(org_path(ref.id), METADATA)
    return _principal(conn, ref, ORG, str(org["login"]), org, {})


def _oauth(conn: GithubConnection, ref: PrincipalRef) -> Principal:
    """No API tells of an OAuth app by its client id: what the settings say of it is all that is known."""
    held = conn.held_app(client_id=ref.id)
    facts: Json = {"client_id": ref.id, "secret_held": bool(held and held.client_secret_file)}
    return Principal(
        ref=canonical(OAUTH, ref.id), kind=OAUTH, name=(held.slug if held else "") or ref.id, scope=conn.scope,
        unique_id=ref.id, typed=str(ref), facts=facts,
    )  # fmt: skip


def _principal(
    conn: GithubConnection, ref: PrincipalRef, kind: str, name: str, row: dict[str, Any], facts: Json,
    aliases: tuple[str, ...] = (),
) -> Principal:  # fmt: skip
    return Principal(
        ref=canonical(kind, name), kind=kind, name=name, scope=conn.scope, unique_id=str(row["id"]), typed=str(ref),
        aliases=aliases, facts=facts,
    )  # fmt: skip
