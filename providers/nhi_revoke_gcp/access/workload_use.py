"""Accounts that a workload may become, what it may do as itself, and how many other members of its pool are trusted.

facts gcp.md 1 (rows 8, 9): no API lists where a member of a pool is named: every account's own policy is asked for, as
`find --repo` does. Which subjects are in which set only their tokens tell: what a pool's mapping leaves open may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from nhi_revoke.model.command import command
from nhi_revoke.model.found import Access, BlindSpot, Family, Found, Lead
from nhi_revoke.model.glob import overlap
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.federation import admitted
from nhi_revoke_gcp.hierarchy import words_of
from nhi_revoke_gcp.naming import WORKLOAD as ON
from nhi_revoke_gcp.naming import canonical
from nhi_revoke_gcp.policy import Trust
from nhi_revoke_gcp.pool_member import EVERYBODY, PoolMember, pool_member
from nhi_revoke_gcp.pool_rights import Right
from nhi_revoke_gcp.pools import Pool
from nhi_revoke_gcp.trusting import ABOVE, EVIDENCE, FINDS, policies
from nhi_revoke_gcp.workload_stopping import USE, access_of
from nhi_revoke_gcp.workloads import member_in


class WorkloadUses(AccessKind[GcpConnection]):
    """Leads: an account is ended as itself. Rights of the workload's own end with its pool."""

    name: ClassVar[str] = USE
    title: ClassVar[str] = "accounts that the workload may become, and rights of its own"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = FINDS
    late: ClassVar[bool] = True

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        who, pool = member_in(conn, ref)
        try:
            seen = policies(conn, ref, USE, "it may become")
        except Fault as fault:
            yield BlindSpot(ref, USE, f"accounts that it may become: {fault.message}", getattr(fault, "needs", ""))
            return
        yield from seen.blind
        others: set[str] = set()
        held = list[tuple[Right, str]]()
        for right in seen.rights:
            if (named := _of_pool(right.trust, who)) is not None:
                others |= {named.member} - {who.member}
                held += [(right, how)] if (how := _how(who, named, pool)) else []
        for account in seen.accounts:
            mine = [(*each, named) for each in account.trusts if (named := _of_pool(each[0], who)) is not None]
            others |= {named.member for _, _, named in mine if named.member != who.member}
            said = [
                f"{how} {trust.means(means)} ({trust.member})"
                for trust, means, named in mine
                if (how := _how(who, named, pool))
            ]
            said += [
                f"{how} {right.becomes} ({right.trust.member}: {right.words})"
                for right, how in held
                if right.lets_become(account.project)
            ]
            if said:
                to = canonical(str(account.row["email"]))
                yield Lead(to, "; ".join(said), EVIDENCE, of=ref, next=command("list", to))
        for right, how in held:
            yield self._right(ref, who, right, how)
        yield self._summary(ref, who, sorted(others), seen=not seen.blind)

    def _right(self, ref: PrincipalRef, who: PoolMember, right: Right, how: str) -> Access:
        """What it may do as itself: no way in, and ended with its pool, or by hand."""
        return Access(
            id=f"{access_of(USE, who.pool, who)}/{right.at}/{right.trust.hash}",
            on=ref,
            kind=USE,
            family=self.family,
            state="live",
            label=f"{right.trust.role} of {words_of(right.at)}",
            evidence=ABOVE,
            door=f"{right.at} {right.trust.text}",
            opens=False,
            note=f"{how} has {right.words} ({right.trust.member}). To take it away: {right.removes}",
        )

    def _summary(self, ref: PrincipalRef, who: PoolMember, others: Sequence[str], *, seen: bool) -> Access:
        """Whom the end of the pool hits besides. `seen`: every account was looked at."""
        more = "" if seen else " at least, since not every account could be looked at"
        return Access(
            id=access_of(USE, who.pool, who),
            on=ref,
            kind=USE,
            family=self.family,
            state="live",
            label=f"other members of pool {who.pool_id} that accounts trust: {len(others)}{more}",
            evidence=EVIDENCE,
            before={"others": list(others), "seen": seen},
            opens=False,
            note=", ".join(others),
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Noted: an account's policy is that account's access."""
        return ()


def _of_pool(trust: Trust, who: PoolMember) -> PoolMember | None:
    """The member that it names, where that is one of the same pool."""
    named = None if trust.is_dead else pool_member(trust.member)
    return named if named is not None and named.pool == who.pool else None


def _how(who: PoolMember, named: PoolMember, pool: Pool) -> str:
    """Whether a trust's member is this workload, or one that it may be: "it" or "it may be one that"."""
    if named.member == who.member or named.attribute == EVERYBODY:
        return "it"
    if who.attribute == EVERYBODY:
        return "one of them"
    mine = [glob for each in admitted(who, pool.providers) for glob in each.lets_in]
    theirs = [glob for each in admitted(named, pool.providers) for glob in each.lets_in]
    if named.attribute != who.attribute and any(overlap(one, other) for one in mine for other in theirs):
        return "it may be one that"
    return ""
