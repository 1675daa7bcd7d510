"""Every repository of the organisation, and what each of them shows of one thing: one request for each.

OpenAPI: repos/list-for-org. GitHub docs: rate-limits-for-the-rest-api (5,000 requests an hour for a user; 900 points a
minute, of which a read is one; 100 requests side by side). Facts okta-github.md 2.4, 10. That many reads go as fast as
the network lets them, since GitHub counts by the minute: an organisation of some hundred repositories is walked in
seconds, and no minute sees more.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from msgspec import Struct

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Conflict, Denied, Fault, Missing, Rejected
from nhi_revoke.provider.io import Io
from nhi_revoke_github.connection import GithubConnection, org_path
from nhi_revoke_github.permissions import METADATA

A_MINUTE = 60.0
BULK = 850
"""Reads in any minute where many are needed together: GitHub's 900, less what a run asks one by one."""
WALK = 750
"""Of these, a walk: it may last, and beside it ways in are being closed."""
GROUP = 50
"""Reads of a walk that go together: it waits for its pace between them, so that what else runs side by side is never
kept waiting with it."""
NAMED = 5
"""So many of the repositories that could not be looked at are told by name."""
REFUSALS = (Denied, Missing, Conflict, Rejected)
"""What GitHub says of one repository: it is hidden or deleted, was renamed since it was listed (a 301, which is not
followed), or is in a state that forbids it. None of that hides another one."""
AGAIN = "another look"
SHOWN_ALL = "an owner's token, or the App installed on all repositories"

S = TypeVar("S")
T = TypeVar("T")


class Walk(Struct, frozen=True):
    """What a walk over all repositories brought home."""

    found: tuple[tuple[str, Any], ...]
    """Full name, and what the look there returned."""
    hidden: tuple[str, ...] = ()
    """Full names of those that this operator may list, and that could not be looked into: not allowed, or renamed or
    deleted since."""
    missing: int | None = 0
    """How many the organisation counts beyond those that it listed; None where it does not tell this operator."""
    needs: str = ""

    def blind(self, ref: PrincipalRef, kind: str, what: str) -> tuple[BlindSpot, ...]:
        """Whatever was not looked at, as blind spots of one kind."""
        told: list[BlindSpot] = []
        if self.hidden:
            more = len(self.hidden) - NAMED
            names = ", ".join(self.hidden[:NAMED]) + (f" and {more} more" if more > 0 else "")
            of = len(self.hidden) + len(self.found)
            why = f"{what} of {len(self.hidden)} of {of} repositories could not be listed: {names}"
            told.append(BlindSpot(ref, kind, why, self.needs))
        if self.missing is None:
            listed = len(self.found) + len(self.hidden)
            why = (
                f"{what} of repositories that this operator is not shown, if there are any: of {listed} it was shown "
                "all, and the organisation does not tell it how many there are"
            )
            told.append(BlindSpot(ref, kind, why, SHOWN_ALL))
        if self.missing:
            why = (
                f"{what} of at least {self.missing} repositories were not looked at: the organisation has more "
                "repositories than this operator is shown"
            )
            told.append(BlindSpot(ref, kind, why, SHOWN_ALL))
        return tuple(told)


def repositories(conn: GithubConnection) -> list[str]:
    """Full names, archived ones included. Raises Denied."""
    return _ordered(_pages(conn))


def _pages(conn: GithubConnection) -> Iterator[tuple[list[Any], bool]]:
    return conn.pages(org_path(conn.org, "/repos"), METADATA, type="all")


def _ordered(pages: Iterable[tuple[list[Any], bool]]) -> list[str]:
    return sorted({str(row["full_name"]) for rows, _ in pages for row in rows}, key=str.lower)


