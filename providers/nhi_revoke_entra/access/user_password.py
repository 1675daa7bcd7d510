"""A user's password: known to whoever took it, until it is another one.

facts entra.md 2, 3 and 8 (12): revoking sessions leaves it, and whoever knows it signs in again; a change that must be
made at the next sign-in would lock a program out. The new one is nobody's: a person who needs one sets it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar

from nhi_revoke.model.change import Change, Done, Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment, stamp
from nhi_revoke_entra.access.credential import SETTLE
from nhi_revoke_entra.access.user_held import PASSWORD, held_of
from nhi_revoke_entra.access.user_state import elsewhere_only, user_listed, user_of
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.naming import USER
from nhi_revoke_entra.permissions import READ_USERS, WRITE_PASSWORDS

KIND = PASSWORD
REPLACED: Json = {"password": "replaced"}
BYTES = 48
A_MOMENT = timedelta(seconds=2)


class Replace(Doer[EntraConnection]):
    """For good: nobody knows the old one but who took it, and no API reads one back."""

    name: ClassVar[str] = "replace"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (WRITE_PASSWORDS, READ_USERS)
    says: ClassVar[str] = "gives the user a password that nobody knows"
    survives: ClassVar[str] = "app passwords and keys elsewhere"
    source: ClassVar[str] = "Microsoft docs: user-update (passwordProfile)"
    reversible: ClassVar[bool] = False
    settle: ClassVar[float] = SETTLE

    def check(self, conn: EntraConnection, step: Step) -> Impossible | None:
        return elsewhere_only(step)

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        import secrets

        profile = {"password": f"{secrets.token_urlsafe(BYTES)}-aA1", "forceChangePasswordNextSignIn": False}
        body = {"passwordProfile": profile}
        at = conn.now()
        conn.send("PATCH", f"/users/{segment(step.on.id)}", WRITE_PASSWORDS, body, again=True)
        return Done({**REPLACED, "at": stamp(at)}, conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        """Graph tells when the password was changed last: not before this run asked, where that is known."""
        left, row = run.left(step.id), user_of(conn, step.on.id)
        changed = moment((row or {}).get("lastPasswordChangeDateTime"))
        asked, before = moment(left.get("at")), moment(step.before.get("changed"))
        if row is None:
            return left or REPLACED
        if changed is None or (asked and changed < asked - A_MOMENT) or (not asked and before and changed <= before):
            return None
        return left or {**REPLACED, "at": stamp(changed)}

    def prove(self, conn: EntraConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, "Graph tells that it was changed, read twice; no API reads a password back")


class UserPasswords(AccessKind[EntraConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "the password of a user"
    family: ClassVar[Family] = "password"
    on: ClassVar[tuple[str, ...]] = (USER,)
    reads: ClassVar[tuple[str, ...]] = (READ_USERS,)
    remedies = (Replace(),)
    survives: ClassVar[str] = Replace.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        row = user_listed(conn, conn.user_named(ref).id)
        if row is not None:
            yield Access(
                id=f"{KIND}/{row['id']}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="live",
                label="the password of {name}",
                evidence="GET /users/…",
                door=str(row["id"]),
                before={
                    "synced": bool(row.get("onPremisesSyncEnabled")),
                    "changed": str(row.get("lastPasswordChangeDateTime") or ""),
                },
                note="whoever knows it signs in, where no policy asks for more",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        waits = {a.id for a in held_of(view, intent)}
        for access in view.of(KIND):
            if access.id in waits or not intent.covers(access):
                continue
            if access.before["synced"]:
                yield Manual(view.who.ref, KIND, "give it another password in Active Directory", (access.id,))
                continue
            yield draft_step(
                self, self.remedies[0], view, access, phase=Phase.END,
                says=f"give {view.who.name} a password that nobody knows",
                breaks=f"whatever signs in as {view.who.name} by password, until somebody sets one",
            )  # fmt: skip
