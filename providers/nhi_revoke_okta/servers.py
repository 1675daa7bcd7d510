"""Custom authorization servers: which there are, and how long an access token of theirs may live.

They belong to API Access Management, which is sold apart: a 404 may mean that the org has none of them, or that nobody
may see them (facts okta-github.md 1.4, 21). `default` is one of them; the org server is none.
OpenAPI: listAuthorizationServers, listAuthorizationServerPolicies, listAuthorizationServerPolicyRules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_okta.lifetimes import ORG_MINUTES
from nhi_revoke_okta.scopes import SERVERS

if TYPE_CHECKING:
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.provider.io import Io
    from nhi_revoke_okta.connection import Named, OktaConnection

PATH = "/api/v1/authorizationServers"
PAGE = 200
MOST_MINUTES = 24 * 60
"""Okta docs: manage-user-creds: no access token lives longer."""
ABSENT = "API Access Management"
EVERYBODY = "ALL_CLIENTS"


class Server(Struct, frozen=True):
    """One custom authorization server."""

    id: str
    name: str


class Known(Struct, frozen=True):
    """The org's custom servers, or why they are not known."""

    servers: tuple[Server, ...] = ()
    unseen: str = ""
    """Why they could not be listed, in a sentence; empty where they could."""
    needs: str = ""

    @classmethod
    def because(cls, fault: Fault) -> Known:
        """From what the listing raised."""
        if isinstance(fault, Missing):
            why = "custom authorization servers: Okta answers 404, as where API Access Management is not sold"
            return cls((), why, ABSENT)
        if isinstance(fault, Denied):
            return cls((), f"custom authorization servers: not allowed ({fault.message})", fault.needs or SERVERS.read)
        raise fault


class Lives(Struct, frozen=True):
    """How long the longest access token of one client may live."""

    minutes: int
    where: str
    """Whose rule that is."""
    unseen: tuple[str, ...] = ()
    """What could not be read, and why: the documented most is taken for it."""
    needs: str = ""


def custom_servers(conn: OktaConnection) -> Known:
    """One request a page. Raises what a request raises, but for a denial and a 404: these are told."""
    try:
        rows = list(conn.rows(PATH, SERVERS.read, limit=PAGE))
    except (Denied, Missing) as fault:
        return Known.because(fault)
    return Known(tuple(Server(str(r["id"]), str(r.get("name") or r["id"])) for r in rows))


def servers_and_app(conn: OktaConnection, ref: PrincipalRef, io: Io) -> tuple[Known, Named]:
    """The org's servers and the app's ids, side by side: neither needs the other. Raises Missing for the app alone."""

    def servers() -> Any:
        return custom_servers(conn)

    def app() -> Any:
        return conn.named(ref)

    known, named = io.map(lambda ask: ask(), (servers, app))
    return known, named


BY_ORG_SERVER = Lives(ORG_MINUTES, "the org server")


def lives_of(conn: OktaConnection, client_id: str, known: Known, io: Io, least: Lives = BY_ORG_SERVER) -> Lives:
    """The longest of the org server's fixed life and of every rule that may have minted a token which lives.

    `client_id`: empty for any client's. `least`: where the org server's tokens do not count.
    """
    if known.unseen:
        return Lives(MOST_MINUTES, "the documented most", (known.unseen,), known.needs)
    longest = least
    each = io.map(lambda server: _of_server(conn, server, client_id, io), known.servers)
    for server, found in zip(known.servers, each, strict=True):
        if found.minutes > longest.minutes:
            longest = Lives(found.minutes, f"server {server.name}", longest.unseen, longest.needs)
        longest = Lives(longest.minutes, longest.where, (*longest.unseen, *found.unseen), found.needs or longest.needs)
    return longest


def _of_server(conn: OktaConnection, server: Server, client_id: str, io: Io) -> Lives:
    path, now = f"{PATH}/{segment(server.id)}/policies", conn.now()
    try:
        policies = [p for p in conn.rows(path, SERVERS.read) if _concerns(p, client_id, now)]
        rules = io.map(lambda p: list(conn.rows(f"{path}/{segment(str(p['id']))}/rules", SERVERS.read)), policies)
    except (Denied, Missing) as fault:
        why = f"policies of authorization server {server.name}: {fault.message}"
        return Lives(MOST_MINUTES, "", (why,), SERVERS.read if isinstance(fault, Denied) else "")
    each = ((policy, rule) for policy, its in zip(policies, rules, strict=True) for rule in its)
    return Lives(max((_minutes(rule, now) for policy, rule in each if _in_play(policy, rule, now)), default=0), "")


def _concerns(policy: Mapping[str, Any], client_id: str, now: datetime) -> bool:
    """Whether a token of this client that lives may be one of this policy. One that names nobody is taken to be for
    all; and of one that was changed within the last day nobody can say whom it named before: who takes a client out of
    it, as the first thing in an incident, ends no token.
    """
    include: Sequence[Any] = ((policy.get("conditions") or {}).get("clients") or {}).get("include") or ()
    named = not client_id or not include or EVERYBODY in include or client_id in include
    return named or _lately((policy,), now)


def _in_play(policy: Mapping[str, Any], rule: Mapping[str, Any], now: datetime) -> bool:
    """Whether a token that lives may have been minted by it: it is active, or was until lately."""
    active = all(part.get("status") != "INACTIVE" for part in (policy, rule))
    return active or _lately((policy, rule), now)


def _minutes(rule: Mapping[str, Any], now: datetime) -> int:
    """Of a rule that was changed within the last day, nobody can say how long its tokens lived before."""
    told = ((rule.get("actions") or {}).get("token") or {}).get("accessTokenLifetimeMinutes")
    return int(told) if isinstance(told, int | float) and not _lately((rule,), now) else MOST_MINUTES


def _lately(parts: Iterable[Mapping[str, Any]], now: datetime) -> bool:
    """Whether one of them was changed after the oldest token that may live was minted."""
    since = now - timedelta(minutes=MOST_MINUTES)
    told = (p.get("lastUpdated") for p in parts if p.get("lastUpdated") != p.get("created"))
    return any(datetime.fromisoformat(str(text)) > since for text in told if text)
