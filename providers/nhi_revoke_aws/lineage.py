"""Which sessions were begun with a credential, and with those sessions, and so on: breadth first through CloudTrail;
and what was planted with them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec import Struct

from nhi_revoke.model.found import Access, BlindSpot, Found, Lead
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke.provider.io import Io
from nhi_revoke_aws import regions
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.events import KEPT, Event, lookup, moment
from nhi_revoke_aws.naming import ROOT, Arn, canonical, parse_arn
from nhi_revoke_aws.planted import Act, Planted, acts_of, plant_of

KIND = "aws:lineage"
"""Of the blind spots that an unread region, or a denied look-up, leaves."""
READS = ("cloudtrail:LookupEvents", regions.READ, "iam:GetUser", "iam:GetRole")
"""The first shows; the others tell where to ask, and whether what was planted is still there."""
USER_SESSION, ROLE_SESSION = "aws:user-session", "aws:role-session"
MINTING = frozenset(
    {
        "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetSessionToken",
        "GetFederationToken",
    }
)  # fmt: skip
BY_KEY = "AccessKeyId"
MOST = 200
"""Keys and sessions that are followed, the newest first; a fleet's role has thousands, and LookupEvents answers twice a
second: 200 take 2 minutes, all Regions side by side."""
LONGEST = timedelta(hours=36)
"""GetSessionToken and GetFederationToken (AWS docs): older events show no session that still lives."""
A_WHILE = timedelta(minutes=5)
"""The operator's clock and AWS's may differ by that much (AWS docs: Signature Version 4)."""

Read: TypeAlias = tuple[list[Event], Fault | None]
"""What was read, and why no more was."""


class Root(Struct, frozen=True):
    """A key or session whose descendants are wanted."""

    key: str
    access: AccessId
    on: PrincipalRef
    born: datetime | None = None


class Lineage:
    """One walk. Regions are read side by side; what cannot be read is yielded as a blind spot.

    `since`: what was planted from then on is told. Sessions are looked for as far back as one can live, whatever it
    is; where it is older, from before it, since what acted then had begun before.
    """

    def __init__(self, conn: AwsConnection, io: Io, on: PrincipalRef, since: datetime) -> None:
        self._conn, self._io, self._on = conn, io, on
        self._arn = parse_arn(on.id) or Arn("aws", "", "", "/", "")
        self.now = conn.now()
        self._since = since
        # Whole minutes: walks that begin side by side ask alike.
        young = (self.now - LONGEST).replace(second=0, microsecond=0)
        self._start = max(young if since >= young - A_WHILE else since - LONGEST, self.now - KEPT)
        self._regions = conn.regions()
        self._planted = Planted(conn, self._arn)
        self._unread: list[tuple[str, Fault]] = []
        self._few_asked = False
        self._once: Callable[[Hashable, Callable[[], Read]], Read] = conn.together.once
        self._seen: set[str] = set()
        """Keys and sessions that were told."""
        self._asked: set[str] = set()
        """Those whose events were read."""

    @contextmanager
    def beside(self) -> Iterator[None]:
        """While it lasts, what this walk and others of the connection ask is asked once for all of them: sessions of a
        user lead into its roles, whose own walks ask for the same ones.
        """
        with self._conn.walks.look() as self._once:
            yield

    def follow(self, roots: Sequence[Root]) -> Iterable[Found]:
        """Sessions begun with the roots and their descendants, and what was planted with any of them."""
        self._seen.update(r.key for r in roots)
        acts: list[Act] = []
        level = self._few(roots)
        while level:
            following: list[Root] = []
            for root, events in self._read(BY_KEY, [(r, r.key) for r in level]):
                for event in events:
                    if event.at >= self._since:
                        acts += acts_of(event, root.on, root.access)
                    child = session_of(event, root, self.now)
                    if child is None or not self._new(event.minted):
                        continue
                    if child.state == "live":
                        yield self._told(child, root)
                    # an expired one is followed, too: what it began may outlive it, and what it planted stays
                    if self._here(child.on):
                        following.append(Root(event.minted, child.id, child.on, event.at))
            level = self._few(following)
        yield from self._planted.leads(acts)

    def of_role(self, standing: AccessId) -> Iterable[Found]:
        """Sessions of the role itself, by whomever they were begun, and their descendants."""
        mine = Root("", standing, self._on)
        roots: list[Root] = []
        for _, events in self._read("ResourceName", [(mine, self._on.id)]):
            for event in events:
                child = session_of(event, Root("", _parent_of(event) or standing, self._on), self.now)
                if child and child.on == self._on and self._new(event.minted):
                    if child.state == "live":
                        yield child
                    roots.append(Root(event.minted, child.id, child.on, event.at))
        yield from self.follow(roots)

    def signed_in(self, name: str, standing: AccessId) -> Iterable[Found]:
        """Console and `aws login` sessions of a user: no event hands out their key, but what they do shows it. So with
        keys that were deleted since: no list has them any more. Both are followed.
        """
        roots: list[Root] = []
        for _, events in self._read("Username", [(Root("", standing, self._on), name)]):
            for event in events:
                if event.actor != self._on.id or not event.key or not self._new(event.key):
                    continue
                if event.key.startswith("AKIA"):
                    roots.append(Root(event.key, f"aws:access-key/{event.key}", self._on))
                elif event.began:
                    session = _signed_in(event, self._on, name, standing, self.now)
                    if session.state == "live":
                        yield session
                    roots.append(Root(event.key, session.id, self._on, event.began))
        yield from self.follow(roots)

    def limits(self, kind: str, covered_by: tuple[str, ...]) -> Iterable[BlindSpot]:
        """What these logs cannot show: the lag, what is older than they are, unread regions, denied look-ups."""
        yield BlindSpot(
            self._on, kind, "CloudTrail shows events up to 15 minutes late: newer sessions are not listed",
            until=self.now + timedelta(seconds=self._conn.settings.logs_lag), covered_by=covered_by,
        )  # fmt: skip
        if self._since < self.now - KEPT - A_WHILE:
            oldest = f"{self.now - KEPT:%Y-%m-%d}"
            why = f"CloudTrail's event history keeps {KEPT.days} days: what was planted before {oldest} is not shown"
            yield BlindSpot(self._on, KIND, why, "a trail's own log files, or CloudTrail Lake")
        yield from self._regions.spots(self._on, KIND, "CloudTrail")
        if self._regions.chosen:
            read = ", ".join(self._regions.on)
            why = f"CloudTrail, and whatever else is listed by Region: read in {read} only ({regions.SETTING} says so)"
            yield BlindSpot(self._on, KIND, why, counts=False)
        for names, fault in regions.by_reason(self._unread):
            needs = fault.needs if isinstance(fault, Denied) else ""
            why = f"CloudTrail of {', '.join(names)} was not read, or not all of it: {fault.message}"
            yield BlindSpot(self._on, KIND, why, needs)
        if self._few_asked:
            why = f"more than {MOST} keys and sessions: what the older ones began and planted was not looked up"
            yield BlindSpot(self._on, KIND, why)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _new(self, key: str) -> bool:
        fresh = key not in self._seen
        self._seen.add(key)
        return fresh

    def _few(self, roots: Iterable[Root]) -> list[Root]:
        """Those that were not asked about yet, the newest first, as many as may still be asked about."""
        fresh = [r for r in {r.key: r for r in roots}.values() if r.key not in self._asked]
        fresh.sort(key=lambda r: r.born.timestamp() if r.born else float("inf"), reverse=True)
        few = fresh[: max(0, MOST - len(self._asked))]
        self._few_asked |= len(few) < len(fresh)
        self._asked.update(r.key for r in few)
        return few

    def _here(self, on: PrincipalRef) -> bool:
        """Whether its sessions act in this account: what others do is in the trail of theirs."""
        arn = parse_arn(on.id)
        return arn is not None and arn.account == self._arn.account

    def _told(self, child: Access, root: Root) -> Found:
        """A session where this operator has no login is for that account's responder: nobody here can look at it."""
        arn, settings = parse_arn(child.on.id), self._conn.settings
        if self._here(child.on) or arn is None or settings.account(arn.account) or settings.role_in(arn.account):
            return child
        command = f"nhi-revoke revoke {child.on} --since {child.created:%Y-%m-%dT%H:%M:%SZ}"
        return Lead(
            child.on, f"{child.label}, begun with {child.parent}", child.evidence, at=child.created, session=child.id,
            until=child.expires, of=root.on, beyond=True,
            next=f"with credentials of account {arn.account}: {command}",
        )  # fmt: skip

    def _read(self, attribute: str, wanted: Sequence[tuple[Root, str]]) -> Sequence[tuple[Root, list[Event]]]:
        asks = [(root, value, region) for root, value in wanted for region in self._regions.on]

        done = itertools.count(1)

        def ask(one: tuple[Root, str, str]) -> tuple[Root, list[Event]]:
            root, value, region = one
            same = (READS[0], region, attribute, value, self._start)
            events, fault = self._once(same, lambda: self._look_up(region, attribute, value))
            if fault is not None:
                self._unread.append((region, fault))
            self._io.progress(f"CloudTrail of {self._arn.name}", next(done), len(asks))
            return root, events

        return self._io.map(ask, asks)

    def _look_up(self, region: str, attribute: str, value: str) -> Read:
        """What was read before it failed still counts."""
        events: list[Event] = []
        try:
            # Of a key only these count, and a fleet's sessions do much else.
            events.extend(
                event
                for event in lookup(self._conn, region, attribute, value, self._start)
                if attribute != BY_KEY or event.name in MINTING or plant_of(event)
            )
        except Fault as fault:
            return events, fault
        return events, None


