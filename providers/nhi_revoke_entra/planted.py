"""What an identity planted: events of the audit log that it is the initiator of, as leads with the command for each.

facts entra.md 1 (row 12), 1b (retention, lag) and 8 (27). What of an event is read: planting.py.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.model.found import BlindSpot, Found, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.times import stamp
from nhi_revoke_entra.access.stopping import STOPS
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lookup import BRIEF
from nhi_revoke_entra.named import APPLICATIONS, SERVICE_PRINCIPALS
from nhi_revoke_entra.naming import APP, PROVIDER, USER, canonical
from nhi_revoke_entra.permissions import LICENCE, READ_APPS, READ_LOGS, READ_USERS
from nhi_revoke_entra.planting import APPLICATION, PERSON, SERVICE_PRINCIPAL, Act, Target, act_of

KIND = "entra:planted"
PATH = "/auditLogs/directoryAudits"
READS = (READ_LOGS, READ_APPS, READ_USERS)
"""The first shows; the others tell which app it is, and whether it is still there."""
MOST = 5000
"""Events that are read of one principal: provisioning changes users all day."""
MOST_LOOKED_AT = 50
"""Objects of which is asked whether they are still there."""
MOST_NAMED = 5
KEPT = timedelta(days=30)
A_WHILE = timedelta(minutes=5)
LATE = "the audit log shows events late: what was planted in the last minutes is not listed"
FOR_USERS = "what the app did for a signed-in user is logged as that user's doing, and is not listed here"
FOLDERS = {APPLICATION: APPLICATIONS, SERVICE_PRINCIPAL: SERVICE_PRINCIPALS, PERSON: "users"}
HAND = "look at it in the admin center's audit log"


class Planted:
    """What one principal planted since a moment."""

    def __init__(self, conn: EntraConnection, io: Io, who: Principal, since: datetime) -> None:
        self._conn, self._io, self._who = conn, io, who
        self.now = conn.now()
        self._since = since
        self._more = False

    def leads(self) -> Iterable[Lead]:
        """One for each app and user that something known was done to, one for each other activity. Raises Denied and
        what else a read raises: nothing was read then.
        """
        acts = sorted(self._acts(), key=lambda act: act.at)
        objects = list(dict.fromkeys(a.on for a in acts if a.on.id))
        there = dict(zip(objects, self._there(objects), strict=True))
        groups: dict[tuple[str, ...], list[Act]] = {}
        for act in acts:
            to = there.get(act.on) or _ref(act.on, self._conn.scope)
            if to == self._who.ref and act.known:  # what it planted on itself, its own lists show
                continue
            key = (str(to),) if act.known and to.kind in (APP, USER) else (act.says, "" if act.known else "any")
            groups.setdefault(key, []).append(act)
        for group in groups.values():
            yield self._lead(group, there)

    def limits(self) -> Iterable[BlindSpot]:
        """What the log cannot show; after `leads`."""
        lag = self.now + timedelta(seconds=self._conn.settings.logs_lag)
        yield BlindSpot(self._who.ref, KIND, LATE, until=lag, covered_by=STOPS)
        if self._who.kind == APP:
            yield BlindSpot(self._who.ref, KIND, FOR_USERS, counts=False)
        if self._since < self.now - KEPT - A_WHILE:
            oldest = f"{self.now - KEPT:%Y-%m-%d}"
            why = f"the audit log keeps {KEPT.days} days, and 7 without a licence: what was planted before {oldest}"
            yield BlindSpot(self._who.ref, KIND, f"{why} is not shown", "wherever else the tenant's logs are kept")
        if self._more:
            why = f"more than {MOST} events since {_iso(self._since)}: the others were not read"
            yield BlindSpot(self._who.ref, KIND, f"{why}; --since with a later moment shows them")

    # -- reading ---------------------------------------------------------------------------------------------------

    def _acts(self) -> Iterable[Act]:
        mine = self._initiator()
        if not mine:
            return
        begin = max(self._since, self.now - KEPT)
        member = "initiatedBy/user/id" if self._who.kind == USER else "initiatedBy/app/servicePrincipalId"
        query = {"$filter": f"activityDateTime ge {stamp(begin)} and {member} eq '{mine}'"}
        rows = self._conn.log_rows(PATH, READ_LOGS, **query)
        for row in itertools.islice(rows, MOST):
            act = act_of(row) if self._initiated(row, mine) else None
            if act is not None:
                yield act
        self._more = next(rows, None) is not None

    def _initiator(self) -> str:
        """Object id; empty where an app has no service principal here, and so does nothing here."""
        own = self._who.unique_id if self._who.kind == USER else self._who.facts.get("service_principal")
        return str(own or "").lower()

    def _initiated(self, row: Mapping[str, Any], mine: str) -> bool:
        by = row.get("initiatedBy") or {}
        member, name = ("user", "id") if self._who.kind == USER else ("app", "servicePrincipalId")
        return str((by.get(member) or {}).get(name) or "").lower() == mine

    def _there(self, objects: Sequence[Target]) -> Sequence[PrincipalRef | None]:
        """Each under its canonical name; None for one that is gone."""
        looked = self._io.map(self._look, objects[:MOST_LOOKED_AT])
        return (*looked, *(_ref(each, self._conn.scope) for each in objects[MOST_LOOKED_AT:]))

    def _look(self, target: Target) -> PrincipalRef | None:
        folder = FOLDERS.get(target.type)
        if folder is None:
            return _ref(target, self._conn.scope)
        select, needs = ("id", READ_USERS) if target.type == PERSON else (BRIEF, READ_APPS)
        try:
            row = self._conn.get(f"/{folder}/{target.id}", needs, **{"$select": select})
        except Missing:
            return None
        except Fault:
            return _ref(target, self._conn.scope)  # only whether it is still there stays open: it is told all the same
        return canonical(USER, str(row["id"])) if target.type == PERSON else canonical(APP, str(row["appId"]))

    # -- telling ---------------------------------------------------------------------------------------------------

    def _lead(self, group: Sequence[Act], there: Mapping[Target, PrincipalRef | None]) -> Lead:
        first, last, act = group[0].at, group[-1].at, group[0]
        seen = [there.get(each.on) for each in group]
        gone = bool(act.on.id) and not any(seen)
        to = next((ref for ref in seen if ref), None) or _ref(act.on, self._conn.scope)
        why = f"{self._who.name} {'; '.join(_parts(group))} at {_iso(first)}"
        if last > first:
            why += f", the last at {_iso(last)}"
        if gone:
            why += "; it is gone by now: look whether it stays so"
        if to.kind not in (APP, USER):
            why += f". By hand: {HAND}"
        return Lead(
            to, why, f"GET {PATH}", how="planted", at=first, of=self._who.ref,
            next=_next(to, first, look=gone or not act.known),
        )  # fmt: skip


def _ref(target: Target, scope: str) -> PrincipalRef:
    """By its object id, which names an app, too. What has none is the tenant's."""
    if not target.id:
        return PrincipalRef(PROVIDER, "tenant", scope)
    if target.type in FOLDERS:
        return canonical(USER if target.type == PERSON else APP, target.id)
    return PrincipalRef(PROVIDER, re.sub(r"\W+", "-", target.type).lower(), target.id)