def paced(
    conn: GithubConnection, io: Io, read: Callable[[S], T], items: Sequence[S], most: int = BULK, group: int = BULK // 2
) -> list[T]:
    """`read` of each, one request apiece, side by side in groups of so many; of all that is asked by this, no minute
    sees more than `most`. Raises the first fault of a group, after all of it have ended.
    """
    results: list[T] = []
    for start in range(0, len(items), group):
        together = items[start : start + group]
        io.pace(f"{conn.url}: reads", most / A_MINUTE, most, len(together))
        results += io.map(read, together)
    return results


def walk(
    conn: GithubConnection, io: Io, what: str, needs: str, look: Callable[[str], T], names: Sequence[str] = ()
) -> Walk:
    """`look` at every repository, side by side, at the pace that GitHub allows; one that refuses stops no other. Those
    that begin the same walk at the same time (by `what`) go it together.

    `what`: for the operator's screen. `names`: by default all repositories. Raises the first refusal where none could
    be looked at, and what is no refusal: Throttled, Unavailable, NoAnswer, Unauthenticated.
    """
    if names:
        return _walked(conn, io, what, needs, look, names, counted=False)
    begun: _Begun[Walk] = conn.together.once(("walk", what), lambda: _Begun(conn))
    return begun.once(lambda every: _walked(conn, io, what, needs, look, every))


class _Begun(Generic[T]):
    """A walk whose first page of repositories was read: whoever asked for it by then may go along, and nobody later."""

    def __init__(self, conn: GithubConnection) -> None:
        self._pages = _pages(conn)
        self._first = next(self._pages)
        self._lock = threading.Lock()
        self._goes = False
        self._over: Future[T] = Future()

    def once(self, go: Callable[[Sequence[str]], T]) -> T:
        """What `go`, or another's, makes of all names. Raises what that raises, and Denied."""
        with self._lock:
            mine, self._goes = not self._goes, True
        if mine:
            try:
                self._over.set_result(go(_ordered(itertools.chain([self._first], self._pages))))
            except BaseException as error:  # noqa: BLE001 - raised below, and by those who go along
                self._over.set_exception(error)
        return self._over.result()


def _walked(
    conn: GithubConnection, io: Io, what: str, needs: str, look: Callable[[str], T], every: Sequence[str], *,
    counted: bool = True,
) -> Walk:  # fmt: skip
    count = itertools.count(1)
    title = f"{what} of {conn.org}" + (f", {WALK} a minute" if len(every) > WALK else "")

    def one(name: str) -> tuple[str, T] | Fault:
        try:
            return name, look(name)
        except REFUSALS as refused:
            return refused
        finally:
            io.progress(title, next(count), len(every))

    missing: list[int | None] = [0]

    def counting() -> None:
        missing[0] = unlisted(conn, len(every))

    told: list[tuple[str, T] | Fault] = []
    io.map(lambda do: do(), [lambda: told.extend(paced(conn, io, one, every, WALK, GROUP)), *[counting] * counted])
    looked = list(zip(every, told, strict=True))
    hidden = [name for name, found in looked if isinstance(found, Fault)]
    refusals = [found for _, found in looked if isinstance(found, Fault)]
    if refusals and len(refusals) == len(every):
        raise refusals[0]
    return Walk(
        found=tuple(found for _, found in looked if not isinstance(found, Fault)),
        hidden=tuple(hidden),
        missing=missing[0],
        needs=next((r.needs or needs for r in refusals if isinstance(r, Denied)), AGAIN),
    )


def unlisted(conn: GithubConnection, listed: int) -> int | None:
    """How many more the organisation counts; None where it does not tell this operator.

    A token for chosen repositories, or an App that is installed on some, is shown those alone, and no error. How many
    private ones there are, GitHub tells owners (GitHub docs: rest/orgs, Get an organization); an App learns with its
    token whether it is installed on all (OpenAPI: apps/create-installation-access-token, `repository_selection`).
    """
    if conn.repository_selection == "all":
        return 0
    try:
        org = conn.get(org_path(conn.org), METADATA)
    except Denied:
        return None
    public, private = org.get("public_repos"), org.get("total_private_repos")
    if not isinstance(public, int) or not isinstance(private, int):
        return None
    return max(0, public + private - listed)
