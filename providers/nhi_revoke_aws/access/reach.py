"""Roles that a principal may become, in its own account and in others: leads, no accesses.

Roles, trusts and what each role may assume in its turn come from one paged listing,
iam:GetAccountAuthorizationDetails: two requests for 2,000 roles, as with iam:ListRoles. Without the roles' policies
each role on the way would cost at least three requests more (its lists, its documents), and the simulator would have to
be asked about each pair of roles. Where it is denied, iam:ListRoles gives the trusts alone, and what lacks is said.
A role's own policies are among them. A user's are read one by one: listing 5,000 users for one of them does not pay. So
are a role's where that listing is denied. Whether something is
allowed, AWS's own simulator says; the policies only tell where it need not be asked (benchmarks/aws_reach.py has the
figures).

Of other accounts the policies tell the roles that are allowed by name or pattern; whether such a role trusts back is
seen there only.

AWS docs: API_GetAccountAuthorizationDetails, API_SimulatePrincipalPolicy, and the policy evaluation logic within and
across accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.command import command
from nhi_revoke.model.found import BlindSpot, Family, Found, Lead
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_aws.bearing import READS_OF_ROLE, READS_OF_USER, Bearing
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.estate import DETAILS, LIST, Estate, estate
from nhi_revoke_aws.grants import Elsewhere, Grants, grants_of
from nhi_revoke_aws.naming import Arn, canonical, parse_arn
from nhi_revoke_aws.principals import resolve
from nhi_revoke_aws.reach import MOST_REQUESTS, Bearer, Walk
from nhi_revoke_aws.simulate import PERMISSION

KIND = "aws:reach"
READS = tuple(dict.fromkeys((DETAILS, LIST, PERMISSION, *READS_OF_USER, *READS_OF_ROLE, "iam:GetUser", "iam:GetRole")))


class Mine(Struct, frozen=True):
    """What one principal's reach begins with."""

    roles: Estate | Fault
    grants: Grants
    """Of its own policies."""
    faults: tuple[Fault, ...]
    """Which of these could not be read."""
    evidence: str
    """What showed them."""


class Reach(AccessKind[AwsConnection]):
    """`late`: listing, then policies, then the simulator for each role on the way."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "roles within reach"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("user", "role")
    reads: ClassVar[tuple[str, ...]] = READS
    late: ClassVar[bool] = True
    survives: ClassVar[str] = "sessions begun on them: they are the other principals' own"

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """Raises Missing where there is no such principal, Denied where it cannot be looked up."""
        who = own_arn(conn, ref)
        if who is None or who.account != conn.account():
            return
        mine = _of_user(conn, io, who) if who.kind == "user" else _of_role(conn, io, who)
        roles, me = mine.roles, Bearer(who, mine.grants)
        bearers = [me]
        if isinstance(roles, Estate):
            walk = Walk(conn, io, who, roles)
            for reached in walk.walk(me.grants):
                to = canonical(reached.role.arn)
                yield Lead(to, reached.why, roles.evidence, of=canonical(str(who)), next=command("list", to))
            bearers = walk.bearers
            yield from _limits(ref, who, walk, roles)
        else:
            yield _unread(ref, f"roles of account {who.account}", roles)
        yield from _elsewhere(conn, ref, who, bearers, mine.evidence)
        yield from _policies_unread(ref, who, mine.faults)


def _of_user(conn: AwsConnection, io: Io, who: Arn) -> Mine:
    asks: tuple[Callable[[], Any], ...] = (partial(_estate, conn), partial(Bearing(conn, io).of, "User", who.name))
    roles, borne = io.map(lambda ask: ask(), asks)
    return Mine(roles, grants_of(borne.documents, whole=not borne.faults), borne.faults, "iam:GetUserPolicy")


def _of_role(conn: AwsConnection, io: Io, who: Arn) -> Mine:
    """Which the listing holds itself, but for AWS's own policies."""
    roles, bearing = _estate(conn), Bearing(conn, io)
    listed = roles.roles.get(str(who)) if isinstance(roles, Estate) and roles.unread is None else None
    if listed is None:
        borne = bearing.of("Role", who.name)
        return Mine(roles, grants_of(borne.documents, whole=not borne.faults), borne.faults, "iam:GetRolePolicy")
    borne = bearing.managed(listed.unread)
    return Mine(roles, listed.grants.also(borne.documents, whole=not borne.faults), borne.faults, DETAILS)