def session_of(event: Event, begun_with: Root, now: datetime) -> Access | None:
    """The session that a minting event began; None for other events."""
    if event.name not in MINTING or not event.minted:
        return None
    try:
        expires = moment(event.answer["credentials"].get("expiration"))
    except ValueError:
        expires = event.at + _asked_for(event)
    of_role = event.name.startswith("AssumeRole")
    on = _role(event) if of_role else _root(event) if event.name == "AssumeRoot" else begun_with.on
    if on is None:
        return None
    kind = ROLE_SESSION if of_role else USER_SESSION
    return Access(
        id=f"{kind}/{event.minted}",
        on=on,
        kind=kind,
        family="session",
        state="live" if expires is None or expires > now else "expired",
        label=_label(event, on, of_role),
        created=event.at,
        expires=expires,
        parent=begun_with.access,
        evidence=f"{READS[0]} {event.region}",
        door=event.minted,
        before=_named(event),
    )


def _named(event: Event) -> Json:
    """By what a policy can name this one session; from the event alone, so that every look finds the same."""
    assumed, federated = event.answer.get("assumedRoleUser") or {}, event.answer.get("federatedUser") or {}
    arn = parse_arn(str(assumed.get("arn") or ""))
    names = {
        "session": event.asked.get("roleSessionName") or (arn.session if arn else "") or event.asked.get("name"),
        "userid": assumed.get("assumedRoleId") or federated.get("federatedUserId"),
        "source_identity": event.asked.get("sourceIdentity")
        or event.answer.get("sourceIdentity")
        or event.source_identity,
    }
    return {key: str(value) for key, value in names.items() if value}


