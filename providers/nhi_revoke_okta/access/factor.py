"""Factors of a user: reported and never removed. One that was enrolled lately may be an intruder's way to stay.

OpenAPI: listFactors, unenrollFactor. It lists what the enrolment policy of the highest priority includes, and no more.
Removing one locks its owner out, or takes a second factor away from whoever holds the password: a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access.times import stamp
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.scopes import USERS

KIND = "okta:factor"
LATELY = timedelta(days=7)
STATES: dict[str, State] = {"ACTIVE": "live", "ENROLLED": "live", "PENDING_ACTIVATION": "unknown"}
BY_HAND = "ask the owner; DELETE /api/v1/users/{user}/factors/{factor} removes it"
MAYBE = "possibly an intruder's"


class Factors(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "factors of a user"
    family: ClassVar[Family] = "factor"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = (USERS.read,)
    manual: ClassVar[str] = BY_HAND.format(user="ID", factor="FACTOR")
    survives: ClassVar[str] = "every factor: none is removed by this tool"

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """A profile (telephone number, address) is never taken over."""
        user = conn.named(ref).id
        rows = list(conn.rows(f"/api/v1/users/{segment(user)}/factors", USERS.read))
        times = {str(row["id"]): moment(row.get("created")) for row in rows}
        for row in rows:
            its_id, enrolled = str(row["id"]), times[str(row["id"])]
            others = [when for other, when in times.items() if other != its_id and when is not None]
            recent = enrolled is not None and enrolled >= conn.now() - LATELY
            newest = enrolled is not None and all(enrolled > when for when in others)
            notes = [
                f"enrolled {stamp(enrolled)}" if enrolled else "nobody knows since when",
                ("lately" + (", after every other" if newest and others else "") + f": {MAYBE}") if recent else "",
                "reported, never removed",
            ]
            what = " ".join(str(row[part]) for part in ("provider", "factorType") if row.get(part))
            yield Access(
                id=f"{KIND}/{user}/{its_id}",
                on=ref,
                kind=KIND,
                family=self.family,
                state=STATES.get(str(row.get("status")), "disabled"),
                label=f"factor {what} {its_id}",
                created=enrolled,
                evidence="GET /api/v1/users/{id}/factors",
                door=its_id,
                opens=False,
                note="; ".join(filter(None, notes)),
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Words alone."""
        since = intent.since or view.inventory.at - LATELY
        for factor in view.of(KIND):
            if factor.created is not None and factor.created >= since:
                hand = BY_HAND.format(user=view.who.ref.id, factor=factor.door)
                says = f"{factor.label} was enrolled {stamp(factor.created)}: {MAYBE}. By hand: {hand}"
                yield Notice(view.who.ref, says, "warning")