def _estate(conn: AwsConnection) -> Estate | Fault:
    """Principals of one account that are looked at side by side share one listing; the next look reads anew."""
    try:
        found: Estate = conn.together.once(DETAILS, partial(estate, conn))
    except Fault as fault:
        return fault
    return found


def own_arn(conn: AwsConnection, ref: PrincipalRef) -> Arn | None:
    """Its ARN as policies and the simulator know it; only a bare name must be looked up. Raises Missing, Denied."""
    arn = parse_arn(ref.id)
    if arn is None or arn.kind not in ("user", "role"):
        arn = parse_arn(resolve(conn, ref).ref.id)
    return arn if arn is not None and arn.kind in ("user", "role") else None


def _elsewhere(
    conn: AwsConnection, ref: PrincipalRef, who: Arn, bearers: Iterable[Bearer], evidence: str
) -> Iterable[Found]:
    """`evidence`: what showed the principal's own policies."""
    found: dict[str, tuple[Bearer, Elsewhere]] = {}
    for bearer in bearers:
        for one in bearer.grants.elsewhere(who.partition, who.account):
            found.setdefault(one.pattern, (bearer, one))
    for pattern, (bearer, one) in sorted(found.items()):
        if not one.any_account:
            yield _beyond(conn, who, bearer, one, DETAILS if bearer.path else evidence)
            continue
        yield BlindSpot(
            ref, KIND,
            f"policies of {bearer.words} allow sts:AssumeRole on {pattern}: which roles of which other accounts trust "
            "it cannot be seen from here; sessions that it began there are in CloudTrail",
            counts=False,
        )  # fmt: skip


def _beyond(conn: AwsConnection, who: Arn, bearer: Bearer, one: Elsewhere, evidence: str) -> Lead:
    """`beyond` where this operator has no login: nobody here can look."""
    account, to = one.account, canonical(one.pattern)
    literal = account.isdigit()
    here = literal and bool(conn.settings.account(account) or conn.settings.role_in(account))
    what = "it" if one.one else "any role that fits it"
    why = (
        f"{who.kind} {who.name} may assume {what}{bearer.by_way}: policies of {bearer.words} allow it by name; "
        f"whether it trusts back is seen in account {account} only"
    )
    if here:
        then = command("list", to) if one.one else f"look in account {account} which roles fit it"
    else:
        ends = command("revoke", to) if one.one else f"nhi-revoke revoke aws:ARN for each role that fits {to.id}"
        then = f"with credentials of account {account}: {ends}"
    return Lead(to, why, evidence, of=canonical(str(who)), next=then, beyond=not here)


def _limits(ref: PrincipalRef, who: Arn, walk: Walk, roles: Estate) -> Iterable[BlindSpot]:
    """What the walk could not tell, and what it took instead."""
    words = f"{who.kind} {who.name}"
    if roles.unread is not None and len(walk.bearers) > 1:
        yield _unread(ref, f"what the roles that {words} may become may assume in their turn", roles.unread)
    for fault in _distinct(walk.faults):
        what = f"whether {words} is allowed the roles that trust it (all of them count)"
        yield _unread(ref, what, fault)
    if walk.too_many:
        why = (
            f"reach of {words}: after {MOST_REQUESTS} requests the simulator was not asked on; policies alone were read"
        )
        yield BlindSpot(ref, KIND, why)
    if walk.ours_stands:
        why = (
            f"reach of {words}: our own deny stands, beneath which the simulator sees nothing; policies alone "
            "were read, conditions taken as met"
        )
        yield BlindSpot(ref, KIND, why, counts=False)


def _policies_unread(ref: PrincipalRef, who: Arn, faults: Iterable[Fault]) -> Iterable[BlindSpot]:
    for fault in _distinct(faults):
        yield _unread(ref, f"roles of other accounts that policies of {who.kind} {who.name} name", fault)


def _distinct(faults: Iterable[Fault]) -> Iterable[Fault]:
    return {fault.message: fault for fault in faults}.values()


def _unread(ref: PrincipalRef, what: str, fault: Fault) -> BlindSpot:
    needs = fault.needs if isinstance(fault, Denied) else ""
    return BlindSpot(ref, KIND, f"{what}: could not be read ({fault.message})", needs=needs)
