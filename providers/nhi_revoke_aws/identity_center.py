"""IAM Identity Center: its instance, its users, and which permission sets they have where.

It answers in the management (or a delegated administrator) account and in its own Region only.
AWS docs: singlesignon APIReference and IdentityStoreAPIReference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Denied, Fault, Missing
from nhi_revoke_aws.naming import PROVIDER, SSO_USER, USER_ID, session_alias
from nhi_revoke_aws.regions import paged

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke_aws.connection import AwsConnection

ADMIN, STORE = "sso-admin", "identitystore"
FIRST_READS = ("sso:ListInstances", "identitystore:GetUserId", "identitystore:DescribeUser")
"""What resolving a user needs."""
LISTING = (
    *FIRST_READS, "sso:ListAccountAssignmentsForPrincipal",
    "identitystore:ListGroupMembershipsForMember", "sso:DescribePermissionSet", "identitystore:DescribeGroup",
)  # fmt: skip


class Instance(Struct, frozen=True):
    """One Identity Center."""

    arn: str
    store: str
    """Id of its identity store."""


class Assigned(Struct, frozen=True):
    """One permission set in one account, given to the user or to a group that the user is in."""

    account: str
    permission_set: str
    """ARN."""
    principal_type: str
    """`USER` or `GROUP`."""
    principal_id: str


class Listing(Struct, frozen=True):
    """What a user has, and what of it could not be seen."""

    found: tuple[Assigned, ...] = ()
    sets: dict[str, dict[str, Any]] = {}
    """Details of permission sets by ARN, where they could be read."""
    groups: dict[str, str] = {}
    """Names of groups by id, where they could be read."""
    unseen: tuple[tuple[str, Fault], ...] = ()
    """What and why: it may hide assignments."""
    unnamed: tuple[tuple[str, Fault], ...] = ()
    """What and why: it hides names alone."""


def region_of(conn: AwsConnection) -> str:
    """Where Identity Center is asked."""
    return conn.settings.sso_region or conn.region()


def ask(conn: AwsConnection, service: str, operation: str, **params: Any) -> dict[str, Any]:
    """One request in the Region of Identity Center."""
    return conn.call(service, operation, region=region_of(conn), **params)


def rows(conn: AwsConnection, service: str, operation: str, field: str, **params: Any) -> list[Any]:
    """Every row of a listing there."""
    return list(paged(conn, service, operation, field, region_of(conn), mark="NextToken", **params))


def instances(conn: AwsConnection) -> list[Instance]:
    """Those of this account and Region. Raises Missing with where to look, Denied."""
    found = [_instance(row) for row in rows(conn, ADMIN, "ListInstances", "Instances")]
    if not found:
        raise Missing(
            f"no IAM Identity Center answers in account {conn.account()}, Region {region_of(conn)}",
            hint=f"It lives in the organisation's management (or delegated administrator) account{_elsewhere(conn)}: "
            "set sso_account and sso_region in [aws] of nhi.toml.",
        )
    return found


def _elsewhere(conn: AwsConnection) -> str:
    """The Region in which there is one; empty where that cannot be told."""
    try:
        found = rows(conn, ADMIN, "ListInstances", "Instances", RegionScope="ALL_REGIONS")
    except Fault:
        return ""  # only the hint is lost
    regions = sorted({str(row["PrimaryRegion"]) for row in found if row.get("PrimaryRegion")})
    return f", and this account's is in {', '.join(regions)}" if regions else ""


def _instance(row: dict[str, Any]) -> Instance:
    return Instance(str(row["InstanceArn"]), str(row["IdentityStoreId"]))


# -- users -----------------------------------------------------------------------------------------------------------


def locate(conn: AwsConnection, ref: PrincipalRef) -> tuple[Instance, str]:
    """The instance that has the user, and the user's id. Raises Missing, AmbiguousName, Denied."""
    known = instances(conn)
    if len(known) == 1:
        return known[0], user_id_in(conn, known[0], ref)
    answers: Sequence[tuple[Instance, str] | Fault] = conn.io.map(partial(_in_one, conn, ref), known)
    refused = next((a for a in answers if isinstance(a, Fault) and not isinstance(a, Missing)), None)
    if refused is not None:
        raise refused  # the instance that could not be asked may be the one that is meant
    found = [a for a in answers if not isinstance(a, Fault)]
    if len(found) > 1:
        raise AmbiguousName(
            f"{ref}: {len(found)} instances of Identity Center have such a user: nothing was looked at",
            candidates=tuple(f"{PROVIDER}:{SSO_USER}/{user_id}" for _, user_id in found),
            hint="Type the user's id.",
        )
    if not found:
        raise _nobody(conn, ref)
    return found[0]


def _in_one(conn: AwsConnection, ref: PrincipalRef, instance: Instance) -> tuple[Instance, str] | Fault:
    try:
        user_id = user_id_in(conn, instance, ref)
        if USER_ID.fullmatch(ref.id):
            ask(conn, STORE, "DescribeUser", IdentityStoreId=instance.store, UserId=user_id)
    except Fault as fault:
        return fault
    return instance, user_id


def user_id_in(conn: AwsConnection, instance: Instance, ref: PrincipalRef) -> str:
    """From what was typed: an id is taken as it is. Raises Missing, Denied."""
    if USER_ID.fullmatch(ref.id):
        return ref.id
    by_name = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": ref.id}}
    try:
        return str(ask(conn, STORE, "GetUserId", IdentityStoreId=instance.store, AlternateIdentifier=by_name)["UserId"])
    except Missing:
        raise _nobody(conn, ref) from None


