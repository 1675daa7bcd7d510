"""The user itself: disabled, nobody signs in as it. Never deleted.

facts entra.md 2, 3 and 8 (12): resources with CAE hear of it within 15 minutes; once it is enabled again, tokens that
were issued before may work again, so that its sessions are revoked first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_entra.access.authentication_method import PASS, is_over, methods_of, sort_of
from nhi_revoke_entra.access.credential import SETTLE
from nhi_revoke_entra.access.user_held import PASSES, PASSWORD, USER_KIND, held_of, is_stopped
from nhi_revoke_entra.access.user_state import SYNCED, THERE, elsewhere_only, is_enabled, user_listed
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lifetimes import USER_CAE_LIVES, after_brake, after_release
from nhi_revoke_entra.naming import USER
from nhi_revoke_entra.permissions import ENABLE_USERS, READ_METHODS, READ_USERS, REVOKE_SESSIONS

KIND = USER_KIND
STOPPED: Json = {"enabled": False, "denies": "everything"}
NEEDED = (ENABLE_USERS, READ_USERS)
KNOWN = "known"
"""In the brake's `before`: ids of the temporary access passes that the plan knew."""
SOURCE = "Microsoft docs: user-update, concept-continuous-access-evaluation"


def set_enabled(conn: EntraConnection, user: str, *, enabled: bool) -> None:
    """Safe to repeat. Raises Missing, Denied, Rejected."""
    conn.send("PATCH", f"/users/{segment(user)}", ENABLE_USERS, {"accountEnabled": enabled}, again=True)


def revoke_sessions(conn: EntraConnection, user: str) -> None:
    """Any 2xx means yes (facts entra.md 2). Safe to repeat. Raises Missing, Denied."""
    conn.send("POST", f"/users/{segment(user)}/revokeSignInSessions", REVOKE_SESSIONS, again=True)


def _released(conn: EntraConnection, step: Step) -> Json:
    told = after_release(conn.now(), conn.scope, step.on.id, USER_CAE_LIVES)
    return {"enabled": True, "residuals": told}


class Disable(Doer[EntraConnection]):
    """The brake. The password that it holds is replaced by nobody's before it is released."""

    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = "disables the user: nobody signs in as it"
    undone: ClassVar[str] = "it is enabled again: what was not ended itself works again"
    survives: ClassVar[str] = "tokens that are out: 60 to 90 minutes, but at resources with CAE, which hear within 15"
    source: ClassVar[str] = SOURCE
    brake: ClassVar[bool] = True
    released_by: ClassVar[str] = f"{KIND}/enable"
    settle: ClassVar[float] = SETTLE

    def check(self, conn: EntraConnection, step: Step) -> Impossible | None:
        return elsewhere_only(step)

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        # Seen enabled when it was listed, it is disabled without another look first.
        if not step.before["enabled"] and not is_enabled(conn, step.on.id):
            return Already(self._left(conn, step))
        try:
            set_enabled(conn, step.on.id, enabled=False)
        except Missing:
            return Already(self._left(conn, step))
        return Done(self._left(conn, step), conn.now())

    def _left(self, conn: EntraConnection, step: Step) -> Json:
        return {**STOPPED, "residuals": after_brake(conn.now(), conn.scope, step.on.id)}

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        return None if is_enabled(conn, step.on.id) else run.left(step.id) or self._left(conn, step)

    def prove(self, conn: EntraConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, "accountEnabled is false, read twice; tokens that are out live on for their time")

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        now, was = is_enabled(conn, step.on.id), bool(step.before["enabled"])
        if now is None:
            return Impossible("it was deleted, by somebody else: this tool never does", "restore it within 30 days")
        if now or not was:
            return Already({"enabled": now})
        if left.get("enabled") is not False:
            return Failed("this run did not disable it: nothing was changed")
        set_enabled(conn, step.on.id, enabled=True)
        return Done({"enabled": True}, conn.now())


