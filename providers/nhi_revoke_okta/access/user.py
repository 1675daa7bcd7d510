"""The user itself: suspended, so that nobody signs in as it. Never deactivated: that cannot be taken back whole.

OpenAPI: suspendUser (only users with an ACTIVE status), unsuspendUser. Whether suspension ends sessions Okta's
documents do not agree on (facts okta-github.md 1.3), and of tokens they say nothing: sessions and tokens are ended by
steps of their own, always.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access import api_token, user_role
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.scopes import USERS

KIND = "okta:user"
ACTIVE, SUSPENDED, DEPROVISIONED = "ACTIVE", "SUSPENDED", "DEPROVISIONED"
STATES: dict[str, State] = {
    ACTIVE: "live",
    "PASSWORD_EXPIRED": "live",
    "LOCKED_OUT": "live",
    "RECOVERY": "live",
    "PROVISIONED": "live",
    "STAGED": "disabled",
    SUSPENDED: "disabled",
    DEPROVISIONED: "disabled",
}
"""Of each status (OpenAPI: UserStatus). A locked, expired or recovering user signs in again after one more step."""
SHUT = (SUSPENDED, DEPROVISIONED)
BOTH = "Okta's documents do not agree on whether that ends sessions: they are cleared all the same"
BY_HAND = (
    "Okta suspends only ACTIVE users: Admin console, Directory > People > {name}: unlock or reset it first, then "
    "suspend it"
)


def status_of(conn: OktaConnection, user: str) -> str:
    """Read anew. Raises Missing for a user who was deleted."""
    return str(conn.get(f"/api/v1/users/{segment(user)}", USERS.read).get("status") or "")


class Suspend(Doer[OktaConnection]):
    """Group and app assignments are kept."""

    name: ClassVar[str] = "suspend"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (USERS.manage, USERS.read)
    says: ClassVar[str] = "suspends the user"
    undone: ClassVar[str] = "unsuspended"
    survives: ClassVar[str] = "sessions and tokens, as far as Okta's documents go: ended by steps of their own"
    source: ClassVar[str] = "OpenAPI: suspendUser, unsuspendUser"
    brake: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (f"{user_role.KIND}/unassign", f"{api_token.KIND}/delete")

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        return _move(conn, step, "suspend", ACTIVE, SUSPENDED)

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        status = status_of(conn, step.on.id)
        return {"status": status} if status in SHUT else None

    def prove(self, conn: OktaConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, f"the status was read twice; {BOTH}")

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        status = status_of(conn, step.on.id)
        if status == ACTIVE:
            return Already({"status": ACTIVE})
        if status != left.get("status"):
            return Failed(f"the user is {status}, not as this run left it: nothing was changed")
        return _move(conn, step, "unsuspend", SUSPENDED, ACTIVE)


def _move(conn: OktaConnection, step: Step, how: str, before: str, after: str) -> Change:
    status = status_of(conn, step.on.id)
    if status == after:
        return Already({"status": after})
    if status != before:
        name = step.before.get("login") or step.on.id
        return Impossible(f"the user is {status}: Okta can {how} only {before} ones", BY_HAND.format(name=name))
    try:
        conn.send("POST", f"/api/v1/users/{segment(step.on.id)}/lifecycle/{how}", USERS.manage, again=True)
    except Rejected:
        if status_of(conn, step.on.id) != after:  # asked twice, since the first answer was lost
            raise
    return Done({"status": after}, conn.now())


class Users(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "the user itself"
    family: ClassVar[Family] = "principal"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = (USERS.read,)
    remedies = (Suspend(),)
    survives: ClassVar[str] = Suspend.survives
    manual: ClassVar[str] = BY_HAND.format(name="NAME")

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        row = conn.get(f"/api/v1/users/{segment(named.id)}", USERS.read)
        status = str(row.get("status") or "")
        notes = [f"status {status}", BOTH if status == SUSPENDED else ""]
        yield Access(
            id=f"{KIND}/{named.id}",
            on=ref,
            kind=KIND,
            family=self.family,
            state=STATES.get(status, "unknown"),
            label=f"user {named.name}",
            created=moment(row.get("created")),
            last_used=moment(row.get("lastLogin")),
            evidence="GET /api/v1/users/{id}",
            door=named.id,
            before={"status": status, "login": named.name},
            note="; ".join(filter(None, notes)),
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if not intent.covers(access) or access.state not in ("live", "unknown") or intent.order != "contain":
                continue
            name, status = view.who.name, str(access.before["status"])
            if intent.brake == "off":
                says = f"--brake off: {name} is not suspended: whoever holds its password and factors signs in again"
                yield Notice(view.who.ref, says, "danger")
            elif status != ACTIVE:
                says = f"{name} is {status or 'of no known status'}, and stays so. {BY_HAND.format(name=name)}"
                yield Manual(view.who.ref, KIND, says, (access.id,))
            else:
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"suspend user {name}",
                    breaks=f"every sign-in of {name}, and all that it does with them, until release",
                )  # fmt: skip
                says = (
                    f"the password of {name} is not changed: it signs in again once the suspension is taken off. Reset "
                    "it before, where it may be known: POST /api/v1/users/ID/lifecycle/expire_password"
                )
                yield Notice(view.who.ref, says, "warning")
