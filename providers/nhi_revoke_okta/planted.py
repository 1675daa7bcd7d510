"""What an identity planted: events of the System Log that it is the actor of, told as leads with the command for each.

Okta docs: okta-event-types.csv (names), system-log-query (bounded requests have both times and a last page). Of an
event's targets the id, type and name are read and nothing else: `detailEntry` may hold a new client secret.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from nhi_revoke.model.command import command
from nhi_revoke.model.found import BlindSpot, Found, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access.times import stamp
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.naming import API_SERVICE, APP, APP_ID, PROVIDER, USER, USER_ID, canonical
from nhi_revoke_okta.scopes import APPS, LOGS, SERVICES, TOKENS, USERS

KIND = "okta:planted"
READS = (LOGS, USERS.read, APPS.read, TOKENS.read)
"""The first shows; the others tell whose it is, and whether it is still there."""
PAGE = 1000
MOST = 5000
"""Events that are read of one principal: provisioning bots make users all day."""
MOST_LOOKED_AT = 50
"""Principals of which is asked whether they are still there."""
MOST_NAMED = 5
KEPT = timedelta(days=90)
"""How far back the System Log goes (Okta's data retention policy)."""
A_WHILE = timedelta(minutes=5)
TOKEN = "token"  # noqa: S105 - what an event is about
LATE = "the System Log shows events late: what was planted in the last minutes is not listed"
ENDING: dict[str, tuple[str, ...]] = {
    APP: (
        "okta:app-role/unassign", "okta:app-grant/revoke", "okta:client-secret/deactivate",
        "okta:client-secret/replace", "okta:client-key/deactivate", "okta:app/deactivate",
    ),
    USER: ("okta:user-role/unassign", "okta:api-token/delete", "okta:user-session/clear", "okta:user/suspend"),
    API_SERVICE: ("okta:api-service-secret/deactivate", "okta:api-service-secret/replace"),
}  # fmt: skip
"""Which ends of the principal's ways in cover the lag. What its last tokens plant, `verify` finds once they ended."""


class Plant(Struct, frozen=True):
    """One type of event that leaves something behind."""

    says: str
    on: str = ""
    """Whom it is done to: `app`, `user`, `token`; empty: whatever the event's first target is."""
    hand: str = ""
    """Where it is undone, for what is no principal here."""


PLANTS: dict[str, Plant] = {
    "application.lifecycle.create": Plant("created this app", APP),
    "app.oauth2.client.lifecycle.create": Plant("created this OAuth client", APP),
    "app.oauth2.credentials.lifecycle.create": Plant("made client credentials of it", APP),
    "app.oauth2.credentials.lifecycle.activate": Plant("activated client credentials of it", APP),
    "app.oauth2.client.privilege.grant": Plant("gave it an admin role", APP),
    "app.oauth2.admin.consent.grant": Plant("granted it a scope", APP),
    "user.lifecycle.create": Plant("created this user", USER),
    "user.lifecycle.reactivate": Plant("brought this user back", USER),
    "user.lifecycle.unsuspend": Plant("lifted this user's suspension", USER),
    "user.account.privilege.grant": Plant("gave this user an admin role", USER),
    "user.account.reset_password": Plant("reset this user's password", USER),
    "user.mfa.factor.activate": Plant("enrolled a factor of this user", USER),
    "system.api_token.create": Plant("made an API token of this user", TOKEN),
    "group.privilege.grant": Plant("gave this group an admin role", hand="Admin Console > Security > Administrators"),
    "iam.resourceset.bindings.add": Plant(
        "assigned a custom admin role", hand="Admin Console > Security > Administrators"
    ),
    "system.idp.lifecycle.create": Plant(
        "added this identity provider, which may sign in as anybody it maps",
        hand="Admin Console > Security > Identity Providers",
    ),
    "system.idp.key.create": Plant(
        "added a key that identity providers may sign with", hand="Admin Console > Security > Identity Providers"
    ),
}
"""By event type."""


class Act(Struct, frozen=True):
    """One event, read."""

    plant: Plant
    id: str
    """Of what it was done to."""
    kind: str
    """Type of that in the log's words."""
    details: str
    """Names of its other targets: a role, a credential's id."""
    at: datetime


def act_of(row: Mapping[str, Any]) -> Act | None:
    """None for what failed, and for an event that does not tell what it was done to."""
    plant, at = PLANTS.get(str(row.get("eventType"))), moment(row.get("published"))
    if plant is None or at is None or (row.get("outcome") or {}).get("result") not in ("SUCCESS", "ALLOW"):
        return None
    targets = [t for t in row.get("target") or () if isinstance(t, dict) and t.get("id")]
    mine = next((t for t in targets if _is(t, plant.on)), None)
    if mine is None:
        return None
    others = (_named(t) for t in targets if t is not mine)
    return Act(plant, str(mine["id"]), str(mine.get("type") or ""), ", ".join(filter(None, others)), at)


def _is(target: Mapping[str, Any], on: str) -> bool:
    kind, unique = str(target.get("type")), str(target["id"])
    if on == APP:
        return bool(APP_ID.fullmatch(unique)) or kind in ("AppInstance", "PublicClientApp")
    if on == USER:
        return bool(USER_ID.fullmatch(unique)) or kind == "User"
    return kind == "Token" if on == TOKEN else True


def _named(target: Mapping[str, Any]) -> str:
    """A role by its name; a secret or key by its id, which is what lists show."""
    name, unique = str(target.get("displayName") or ""), str(target["id"])
    return name if "role" in str(target.get("type")).lower() and name else unique


class Planted:
    """What one principal planted since a moment."""

    def __init__(self, conn: OktaConnection, io: Io, who: Principal, since: datetime) -> None:
        self._conn, self._io, self._who = conn, io, who
        self.now = conn.now()
        self._since = since
        self._more = False

    def leads(self) -> Iterable[Lead]:
        """One for each app and user, one for each kind of act on anything else. Raises Denied and what else a read
        raises: nothing was read then.
        """
        groups: dict[tuple[PrincipalRef, str], list[Act]] = {}
        acts = list(self._acts())
        owners = self._owners(acts)
        for act in acts:
            to = owners.get(act.id) if act.plant.on == TOKEN else _ref(act)
            if to is None or to.id in self._own_ids():  # what it planted on itself, its own lists show
                continue
            groups.setdefault((to, "" if to.kind in (APP, USER) else act.plant.says), []).append(act)
        for (to, _), group, there in zip(groups, groups.values(), self._there([g[0] for g in groups]), strict=True):
            yield self._lead(to, group, there)

    def limits(self) -> Iterable[BlindSpot]:
        """What the log cannot show; after `leads`."""
        lag = self.now + timedelta(seconds=self._conn.settings.logs_lag)
        yield BlindSpot(self._who.ref, KIND, LATE, until=lag, covered_by=ENDING.get(self._who.kind, ()))
        if self._since < self.now - KEPT - A_WHILE:
            oldest = f"{self.now - KEPT:%Y-%m-%d}"
            why = f"the System Log keeps {KEPT.days} days: what was planted before {oldest} is not shown"
            yield BlindSpot(self._who.ref, KIND, why, "the log stream, or wherever else the org's events are kept")
        if self._more:
            why = f"more than {MOST} events of this kind since {_iso(self._since)}: the newer ones were not read"
            yield BlindSpot(self._who.ref, KIND, f"{why}; --since with a later moment shows them")

    # -- reading ---------------------------------------------------------------------------------------------------

    def _own_ids(self) -> frozenset[str]:
        return frozenset(filter(None, (self._who.unique_id, str(self._who.facts.get("client_id") or ""))))

    def _acts(self) -> Iterable[Act]:
        actors = " or ".join(f'actor.id eq "{each}"' for each in sorted(self._own_ids()))
        types = " or ".join(f'eventType eq "{each}"' for each in PLANTS)
        rows = self._conn.rows(
            "/api/v1/logs", LOGS, since=stamp(max(self._since, self.now - KEPT)), until=stamp(self.now),
            filter=f"({actors}) and ({types})", sortOrder="ASCENDING", limit=PAGE,
        )  # fmt: skip
        for row in itertools.islice(rows, MOST):
            act = act_of(row)
            if act is not None:
                yield act
        self._more = next(iter(rows), None) is not None

    def _owners(self, acts: Sequence[Act]) -> dict[str, PrincipalRef]:
        """Whose each API token is; itself where that could not be read. Those that are gone are left out."""
        tokens = list(dict.fromkeys(a.id for a in acts if a.plant.on == TOKEN))

        def ask(token: str) -> PrincipalRef | None:
            try:
                row = self._conn.get(f"/api/v1/api-tokens/{segment(token)}", TOKENS.read)
            except Missing:
                return None
            except Fault:
                return PrincipalRef(PROVIDER, "api-token", token)
            return canonical(USER, str(row["userId"]))

        found = zip(tokens, self._io.map(ask, tokens), strict=True)
        return {token: owner for token, owner in found if owner is not None}

    def _there(self, refs: Sequence[PrincipalRef]) -> Sequence[PrincipalRef | None]:
        """Each in its right kind; None for one that is gone."""
        looked = self._io.map(self._look, refs[:MOST_LOOKED_AT])
        return (*looked, *refs[MOST_LOOKED_AT:])

    def _look(self, ref: PrincipalRef) -> PrincipalRef | None:
        try:
            if ref.kind == USER:
                self._conn.get(f"/api/v1/users/{segment(ref.id)}", USERS.read)
            elif ref.kind == APP:
                return self._app(ref)
        except Missing:
            return None
        except Fault:
            return ref  # only whether it is still there stays open: the lead is told all the same
        return ref

    def _app(self, ref: PrincipalRef) -> PrincipalRef:
        """An API service integration is no app, and the log does not tell them apart."""
        try:
            self._conn.get(f"/api/v1/apps/{segment(ref.id)}", APPS.read)
        except Missing:
            self._conn.get(f"/integrations/api/v1/api-services/{segment(ref.id)}", SERVICES.read)
            return canonical(API_SERVICE, ref.id)
        return ref

    # -- telling ---------------------------------------------------------------------------------------------------

    def _lead(self, to: PrincipalRef, group: Sequence[Act], there: PrincipalRef | None) -> Lead:
        first, last = group[0].at, group[-1].at
        why = f"{self._who.name} {'; '.join(_parts(group))} at {_iso(first)}"
        if last > first:
            why += f", the last at {_iso(last)}"
        if there is None:
            why += "; it is gone by now: look whether it stays so"
        hand = group[0].plant.hand
        if hand:
            why += f". By hand: {hand}"
        to = there or to
        return Lead(
            to, why, "GET /api/v1/logs", how="planted", at=first, of=self._who.ref,
            next=_next(to, first, gone=there is None),
        )  # fmt: skip


def _ref(act: Act) -> PrincipalRef:
    if act.plant.on in (APP, USER):
        return canonical(act.plant.on, act.id)
    return PrincipalRef(PROVIDER, act.kind.lower() or "unknown", act.id)


def _parts(group: Sequence[Act]) -> Iterable[str]:
    """`created this user`, `gave this user an admin role (Super Administrator)`, `… (a, b and 3 more)`."""
    for says in dict.fromkeys(act.plant.says for act in group):
        named = list(dict.fromkeys(a.details for a in group if a.plant.says == says and a.details))
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        yield f"{says} ({', '.join(named[:MOST_NAMED])}{more})" if named else says


def _next(to: PrincipalRef, since: datetime, *, gone: bool) -> str:
    if to.kind not in (APP, USER, API_SERVICE):
        return ""
    return command("list", to) if gone else command("revoke", to, "--since", _iso(since))


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def observed(conn: OktaConnection, io: Io, who: Principal, since: datetime) -> Iterable[Found]:
    """Leads, and what the log cannot show."""
    planted = Planted(conn, io, who, since)
    yield from planted.leads()
    yield from planted.limits()
