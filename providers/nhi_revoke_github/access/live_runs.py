"""Which workflow runs have not ended, with as few requests as tell it.

OpenAPI: actions/list-workflow-runs-for-repo (newest first; one `status` a call; 1,000 results at most with a filter).
Facts okta-github.md 2.1, 2.4 (15).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from nhi_revoke.provider.fault import Fault
from nhi_revoke_github.connection import GithubConnection, repo_path
from nhi_revoke_github.permissions import ACTIONS
from nhi_revoke_github.repositories import REFUSALS, paced

STATUSES = ("pending", "requested", "waiting", "queued", "in_progress")
"""All but `completed`; a run moves from the left to the right."""
ENDED = "completed"
MOST = 1000
"""Results of one search: what is beyond is not shown."""


class LiveRun(NamedTuple):
    """A run that has not ended."""

    repository: str
    """`OWNER/NAME`."""
    id: int
    row: dict[str, Any]

    @property
    def text(self) -> str:
        """As it stands in a step, and at the end of an access id."""
        return f"{self.repository}/{self.id}"


class Listed(NamedTuple):
    """`cut_off`: repositories of which GitHub showed no more than a search gives. `unread`: those that could not be
    looked at, though others could, and why."""

    runs: tuple[LiveRun, ...]
    cut_off: tuple[str, ...] = ()
    unread: tuple[tuple[str, Fault], ...] = ()


def live_runs(conn: GithubConnection, repositories: Iterable[str], actor: str = "") -> Listed:
    """Side by side; one repository that refuses hides no other. Raises what is said of each where all of them refuse.

    A repository's newest runs, whoever started them: where those are all that it ever had, one request tells. Where
    they are not, each status is searched for, whoever started it, too: of a run that somebody ran again GitHub keeps
    the first one's actor and the first time, so that a search by actor and the newest page both miss it. By actor is
    asked only where a status has more than a search gives. GitHub's support says of a search that it may miss what the
    list without a filter has (dawidd6/action-download-artifact#56): so the newest ones are looked at in any case, and
    one list serves all who ask for it.
    """
    found: dict[str, LiveRun] = {}
    cut_off: dict[str, None] = {}
    unread: dict[str, Fault] = {}
    places = tuple(dict.fromkeys(repositories))
    todo = [search for repository in places for search in _searches(conn, repository, actor)]
    asked: set[Search] = set()
    while todo:
        asked.update(todo)
        for search, page in zip(todo, paced(conn, conn.io, lambda s: _looked(conn, s), todo), strict=True):
            if isinstance(page, Fault):
                unread.setdefault(search.repository, page)
                continue
            for row in page.rows:
                if row.get("status") in STATUSES and (not actor or _started(row, actor)):
                    run = LiveRun(search.repository, int(row["id"]), row)
                    found[run.text] = run
            if len(page.rows) >= MOST:
                cut_off[search.repository] = None
            if not page.whole:
                conn.beyond_a_page.add(search)
        again = [more for search in todo for more in _searches(conn, search.repository, actor)]
        todo = [search for search in dict.fromkeys(again) if search not in asked]
    if unread and len(unread) == len(places):
        raise next(iter(unread.values()))
    return Listed(tuple(found.values()), tuple(cut_off), tuple(unread.items()))


class Search(NamedTuple):
    """One listing of runs."""

    repository: str
    actor: str = ""
    status: str = ""


class _Page(NamedTuple):
    rows: list[Any]
    whole: bool
    """There are no more of this search."""


def _searches(conn: GithubConnection, repository: str, actor: str) -> Iterable[Search]:
    """The newest, and what else needs to be asked as far as is known of how many there are."""
    newest = Search(repository)
    yield newest
    for status in STATUSES if newest in conn.beyond_a_page else ():
        whoevers = Search(repository, status=status)
        yield whoevers
        if actor and whoevers in conn.beyond_a_page:
            yield Search(repository, actor, status)


def _looked(conn: GithubConnection, search: Search) -> _Page | Fault:
    try:
        return _page(conn, search)
    except REFUSALS as refused:
        return refused


def _page(conn: GithubConnection, search: Search) -> _Page:
    """Every page of one status, as far as GitHub shows them; of what has no end, the newest page alone."""
    query: dict[str, Any] = {
        name: value for name, value in (("status", search.status), ("actor", search.actor)) if value
    }
    pages = conn.pages(repo_path(search.repository, "/actions/runs"), ACTIONS.read, under="workflow_runs", **query)
    if search.status:
        rows = [row for rows, _ in pages for row in rows]
        return _Page(rows, whole=len(rows) < MOST)
    rows, last = next(pages)
    return _Page(rows, whole=last)


def _started(row: dict[str, Any], actor: str) -> bool:
    """Whoever runs it again has started it, too."""
    who = ((row.get(member) or {}).get("login") for member in ("actor", "triggering_actor"))
    return any(str(login).lower() == actor.lower() for login in who)
