"""Access tokens of an account: nothing lists them, and nothing ends a single one.

facts gcp.md 1 (row 3), 2 and 7 (1, 25): a key's end leaves the tokens that were minted with it; they end with the
account, or by themselves, after an hour, or twelve where the organisation lets the account have longer ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Residual
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_gcp.access.behind import REFUSED, is_disabled
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.constraints import EXTENDED
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.naming import account_of, is_agent, resource_of
from nhi_revoke_gcp.observing import READS, observed
from nhi_revoke_gcp.permissions import GET_ACCOUNT, READ_CONSTRAINTS
from nhi_revoke_gcp.stopping import SOURCE, TOKEN, brake_of, hours, seconds_of, standing

WHY = "an access token is taken until it expires ({lives}): nothing that takes it hears of the end of a key or a trust"


class AccessTokens(AccessKind[GcpConnection]):
    """No remedy of their own: the brake ends them, and the steps that end what mints them tell until when they last."""

    name: ClassVar[str] = TOKEN
    title: ClassVar[str] = "access tokens"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (GET_ACCOUNT, READ_CONSTRAINTS)
    reads_logs: ClassVar[tuple[str, ...]] = READS
    survives: ClassVar[str] = WHY.format(lives="an hour after it was given, or 12 where a policy allows it")

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        if is_agent(account_of(ref)):
            return
        named, allowed, off = conn.side_by_side(
            lambda: conn.named(ref), lambda: conn.constraints(ref), lambda: is_disabled(conn, resource_of(ref))
        )
        lives = hours(allowed.seconds)
        yield Access(
            id=standing("{scope}", named.unique_id),
            on=ref,
            kind=TOKEN,
            family=self.family,
            state="unknown",
            label="every access token of {name}",
            evidence="none: Google lists no access tokens",
            door=named.unique_id,
            note=WHY.format(lives=f"up to {lives} after it was given"),
            shut=REFUSED if off else "",
        )
        if allowed.unread:
            why = f"whether its tokens may live for 12 hours ({EXTENDED}): {allowed.unread}; 12 are assumed"
            yield BlindSpot(ref, TOKEN, why, allowed.needs, counts=False)

    def observe(
        self, conn: GcpConnection, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        """And what the account planted: one look at the logs shows both."""
        yield from observed(conn, who, accesses, since)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """No step."""
        if brake_of(view, intent).on:
            return
        seconds = seconds_of(view)
        for access in (a for a in view.of(TOKEN) if a.id.endswith("/*")):
            if access.shut:
                said = f"tokens of {view.who.name} are {access.shut}: this run leaves it as it is"
                yield Notice(view.who.ref, said, "warning")
                continue
            until = view.inventory.at + timedelta(seconds=seconds)
            yield Residual(
                view.who.ref, access.id, until, WHY.format(lives=f"up to {hours(seconds)} after it was given"), SOURCE
            )
