"""Which sessions were begun with a credential, and with those sessions, and so on: breadth first through CloudTrail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from nhi_revoke.model.found import Access, BlindSpot, Found, Lead
from nhi_revoke.model.ref import AccessId, PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke.provider.io import Io
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.events import Event, lookup, moment, regions_read
from nhi_revoke_aws.naming import Arn, canonical, parse_arn

KIND = "aws:lineage"
"""Of the blind spots that an unread region, or a denied look-up, leaves."""
READS = ("cloudtrail:LookupEvents",)
USER_SESSION, ROLE_SESSION = "aws:user-session", "aws:role-session"
MINTING = frozenset(
    {"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetSessionToken", "GetFederationToken"}
)
PLANTING = {
    "CreateUser": "user", "CreateAccessKey": "user", "CreateLoginProfile": "user", "UpdateLoginProfile": "user",
    "PutUserPolicy": "user", "AttachUserPolicy": "user", "CreateServiceSpecificCredential": "user",
    "UploadSigningCertificate": "user", "UploadSSHPublicKey": "user", "CreateRole": "role",
    "UpdateAssumeRolePolicy": "role", "PutRolePolicy": "role", "AttachRolePolicy": "role",
}  # fmt: skip
"""What an intruder leaves behind on other principals, and their kind."""
MOST = 200
"""Keys whose sessions are followed; a fleet's role has thousands, and LookupEvents answers twice a second."""
LONGEST = timedelta(hours=36)
"""GetSessionToken and GetFederationToken (AWS docs): older events show no session that still lives."""


class Root(Struct, frozen=True):
    """A key or session whose descendants are wanted."""

    key: str
    access: AccessId
    on: PrincipalRef


class Lineage:
    """One walk. Regions are read side by side; what cannot be read is yielded as a blind spot."""

    def __init__(self, conn: AwsConnection, io: Io, on: PrincipalRef, since: datetime) -> None:
        self._conn, self._io, self._on = conn, io, on
        self._arn = parse_arn(on.id) or Arn("aws", "", "", "/", "")
        self.now = conn.now()
        self._since = min(since, self.now - LONGEST)
        self._regions = regions_read(conn, self._arn.partition)
        self._blind: dict[str, BlindSpot] = {}
        self._seen: set[str] = set()

    def follow(self, roots: Sequence[Root]) -> Iterable[Found]:
        """Sessions begun with the roots and their descendants; what was planted with them; how far it was read."""
        level = list(roots)
        self._seen.update(r.key for r in roots)
        while level:
            following: list[Root] = []
            for root, events in self._read("AccessKeyId", [(r, r.key) for r in level]):
                for event in events:
                    child = session_of(event, root, self.now)
                    if child and self._new(event.minted):
                        if child.state == "live":
                            yield child
                        # an expired one is followed, too: what it began may outlive it
                        following.append(Root(event.minted, child.id, child.on))
                    planted = self._planted(event, root)
                    if planted:
                        yield planted
            level = self._few(following)

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
                    roots.append(Root(event.minted, child.id, child.on))
        yield from self.follow(self._few(roots))

    def signed_in(self, name: str, standing: AccessId) -> Iterable[Found]:
        """Console and `aws login` sessions of a user: no event hands out their key, but what they do shows it."""
        for _, events in self._read("Username", [(Root("", standing, self._on), name)]):
            for event in events:
                if event.key.startswith("ASIA") and event.actor == self._on.id and event.began and self._new(event.key):
                    until = event.began + LONGEST
                    yield Access(
                        f"{USER_SESSION}/{event.key}", self._on, USER_SESSION, "session",
                        "live" if until > self.now else "expired",
                        label=f"session {event.key} of {name}, seen doing {event.name}",
                        created=event.began, parent=standing, evidence=f"{READS[0]} {event.region}", door=event.key,
                    )  # fmt: skip

    def limits(self, kind: str, covered_by: tuple[str, ...]) -> Iterable[BlindSpot]:
        """What these logs cannot show: the lag, unread regions, denied look-ups."""
        yield BlindSpot(
            self._on, kind, "CloudTrail shows events up to 15 minutes late: newer sessions are not listed",
            until=self.now + timedelta(seconds=self._conn.settings.logs_lag), covered_by=covered_by,
        )  # fmt: skip
        if not self._conn.settings.regions:
            yield BlindSpot(
                self._on, KIND,
                f"CloudTrail was read in {', '.join(self._regions)} only: sessions begun elsewhere are not listed",
                needs="regions = [...] in [aws] of nhi.toml",
            )  # fmt: skip
        yield from self._blind.values()

    def _new(self, key: str) -> bool:
        fresh = key not in self._seen
        self._seen.add(key)
        return fresh

    def _few(self, roots: list[Root]) -> list[Root]:
        if len(self._seen) <= MOST:
            return roots
        why = f"more than {MOST} sessions: what the others began was not looked up"
        self._blind["many"] = BlindSpot(self._on, KIND, why)
        return []

    def _read(self, attribute: str, wanted: Sequence[tuple[Root, str]]) -> Sequence[tuple[Root, list[Event]]]:
        asks = [(root, value, region) for root, value in wanted for region in self._regions]

        def ask(one: tuple[Root, str, str]) -> tuple[Root, list[Event]]:
            root, value, region = one
            try:
                return root, list(lookup(self._conn, region, attribute, value, self._since))
            except Fault as fault:
                self._blind[region] = _unread(self._on, region, fault)
                return root, []

        return self._io.map(ask, asks)

    def _planted(self, event: Event, root: Root) -> Lead | None:
        kind = PLANTING.get(event.name)
        name = str(event.asked.get(f"{kind}Name") or "")
        if not kind or not name or (kind == self._arn.kind and name == self._arn.name):
            return None
        made = event.answer.get(kind) or {}
        to = canonical(str(made["arn"])) if made.get("arn") else PrincipalRef("aws", kind, name)
        why = f"{event.name} on it with {root.access}"
        return Lead(to, why, f"{READS[0]} {event.region}", how="planted", at=event.at)


def session_of(event: Event, begun_with: Root, now: datetime) -> Access | None:
    """The session that a minting event began; None for other events."""
    if event.name not in MINTING or not event.minted:
        return None
    try:
        expires = moment(event.answer["credentials"].get("expiration"))
    except ValueError:
        expires = event.at + _asked_for(event)
    of_role = event.name.startswith("AssumeRole")
    on = _role(event) if of_role else begun_with.on
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
    )


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


def _asked_for(event: Event) -> timedelta:
    return timedelta(seconds=int(event.asked.get("durationSeconds") or LONGEST.total_seconds()))


def _parent_of(event: Event) -> AccessId | None:
    if event.key.startswith("AKIA"):
        return f"aws:access-key/{event.key}"
    if event.key.startswith("ASIA"):
        return f"{USER_SESSION if event.actor_type == 'IAMUser' else ROLE_SESSION}/{event.key}"
    return None


def _unread(on: PrincipalRef, region: str, fault: Fault) -> BlindSpot:
    needs = fault.needs if isinstance(fault, Denied) else ""
    return BlindSpot(on, KIND, f"CloudTrail of {region} could not be read: {fault.message}", needs=needs)