def _nobody(conn: AwsConnection, ref: PrincipalRef) -> Missing:
    return Missing(
        f"{ref}: no such user in the identity store of account {conn.scope}, Region {region_of(conn)}",
        hint="Names are written as in the Identity Center console; the user's id works, too.",
    )


def resolve_user(conn: AwsConnection, ref: PrincipalRef) -> Principal:
    """Raises Missing, AmbiguousName, Denied."""
    instance, user_id = locate(conn, ref)
    try:
        user = ask(conn, STORE, "DescribeUser", IdentityStoreId=instance.store, UserId=user_id)
    except Missing:
        raise _nobody(conn, ref) from None
    name = str(user.get("UserName") or user["UserId"])
    facts: Json = {
        "UserStatus": str(user.get("UserStatus") or "not told"),
        "IdentityStoreId": instance.store,
        "InstanceArn": instance.arn,
    }
    for field in ("DisplayName", "UserType"):
        if user.get(field):
            facts[field] = str(user[field])
    mails = [str(m["Value"]) for m in user.get("Emails") or () if m.get("Value")]
    sessions = [str(session_alias(n)) for n in (name, *mails)]
    canonical = PrincipalRef(PROVIDER, SSO_USER, str(user["UserId"]))
    return Principal(
        ref=canonical,
        kind=SSO_USER,
        name=name,
        scope=conn.account(),
        unique_id=canonical.id,
        aliases=tuple(dict.fromkeys((str(canonical), f"{PROVIDER}:{SSO_USER}/{name}", *sessions))),
        facts=facts,
    )


# -- assignments -----------------------------------------------------------------------------------------------------


def listing(conn: AwsConnection, instance: Instance, user_id: str, io: Io) -> Listing:
    """What the user has directly and through groups. Raises Denied where nothing of it can be listed."""
    asks = (partial(groups_of, conn, instance, user_id), partial(given_to, conn, instance, "USER", user_id))
    groups, direct = io.map(_or_fault, asks)
    unseen: list[tuple[str, Fault]] = []
    found: list[Assigned] = []
    if isinstance(groups, Fault) and isinstance(direct, Fault):
        raise direct
    if isinstance(direct, Fault):
        unseen.append(("what is assigned to the user directly", direct))
    else:
        found += direct
    if isinstance(groups, Fault):
        unseen.append(("the user's groups, and what is assigned through them", groups))
        groups = []
    through = io.map(_or_fault, [partial(given_to, conn, instance, "GROUP", group) for group in groups])
    for group, answer in zip(groups, through, strict=True):
        if isinstance(answer, Fault):
            unseen.append((f"what is assigned to group {group}", answer))
        else:
            found += answer
    distinct = tuple(dict.fromkeys(found))
    return _named(conn, instance, distinct, tuple(unseen), io)


def groups_of(conn: AwsConnection, instance: Instance, user_id: str) -> list[str]:
    """Ids of the groups that the user is in. Raises Denied."""
    where = {"IdentityStoreId": instance.store, "MemberId": {"UserId": user_id}}
    try:
        found = rows(conn, STORE, "ListGroupMembershipsForMember", "GroupMemberships", **where)
    except Missing:
        return []
    return [str(row["GroupId"]) for row in found]


def given_to(conn: AwsConnection, instance: Instance, kind: str, principal: str) -> list[Assigned]:
    """Assignments of one user or group; AWS may show a user's groups here, too. Raises Denied."""
    who = {"InstanceArn": instance.arn, "PrincipalType": kind, "PrincipalId": principal}
    try:
        found = rows(conn, ADMIN, "ListAccountAssignmentsForPrincipal", "AccountAssignments", **who)
    except Missing:
        return []
    return [
        Assigned(
            str(row["AccountId"]), str(row["PermissionSetArn"]),
            str(row.get("PrincipalType") or kind), str(row.get("PrincipalId") or principal),
        )
        for row in found
    ]  # fmt: skip


def _named(
    conn: AwsConnection,
    instance: Instance,
    found: Sequence[Assigned],
    unseen: tuple[tuple[str, Fault], ...],
    io: Io,
) -> Listing:
    """With what people call them."""
    sets = sorted({a.permission_set for a in found})
    groups = sorted({a.principal_id for a in found if a.principal_type == "GROUP"})
    asks = [
        partial(ask, conn, ADMIN, "DescribePermissionSet", InstanceArn=instance.arn, PermissionSetArn=arn)
        for arn in sets
    ]
    asks += [partial(ask, conn, STORE, "DescribeGroup", IdentityStoreId=instance.store, GroupId=g) for g in groups]
    answers = io.map(_or_fault, asks)
    details, names = answers[: len(sets)], answers[len(sets) :]
    unnamed = [(what, f) for what, some in (("permission sets", details), ("groups", names)) for f in _first(some)]
    return Listing(
        tuple(found),
        {arn: d["PermissionSet"] for arn, d in zip(sets, details, strict=True) if not isinstance(d, Fault)},
        {g: str(n["DisplayName"]) for g, n in zip(groups, names, strict=True) if not isinstance(n, Fault)},
        unseen,
        tuple(unnamed),
    )


def _first(answers: Iterable[Any]) -> list[Fault]:
    """One fault stands for all of a kind: a denial is the same everywhere."""
    return [a for a in answers if isinstance(a, Fault)][:1]


def _or_fault(do: Any) -> Any:
    try:
        return do()
    except Fault as fault:
        return fault


def needs_of(fault: Fault) -> str:
    """The permission that a denial names."""
    return fault.needs if isinstance(fault, Denied) else ""
