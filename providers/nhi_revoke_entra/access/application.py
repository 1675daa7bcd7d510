"""The application itself: deactivated, it gets nobody a new token, in any tenant. Never deleted.

facts entra.md 0 (2), 2 ("deactivate app"), 3 and 8 (9, 28): tokens that are out live on, and no resource hears of it;
owners can activate it again. It is the brake of a multi-tenant app, whose service principals in other tenants nobody
here can disable. Microsoft docs: deactivate-application-portal, which shows the write in beta alone; the schema of v1.0
has it, too. No cloud has been seen taking either.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_entra.access.appeared import appeared, known_ways
from nhi_revoke_entra.access.client_secret_end import secrets_on
from nhi_revoke_entra.access.credential import NEEDED, SETTLE, key_of
from nhi_revoke_entra.access.federated_credential import credentials_of
from nhi_revoke_entra.access.key_list import keys_on
from nhi_revoke_entra.access.places import Place, application_of, is_orphaned, read, service_principal_of
from nhi_revoke_entra.access.stopping import (
    APPLICATION,
    ENDED,
    FEDERATED,
    ONE_TENANT,
    REMOVED,
    is_deactivated,
    is_wanted,
)
from nhi_revoke_entra.connection import BETA, V1, EntraConnection
from nhi_revoke_entra.deleted import deleted_half
from nhi_revoke_entra.lifetimes import after_deactivation
from nhi_revoke_entra.named import APPLICATIONS
from nhi_revoke_entra.naming import APP
from nhi_revoke_entra.permissions import READ_APPS, WRITE_APPS

KIND = APPLICATION
SOURCE = "Microsoft docs: deactivate-application-portal"
BY_HAND = "deactivate it in the admin center (App registrations), and tell the tenants that use it"
OUT = "an owner, or whoever may manage apps, can activate it again"


def is_active(conn: EntraConnection, application: str) -> bool | None:
    """None where it is no more. Raises Denied."""
    try:
        return read(conn, Place(APPLICATIONS, application)).get("isDisabled") is not True
    except Missing:
        return None


def set_active(conn: EntraConnection, application: str, *, active: bool) -> None:
    """Safe to repeat. Where v1.0 refuses the write, beta is asked. Raises Missing, Denied, Rejected."""
    path, body = f"/{APPLICATIONS}/{application}", {"isDisabled": not active}
    try:
        conn.send("PATCH", path, WRITE_APPS, body, again=True, version=V1)
    except Rejected:
        conn.send("PATCH", path, WRITE_APPS, body, again=True, version=BETA)


class Deactivate(Doer[EntraConnection]):
    """The brake in every tenant."""

    name: ClassVar[str] = "deactivate"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = "deactivates the application: nothing gets a new token for it, in any tenant"
    undone: ClassVar[str] = "it is activated again: what was not ended itself works again, in every tenant"
    survives: ClassVar[str] = "every token that is out, until it expires: no resource hears of it"
    source: ClassVar[str] = SOURCE
    brake: ClassVar[bool] = True
    released_by: ClassVar[str] = f"{KIND}/activate"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        application = str(step.before["object"])
        if not is_active(conn, application):
            return Already(_left(conn, step))
        try:
            set_active(conn, application, active=False)
        except Missing:
            return Already(_left(conn, step))
        except Rejected as refused:
            return Impossible(f"{refused.message}: it could not be deactivated, in v1.0 and in beta", BY_HAND)
        return Done(_left(conn, step), conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        if is_active(conn, str(step.before["object"])):
            return None
        return run.left(step.id) or _left(conn, step)

    def prove(self, conn: EntraConnection, step: Step, run: Run) -> Proven:
        how = "isDisabled is true, read twice: by Microsoft's documents no new token in any tenant; those that are out"
        return Proven(Proof.RECORDED, f"{how} live on for their time")

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        now, was = is_active(conn, str(step.before["object"])), bool(step.before["active"])
        if now is None:
            return Impossible("it was deleted, by somebody else: this tool never does", "restore it within 30 days")
        if now or not was:
            return Already({"active": now})
        if left.get("active") is not False:
            return Failed("this run did not deactivate it: nothing was changed")
        set_active(conn, str(step.before["object"]), active=True)
        return Done({"active": True}, conn.now())


def _left(conn: EntraConnection, step: Step) -> Json:
    """It denies nothing to a token that is out: `denies` would say so."""
    return {"active": False, "residuals": after_deactivation(conn.now(), conn.scope, step.on.id)}


class Activate(Doer[EntraConnection]):
    """Takes the brake off, once nothing that was to be removed would sign in again elsewhere."""

    name: ClassVar[str] = "activate"
    phase: ClassVar[Phase] = Phase.RELEASE
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = "activates the application again, after its old credentials were removed"
    undone: ClassVar[str] = "it is deactivated again"
    survives: ClassVar[str] = "what other tenants have on their own service principals of it works again"
    source: ClassVar[str] = SOURCE
    settle: ClassVar[float] = SETTLE
    needs: ClassVar[tuple[str, ...]] = ENDED

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        application = str(step.before["object"])
        now = is_active(conn, application)
        if now is None:
            return Failed("the application is no more: nothing was changed")
        if now:
            return Already({"active": True})
        if not step.before["active"]:
            return Already({"active": False})  # it was deactivated before this run, by somebody who had a reason
        if still := _left_over(conn, step):
            return Failed(f"{still} would let somebody in again, in every tenant: `resume` removes it. It stays off")
        if new := appeared(conn, step, run, application):
            return Failed(new)
        set_active(conn, application, active=True)
        return Done({"active": True}, conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        now = is_active(conn, str(step.before["object"]))
        return {"active": now} if now is not None and now == bool(step.before["active"]) else None

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        if not is_active(conn, str(step.before["object"])):
            return Already({"active": False})
        set_active(conn, str(step.before["object"]), active=False)
        return Done({"active": False}, conn.now())


def _removed(view: View, intent: Intent, application: str) -> list[str]:
    """Ids of the application's own credentials that this run removes."""
    mine = (a for kind in (*REMOVED, FEDERATED) for a in view.of(kind) if a.before.get("object") == application)
    return [key_of(a.id) for a in mine if is_wanted(a, intent)]


