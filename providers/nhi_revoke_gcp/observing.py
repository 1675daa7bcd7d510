"""What audit logs say of an account: its tokens, the accounts it became, what it planted, and what they cannot show.

facts gcp.md 1 (row 3) and 7 (19, 20, 21). One look reads both logs of each project, side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.provider.fault import Denied
from nhi_revoke_gcp.audit_entry import Entry
from nhi_revoke_gcp.audit_log import KEPT, MOST, Log, Question, Read, read
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.constraints import LONGEST
from nhi_revoke_gcp.permissions import LIST_LOGS, LIST_PRIVATE_LOGS
from nhi_revoke_gcp.planted import planted
from nhi_revoke_gcp.sessions import METHODS, Sessions, once
from nhi_revoke_gcp.stopping import ACCOUNT, TOKEN
from nhi_revoke_gcp.token_logs import limits

LINEAGE, PLANTED = "gcp:lineage", "gcp:planted"
"""Of the blind spots that logs leave."""
READS = (LIST_LOGS, LIST_PRIVATE_LOGS)
STOPS = (f"{ACCOUNT}/disable",)
A_WHILE = timedelta(minutes=5)
LIVING = timedelta(seconds=LONGEST) + A_WHILE
"""Older entries show no token that lives."""
BY_KEY = (
    "tokens that a key or a machine got are written in no log that Google's documents name, whatever is turned on: one "
    "shows only by what it does, and all of them are told as one"
)
"""Google Cloud docs: audit-logging-iamcreds has no such method, nor has audit-logging-sts. What stands for all of them
is an access of its own, whose state nobody knows.
"""
NOT_TOLD = (
    "App Engine, GKE and some others do not log through whom an account was become",
    "that HMAC keys were made is in no audit log that Google's documents name: each project's list shows its own",
)
"""Google Cloud docs: examples-workload-identity; storage/docs/audit-logging (audited operations)."""
LATE = "audit logs show entries late: {what} of the last minutes may be missing"


class Observation:
    """One look at the logs."""

    def __init__(self, conn: GcpConnection, who: Principal, accesses: Sequence[Access], since: datetime) -> None:
        self._conn, self._who, self._since = conn, who, since
        self.now = conn.now()
        self._sessions = Sessions(conn, who, accesses, self.now)
        self._projects = tuple(dict.fromkeys((who.scope, *conn.settings.projects)))
        self._reads: Sequence[Read] = ()

    def found(self) -> Iterable[Found]:
        """Sessions and leads."""
        asks: list[tuple[str, Log]] = [(each, log) for each in self._projects for log in ("activity", "data_access")]
        self._reads = self._conn.io.map(lambda ask: self._read(*ask), asks)
        acts, given = self._entries("activity"), self._entries("data_access")
        self._sessions.know((*(each.email for each in given), *(each.actor for each in acts)))
        at_work = [each for each in self._sessions.at_work(acts) if self._matters(each)]
        yield from once((*self._sessions.given(given), *at_work))
        yield from planted(self._conn, self._who, [each for each in acts if each.at >= self._since])

    def limits(self) -> Iterable[BlindSpot]:
        """What the logs cannot show; after `found`."""
        ref, lag = self._who.ref, self.now + timedelta(seconds=self._conn.settings.logs_lag)
        yield BlindSpot(ref, TOKEN, LATE.format(what="tokens"), until=lag, covered_by=STOPS)
        yield BlindSpot(ref, PLANTED, LATE.format(what="acts"), until=lag, covered_by=STOPS)
        if self._since < self.now - KEPT - A_WHILE:
            oldest = f"{self.now - KEPT:%Y-%m-%d}"
            why = f"Admin Activity logs are kept for {KEPT.days} days: what was planted before {oldest} is not shown"
            yield BlindSpot(ref, PLANTED, why, "wherever else the project's logs are kept")
        for each in self._reads:
            yield from self._unread(each)
        yield from self._unlogged()
        read_in = ", ".join(self._projects)
        why = (
            f"what it did in other projects, folders and the organisation stands in their own logs: read in {read_in} "
            "only (projects in [gcp] of nhi.toml names more)"
        )
        yield BlindSpot(ref, LINEAGE, why, counts=False)
        for why in NOT_TOLD:
            yield BlindSpot(ref, LINEAGE, why, counts=False)

    def _matters(self, access: Access) -> bool:
        """It lives, or it was at work in the time that is asked about: from where it came is evidence."""
        return access.state == "live" or bool(access.last_used and access.last_used >= self._since)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _read(self, project: str, log: Log) -> Read:
        mine, now = self._who.ref.id, self.now
        if log == "activity":
            begin = max(min(self._since, now - LIVING), now - KEPT)
            return read(self._conn, project, log, Question(begin, now, by=mine))
        return read(self._conn, project, log, Question(now - LIVING, now, by=mine, of=mine, methods=METHODS))

    def _entries(self, log: Log) -> list[Entry]:
        """Once more by ourselves: what the filter let through is not taken for what it asked for."""
        mine = self._who.ref.id
        found = [each for one in self._reads if one.log == log for each in one.entries]
        wanted = [e for e in found if e.involves(mine) or (log == "data_access" and e.email == mine)]
        return sorted(wanted, key=lambda entry: entry.at, reverse=True)

    def _unread(self, one: Read) -> Iterable[BlindSpot]:
        ref, told = self._who.ref, f"{one.log.replace('_', ' ')} log of {one.project}"
        kind, hidden = (PLANTED, "what it planted") if one.log == "activity" else (LINEAGE, "which accounts it became")
        if one.fault is not None:
            needs = one.fault.needs if isinstance(one.fault, Denied) else ""
            why = f"the {told} was not read, or not all of it ({one.fault.message})"
            yield BlindSpot(ref, kind, f"{hidden}: {why}", needs)
            yield BlindSpot(ref, TOKEN, f"its tokens: {why}", needs, covered_by=STOPS)
        elif one.more:
            oldest = f" before {one.entries[-1].at:%Y-%m-%dT%H:%M:%SZ}" if one.entries else ""
            why = f"more than {MOST} entries in the {told}, or the search was cut short: those{oldest} were not read"
            later = "; --since with a later moment shows fewer" if one.log == "activity" else ""
            yield BlindSpot(ref, kind, f"{hidden}: {why}{later}")

    def _unlogged(self) -> Iterable[BlindSpot]:
        """What it is worth that a log shows none."""
        ref = self._who.ref
        logs = [one for one in self._reads if one.log == "data_access" and one.fault is None]
        found = self._conn.io.map(lambda one: limits(self._conn, ref.id, one, self.now, LIVING), logs)
        for one, told in zip(logs, found, strict=True):
            for each in told:
                if one.project == self._who.scope:
                    covered = STOPS if each.counts else ()
                    why = f"which tokens of it were given: {each.why}"
                    yield BlindSpot(ref, TOKEN, why, each.needs, counts=each.counts, covered_by=covered)
                if not each.alone:
                    why = f"which accounts it got tokens of: {each.why}"
                    yield BlindSpot(ref, LINEAGE, why, each.needs, counts=each.counts)
        yield BlindSpot(ref, TOKEN, BY_KEY, counts=False)


def observed(conn: GcpConnection, who: Principal, accesses: Sequence[Access], since: datetime) -> Iterable[Found]:
    """Sessions, leads, and what the logs cannot show. Of a service agent nothing is asked."""
    if who.untouchable:
        return
    look = Observation(conn, who, accesses, since)
    yield from look.found()
    yield from look.limits()
