"""Apps that may manage an application (`managerApplications`): each can do what an owner can.

facts entra.md 1 (row 8) and 8 (26). The schema says GUIDs (Collection(Edm.Guid)) and not of what: each is looked up as
an appId and as either object id, and sent back as it was read. A PATCH replaces the whole list, so that every survivor
is sent back, one removal at a time, and what was lost besides is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Conflict, Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_entra.access.credential import NEEDED, SETTLE
from nhi_revoke_entra.access.places import Place
from nhi_revoke_entra.access.stopping import is_wanted
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.named import APPLICATIONS, Named
from nhi_revoke_entra.naming import APP, PROVIDER, canonical
from nhi_revoke_entra.permissions import READ_APPS, WRITE_APPS

KIND = "entra:managing-app"
MEMBER = "managerApplications"
GONE: Json = {"manages": False}
THERE: Json = {"manages": True}


def managing(conn: EntraConnection, application: str) -> list[str]:
    """As they were told. Raises Denied; none where the application is gone."""
    try:
        row = conn.get(Place(APPLICATIONS, application).path, READ_APPS, **{"$select": f"id,{MEMBER}"})
    except Missing:
        return []
    return [str(each) for each in row.get(MEMBER) or ()]


def _replace(conn: EntraConnection, application: str, wanted: Sequence[str]) -> None:
    """Raises Missing where the application is gone, Conflict where one of them is not there afterwards."""
    conn.send("PATCH", Place(APPLICATIONS, application).path, WRITE_APPS, {MEMBER: list(wanted)}, again=False)
    lost = sorted({each.lower() for each in wanted} - {each.lower() for each in managing(conn, application)})
    if lost:
        raise Conflict(f"apps {', '.join(lost)} may not manage it any more, either: look who wrote that")


class Remove(Doer[EntraConnection]):
    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = "takes the app off the list of those that may manage it, and writes the others again"
    undone: ClassVar[str] = "the same app may manage it again"
    survives: ClassVar[str] = "what that app added before, and roles by which it may do the same"
    source: ClassVar[str] = "Microsoft docs: application-update"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        application, mine = _named(step)
        found = managing(conn, application)
        if mine not in {each.lower() for each in found}:
            return Already(GONE)
        now = conn.written.corrected(_list(application), {each.lower(): each for each in found})
        survivors = [each for name, each in now.items() if name != mine]
        try:
            _replace(conn, application, survivors)
        except Missing:
            return Already(GONE)
        conn.written.removed(_list(application), mine)
        return Done(GONE, conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        return None if self._manages(conn, step) else GONE

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        application, mine = _named(step)
        found = managing(conn, application)
        if mine in {each.lower() for each in found}:
            return Already(THERE)
        if left != GONE:
            return Failed("this run did not take it off the list: nothing was changed")
        now = conn.written.corrected(_list(application), {each.lower(): each for each in found})
        _replace(conn, application, [*(each for name, each in now.items() if name != mine), str(step.before["app"])])
        conn.written.added(_list(application), mine, str(step.before["app"]))
        return Done(THERE, conn.now())

    def _manages(self, conn: EntraConnection, step: Step) -> bool:
        application, mine = _named(step)
        return mine in {each.lower() for each in managing(conn, application)}


def _list(application: str) -> str:
    """Of that application, beside its keys (`Written`)."""
    return f"{application} {MEMBER}"


def _named(step: Step) -> tuple[str, str]:
    """The application, and the app on its list in small letters."""
    return str(step.before["object"]), str(step.before["app"]).lower()


class ManagingApps(AccessKind[EntraConnection]):
    """Taken off in a containment; a rightful one is put back by `undo`."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "apps that may manage it"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS,)
    remedies = (Remove(),)
    survives: ClassVar[str] = Remove.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        application = conn.named(ref).application
        listed = managing(conn, application) if application else []
        for app, known in zip(listed, io.map(lambda each: _app(conn, each), listed), strict=True):
            yield self._access(ref, application, app, known)

    def _access(self, ref: PrincipalRef, application: str, app: str, known: Named | None) -> Access:
        name = known.name if known else f"{app}, which is not in this tenant"
        return Access(
            id=f"{KIND}/{application}/{app.lower()}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"app {name}, which may manage the application",
            evidence="GET /applications/…?$select=managerApplications",
            door=f"{APPLICATIONS} {app.lower()}",
            before={"object": application, "app": app, "name": name, "app_id": known.app_id if known else ""},
            elsewhere=True,
            note="can add credentials, and enable what was disabled",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        for access in view.of(KIND):
            if not is_wanted(access, intent):
                continue
            app = str(access.before["app_id"])
            if app and canonical(APP, app) in view.inventory.operator:
                yield Notice(view.who.ref, f"{access.label}: it is you, and stays", "info")
                continue
            yield draft_step(
                self, self.remedies[0], view, access, rearms="always", lock=f"{access.before['object']}:managing",
                says=f"take app {access.before['name']} off the list of those that may manage {view.who.name}",
                breaks=f"whatever {access.before['name']} does to it",
            )  # fmt: skip


def _app(conn: EntraConnection, guid: str) -> Named | None:
    """None where it is no app of this tenant. Raises Denied: one that nobody could name may be the operator's own."""
    try:
        return conn.named(PrincipalRef(PROVIDER, APP, guid))
    except Missing:
        return None