def _parts(group: Sequence[Act]) -> Iterable[str]:
    """`created this app`, `gave it a directory role (Global Administrator)`, `did "Update user" (a, b and 3 more)`."""
    for says in dict.fromkeys(act.says for act in group):
        same = [act for act in group if act.says == says]
        named = list(dict.fromkeys(name for act in same if (name := _named(act))))
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        yield f"{says} ({', '.join(named[:MOST_NAMED])}{more})" if named else says


def _named(act: Act) -> str:
    """What was given; of an activity that is not known, what it was done to."""
    return act.details if act.known else act.on.name or act.on.id


def _next(to: PrincipalRef, since: datetime, *, look: bool) -> str:
    if to.kind not in (APP, USER):
        return ""
    return f"nhi-revoke list {to}" if look else f"nhi-revoke revoke {to} --since {_iso(since)}"


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def observed(conn: EntraConnection, io: Io, who: Principal, since: datetime) -> Iterable[Found]:
    """Leads, and what the log cannot show."""
    planted = Planted(conn, io, who, since)
    try:
        leads = list(planted.leads())
    except Denied as denied:
        why = f"what it made for others: not allowed, or no licence for the audit log ({denied.code or 'denied'})"
        yield BlindSpot(who.ref, KIND, why, f"{READ_LOGS}, and {LICENCE}")
        return
    yield from leads
    yield from planted.limits()
