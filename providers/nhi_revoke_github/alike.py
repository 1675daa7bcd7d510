"""Apps and machine users of the organisation that look like one identity; repositories whose jobs others let in.

Installations and members are listed, in pages (OpenAPI: orgs/list-app-installations, orgs/list-members,
orgs/list-outside-collaborators); of candidates alone an app's own row is read, and a repository's variables, which hold
the ids of what its jobs sign in as. A repository is found by its whole name, or where a trust names its jobs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from nhi_revoke.model.alike import Candidate, Resemblance, Saying
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.listings import each_by_itself
from nhi_revoke.provider.resembling import resemblance
from nhi_revoke.provider.times import moment
from nhi_revoke_github.connection import GithubConnection, org_path, repo_path
from nhi_revoke_github.consumers.shelves import OF_VARIABLES
from nhi_revoke_github.naming import APP, ORG, PROVIDER, REPO, REPOSITORY, USER, canonical
from nhi_revoke_github.permissions import MEMBERS, METADATA, ORG_ADMINISTRATION, VARIABLES
from nhi_revoke_github.principals import GITHUBS_OWN, installed, resolve

READS = (METADATA, ORG_ADMINISTRATION.read, MEMBERS.read, VARIABLES.read)
KIND = "alike"
JOBS = re.compile(r"/repo:([^:/@*?]+)(?:@\d+)?/([^:/@*?]+)(?:@\d+)?:")
"""Of a subject, behind its issuer (GitHub docs: OpenID Connect reference)."""
OF_APPS, OF_MEMBERS = "GET /orgs/…/installations", "GET /orgs/…/members"
OF_OUTSIDERS = "GET /orgs/…/outside_collaborators"


def alike(conn: GithubConnection, name: str) -> Iterable[Candidate | BlindSpot]:
    """Each listing by itself. Raises Unauthenticated where no organisation is named."""
    looks: dict[str, Callable[[], list[Candidate]]] = {
        "apps": lambda: _apps(conn, name),
        "members": lambda: _people(conn, name, "/members", OF_MEMBERS),
        "outside collaborators": lambda: _people(conn, name, "/outside_collaborators", OF_OUTSIDERS),
    }
    needed = {"apps": ORG_ADMINISTRATION.read}
    _ = conn.org
    for what, found in each_by_itself(looks, conn.io):
        if isinstance(found, Fault):
            why = f"{what} of {conn.org} that look like {name}: they could not be listed ({found.message})"
            needs = found.needs if isinstance(found, Denied) else ""
            yield BlindSpot(canonical(ORG, conn.org), KIND, why, needs or needed.get(what, MEMBERS.read))
        else:
            yield from found


def linked(conn: GithubConnection, around: Sequence[Candidate]) -> Iterable[Candidate | BlindSpot]:
    """Repositories of the organisation whose jobs one of these lets in, and these as repositories: each with its
    variables.
    """
    texts = [text for each in around for pointer in each.points for text in pointer.to]
    named = {f"{owner}/{repo}" for text in texts for owner, repo in JOBS.findall(text)}
    named |= {each.ref.id for each in around if each.ref.provider == PROVIDER and each.kind == REPO}
    mine = sorted(name for name in named if name.partition("/")[0].lower() == conn.org.lower())
    for told in conn.io.map(lambda name: _repository(conn, name), [n for n in mine if REPOSITORY.fullmatch(n)]):
        yield from told


def _apps(conn: GithubConnection, name: str) -> list[Candidate]:
    """A slug is made of the app's name; the row of a private app is its owner's alone, and is not missed."""
    slugs = {str(row["app_slug"]): row for row in installed(conn)}
    found = []
    for slug, row in slugs.items():
        like = resemblance(name, slug, "slug", OF_APPS)
        if like and slug not in GITHUBS_OWN:
            found.append(_app(conn, slug, row, like))
    return found


def _app(conn: GithubConnection, slug: str, row: dict[str, Any], like: tuple[Resemblance, ...]) -> Candidate:
    path = f"/apps/{segment(slug)}"
    try:
        whole: dict[str, Any] = conn.get(path, METADATA)
    except Fault:
        whole = {}
    says = [
        Saying(str(whole[member]), f"its {member}", f"GET {path}")
        for member in ("description", "external_url")
        if whole.get(member)
    ]
    client = str(whole.get("client_id") or row.get("client_id") or "")
    return Candidate(
        ref=canonical(APP, slug),
        kind=APP,
        name=str(whole.get("name") or slug),
        scope=conn.org,
        unique_id=str(row.get("app_id") or ""),
        resembles=like,
        created=moment(whole.get("created_at")),
        aliases=(f"{PROVIDER}:app/{slug}", f"{PROVIDER}:user/{slug}[bot]"),
        marks=(client,) if client else (),
        says=tuple(says),
        note="suspended" if row.get("suspended_at") else "",
    )


def _people(conn: GithubConnection, name: str, path: str, evidence: str) -> list[Candidate]:
    """GitHub does not tell a machine's account from a person's."""
    found = []
    for row in conn.rows(org_path(conn.org, path), MEMBERS.read):
        login = str(row["login"])
        if like := resemblance(name, login, "login", evidence):
            ref = canonical(USER, login)
            found.append(Candidate(ref, USER, login, conn.org, str(row["id"]), like, aliases=(str(ref),)))
    return found


def _repository(conn: GithubConnection, name: str) -> list[Candidate | BlindSpot]:
    try:
        who = resolve(conn, PrincipalRef(PROVIDER, REPO, name))
    except Missing:
        return []
    except Fault as fault:
        why = f"a repository whose jobs a trust lets in: {fault.message}"
        return [BlindSpot(canonical(REPO, name), KIND, why, getattr(fault, "needs", ""))]
    told: list[Candidate | BlindSpot] = []
    says: list[Saying] = []
    path = repo_path(who.name, "/actions/variables")
    try:
        rows = list(conn.rows(path, VARIABLES.read, under="variables", per_page=OF_VARIABLES))
        says = [Saying(str(row.get("value") or ""), f"its variable {row['name']}", f"GET {path}") for row in rows]
    except Fault as fault:
        why = f"variables of {who.name}, which may hold ids of others: {fault.message}"
        told.append(BlindSpot(who.ref, KIND, why, getattr(fault, "needs", "") or VARIABLES.read))
    candidate = Candidate(
        who.ref, REPO, who.name, conn.org, who.unique_id, aliases=(str(who.ref), *who.aliases), says=tuple(says)
    )
    return [candidate, *told]
