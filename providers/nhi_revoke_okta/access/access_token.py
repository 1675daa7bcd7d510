"""Access tokens of an app, and those that clients got for a user: JWTs that nothing lists; they end by themselves.

Clearing a user's sessions with `oauthTokens` ends those that Okta is asked about, the org server's all. Of a custom
server's, whoever validates them locally does not hear of it, with a refresh token beside them or without. Okta docs:
manage-user-creds (60 minutes, fixed, at the org server; 5 minutes to 24 hours at a custom one, by rule), revoke-tokens
and RFC 7009 (200 whatever was sent); facts okta-github.md 1.3 and 1.4, 6 to 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Residual
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access import refresh_token
from nhi_revoke_okta.access.times import stamp
from nhi_revoke_okta.connection import OktaConnection, client_id_of
from nhi_revoke_okta.lifetimes import ACCESS_TOKEN, MINUTES, ORG_MINUTES
from nhi_revoke_okta.naming import APP, USER
from nhi_revoke_okta.scopes import APPS, LOGS, SERVERS
from nhi_revoke_okta.servers import Lives, custom_servers, lives_of, servers_and_app

KIND = ACCESS_TOKEN
STANDING = f"{KIND}/{{scope}}/WHOSE/*"
"""Of an app its id, since labels are not unique; of a user the login, which is."""
SOURCE = "Okta docs: manage-user-creds, revoke-tokens"
WHY = (
    "access tokens are JWTs: whoever validates them locally takes them until they expire; those of client credentials "
    "survive the revocation of refresh tokens; and a 200 from /revoke proves nothing"
)
OF_A_USER = (
    "access tokens that clients got for a user at a custom server are JWTs: whoever validates them locally takes them "
    "until they expire, and clearing the user's sessions and tokens ends none of those"
)
BY_ORG = "app.oauth2.token.grant.access_token"
BY_SERVER = "app.oauth2.as.token.grant.access_token"
EVENTS = (BY_ORG, BY_SERVER)
ENDS_WHAT_MINTS = (
    "okta:client-secret/deactivate", "okta:client-secret/replace", "okta:client-key/deactivate",
    "okta:refresh-token/revoke", "okta:server-token/revoke", "okta:app/deactivate",
)  # fmt: skip
ENDS_WHAT_A_USER_GETS = ("okta:user-session/clear",)
LOG_PAGE = 1000
A_MINUTE = timedelta(minutes=1)


class AccessTokens(AccessKind[OktaConnection]):
    """No remedy: the steps that end what mints them tell until when they last."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "access tokens of an app or a user"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (APP, USER)
    reads: ClassVar[tuple[str, ...]] = (APPS.read, SERVERS.read)
    reads_logs: ClassVar[tuple[str, ...]] = (LOGS,)
    survives: ClassVar[str] = WHY

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """Nothing for an app that is no OAuth client, and for a user where no custom server mints any."""
        if ref.kind == USER:
            yield from self._of_user(conn, ref, io)
            return
        known, named = servers_and_app(conn, ref, io)

        def app() -> Any:
            return conn.get(f"/api/v1/apps/{segment(named.id)}", APPS.read)

        def longest() -> Any:
            return lives_of(conn, named.client_id, known, io)

        found, lives = io.map(lambda ask: ask(), (app, longest))
        if client_id_of(found):
            yield from self._standing(ref, named.id, lives, "every access token of {name}")

    def _of_user(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """Of whichever client: which ones it signs in to, nothing tells."""
        lives = lives_of(conn, "", custom_servers(conn), io, least=Lives(0, ""))
        if lives.minutes:
            yield from self._standing(ref, "{name}", lives, "every access token of {name} at custom servers")

    def _standing(self, ref: PrincipalRef, whose: str, lives: Lives, label: str) -> Iterable[Found]:
        yield Access(
            id=STANDING.replace("WHOSE", whose),
            on=ref,
            kind=KIND,
            family=self.family,
            state="unknown",
            label=label,
            evidence="none: Okta lists no access tokens",
            door="{name}",
            before={MINUTES: lives.minutes},
            elsewhere=True,
            note=f"they live for up to {lives.minutes} minutes ({lives.where})",
        )
        for why in lives.unseen:
            said = f"how long access tokens live: {why}; 24 hours are assumed, the documented most"
            yield BlindSpot(ref, KIND, said, lives.needs, counts=False)

    def observe(
        self, conn: OktaConnection, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        """Those that may live still. A lower bound, and late."""
        whole = next((a for a in accesses if a.kind == KIND and a.id.endswith("/*")), None)
        if whole is None:
            return
        now, client = conn.now(), str(who.facts.get("client_id") or who.unique_id)
        begin = max(since, now - timedelta(minutes=int(whole.before[MINUTES])) - A_MINUTE)
        by = dict.fromkeys((who.unique_id, client))
        events, ends = (EVENTS, ENDS_WHAT_MINTS) if who.kind == APP else ((BY_SERVER,), ENDS_WHAT_A_USER_GETS)
        query = {
            "since": stamp(begin),
            "until": stamp(now + A_MINUTE),  # without it Okta takes it for polling, and every page has a next one
            "filter": f"({_any('eventType', events)}) and ({_any('actor.id', by)} or {_any('target.id', by)})",
            "limit": LOG_PAGE,
        }
        for event in conn.rows("/api/v1/logs", LOGS, **query):
            yield from _told(event, whole, who, accesses, now)
        lag = now + timedelta(seconds=conn.settings.logs_lag)
        why = "the System Log shows events late: a token minted in the last minutes may be missing"
        yield BlindSpot(who.ref, KIND, why, until=lag, covered_by=ends)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """No step."""
        why = WHY if view.who.kind == APP else OF_A_USER
        for access in view.of(KIND):
            if access.id.endswith("/*"):
                until = view.inventory.at + timedelta(minutes=int(access.before[MINUTES]))
                yield Residual(view.who.ref, access.id, until, why, SOURCE)


def _told(
    event: Mapping[str, Any], whole: Access, who: Principal, accesses: Sequence[Access], now: datetime
) -> Iterable[Access]:
    """One token that an event shows; nothing for a grant that failed."""
    if (event.get("outcome") or {}).get("result") not in (None, "SUCCESS", "ALLOW"):
        return
    minted = moment(event["published"]) or now
    by_org = event["eventType"] == BY_ORG
    minutes = ORG_MINUTES if by_org else int(whole.before[MINUTES])
    expires = minted + timedelta(minutes=minutes)
    debug = (event.get("debugContext") or {}).get("debugData") or {}
    targets: Sequence[Mapping[str, Any]] = event.get("target") or ()
    token = next((str(t["id"]) for t in targets if t.get("id") and "token" in str(t.get("type")).lower()), "")
    user = next((str(t["id"]) for t in targets if t.get("id") and t.get("type") == "User"), "")
    grant = str(debug.get("grantType") or "unknown grant")
    scopes = str(debug.get("grantedScopes") or "")
    yield Access(
        id=f"{whole.id.removesuffix('*')}{token or event['uuid']}",
        on=who.ref,
        kind=KIND,
        family="token",
        state="live" if expires > now else "expired",
        label=f"access token by {grant}" + (f", scopes {scopes}" if scopes else ""),
        created=minted,
        expires=expires,
        parent=_parent(grant, accesses),
        evidence="GET /api/v1/logs",
        door=user or who.name,
        elsewhere=True,
        note="of the org server" if by_org else "of a custom server: it ends then at the latest",
    )


def _parent(grant: str, accesses: Sequence[Access]) -> str | None:
    """The log does not name what a token was minted with: told only where there is one thing that it can have been."""
    kinds = ("okta:client-secret", "okta:client-key")
    if grant == "refresh_token":
        kinds = (refresh_token.KIND, refresh_token.ELSEWHERE)
    may = [a.id for a in accesses if a.kind in kinds]
    return may[0] if len(may) == 1 else None


def _any(field: str, values: Iterable[str]) -> str:
    """Ids and event types hold no quotes."""
    return " or ".join(f'{field} eq "{value}"' for value in values)
