"""The app itself: deactivated, it gets nobody a token; activated again, what was not ended works as before.

OpenAPI: deactivateApplication, activateApplication. Whether deactivation ends what the app has issued is documented
nowhere: its tokens count as living until they expire, and so does what they may do. An app is never deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_okta.access import app_grant, app_role
from nhi_revoke_okta.access.app_credential import RIGHTS_FIRST, facts_of, tokens_end
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.naming import APP
from nhi_revoke_okta.scopes import APPS

KIND = "okta:app"
ACTIVE, INACTIVE, DELETED = "ACTIVE", "INACTIVE", "DELETED"
HARMLESS_ROLES = frozenset({"READ_ONLY_ADMIN", "REPORT_ADMIN"})
"""Admin roles that change nothing."""
MANAGES = ".manage"
MOST_NAMED = 6
STOPPED: Json = {"status": INACTIVE, "denies": "everything"}
"""Nothing signs in for it. What that does not reach (tokens that it has, and their rights) is marked `elsewhere`."""


def app_of(conn: OktaConnection, app: str) -> dict[str, Any]:
    """Raises Missing, Denied."""
    found: dict[str, Any] = conn.get(f"/api/v1/apps/{segment(app)}", APPS.read)
    return found


def status_of(conn: OktaConnection, app: str) -> str:
    """`DELETED` where it is no more."""
    try:
        return str(app_of(conn, app).get("status") or ACTIVE)
    except Missing:
        return DELETED


class Deactivate(Doer[OktaConnection]):
    """Nobody gets a token for it. Users assigned through groups are reconciled, as Okta documents."""

    name: ClassVar[str] = "deactivate"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (APPS.manage, APPS.read)
    says: ClassVar[str] = "deactivates the app: its token endpoint refuses it"
    undone: ClassVar[str] = "activates it again: what was not ended itself works again"
    survives: ClassVar[str] = "whatever it has issued: Okta documents nothing of it, so it counts as living"
    source: ClassVar[str] = "OpenAPI: deactivateApplication"
    brake: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = RIGHTS_FIRST

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        status = status_of(conn, step.on.id)
        if status != ACTIVE:
            return Already({**STOPPED, "status": status, "residuals": tokens_end(conn, step)})
        try:
            conn.send("POST", _path(step, "deactivate"), APPS.manage, again=True)
        except Missing:
            return Already({**STOPPED, "status": DELETED, "residuals": tokens_end(conn, step)})
        return Done({**STOPPED, "residuals": tokens_end(conn, step)}, conn.now())

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        status = status_of(conn, step.on.id)
        if status == ACTIVE:
            return None
        left = run.left(step.id) or {**STOPPED, "residuals": tokens_end(conn, step)}
        return {**left, "status": status}

    def prove(self, conn: OktaConnection, step: Step, run: Run) -> Proven:
        how = (
            "its status is INACTIVE, read twice; whether Okta ends what the app issued before is documented nowhere: "
            "its tokens count as living"
        )
        return Proven(Proof.RECORDED, how)

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        status, was = status_of(conn, step.on.id), str(step.before["status"])
        if status == was or was != ACTIVE:
            return Already({"status": status})
        if status == DELETED:
            return Impossible("the app was deleted, by somebody else: this tool never does", "make a new app")
        if status != left.get("status"):
            return Failed(f"the app is {status}, not as this run left it: nothing was changed")
        conn.send("POST", _path(step, "activate"), APPS.manage, again=True)
        return Done({"status": ACTIVE}, conn.now())


def _path(step: Step, verb: str) -> str:
    return f"/api/v1/apps/{segment(step.on.id)}/lifecycle/{verb}"


class Brake(Struct, frozen=True):
    """Whether the app is stopped, and what must be read before consenting."""

    on: bool
    said: tuple[Notice, ...] = ()


def brake_of(view: View, intent: Intent) -> Brake:
    """`auto`: where the app could repair itself, or where nothing but this ends what signs in for it."""
    if intent.order != "contain":
        return Brake(on=False)
    if intent.brake == "on":
        return Brake(on=True)
    why = _could_repair(view) or _keys_outside(view)
    if why and intent.brake == "off":
        return Brake(on=False, said=(Notice(view.who.ref, f"{why}; --brake off leaves it running", "danger"),))
    if why and intent.scope != "all":
        said = f"{why}; --scope {intent.scope} leaves it running, and --scope all stops it"
        return Brake(on=False, said=(Notice(view.who.ref, said, "danger"),))
    if why:
        said = f"{why}, so it is deactivated until `release` (brake auto; --brake off lets it go on)"
        return Brake(on=True, said=(Notice(view.who.ref, said, "warning"),))
    blind = next((b for b in view.blind if b.kind in (app_role.KIND, app_grant.KIND)), None)
    if blind is not None and intent.brake == "auto":
        said = f"whether {view.who.name} could repair itself is unseen ({blind.why}): no brake; --brake on stops it"
        return Brake(on=False, said=(Notice(view.who.ref, said, "warning"),))
    return Brake(on=False)


def _could_repair(view: View) -> str:
    """With an admin role, or a scope to manage something, it could make itself a new secret or take changes back."""
    roles = [a.label for a in view.of(app_role.KIND) if a.before["type"] not in HARMLESS_ROLES]
    scopes = [a.label for a in view.of(app_grant.KIND) if _manages(a)]
    held = sorted(roles) + sorted(scopes)
    more = len(held) - MOST_NAMED
    named = ", ".join(held[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"app {view.who.name} holds {named}: with a token that lives it could repair itself" if held else ""


def _manages(access: Access) -> bool:
    scope = str(access.before["scope"])
    return scope.startswith(app_grant.OKTAS) and scope.endswith(MANAGES)


def _keys_outside(view: View) -> str:
    uri = view.who.facts.get("jwks_uri")
    return f"the keys of app {view.who.name} are published outside of Okta, where nothing here ends them" if uri else ""


class Apps(AccessKind[OktaConnection]):
    """The principal as an access: what a brake ends, and `release` gives back."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "the app itself"
    family: ClassVar[Family] = "principal"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (APPS.read,)
    remedies = (Deactivate(),)
    survives: ClassVar[str] = Deactivate.survives

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        app = app_of(conn, conn.named(ref).id)
        status = str(app.get("status") or ACTIVE)
        note = "lets nobody in by itself: its secrets, keys and tokens do"
        if status != ACTIVE:
            note = f"{status} already; whoever may manage apps can activate it again"
        yield Access(
            id=f"{KIND}/{app['id']}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live" if status == ACTIVE else "disabled",
            label="app {name}",
            evidence="GET /api/v1/apps/…",
            door=str(app["id"]),
            before={"status": status},
            opens=False,
            note=note,
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        brake = brake_of(view, intent)
        yield from brake.said
        for access in view.of(KIND):
            if not brake.on:
                continue
            stopped = access.before["status"] != ACTIVE
            yield draft_step(
                self, self.remedies[0], view, access,
                says=f"keep app {view.who.name} deactivated" if stopped else f"deactivate app {view.who.name}",
                before={**access.before, **facts_of(view)}, rearms="no" if stopped else "always",
                breaks="" if stopped else f"all that {view.who.name} does: nobody gets a token for it, until release",
            )  # fmt: skip