class Enable(Doer[EntraConnection]):
    """Takes the brake off, once its password is another one and its sessions were revoked again."""

    name: ClassVar[str] = "enable"
    phase: ClassVar[Phase] = Phase.RELEASE
    permissions: ClassVar[tuple[str, ...]] = (*NEEDED, REVOKE_SESSIONS, READ_METHODS)
    says: ClassVar[str] = "revokes the user's sessions once more, and enables it again"
    undone: ClassVar[str] = "it is disabled again"
    survives: ClassVar[str] = "tokens with CAE that are out: whether they are taken again is documented nowhere"
    source: ClassVar[str] = SOURCE
    settle: ClassVar[float] = SETTLE
    needs: ClassVar[tuple[str, ...]] = (f"{PASSWORD}/replace", f"{PASSES}/delete")

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        now = is_enabled(conn, step.on.id)
        if now is None:
            return Failed("the user is no more: nothing was changed")
        left = _released(conn, step)
        if now:
            return Already(left)
        if not step.before["enabled"]:
            return Already({"enabled": False})  # it was disabled before this run, by somebody who had a reason
        if new := _passes_since(conn, step):
            why = f"{new} was made since the plan was, and would let somebody in: it stays disabled"
            return Failed(f"{why}. Delete it (admin center, the user's authentication methods), then again")
        revoke_sessions(conn, step.on.id)
        set_enabled(conn, step.on.id, enabled=True)
        return Done(left, conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        now = is_enabled(conn, step.on.id)
        if now is None or now != bool(step.before["enabled"]):
            return None
        return run.left(step.id) or {**_released(conn, step), "enabled": now}

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        if not is_enabled(conn, step.on.id):
            return Already({"enabled": False})
        set_enabled(conn, step.on.id, enabled=False)
        return Done({"enabled": False}, conn.now())


def _passes_since(conn: EntraConnection, step: Step) -> str:
    """Temporary access passes that nobody knew of when the plan was made: they are made for a disabled user, too."""
    known = step.before.get(KNOWN)
    if not isinstance(known, list):
        return ""
    passes = (m for m in methods_of(conn, step.on.id) if sort_of(m) == PASS and not is_over(m, conn.now()))
    new = [str(each["id"]) for each in passes if str(each["id"]) not in known]
    return f"temporary access pass {', '.join(new)}" if new else ""


def _known_passes(view: View) -> Json:
    """For the brake's `before`; nothing where they could not be listed, so that nobody can tell which is new."""
    unseen = any(b.kind == PASSES and b.counts for b in view.blind)
    return {} if unseen else {KNOWN: sorted(a.id.rpartition("/")[2] for a in view.of(PASSES))}


class Users(AccessKind[EntraConnection]):
    """The principal as an access: what a brake ends, and `release` gives back."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "the user itself"
    family: ClassVar[Family] = "principal"
    on: ClassVar[tuple[str, ...]] = (USER,)
    reads: ClassVar[tuple[str, ...]] = (READ_USERS,)
    remedies = (Disable(), Enable())
    survives: ClassVar[str] = Disable.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        row = user_listed(conn, conn.user_named(ref).id)
        if row is None:
            return
        enabled = row.get("accountEnabled") is not False
        note = "lets nobody in by itself: its password, passes and sessions do"
        yield Access(
            id=f"{KIND}/{row['id']}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live" if enabled else "disabled",
            label="user {name}",
            evidence="GET /users/…",
            door=str(row["id"]),
            before={"enabled": enabled, "synced": bool(row.get("onPremisesSyncEnabled"))},
            opens=False,
            note=note if enabled else "disabled already; whoever may manage users can enable it again",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        name, on = view.who.name, view.who.ref
        if view.who.facts.get("synced"):
            yield Manual(on, KIND, f"{SYNCED}: {THERE}", tuple(a.id for a in view.of(KIND)))
        stopped = is_stopped(view, intent)
        if not stopped and intent.brake != "on":
            said = f"{name} stays enabled: its password lets in whoever knows it, whatever sessions are revoked"
            yield Notice(on, said, "danger")
        if not stopped:
            return
        yield Notice(on, f"{name} is disabled until `release` (--brake off leaves it enabled)", "warning")
        waiting = held_of(view, intent)
        for access in view.of(KIND):
            enabled = bool(access.before["enabled"])
            what = f"disable user {name}" if enabled else f"keep user {name} disabled"
            yield draft_step(
                self, self.remedies[0], view, access, *waiting, says=what,
                before={**access.before, **_known_passes(view)},
                rearms="always",
                breaks=f"all that {name} does: nobody signs in as it, until release" if enabled else "",
            )  # fmt: skip
