"""From a reference to the one principal that Entra confirms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.access.places import application_of, is_locked, is_orphaned, service_principal_of
from nhi_revoke_entra.access.user_state import user_listed
from nhi_revoke_entra.agents import is_agent
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lookup import rows_of
from nhi_revoke_entra.named import ORPHANED
from nhi_revoke_entra.naming import AGENT, APP, USER, canonical
from nhi_revoke_entra.policies import LIMITS, UNREAD, limits, told

MICROSOFT = frozenset({"f8cdef31-a31e-4b4a-93e4-5f571e91255a", "72f988bf-86f1-41af-91ab-2d7cd011db47"})
"""Tenants that own Microsoft's own apps (facts entra.md 8, 10: recalled; whatever they own is left alone)."""


def resolve(conn: EntraConnection, ref: PrincipalRef) -> Principal:
    """Raises Missing, AmbiguousName, Denied."""
    if ref.kind == USER:
        return _user(conn, ref)
    named = conn.named(ref)
    application, principal = conn.side_by_side(
        lambda: application_of(conn, named), lambda: service_principal_of(conn, named)
    )
    own = principal or {}
    kind = str(own.get("servicePrincipalType") or "")
    facts: Json = {
        "application": named.application,
        "service_principal": named.service_principal,
        "audience": str((application or own).get("signInAudience") or ""),
        "type": kind,
        "enabled": own.get("accountEnabled") is not False,
        "deactivated": (application or {}).get("isDisabled") is True,
        "owner_tenant": str(own.get("appOwnerOrganizationId") or ""),
        ORPHANED: is_orphaned(conn, application, own),
        "cast": named.cast,
        "blueprint": named.blueprint,
        "locked": is_locked(application or {}),
    }
    facts |= _limited(conn, ref, application)
    return Principal(
        ref=canonical(ref.kind, named.key),
        kind=ref.kind,
        name=named.name,
        scope=conn.scope,
        unique_id=named.key,
        typed=str(ref),
        aliases=tuple(f"entra:{ref.kind}/{each}" for each in (named.application, named.service_principal) if each),
        untouchable=_untouchable(own),
        facts=facts,
    )


def _limited(conn: EntraConnection, ref: PrincipalRef, application: Mapping[str, Any] | None) -> Json:
    """Facts of what nobody may add to it; why they are not known."""
    if application is None:
        return {}
    try:
        limited = told(limits(conn.policies(ref), moment(application.get("createdDateTime"))))
    except Fault as fault:
        return {UNREAD: fault.message}
    return {LIMITS: limited} if limited else {}


def _user(conn: EntraConnection, ref: PrincipalRef) -> Principal:
    named = conn.user_named(ref)
    row = user_listed(conn, named.id) or {}
    facts: Json = {
        "enabled": row.get("accountEnabled") is not False,
        "synced": bool(row.get("onPremisesSyncEnabled")),
        "type": str(row.get("userType") or ""),
    }
    return Principal(
        ref=canonical(USER, named.id),
        kind=USER,
        name=named.login,
        scope=conn.scope,
        unique_id=named.id,
        typed=str(ref),
        aliases=(f"entra:user/{named.login}",),
        facts=facts,
    )


def find(conn: EntraConnection, name: str) -> Iterable[PrincipalRef]:
    """All apps and agent identities of exactly this display name; the user of exactly this user principal name."""
    applications, principals = rows_of(conn, name)
    apps = [row for row in (*applications, *principals) if not is_agent(row)]
    yield from dict.fromkeys(canonical(APP, str(row["appId"])) for row in apps)
    yield from (canonical(AGENT, str(row["id"])) for row in principals if is_agent(row))
    if "@" in name:
        with suppress(Missing):
            yield canonical(USER, conn.user_named(PrincipalRef("entra", USER, name)).id)


def _untouchable(own: dict[str, Any]) -> str | None:
    if str(own.get("appOwnerOrganizationId") or "").lower() in MICROSOFT:
        return "Microsoft itself runs this app in every tenant: remove what was added to it in the admin center"
    return None
