"""Users and roles of the account that look like one identity, and whom their trusts name.

One paged listing (iam:GetAccountAuthorizationDetails) has their names, tags and trusts; where it is denied,
iam:ListUsers and iam:ListRoles have the names and trusts, and no tags (AWS docs: API_ListUsers, "this operation does
not return … Tags"). Of candidates alone the ids of the keys are asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from nhi_revoke.model.alike import Candidate, Pointer, Saying
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.resembling import owner_in, resemblance, resembling_tags
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.estate import A_PAGE, DETAILS, LIST
from nhi_revoke_aws.grants import VARIABLE
from nhi_revoke_aws.naming import PROVIDER, ROLE, USER, canonical, parse_arn
from nhi_revoke_aws.policy import as_json
from nhi_revoke_aws.principals import resolve
from nhi_revoke_aws.trust import OIDC, Trusted, trusted

LIST_USERS, LIST_KEYS, GET_USER = "iam:ListUsers", "iam:ListAccessKeys", "iam:GetUser"
READS = (DETAILS, LIST, LIST_USERS, LIST_KEYS, GET_USER)
"""The second and the third one only where the first is denied."""
KIND = "alike"
SORTS = ("User", "Role")
Row = dict[str, Any]


def alike(conn: AwsConnection, name: str) -> Iterable[Candidate | BlindSpot]:
    """Raises Denied where neither listing is allowed."""
    rows, spots = _rows(conn)
    yield from spots
    found = [each for row, evidence in rows if (each := _candidate(row, evidence, name)).resembles]
    for each, keys in zip(found, conn.io.map(lambda one: _keys(conn, one), found), strict=True):
        yield _with_keys(each, keys)
        if isinstance(keys, Fault):
            why = f"ids of the access keys of {each.name}, which others may hold: {keys.message}"
            yield BlindSpot(each.ref, KIND, why, getattr(keys, "needs", "") or LIST_KEYS)


def linked(conn: AwsConnection, around: Sequence[Candidate]) -> Iterable[Candidate | BlindSpot]:
    """Roles that let one of these in, and these as roles with whom they let in; users of the account that their trusts
    name. Raises Denied where no role can be listed.
    """
    refs = {each.ref for each in around}
    stems = tuple({alias.partition("*")[0].casefold() for each in around for alias in each.aliases})
    roles = [_candidate(row, evidence, "") for row, evidence in _roles(conn)]
    own = [each for each in roles if each.ref in refs]
    named = {text for each in (*around, *own) for pointer in each.points for text in pointer.to}
    for each in roles:
        if each.ref in refs or f"{PROVIDER}:{each.ref.id}" in named or _lets_in(each, stems):
            yield each
    account = conn.account()
    for text in sorted(named):
        arn = parse_arn(text.removeprefix(f"{PROVIDER}:"))
        if arn is not None and arn.kind == USER and arn.account == account and canonical(str(arn)) not in refs:
            yield from _user(conn, canonical(str(arn)))


def _lets_in(role: Candidate, stems: tuple[str, ...]) -> bool:
    """By the beginning alone: the engine tells exactly."""
    return any(glob.casefold().startswith(stems) for pointer in role.points for glob in pointer.to)


def _user(conn: AwsConnection, ref: PrincipalRef) -> Iterable[Candidate | BlindSpot]:
    try:
        who = resolve(conn, ref)
    except Missing:
        return
    except Fault as fault:
        yield BlindSpot(ref, KIND, f"a user whom a trust names: {fault.message}", getattr(fault, "needs", ""))
        return
    yield Candidate(
        who.ref, USER, who.name, who.scope, who.unique_id, aliases=(str(who.ref), f"{PROVIDER}:{who.unique_id}"),
        marks=(who.ref.id, who.unique_id),
    )  # fmt: skip


def _rows(conn: AwsConnection) -> tuple[list[tuple[Row, str]], list[BlindSpot]]:
    """Of users and roles, each with the API that showed it; and what is not among it. Raises Denied."""
    try:
        return [(row, DETAILS) for row in _detailed(conn, ["User", "Role"])], []
    except Denied as fault:
        whole, spots = fault, [_unseen(conn, "tags of users and roles", fault)]

    def listed(sort: str) -> list[tuple[Row, str]] | Denied:
        try:
            return _listed(conn, sort)
        except Denied as fault:
            return fault

    rows: list[tuple[Row, str]] = []
    for sort, found in zip(SORTS, conn.io.map(listed, SORTS), strict=True):
        if isinstance(found, Denied):
            spots.append(_unseen(conn, f"{sort.lower()}s that resemble the name", found))
        else:
            rows += found
    if len(spots) > len(SORTS):
        raise whole
    return rows, spots


def _roles(conn: AwsConnection) -> list[tuple[Row, str]]:
    try:
        return _listed(conn, "Role")
    except Denied as fault:
        try:
            return [(row, DETAILS) for row in _detailed(conn, ["Role"])]
        except Denied:
            raise fault from None


def _detailed(conn: AwsConnection, sorts: Sequence[str]) -> list[Row]:
    """This listing has several lists in one answer."""
    rows: list[Row] = []
    going: Row = {}
    while True:
        page = conn.call("iam", "GetAccountAuthorizationDetails", Filter=list(sorts), MaxItems=A_PAGE, **going)
        rows += [*(page.get("UserDetailList") or ()), *(page.get("RoleDetailList") or ())]
        if not page.get("IsTruncated") or not page.get("Marker"):
            return rows
        going = {"Marker": str(page["Marker"])}


def _listed(conn: AwsConnection, sort: str) -> list[tuple[Row, str]]:
    rows = conn.pages("iam", f"List{sort}s", f"{sort}s", MaxItems=A_PAGE)
    return [(row, f"iam:List{sort}s") for row in rows]


def _candidate(row: Row, evidence: str, name: str) -> Candidate:
    """`name` empty: whatever it is called."""
    kind = USER if "UserName" in row else ROLE
    called, arn = str(row.get("UserName") or row.get("RoleName")), str(row["Arn"])
    unique, ref, known = str(row.get("UserId") or row.get("RoleId") or ""), canonical(arn), parse_arn(arn)
    assert known, "AWS gives well-formed ARNs"
    tags = [(str(tag["Key"]), str(tag["Value"])) for tag in row.get("Tags") or ()]
    session = f"aws:arn:{known.partition}:sts::{known.account}:assumed-role/{known.name}/*"
    trusts = trusted(as_json(row.get("AssumeRolePolicyDocument"))) if kind == ROLE else ()
    by_name = resemblance(name, called, "UserName" if kind == USER else "RoleName", evidence) if name else ()
    return Candidate(
        ref=ref,
        kind=kind,
        name=called,
        scope=known.account,
        unique_id=unique,
        resembles=(*by_name, *(resembling_tags(name, tags, evidence) if name else ())),
        owner=owner_in(tags),
        created=row.get("CreateDate"),
        last_used=(row.get("RoleLastUsed") or {}).get("LastUsedDate"),
        aliases=(str(ref), f"{PROVIDER}:{unique}", *((session,) if kind == ROLE else ())),
        marks=tuple(text for text in (arn, unique) if text),
        points=tuple(pointer for trust in trusts for pointer in _pointers(trust, evidence)),
        says=tuple(Saying(text, "a condition of its trust", evidence) for trust in trusts for text in trust.conditions),
    )


def _pointers(trust: Trusted, evidence: str) -> Iterable[Pointer]:
    """Services are nobody whom anything else is called."""
    issuer = trust.value.partition(OIDC)[2]
    if issuer:
        for subject in trust.subjects:
            to = f"{issuer}/{VARIABLE.sub('*', subject)}"
            yield Pointer((to,), f"its trust: {subject} of {issuer}", evidence)
    elif trust.type == "AWS" and trust.value != "*":
        yield Pointer((trust.lets_in,), "its trust", evidence)


def _keys(conn: AwsConnection, each: Candidate) -> list[str] | Fault:
    if each.kind != USER:
        return []
    try:
        rows = conn.pages("iam", "ListAccessKeys", "AccessKeyMetadata", UserName=each.name)
        return [str(row["AccessKeyId"]) for row in rows]
    except Missing:
        return []
    except Fault as fault:
        return fault


def _with_keys(each: Candidate, keys: list[str] | Fault) -> Candidate:
    return each if isinstance(keys, Fault) else replace(each, marks=(*each.marks, *keys))


def _unseen(conn: AwsConnection, what: str, fault: Denied) -> BlindSpot:
    on = PrincipalRef(PROVIDER, "", conn.scope or "*")
    return BlindSpot(on, KIND, f"{what}: {fault.message}", fault.needs)
