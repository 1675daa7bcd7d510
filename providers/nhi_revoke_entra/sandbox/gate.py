"""Microsoft Graph, the token service and an API of the tenant's own, over HTTP: who asks, and what a refusal is.

facts entra.md 2 (errors, paging, throttling) and 3 (what CAE covers).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

from nhi_revoke.provider.sandbox.rest import Asked, At, Headers, Reply, RestGate, Route, Table, Turned
from nhi_revoke_entra.permissions import (
    READ_APPS,
    READ_GRANTS,
    READ_LOGS,
    READ_POLICIES,
    READ_ROLES,
    READ_USERS,
    WRITE_APP_ROLES,
    WRITE_APPS,
    WRITE_GRANTS,
    WRITE_ROLES,
)
from nhi_revoke_entra.sandbox.state import Application, Directory, ServicePrincipal, Tenant, Token

NEXT = "@odata.nextLink"
GRAPHS = re.compile(r"/(v1\.0|beta)/")
"""Paths of Microsoft Graph; the others are Azure Resource Manager's."""
WRITTEN = re.compile(r"/v1\.0/applications/([0-9a-f-]{36})")
PERSONAL = frozenset({"AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"})
WRITES = 60
EVERYTHING = "*"
IMPLIED = {
    READ_APPS: (WRITE_APPS, "Directory.Read.All", "Directory.ReadWrite.All"),
    READ_GRANTS: (WRITE_GRANTS, "Directory.ReadWrite.All"),
    WRITE_APP_ROLES: (),
    WRITE_GRANTS: ("Directory.ReadWrite.All",),
    WRITE_APPS: (),
    READ_ROLES: (WRITE_ROLES, "Directory.Read.All", "Directory.ReadWrite.All"),
    WRITE_ROLES: (),
    READ_POLICIES: ("Policy.ReadWrite.ApplicationConfiguration",),
    READ_LOGS: (),
}
"""Which other permissions allow as much (permissions.json)."""
VAULTS = "/_vault"
"""Under which every key vault stands here, by its name."""
CLAIMS = 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'


class VaultTurned(Turned):
    """An error of Key Vault: its own code stands within."""

    def __init__(self, status: int, code: str, inner: str, says: str) -> None:
        super().__init__(status, code, says)
        self.inner = inner


class EntraCaller(NamedTuple):
    """A token, or nobody."""

    by: str
    token: Token | None = None
    manages: bool = False
    """Some application says that this app may manage it; not told of who may do everything."""

    def may(self, permission: str) -> bool:
        """Of a user, and of an app that manages others, it depends on the object: the route looks (`allowed`)."""
        if not permission:
            return True
        if self.token is None:
            return False
        if self.token.user and EVERYTHING not in self.token.roles:
            return permission in (READ_APPS, READ_USERS, WRITE_APPS)
        if self.manages and permission in (READ_APPS, WRITE_APPS):
            return True
        held = self.token.roles
        return EVERYTHING in held or permission in held or bool(held & set(IMPLIED.get(permission, ())))


