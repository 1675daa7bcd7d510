"""Access tokens of an app: nothing lists them and nothing ends one; each sort ends by itself, at its own time.

facts entra.md 0 (3) and 3: client credentials get no refresh token, so that the access token is the session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Residual
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_entra.access.delegated_grant import grants_listed
from nhi_revoke_entra.access.places import application_of
from nhi_revoke_entra.access.sign_in import sign_ins
from nhi_revoke_entra.access.stopping import ONE_TENANT, brake_of
from nhi_revoke_entra.access.user_sign_in import user_sign_ins
from nhi_revoke_entra.access.user_state import user_listed
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lifetimes import (
    CAE_HEARS,
    CAE_LIVES,
    CAE_TOKEN,
    FOREIGN_TOKEN,
    SOURCE,
    USER_CAE_LIVES,
    USER_TOKEN,
    is_managed,
    standing,
    token_lives,
)
from nhi_revoke_entra.naming import AGENT, APP, USER
from nhi_revoke_entra.permissions import READ_APPS, READ_GRANTS, READ_LOGS, READ_USERS

EVIDENCE = "none: Entra lists no access tokens"


class _Tokens(AccessKind[EntraConnection]):
    """No remedy: the steps that end what mints them tell until when they last."""

    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (APP, AGENT)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS,)
    says: ClassVar[str]
    why: ClassVar[str]

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        if ref.kind == USER:
            if user_listed(conn, user := conn.user_named(ref).id):
                yield self._standing(ref, user)
        elif (app := conn.named(ref)).service_principal:
            yield self._standing(ref, app.key)

    def _standing(self, ref: PrincipalRef, who: str) -> Access:
        return Access(
            id=standing(self.name, "{scope}", who),
            on=ref,
            kind=self.name,
            family=self.family,
            state="unknown",
            label=self.says,
            evidence=EVIDENCE,
            door="{name}",
            elsewhere=True,
            note=self.why,
        )

    def lives(self, view: View, intent: Intent) -> timedelta:
        """At most, from when nothing mints them any more."""
        raise NotImplementedError

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """No step."""
        for access in view.of(self.name):
            if access.id.endswith("/*"):
                until = view.inventory.at + self.lives(view, intent)
                yield Residual(view.who.ref, access.id, until, self.why, SOURCE)


class AccessTokens(_Tokens):
    name: ClassVar[str] = "entra:access-token"
    title: ClassVar[str] = "access tokens"
    on: ClassVar[tuple[str, ...]] = (APP, AGENT, USER)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS, READ_USERS)
    reads_logs: ClassVar[tuple[str, ...]] = (READ_LOGS,)
    says: ClassVar[str] = "every access token of {name} without CAE"
    why: ClassVar[str] = (
        "access tokens are taken until they expire, 60 to 90 minutes after they were issued: Azure Resource Manager, "
        "Key Vault and every API of your own hear nothing of a disabled service principal or a removed credential"
    )
    survives: ClassVar[str] = why

    def observe(
        self, conn: EntraConnection, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        """Of both sorts: one read of the log."""
        return (user_sign_ins if who.kind == USER else sign_ins)(conn, who, accesses, since)

    def lives(self, view: View, intent: Intent) -> timedelta:
        return token_lives(managed=is_managed(view.who))


class CaeTokens(_Tokens):
    name: ClassVar[str] = CAE_TOKEN
    title: ClassVar[str] = "access tokens with CAE"
    on: ClassVar[tuple[str, ...]] = (APP, AGENT, USER)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS, READ_USERS)
    says: ClassVar[str] = "every access token of {name} with CAE"
    why: ClassVar[str] = (
        "with continuous access evaluation an app gets tokens for up to 24 hours at Microsoft Graph, and a user for up "
        "to 28 at Microsoft 365: these hear within 15 minutes of a disabled service principal or user, and of revoked "
        "sessions; of a removed credential they hear nothing"
    )
    survives: ClassVar[str] = why

    def lives(self, view: View, intent: Intent) -> timedelta:
        if view.who.kind == USER:
            return CAE_HEARS if intent.order == "contain" else USER_CAE_LIVES
        if is_managed(view.who):
            return token_lives(managed=True)
        return CAE_HEARS if brake_of(view, intent).on else CAE_LIVES


class UserTokens(_Tokens):
    """There are some only where users or an administrator consented to anything."""

    name: ClassVar[str] = USER_TOKEN
    title: ClassVar[str] = "users' access tokens for the app"
    reads: ClassVar[tuple[str, ...]] = (READ_APPS, READ_GRANTS)
    says: ClassVar[str] = "every user's access token for {name}"
    why: ClassVar[str] = (
        "a user's access token for the app lives for 60 to 90 minutes, up to 28 hours with CAE: what is done to the "
        "app is no event of the user's, and revoking the user's sessions is"
    )
    survives: ClassVar[str] = why

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        app = conn.named(ref)
        if app.service_principal and grants_listed(conn, app.service_principal):
            yield self._standing(ref, app.key)

    def lives(self, view: View, intent: Intent) -> timedelta:
        return USER_CAE_LIVES


class ForeignTokens(_Tokens):
    """There are some only where the application is ours, and other tenants may use it."""

    name: ClassVar[str] = FOREIGN_TOKEN
    title: ClassVar[str] = "access tokens in other tenants"
    says: ClassVar[str] = "every access token of {name} in other tenants"
    why: ClassVar[str] = (
        "in other tenants that use the app its tokens are taken until they expire, up to 24 hours at Microsoft Graph "
        "with CAE: a deactivated application and a removed credential end new ones alone, and no resource hears of them"
    )
    survives: ClassVar[str] = why

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        app = conn.named(ref)
        row = application_of(conn, app)
        if row is not None and str(row.get("signInAudience") or "") not in ONE_TENANT:
            yield self._standing(ref, app.app_id)

    def lives(self, view: View, intent: Intent) -> timedelta:
        return CAE_LIVES
