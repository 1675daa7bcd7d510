"""What an identity put elsewhere: events of the audit log that it is the actor of, as leads with what to do next.

GitHub docs: audit-log-events-for-your-organization (names; a deploy key is `public_key.create` with a repository),
reviewing-the-audit-log-for-your-organization (qualifiers; `-action:CATEGORY` leaves one out). Names alone are read of
an event: a hook's address or a secret's value is never taken over.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from nhi_revoke.model.found import BlindSpot, Found, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke_github.audit import EVIDENCE, KEPT, NEEDS, events, happened
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.naming import APP, LOGIN, ORG, REPO, REPOSITORY, SLUG, USER, canonical
from nhi_revoke_github.permissions import METADATA

KIND = "github:planted"
READS = (NEEDS, METADATA)
"""The first shows; the other tells which App an event names."""
MOST = 5000
"""Events that are read of one principal: fifty requests."""
MOST_NAMED = 5
A_WHILE = timedelta(minutes=5)
NOISE = ("workflows", "pull_request", "pull_request_review", "pull_request_review_comment")
"""Categories that a busy bot fills and that plant nothing."""
LATE = "the audit log shows events late: what was planted in the last minutes is not listed"
ENDING: dict[str, tuple[str, ...]] = {
    APP: ("github:installation/suspend", "github:installation/uninstall"),
    USER: ("github:membership/remove",),
}
"""What ends every way of the principal into the organisation, and so covers the lag."""


class Plant(Struct, frozen=True):
    """One type of event that leaves something behind."""

    says: str
    on: Literal["place", "user", "app"] = "place"
    """Whom it is done to. A place: the repository that it names, or else the organisation."""
    names: tuple[str, ...] = ()
    """Fields of the event that name what was made."""
    where: str = ""
    """Under the place's settings, for what no list of this tool shows."""


_SECRET = Plant("put a secret there", names=("name", "key"), where="/settings/secrets/actions")
_RUNNER = Plant("registered a runner there", names=("runner_name", "name"))
_APP_SECRET = Plant("made a client secret of this app", names=("name", "application_name"), where="/settings/apps")

PLANTS: dict[str, Plant] = {
    "public_key.create": Plant("added this deploy key", names=("title", "fingerprint")),
    "hook.create": Plant("added a webhook", names=("hook_id",), where="/settings/hooks"),
    "hook.config_changed": Plant("changed where a webhook leads", names=("hook_id",), where="/settings/hooks"),
    "integration_installation.create": Plant("installed this app", "app"),
    "integration_installation.repositories_added": Plant("gave this app more repositories", "app"),
    "integration.create": Plant("registered an app", names=("name", "integration"), where="/settings/apps"),
    "integration.generate_client_secret": _APP_SECRET,
    "oauth_application.create": Plant(
        "registered an OAuth app", names=("name", "oauth_application"), where="/settings/applications"
    ),
    "oauth_application.generate_client_secret": Plant(
        "made a client secret of an OAuth app", names=("name", "oauth_application"), where="/settings/applications"
    ),
    "org.invite_member": Plant("invited this user", "user"),
    "org.add_member": Plant("made this user a member", "user"),
    "org.update_member": Plant("changed this member's role", "user", names=("permission",)),
    "org.add_outside_collaborator": Plant("made this user an outside collaborator", "user", names=("repo",)),
    "repo.add_member": Plant("let this user into a repository", "user", names=("repo",)),
    "repo.update_member": Plant("changed this user's rights in a repository", "user", names=("repo",)),
    "team.add_member": Plant("put this user into a team", "user", names=("team",)),
    "personal_access_token.access_granted": Plant("let a fine-grained token of this user in", "user"),
    "personal_access_token.request_approved": Plant("approved a fine-grained token of this user", "user"),
    "org_credential_authorization.grant": Plant("authorised a credential of this user", "user"),
    "repo.create": Plant("made this repository"),
    "repo.access": Plant("changed who may see this repository", names=("visibility",), where="/settings"),
    "repo.create_actions_secret": _SECRET,
    "repo.update_actions_secret": _SECRET,
    "environment.create_actions_secret": _SECRET,
    "environment.update_actions_secret": _SECRET,
    "org.create_actions_secret": _SECRET,
    "org.update_actions_secret": _SECRET,
    "repo.register_self_hosted_runner": _RUNNER,
    "org.register_self_hosted_runner": _RUNNER,
}
"""By action."""
A_NAME = re.compile(r"[A-Za-z0-9@:_./+= -]{1,100}")
"""What of an event goes into a sentence: anybody may have chosen it."""


class Act(Struct, frozen=True):
    """One event, read."""

    plant: Plant
    to: PrincipalRef
    details: str
    at: datetime


def act_of(row: dict[str, Any], org: str) -> Act | None:
    """None for an event that plants nothing, or does not tell on what."""
    plant, at = PLANTS.get(str(row.get("action"))), happened(row)
    to = _target(plant, row, org) if plant is not None else None
    if plant is None or at is None or to is None:
        return None
    if to.kind == ORG and row.get("action") == "public_key.create":
        return None  # a user's own SSH key: on that user's own list
    told = (str(row[f]) for f in plant.names if row.get(f))
    return Act(plant, to, ", ".join(t for t in told if A_NAME.fullmatch(t)), at)