def _signed_in(event: Event, on: PrincipalRef, name: str, standing: AccessId, now: datetime) -> Access:
    assert event.began, "only what a session did is asked about"
    return Access(
        f"{USER_SESSION}/{event.key}", on, USER_SESSION, "session",
        "live" if event.began + LONGEST > now else "expired",
        label=f"session {event.key} of {name}, seen doing {event.name}",
        created=event.began, parent=standing, evidence=f"{READS[0]} {event.region}", door=event.key,
    )  # fmt: skip


def _label(event: Event, on: PrincipalRef, of_role: bool) -> str:
    if of_role:
        by = f" by {event.service}" if event.service else ""
        return f"session {event.asked.get('roleSessionName') or event.minted} of role {on.id.rpartition('/')[2]}{by}"
    given = f" {event.asked['name']}" if event.asked.get("name") else ""
    return f"{event.name}{given} session {event.minted}"


def _role(event: Event) -> PrincipalRef | None:
    """The role's own ARN: the request has it with its path, the answer without."""
    asked = str(event.asked.get("roleArn") or "")
    if parse_arn(asked):
        return canonical(asked)
    answered = parse_arn(str((event.answer.get("assumedRoleUser") or {}).get("arn") or ""))
    if answered is None:
        return None
    return canonical(str(Arn(answered.partition, answered.account, "role", "/", answered.name)))


def _root(event: Event) -> PrincipalRef | None:
    """The root user of a member account: asked for by ARN or by account id."""
    asked, actor = str(event.asked.get("targetPrincipal") or ""), parse_arn(event.actor)
    if parse_arn(asked):
        return canonical(asked)
    return canonical(str(Arn(actor.partition, asked, ROOT, "/", ROOT))) if asked.isdigit() and actor else None


def _asked_for(event: Event) -> timedelta:
    return timedelta(seconds=int(event.asked.get("durationSeconds") or LONGEST.total_seconds()))


def _parent_of(event: Event) -> AccessId | None:
    if event.key.startswith("AKIA"):
        return f"aws:access-key/{event.key}"
    if event.key.startswith("ASIA"):
        return f"{USER_SESSION if event.actor_type == 'IAMUser' else ROLE_SESSION}/{event.key}"
    return None