class EntraGate(RestGate[EntraCaller]):
    """The WSGI application."""

    size_word: ClassVar[str] = "$top"
    cursor_word: ClassVar[str] = "$skiptoken"

    def __init__(self, tenant: Tenant, now: Callable[[], datetime], tables: Iterable[Table]) -> None:
        super().__init__(now, tables)
        self.tenant = tenant
        self.lock = tenant.lock
        self.operator: set[str] = set()
        """appIds of the operator."""
        self.stolen: set[str] = set()
        """Values that the intruder holds."""
        self.without_retry_after = False
        """429 tells no time, as of Identity Protection and Conditional Access."""
        self._written: dict[tuple[str, int], int] = {}
        """Writes of each app that people outside may use, by minute."""

    # -- who is it -------------------------------------------------------------------------------------------------

    def caller(self, asked: Asked, route: Route) -> EntraCaller:
        scheme, _, value = asked.headers.get("authorization", "").partition(" ")
        if route.permission == "-":
            return EntraCaller(self._signing_in(asked))
        token = self.tenant.tokens.get(value) if scheme.lower() == "bearer" else None
        if token is None or token.refresh or token.agent or token.expires <= asked.at:
            raise Turned(401, "InvalidAuthenticationToken", "Access token is empty, expired or invalid.")
        tenant = self.tenant
        held = (tenant.principals.get(token.app), tenant.foreign.get(token.app), tenant.deleted.get(token.app))
        principal = next((each for each in held if isinstance(each, ServicePrincipal)), None)
        if principal is None:
            raise Turned(401, "InvalidAuthenticationToken", "The service principal was deleted for good.")
        if token.cae and token.user and self._is_heard_of(token, asked.at):
            raise Turned(401, "InvalidAuthenticationToken", "TokenCreatedWithOutdatedPolicies")
        if token.cae and not token.user and not principal.heard.obeyed(asked.at):
            says = "Continuous access evaluation resulted in challenge"
            raise Turned(401, "InvalidAuthenticationToken", says, (("WWW-Authenticate", CLAIMS),))
        by = "operator" if principal.app_id in self.operator else "intruder" if value in self.stolen else "workload"
        # Who may do everything is not looked for on every application's list.
        manages = EVERYTHING not in token.roles and self._manages(principal.app_id, asked.at)
        return EntraCaller(by, token, manages)

    def _manages(self, app_id: str, at: datetime) -> bool:
        return any(a.managers and manages_it(a, app_id, at) for a in self.tenant.applications.values())

    def _is_heard_of(self, token: Token, at: datetime) -> bool:
        user = self.tenant.users[token.user]
        return not user.heard.obeyed(at) or token.issued < user.heard_valid_from.obeyed(at)

    def _signing_in(self, asked: Asked) -> str:
        """At the token service nobody is known yet: by what is sent; what is no form is the operator's discovery."""
        from urllib.parse import parse_qs

        form = {k: v[0] for k, v in parse_qs(asked.body.decode("latin-1")).items()}
        if asked.headers.get("user-agent") == INTRUDER or set(form.values()) & self.stolen:
            return "intruder"
        return "operator"

    def asked_for(self) -> frozenset[str]:
        """Every permission that some route here asks for."""
        return frozenset(route.permission for route in self._routes if route.permission not in ("", "-"))

    def within(self, asked: Asked) -> Reply:
        """One request of a batch, as if it had come by itself. Raises Turned."""
        return self._serve(asked, [])

    # -- refusals --------------------------------------------------------------------------------------------------

    def refused(self, turned: Turned) -> Any:
        """Of the token service in OAuth's form: its codes have no capitals."""
        if isinstance(turned, VaultTurned):
            told = {"code": turned.code, "message": turned.says}
            return {"error": {**told, "innererror": {"code": turned.inner}} if turned.inner else told}
        if turned.code.islower():
            return {"error": turned.code, "error_description": turned.says, "error_codes": [], "trace_id": "t"}
        inner = {"date": "2026-11-28T12:00:00", "request-id": "r", "client-request-id": "r"}
        return {"error": {"code": turned.code, "message": turned.says, "innerError": inner}}

    def denied(self, route: Route) -> Turned:
        if route.path.startswith(VAULTS):
            return VaultTurned(403, "Forbidden", "ForbiddenByRbac", "Caller is not authorized to perform action.")
        return Turned(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

    def slower(self, asked: Asked) -> Turned:
        told = () if self.without_retry_after else (("Retry-After", "2"),)
        return Turned(429, "TooManyRequests", "Too many requests", told)

    def unknown(self, asked: Asked) -> Turned:
        return Turned(400, "BadRequest", f"Resource not found for the segment '{asked.path.rpartition('/')[2]}'.")

    def counted(self, asked: Asked, route: Route, caller: EntraCaller) -> Headers:
        """Of apps for personal accounts 60 writes a minute are taken (facts entra.md 2, "Throttling"; 8: 36)."""
        found = WRITTEN.match(asked.path) if route.mutates else None
        thing = self.tenant.applications.get(found.group(1)) if found else None
        if thing is None or thing.audience not in PERSONAL:
            return []
        minute = int(asked.at.timestamp() // 60)
        self._written[thing.id, minute] = self._written.get((thing.id, minute), 0) + 1
        if self._written[thing.id, minute] > WRITES:
            wait = 60 - int(asked.at.timestamp()) % 60
            raise Turned(429, "TooManyRequests", "Too many requests", (("Retry-After", str(wait)),))
        return []

    # -- pages -----------------------------------------------------------------------------------------------------

    def _page(self, asked: Asked, reply: Reply) -> Reply:
        size = max(1, min(self._size(asked, reply), self.largest_page))
        start = int(asked.query.get(self.cursor_word) or 0)
        body: dict[str, Any] = {
            "@odata.context": f"{asked.url}/v1.0/$metadata",
            "value": reply.body[start : start + size],
        }
        if start + size < len(reply.body):
            query = {**asked.query, self.cursor_word: str(start + size)}
            link = NEXT if GRAPHS.match(asked.path) else "nextLink"
            body[link] = f"{asked.url}{asked.path}?{urlencode(query)}"
        return Reply(reply.status, body, headers=reply.headers)


INTRUDER = "somebody-else/1.0"
"""User-Agent of the intruder at the token service, where the operator could hold the same credential."""
Here = At[EntraGate, EntraCaller]
"""What a route works with."""


def allowed(at: Here, thing: Directory) -> None:
    """A user writes what the user owns; an app without a role for it what it manages. Raises Turned (403)."""
    token = at.caller.token
    if token is None or token.roles & {EVERYTHING, WRITE_APPS}:
        return
    if token.user:
        owner = thing.owners.get(token.user)
        may = owner is not None and owner.obeyed(at.now)
    else:
        may = manages_it(thing, at.gate.tenant.principals[token.app].app_id, at.now)
    if not may:
        raise Turned(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def manages_it(thing: Directory, app_id: str, now: datetime) -> bool:
    """Whether an app may manage this object: an application says so of itself alone."""
    there = thing.managers.get(app_id) if isinstance(thing, Application) else None
    return there is not None and there.obeyed(now)


def unlocked(at: Here, thing: Directory) -> None:
    """Credentials of a service principal are not changed while its app is locked (Microsoft docs:
    serviceprincipallockconfiguration, "for modification"). Raises Turned (400), whose code is recalled.
    """
    application = at.gate.tenant.application_of(thing.app_id)
    lock = application.lock if application is not None and application is not thing else None
    if lock and lock.get("isEnabled") and (lock.get("allProperties") or lock.get("credentialsWithUsageVerify")):
        says = "Property passwordCredentials or keyCredentials of the service principal is locked."
        raise Turned(400, "CannotUpdateLockedServicePrincipalProperty", says)


def missing(what: str) -> Turned:
    """404 as Graph words it."""
    says = f"Resource '{what}' does not exist or one of its queried reference-property objects are not present."
    return Turned(404, "Request_ResourceNotFound", says)


def bad(says: str) -> Turned:
    """400 of Graph."""
    return Turned(400, "Request_BadRequest", says)
