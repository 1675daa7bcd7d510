"""Secrets' names and variables of an organisation's repositories, at the pace and in the number that GitHub allows.

OpenAPI: actions/list-repo-secrets, actions/list-repo-variables (30 a page at most), actions/list-environment-secrets,
…-variables, dependabot/list-repo-secrets, actions/list-org-secrets, …-variables. A login has 5,000 requests an hour,
which a containment needs as well: the repositories that were pushed to last are looked at, and how many not is said.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Unauthenticated
from nhi_revoke.provider.http import segment
from nhi_revoke_github.connection import PAGE, GithubConnection, org_path, repo_path
from nhi_revoke_github.naming import ORG, canonical
from nhi_revoke_github.permissions import (
    ACTIONS,
    DEPENDABOT_SECRETS,
    ENVIRONMENTS,
    METADATA,
    ORG_SECRETS,
    ORG_VARIABLES,
    SECRETS,
    VARIABLES,
)
from nhi_revoke_github.repositories import GROUP, NAMED, SHOWN_ALL, WALK, paced, unlisted

MOST = 500
"""Repositories: four requests for each."""
MOST_ENVIRONMENTS = 500
"""Two requests for each."""
TOO_MANY = "more would take the requests that a containment needs. find --repo OWNER/NAME looks at one"
OF_VARIABLES = 30
"""A page of variables at most (GitHub docs: rest/actions/variables)."""
KIND_OF_SECRETS, KIND_OF_VARIABLES, KIND_OF_PLACES = "github:secret", "github:variable", "github:repo"
READS = (
    METADATA, SECRETS.read, VARIABLES.read, DEPENDABOT_SECRETS.read, ACTIONS.read, ENVIRONMENTS.read, ORG_SECRETS.read,
    ORG_VARIABLES.read,
)  # fmt: skip


class Shelf(Struct, frozen=True):
    """One place with secrets, variables, or environments."""

    says: str
    """What is listed, in a sentence: "secrets of Actions"."""
    path: str
    needs: str
    under: str
    place: str
    """Of whom: full name of the repository, an environment in it, or the organisation."""
    address: str
    """Of a secret there, without its name."""

    @property
    def variables(self) -> bool:
        return self.under == "variables"

    @property
    def kind(self) -> str:
        """Of a blind spot."""
        return KIND_OF_VARIABLES if self.variables else KIND_OF_SECRETS


class Row(Struct, frozen=True):
    """One secret or variable."""

    shelf: Shelf
    name: str
    value: str = ""
    """Of a variable."""
    visibility: str = ""
    """Of the organisation's."""

    def __repr__(self) -> str:
        return f"Row({self.name}, …)"

    @property
    def told(self) -> str:
        return f"{'variable' if self.shelf.variables else 'secret'} {self.name} of {self.shelf.place}"

    @property
    def address(self) -> str:
        return f"{self.shelf.address}/{self.name}"


class Rows(Struct):
    """What was listed, and what could not be."""

    found: list[Row]
    spots: list[BlindSpot]


def every_row(conn: GithubConnection) -> Rows:
    """Of the organisation and its repositories. Raises Denied where not even these may be listed."""
    on = canonical(ORG, conn.org)
    names, spots = _chosen(conn, on)
    shelves = [*_of_org(conn.org), *(shelf for name in names for shelf in _of_repository(name))]
    first, unseen = _listed(conn, on, shelves, "secrets and variables")
    spots += unseen
    inner = [s for shelf, rows in first if shelf.under == "environments" for s in _of_environments(shelf, rows)]
    if len(inner) > 2 * MOST_ENVIRONMENTS:
        left = len(inner) // 2 - MOST_ENVIRONMENTS
        why = f"secrets and variables of {left} environments were not looked at: {TOO_MANY}"
        spots.append(BlindSpot(on, KIND_OF_SECRETS, why))
    second, unseen = _listed(conn, on, inner[: 2 * MOST_ENVIRONMENTS], "environments")
    return Rows([
        Row(shelf, str(row["name"]), str(row.get("value") or ""), str(row.get("visibility") or ""))
        for shelf, rows in (*first, *second) if shelf.under != "environments"
        for row in rows
    ], spots + unseen)  # fmt: skip