def _left_over(conn: EntraConnection, step: Step) -> str:
    """Credentials of the application that this run was to remove, and that are there."""
    application = str(step.before["object"])
    place, planned = Place(APPLICATIONS, application), set(step.before.get("removed") or ())
    there = [*secrets_on(conn, place), *keys_on(conn, place)]
    there += [str(row["id"]).lower() for row in credentials_of(conn, application)]
    left = sorted(planned & set(there))
    return f"credential {', '.join(left)}" if left else ""


class Applications(AccessKind[EntraConnection]):
    """The application as an access: what deactivates it ends, and `release` gives back. Of a single-tenant app it is
    listed and left: the service principal is brake enough.
    """

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "the application itself"
    family: ClassVar[Family] = "principal"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS,)
    remedies = (Deactivate(), Activate())
    survives: ClassVar[str] = Deactivate.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        row = application_of(conn, named)
        if row is None:
            if is_orphaned(conn, row, service_principal_of(conn, named) or {}):
                spot = deleted_half(conn, ref, KIND, named.app_id, "application")
                yield from () if spot is None else (spot,)
            return
        active = row.get("isDisabled") is not True
        wide = str(row.get("signInAudience") or "") not in ONE_TENANT
        notes = ["lets nobody in by itself: its secrets, certificates and federated credentials do"]
        if not active:
            notes = [f"deactivated already: no new tokens in any tenant; {OUT}"]
        if wide:
            notes.append("other tenants may use it")
        yield Access(
            id=f"{KIND}/{row['id']}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live" if active else "disabled",
            label="application {name}",
            evidence="GET /applications/…",
            door=str(row["id"]),
            before={"object": str(row["id"]), "active": active},
            opens=False,
            elsewhere=wide,
            note="; ".join(notes),
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            active, name = bool(access.before["active"]), view.who.name
            if is_deactivated(view, intent):
                what = f"deactivate application {name}" if active else f"keep application {name} deactivated"
                said = f"{name} is deactivated for every tenant until `release`; --brake off leaves it active"
                yield Notice(view.who.ref, said if intent.brake == "auto" else said.partition(";")[0], "warning")
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"{what}, for every tenant",
                    before={
                        **access.before,
                        "removed": _removed(view, intent, str(access.before["object"])),
                        **known_ways(view, intent),
                    },
                    rearms="always" if active else "no",
                    breaks=f"all that {name} does in other tenants: nothing gets a token for it, until release"
                    if active
                    else "",
                )  # fmt: skip
            elif not active and intent.order == "contain":
                yield Notice(
                    view.who.ref, f"{access.label} was deactivated before this run, and stays so: {OUT}", "info"
                )
