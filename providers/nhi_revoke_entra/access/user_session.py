"""Sessions of a user: refresh tokens and cookies, which nothing lists one by one and one call revokes.

facts entra.md 2, 3 and 8 (12, 14): it takes a few minutes, is no such call for a service principal, does nothing for
guests, and keeps nobody out who knows the password.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar

from nhi_revoke.model.change import Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment, stamp
from nhi_revoke_entra.access.user import revoke_sessions
from nhi_revoke_entra.access.user_held import USER_KIND
from nhi_revoke_entra.access.user_state import user_listed, user_of
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lifetimes import after_brake
from nhi_revoke_entra.naming import USER
from nhi_revoke_entra.permissions import READ_USERS, REVOKE_SESSIONS

KIND = "entra:user-session"
SETTLE = 300.0
"""Seconds: "a few minutes" are documented; the margin is ours."""
A_MOMENT = timedelta(seconds=2)
GUEST = "guest"


class Revoke(Doer[EntraConnection]):
    """After the user was disabled, where it is: nothing is begun in between."""

    name: ClassVar[str] = "revoke"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (REVOKE_SESSIONS, READ_USERS)
    says: ClassVar[str] = "revokes every refresh token and browser session of the user"
    survives: ClassVar[str] = "access tokens: 60 to 90 minutes, but at resources with CAE, which hear within 15"
    source: ClassVar[str] = "Microsoft docs: user-revokesigninsessions"
    reversible: ClassVar[bool] = False
    again: ClassVar[bool] = True
    settle: ClassVar[float] = SETTLE
    needs: ClassVar[tuple[str, ...]] = (f"{USER_KIND}/disable",)

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        at = conn.now()
        revoke_sessions(conn, step.on.id)
        return Done(self._left(conn, step, stamp(at)), conn.now())

    def _left(self, conn: EntraConnection, step: Step, cutoff: str) -> Json:
        told = after_brake(conn.now(), conn.scope, step.on.id)
        return {"cutoff": cutoff, "residuals": told}

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        """Graph tells from when on sessions count: not before this run asked, where that is known."""
        left, row = run.left(step.id), user_of(conn, step.on.id)
        valid = moment((row or {}).get("signInSessionsValidFromDateTime"))
        asked, before = moment(left.get("cutoff")), moment(step.before.get("valid_from"))
        if row is None:
            return left or self._left(conn, step, stamp(conn.now()))
        if valid is None or (asked and valid < asked - A_MOMENT) or (not asked and before and valid <= before):
            return None
        return left or self._left(conn, step, stamp(valid))


class UserSessions(AccessKind[EntraConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "sessions of a user"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = (USER,)
    reads: ClassVar[tuple[str, ...]] = (READ_USERS,)
    remedies = (Revoke(),)
    survives: ClassVar[str] = Revoke.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        row = user_listed(conn, conn.user_named(ref).id)
        if row is not None:
            yield Access(
                id=f"{KIND}/{{scope}}/{{name}}/*",
                on=ref,
                kind=KIND,
                family=self.family,
                state="unknown",
                label="every refresh token and browser session of {name}",
                evidence="none: Entra lists no sessions",
                door="{name}",
                before={"valid_from": str(row.get("signInSessionsValidFromDateTime") or "")},
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            if not intent.covers(access):
                continue
            if str(view.who.facts.get("type") or "").lower() == GUEST:
                why = "a guest's sessions are its home tenant's: they are revoked there, and it is disabled here"
                yield Manual(view.who.ref, KIND, why, (access.id,))
                continue
            yield draft_step(
                self, self.remedies[0], view, access,
                says=f"revoke every session of {view.who.name}",
                breaks=f"whatever {view.who.name} is signed in to",
            )  # fmt: skip
