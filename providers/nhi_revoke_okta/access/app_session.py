"""Sessions that apps keep for a user by themselves. Okta ends those of apps with Universal Logout, and no others.

OpenAPI: listApplications (filter user.id), Application.universalLogout, globalTokenRevocation (it initiates: 204 says
no more). Okta docs: universal-logout-settings (an app with partial support revokes refresh tokens alone).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.change import Change, Done, Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_okta.access import user_session
from nhi_revoke_okta.access.times import stamp
from nhi_revoke_okta.connection import PAGE, OktaConnection
from nhi_revoke_okta.principals import OKTAS_OWN
from nhi_revoke_okta.scopes import APPS, LOGOUT, USERS

KIND = "okta:app-session"
PATH = "/oauth2/v1/global-token-revocation"
ENABLED, FULL = "ENABLED", "FULL"
OWN = "its own session lives on until the app itself ends it: Okta has no way"
BY_HAND = "sign {user} out in the app itself, or have its administrators end the sessions"


class UniversalLogout(Doer[OktaConnection]):
    """One request for every app that supports it. The apps are asked by Okta, and tell nobody what they did."""

    name: ClassVar[str] = "universal-logout"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (LOGOUT,)
    says: ClassVar[str] = "has Okta sign the user out of every app with Universal Logout"
    survives: ClassVar[str] = "sessions of apps without it; those of apps with partial support"
    source: ClassVar[str] = "OpenAPI: globalTokenRevocation"
    reversible: ClassVar[bool] = False
    again: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (f"{user_session.KIND}/clear",)

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        asked = conn.now()
        body = {"sub_id": {"format": "opaque", "id": step.on.id}}
        try:
            conn.send("POST", PATH, LOGOUT, body, again=True)
        except Missing:
            return Impossible("this org has no Universal Logout", BY_HAND.format(user=step.before.get("login") or "it"))
        return Done({"cutoff": stamp(asked)}, conn.now())

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        """Nothing shows it: what was asked is all that is known, and without an answer it is asked again."""
        return dict(run.left(step.id)) or None

    def prove(self, conn: OktaConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.REQUESTED, "Okta accepted it (204); whether the apps ended their sessions no API tells")


class AppSessions(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "sessions that apps keep for a user"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = (APPS.read, USERS.read)
    remedies = (UniversalLogout(),)
    survives: ClassVar[str] = UniversalLogout.survives
    manual: ClassVar[str] = BY_HAND.format(user="the user")

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """Of apps that the user is assigned to: whether there is a session in one, nobody tells."""
        named = conn.named(ref)
        apps = conn.rows("/api/v1/apps", APPS.read, filter=f'user.id eq "{named.id}"', limit=PAGE)
        for app in apps:
            # Okta's own pages go by the IdP session, and a bookmark is a link.
            if str(app.get("name")) not in OKTAS_OWN and app.get("signOnMode") != "BOOKMARK":
                yield _access(ref, named.id, named.name, app)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        mine = [a for a in view.of(KIND) if intent.covers(a) and not intent.keep_sessions]
        name = view.who.name
        told = [a for a in mine if a.before["logout"] == ENABLED]
        partial = [a for a in told if a.before["support"] != FULL]
        if told:
            yield draft_step(
                self, self.remedies[0], view, *told, lock=f"{view.who.ref}:logout",
                says=f"sign {name} out of {_labels(told)}, by Universal Logout",
                breaks=f"{name} signs in anew to {_labels(told)}",
            )  # fmt: skip
        if partial:
            why = f"partial Universal Logout ends refresh tokens alone: sessions of {_labels(partial)} may live on"
            yield Notice(view.who.ref, why, "danger")
        if untold := [a for a in mine if a not in told]:
            what = f"{_labels(untold)}: {OWN}. {BY_HAND.format(user=name)}"
            yield Manual(view.who.ref, KIND, what, tuple(a.id for a in untold))


def _labels(accesses: Sequence[Access]) -> str:
    return ", ".join(str(a.before["label"]) for a in accesses)


def _access(ref: PrincipalRef, user: str, login: str, app: dict[str, Any]) -> Access:
    logout = app.get("universalLogout") or {}
    status, support = str(logout.get("status") or "UNSUPPORTED"), str(logout.get("supportType") or "")
    label = str(app.get("label") or app["id"])
    note = f"Universal Logout {status}{f', {support}' if support else ''}"
    return Access(
        id=f"{KIND}/{user}/{app['id']}",
        on=ref,
        kind=KIND,
        family="session",
        state="unknown",
        label=f"session in app {label}",
        evidence="GET /api/v1/apps?filter=user.id (assigned; no API tells of a session)",
        door=str(app["id"]),
        before={"logout": status, "support": support, "label": label, "login": login},
        note=note if status == ENABLED else f"{note}: {OWN}",
    )
