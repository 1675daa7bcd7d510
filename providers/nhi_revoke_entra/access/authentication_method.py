"""Authentication methods of a user: a temporary access pass is a password; the others are told, and stay.

facts entra.md 1 (row 15): the list tells the sort of each by its type; a pass is deleted by its own path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.access.credential import GONE, SETTLE
from nhi_revoke_entra.access.stopping import is_wanted
from nhi_revoke_entra.access.user_held import PASSES, held_of
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.naming import USER
from nhi_revoke_entra.permissions import READ_METHODS, WRITE_PASSES

FACTOR = "entra:authentication-method"
PASS = "temporaryAccessPass"  # noqa: S105 - the name of a type
PASSWORD = "password"  # noqa: S105 - the name of a type
TYPE = "#microsoft.graph."
OVER = ("Expired", "OneTimeUsed")
"""Of `methodUsabilityReason`."""


def methods_of(conn: EntraConnection, user: str) -> list[dict[str, Any]]:
    """Raises Denied; none where the user is gone."""
    try:
        return list(conn.rows(f"/users/{segment(user)}/authentication/methods", READ_METHODS))
    except Missing:
        return []


def methods_listed(conn: EntraConnection, user: str) -> list[dict[str, Any]]:
    """As `methods_of`, for lists."""
    found: list[dict[str, Any]] = conn.reads.read(("methods", user), lambda: methods_of(conn, user))
    return found


def sort_of(row: Mapping[str, Any]) -> str:
    """`temporaryAccessPass`, `fido2`, …"""
    return str(row.get("@odata.type") or "").removeprefix(TYPE).removesuffix("AuthenticationMethod")


def is_over(row: Mapping[str, Any], now: datetime) -> bool:
    """Whether a temporary access pass lets nobody in any more. One that begins later, or that a policy switches off for
    now, is not usable, either, and will be (Microsoft docs: temporaryaccesspassauthenticationmethod).
    """
    if row.get("isUsable") is not False:
        return False
    if reason := row.get("methodUsabilityReason"):
        return reason in OVER
    begins, minutes = moment(row.get("startDateTime")), row.get("lifetimeInMinutes")
    return begins is None or not isinstance(minutes, int) or begins + timedelta(minutes=minutes) <= now


class Delete(Doer[EntraConnection]):
    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (WRITE_PASSES, READ_METHODS)
    says: ClassVar[str] = "deletes the temporary access pass"
    survives: ClassVar[str] = "sessions that were begun with it: revoked by a step of their own"
    source: ClassVar[str] = "Microsoft docs: temporaryaccesspassauthenticationmethod-delete"
    reversible: ClassVar[bool] = False
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        mine = step.ends[0].rpartition("/")[2]
        path = f"/users/{segment(step.on.id)}/authentication/temporaryAccessPassMethods/{segment(mine)}"
        try:
            conn.send("DELETE", path, WRITE_PASSES)
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        mine = step.ends[0].rpartition("/")[2]
        return None if mine in {str(row.get("id")) for row in methods_of(conn, step.on.id)} else GONE


class TemporaryAccessPasses(AccessKind[EntraConnection]):
    name: ClassVar[str] = PASSES
    title: ClassVar[str] = "temporary access passes of a user"
    family: ClassVar[Family] = "password"
    on: ClassVar[tuple[str, ...]] = (USER,)
    reads: ClassVar[tuple[str, ...]] = (READ_METHODS,)
    remedies = (Delete(),)
    survives: ClassVar[str] = Delete.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        user = conn.user_named(ref).id
        for row in methods_listed(conn, user):
            if sort_of(row) == PASS:
                now = row.get("isUsable") is not False
                yield Access(
                    id=f"{PASSES}/{user}/{row['id']}",
                    on=ref,
                    kind=PASSES,
                    family=self.family,
                    state="expired" if is_over(row, conn.now()) else "live",
                    label=f"temporary access pass {row['id']}",
                    created=moment(row.get("startDateTime") or row.get("createdDateTime")),
                    evidence="GET /users/…/authentication/methods",
                    door=str(row["id"]),
                    note="a password for a while, which counts as a second factor, too"
                    if now
                    else f"not usable now ({row.get('methodUsabilityReason') or 'no reason is told'})",
                )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        waits = {a.id for a in held_of(view, intent)}
        for access in view.of(PASSES):
            if is_wanted(access, intent) and access.id not in waits:
                yield draft_step(
                    self, self.remedies[0], view, access, phase=Phase.END,
                    says=f"delete {access.label} of {view.who.name}", breaks="whoever signs in with it",
                )  # fmt: skip


class AuthenticationMethods(AccessKind[EntraConnection]):
    """Told, never removed."""

    name: ClassVar[str] = FACTOR
    title: ClassVar[str] = "authentication methods of a user"
    family: ClassVar[Family] = "factor"
    on: ClassVar[tuple[str, ...]] = (USER,)
    reads: ClassVar[tuple[str, ...]] = (READ_METHODS,)
    manual: ClassVar[str] = "ask the owner; the admin center's page of the user removes one"
    survives: ClassVar[str] = "every method but temporary access passes: none is removed by this tool"

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        user = conn.user_named(ref).id
        for row in methods_listed(conn, user):
            sort = sort_of(row)
            if sort not in (PASS, PASSWORD):
                yield Access(
                    id=f"{FACTOR}/{user}/{row['id']}",
                    on=ref,
                    kind=FACTOR,
                    family=self.family,
                    state="live",
                    label=f"{sort or 'unnamed'} method {row.get('displayName') or row['id']}",
                    created=moment(row.get("createdDateTime")),
                    evidence="GET /users/…/authentication/methods",
                    door=str(row["id"]),
                    note="reported, never removed: an intruder's own is removed by hand",
                )
