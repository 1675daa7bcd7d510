"""Which sessions were begun with a credential, and with those sessions, and so on: breadth first through CloudTrail;
and what was planted with them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeAlias

from nhi_revoke.model.found import Access, BlindSpot, Found, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import AccessId, PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke.provider.io import Io
from nhi_revoke_aws import regions
from nhi_revoke_aws.begun import LONGEST, MINTING, Root, parent_of, session_of, signed_in
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.events import KEPT, READ, Event, lookup
from nhi_revoke_aws.naming import Arn, parse_arn
from nhi_revoke_aws.planted import Act, Planted, acts_of, plant_of
from nhi_revoke_aws.user_names import RENAMING, acted, names_of, one_name, unsure

KIND = "aws:lineage"
"""Of the blind spots that an unread region, or a denied look-up, leaves."""
READS = ("cloudtrail:LookupEvents", regions.READ, "iam:GetUser", "iam:GetRole")
"""The first shows; the others tell where to ask, and whether what was planted is still there."""
BY_KEY = "AccessKeyId"
MOST_NAMES = 20
"""Of one user, the newest first: whoever renames it often makes the look-ups many, and they answer twice a second."""
MOST = 200
"""Keys and sessions that are followed, the newest first; a fleet's role has thousands, and LookupEvents answers twice a
second: 200 take 2 minutes, all Regions side by side."""
A_WHILE = timedelta(minutes=5)
"""The operator's clock and AWS's may differ by that much (AWS docs: Signature Version 4)."""

Read: TypeAlias = tuple[list[Event], Fault | None]
"""What was read, and why no more was."""


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
        self._few_asked = self._few_names = self._renamed = False
        self._unsure: Sequence[str] = ()
        """Names of before that may be spelled otherwise."""
        self._once: Callable[[Hashable, Callable[[], Read]], Read] = conn.together.once
        self._seen: set[str] = set()
        """Keys and sessions that were told."""
        self._followed: set[str] = set()
        """Those whose events were read."""
        self._asked = 0
        """How many of these were asked about."""
        self._own: dict[str, list[Event]] | None = None
        """What counts of all that the user's keys and sessions did, where its names are sure to tell it."""

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
            for root, events in self._of_keys(level):
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
                        own = root.own and event.name == "GetSessionToken"
                        following.append(Root(event.minted, child.id, child.on, event.at, own))
            level = self._few(following)
        yield from self._planted.leads(acts)

    def of_role(self, standing: AccessId) -> Iterable[Found]:
        """Sessions of the role itself, by whomever they were begun, and their descendants."""
        mine = Root("", standing, self._on)
        roots: list[Root] = []
        for _, events in self._read([(mine, "ResourceName", self._on.id)]):
            for event in events:
                child = session_of(event, Root("", parent_of(event) or standing, self._on), self.now)
                if child and child.on == self._on and self._new(event.minted):
                    if child.state == "live":
                        yield child
                    roots.append(Root(event.minted, child.id, child.on, event.at))
        yield from self.follow(roots)

    def of_user(
        self, who: Principal, keys: Sequence[Root], standing: AccessId, has: Collection[str] = ()
    ) -> Iterable[Found]:
        """Sessions begun with a user's keys, and what only its name leads to: console and `aws login` sessions, whose
        keys no event hands out, and keys that were deleted since. All of them are followed.

        What its keys and sessions did stands under its name, and is not asked for again: unless it was renamed, or may
        have been so late that the logs do not show it yet, which would hide what it did under another name. Of a user
        that had its ARN before, nothing is listed: but what that one began may live, and is followed. `has`: ids of
        what it has; what else was planted under its name may have been planted on another, if there were renamings.
        """
        mine = Root("", standing, self._on)
        did = self._by_name(who, mine)
        self._planted.has = has if self._renamed else None
        yield from self.follow(keys)
        roots: list[Root] = []
        for event in did:
            if not event.key or not self._new(event.key):
                continue
            own = acted(who, event)
            if event.key.startswith("AKIA"):
                roots.append(Root(event.key, f"aws:access-key/{event.key}", self._on, own=own))
            elif event.began:
                session = signed_in(event, self._on, who.name, standing, self.now)
                if own and session.state == "live":
                    yield session
                roots.append(Root(event.key, session.id, self._on, event.began, own))
        yield from self.follow(roots)

    def _by_name(self, who: Principal, mine: Root) -> Sequence[Event]:
        """All that the user did, or another of its ARN, under each name that it had within what is looked through."""
        asked = self._read([(mine, "EventName", RENAMING), (mine, "Username", who.name)])
        half = len(self._regions.on)
        renamings, by_name = ([e for _, events in part for e in events] for part in (asked[:half], asked[half:]))
        names = names_of(who, renamings)
        more = self._read([(mine, "Username", name) for name in names[1:MOST_NAMES]])
        did = [
            e
            for e in itertools.chain(by_name, *(events for _, events in more))
            if acted(who, e) or e.actor == who.ref.id
        ]
        self._few_names, self._renamed = len(names) > MOST_NAMES, len(names) > 1
        self._unsure = unsure(who, names[:MOST_NAMES], renamings, did)
        late = self.now - timedelta(seconds=self._conn.settings.logs_lag)
        if not self._unread and one_name(who, names, by_name, late):
            self._own = {}
            for event in did:
                if acted(who, event) and counts(event):
                    self._own.setdefault(event.key, []).append(event)
        return did

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
        if self._few_names:
            why = f"renamed more than {MOST_NAMES} times: what it did under older names was not looked up"
            yield BlindSpot(self._on, KIND, why)
        if self._unsure:
            spelled = " and ".join(self._unsure)
            why = (
                f"renamed from {spelled}: nothing that it did stands under that spelling, and AWS minds no case of "
                "letters in a request: console sessions of before are not listed"
            )
            yield BlindSpot(self._on, KIND, why, "look in CloudTrail by hand for the user name as it was spelled")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _new(self, key: str) -> bool:
        fresh = key not in self._seen
        self._seen.add(key)
        return fresh

    def _few(self, roots: Iterable[Root]) -> list[Root]:
        """Those that were not followed yet: the newest first, as many as may still be asked about."""
        fresh = [r for r in {r.key: r for r in roots}.values() if r.key not in self._followed]
        fresh.sort(key=lambda r: r.born.timestamp() if r.born else float("inf"), reverse=True)
        known = [r for r in fresh if self._is_known(r)]
        asking = [r for r in fresh if not self._is_known(r)]
        few = asking[: max(0, MOST - self._asked)]
        self._few_asked |= len(few) < len(asking)
        self._asked += len(few)
        self._followed.update(r.key for r in (*known, *few))
        return [*known, *few]

    def _is_known(self, root: Root) -> bool:
        """Whether what it did was read by the name of its user."""
        return self._own is not None and root.own

    def _of_keys(self, level: Sequence[Root]) -> Iterable[tuple[Root, Sequence[Event]]]:
        asked = self._read([(r, BY_KEY, r.key) for r in level if not self._is_known(r)])
        known = [(r, (self._own or {}).get(r.key, ())) for r in level if self._is_known(r)]
        return [*known, *asked]

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

    def _read(self, wanted: Sequence[tuple[Root, str, str]]) -> Sequence[tuple[Root, Sequence[Event]]]:
        """In the order of what is wanted (root, attribute, value), and in each Region of these."""
        asks = [(*each, region) for each in wanted for region in self._regions.on]
        done = itertools.count(1)

        def ask(one: tuple[Root, str, str, str]) -> tuple[Root, Sequence[Event]]:
            root, attribute, value, region = one
            same = (READ, region, attribute, value, self._start)
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
                if attribute != BY_KEY or counts(event)
            )
        except Fault as fault:
            return events, fault
        return events, None


def counts(event: Event) -> bool:
    """Of what a key did: whether it began a session or planted something."""
    return event.name in MINTING or plant_of(event) is not None