def _target(plant: Plant, row: dict[str, Any], org: str) -> PrincipalRef | None:
    if plant.on == "user":
        login = str(row.get("user") or "")
        return canonical(USER, login) if LOGIN.fullmatch(login) else None
    if plant.on == "app":
        # Named as people read it; its slug is made of that.
        slug = re.sub(r"[^a-z0-9]+", "-", str(row.get("integration") or row.get("name") or "").lower()).strip("-")
        return canonical(APP, slug) if SLUG.fullmatch(slug) else None
    repo = str(row.get("repo") or row.get("repository") or "")
    return canonical(REPO, repo) if REPOSITORY.fullmatch(repo) else canonical(ORG, org)


class Planted:
    """What one principal put elsewhere since a moment."""

    def __init__(self, conn: GithubConnection, io: Io, who: Principal, since: datetime) -> None:
        self._conn, self._io, self._who = conn, io, who
        self.now = conn.now()
        self._since = since
        self._more = False
        self._actor = f"{who.name}[bot]" if who.kind == APP else who.name

    def leads(self) -> Iterable[Lead]:
        """One for each repository, user and app. Raises Denied and what else a read raises: nothing was read then."""
        groups: dict[PrincipalRef, list[Act]] = {}
        for act in self._acts():
            groups.setdefault(act.to, []).append(act)
        for to, group in zip(self._io.map(self._app, list(groups)), groups.values(), strict=True):
            yield self._lead(to, group)

    def limits(self) -> Iterable[BlindSpot]:
        """What the log cannot show; after `leads`."""
        lag = self.now + timedelta(seconds=self._conn.settings.logs_lag)
        yield BlindSpot(self._who.ref, KIND, LATE, until=lag, covered_by=ENDING.get(self._who.kind, ()))
        if self._since < self.now - KEPT - A_WHILE:
            oldest = f"{self.now - KEPT:%Y-%m-%d}"
            why = f"the audit log keeps {KEPT.days} days: what was planted before {oldest} is not shown"
            yield BlindSpot(self._who.ref, KIND, why, "the audit log's stream, or wherever else its events are kept")
        if self._more:
            why = f"more than {MOST} events since {_iso(self._since)}: the newer ones were not read"
            yield BlindSpot(self._who.ref, KIND, f"{why}; --since with a later moment shows them")

    # -- reading ---------------------------------------------------------------------------------------------------

    def _acts(self) -> Iterable[Act]:
        noise = " ".join(f"-action:{each}" for each in NOISE)
        since = max(self._since, self.now - KEPT)
        rows = events(self._conn, f"actor:{self._actor} {noise}", since, "web")  # a push plants nothing that is listed
        for row in itertools.islice(rows, MOST):
            act = act_of(row, self._conn.org)
            if act is not None and str(row.get("actor") or "").lower() == self._actor.lower() and not self._own(act.to):
                yield act
        self._more = next(iter(rows), None) is not None

    def _own(self, to: PrincipalRef) -> bool:
        """What it did to itself, its own lists show."""
        return (to.kind, to.id.lower()) == (self._who.kind, self._who.name.lower())

    def _app(self, to: PrincipalRef) -> PrincipalRef:
        """Another than an App as it is; of an App, the slug where GitHub knows it, else where it is installed."""
        if to.kind != APP:
            return to
        try:
            slug = str(self._conn.get(f"/apps/{segment(to.id)}", METADATA)["slug"])
        except Fault:
            return canonical(ORG, self._conn.org)  # private, or named otherwise: the organisation lists it
        return canonical(APP, slug)

    # -- telling ---------------------------------------------------------------------------------------------------

    def _lead(self, to: PrincipalRef, group: Sequence[Act]) -> Lead:
        first, last = group[0].at, group[-1].at
        why = f"{self._who.name} {'; '.join(_parts(group))} at {_iso(first)}"
        if last > first:
            why += f", the last at {_iso(last)}"
        if group[0].to != to:
            why += f" (the log calls it {group[0].to.id})"
        places = [self._place(to, where) for where in dict.fromkeys(a.plant.where for a in group) if where]
        if group[0].to != to:
            places.append(self._place(to, "/settings/installations"))
        if places:
            why += f". By hand: {', '.join(places)}"
        return Lead(to, why, EVIDENCE, how="planted", at=first, of=self._who.ref, next=_next(to, first))

    def _place(self, to: PrincipalRef, where: str) -> str:
        at = f"organizations/{to.id}" if to.kind == ORG else to.id
        return f"{self._conn.site}/{at}{where}"


def _parts(group: Sequence[Act]) -> Iterable[str]:
    """`added this deploy key (ci, SHA256:…)`, `put a secret there (A, B and 3 more)`."""
    for says in dict.fromkeys(act.plant.says for act in group):
        named = list(dict.fromkeys(a.details for a in group if a.plant.says == says and a.details))
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        yield f"{says} ({', '.join(named[:MOST_NAMED])}{more})" if named else says


def _next(to: PrincipalRef, since: datetime) -> str:
    """A repository or organisation is looked at: what was put there stands among what belongs there."""
    verb = "list" if to.kind in (REPO, ORG) else "revoke"
    return f"nhi-revoke {verb} {to} --since {_iso(since)}"


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def observed(conn: GithubConnection, io: Io, who: Principal, since: datetime) -> Iterable[Found]:
    """Leads, and what the log cannot show."""
    planted = Planted(conn, io, who, since)
    yield from planted.leads()
    yield from planted.limits()