def _chosen(conn: GithubConnection, on: PrincipalRef) -> tuple[list[str], list[BlindSpot]]:
    """Those that were pushed to last; archived ones, whose workflows do not run, at the end."""
    rows = {str(r["full_name"]): r for r in conn.rows(org_path(conn.org, "/repos"), METADATA, type="all")}
    names = sorted(rows, key=str.lower)
    names.sort(key=lambda name: str(rows[name].get("pushed_at") or ""), reverse=True)
    names.sort(key=lambda name: bool(rows[name].get("archived")))
    spots: list[BlindSpot] = []
    if len(names) > MOST:
        why = f"{len(names) - MOST} of {len(names)} repositories, pushed to longest ago, were not looked at: {TOO_MANY}"
        spots.append(BlindSpot(on, KIND_OF_PLACES, why))
    missing = unlisted(conn, len(names))
    if missing is None:
        why = f"repositories that this operator is not shown, if there are any: it was shown {len(names)}"
        spots.append(BlindSpot(on, KIND_OF_PLACES, why, SHOWN_ALL))
    elif missing:
        spots.append(BlindSpot(on, KIND_OF_PLACES, f"at least {missing} repositories were not looked at", SHOWN_ALL))
    return names[:MOST], spots


def _of_org(org: str) -> list[Shelf]:
    place, address = f"organisation {org}", f"org/{org}"
    secrets, variables = org_path(org, "/actions/secrets"), org_path(org, "/actions/variables")
    return [
        Shelf("secrets of the organisation", secrets, ORG_SECRETS.read, "secrets", place, address),
        Shelf("variables of the organisation", variables, ORG_VARIABLES.read, "variables", place, address),
    ]


def _of_repository(name: str) -> list[Shelf]:
    bot, whose = repo_path(name, "/dependabot/secrets"), f"Dependabot of {name}"
    return [
        Shelf("secrets of Actions", repo_path(name, "/actions/secrets"), SECRETS.read, "secrets", name, name),
        Shelf("variables of Actions", repo_path(name, "/actions/variables"), VARIABLES.read, "variables", name, name),
        Shelf("secrets of Dependabot", bot, DEPENDABOT_SECRETS.read, "secrets", whose, f"dependabot/{name}"),
        Shelf("environments", repo_path(name, "/environments"), ACTIONS.read, "environments", name, name),
    ]


def _of_environments(shelf: Shelf, rows: Sequence[dict[str, Any]]) -> list[Shelf]:
    made: list[Shelf] = []
    for row in rows:
        name = str(row["name"])
        place, address = f"environment {name} of {shelf.place}", f"{shelf.place}/env/{segment(name)}"
        for under in ("secrets", "variables"):
            path = repo_path(shelf.place, f"/environments/{segment(name)}/{under}")
            made.append(Shelf(f"{under} of environments", path, ENVIRONMENTS.read, under, place, address))
    return made


def _listed(
    conn: GithubConnection, on: PrincipalRef, shelves: Sequence[Shelf], what: str
) -> tuple[list[tuple[Shelf, list[dict[str, Any]]]], list[BlindSpot]]:
    """Side by side; one that refuses stops no other. Raises Unauthenticated."""
    count = itertools.count(1)

    def one(shelf: Shelf) -> list[dict[str, Any]] | Fault:
        try:
            page = OF_VARIABLES if shelf.variables else PAGE
            return list(conn.rows(shelf.path, shelf.needs, under=shelf.under, per_page=page))
        except Unauthenticated:
            raise
        except Fault as fault:
            return fault
        finally:
            conn.io.progress(f"{what} of {conn.org}", next(count), len(shelves))

    told = list(zip(shelves, paced(conn, conn.io, one, shelves, WALK, GROUP), strict=True))
    refused: dict[str, list[tuple[Shelf, Fault]]] = {}
    for shelf, rows in told:
        if isinstance(rows, Fault):
            refused.setdefault(shelf.says, []).append((shelf, rows))
    spots = [_unseen(on, each, sum(s.says == says for s in shelves)) for says, each in refused.items()]
    return [(shelf, rows) for shelf, rows in told if not isinstance(rows, Fault)], spots


def _unseen(on: PrincipalRef, refused: Sequence[tuple[Shelf, Fault]], of: int) -> BlindSpot:
    shelf, fault = refused[0]
    more = len(refused) - NAMED
    names = ", ".join(each.place for each, _ in refused[:NAMED]) + (f" and {more} more" if more > 0 else "")
    needs = fault.needs if isinstance(fault, Denied) else ""
    why = f"{shelf.says} could not be listed in {len(refused)} of {of} places: {names} ({fault.message})"
    return BlindSpot(on, shelf.kind, why, needs or shelf.needs)
