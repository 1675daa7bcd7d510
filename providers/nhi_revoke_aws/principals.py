"""From a reference to the one principal that AWS confirms, and back from a name to references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Denied, Fault, Missing
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.events import begun_by, named_federation
from nhi_revoke_aws.identity_center import FIRST_READS as SSO_READS
from nhi_revoke_aws.identity_center import resolve_user
from nhi_revoke_aws.naming import (
    KEY_ID,
    ROLE,
    ROOT,
    SSO_USER,
    USER,
    Arn,
    canonical,
    delicate,
    kinds_of,
    parse_arn,
    parse_ref,
    typed_name,
    untouchable,
)

FIRST_READS = {USER: ("iam:GetUser",), ROLE: ("iam:GetRole",), SSO_USER: SSO_READS}
"""What resolving one needs."""


def resolve(conn: AwsConnection, ref: PrincipalRef) -> Principal:
    """Raises Missing, AmbiguousName, Denied."""
    if ref.kind == SSO_USER:
        return resolve_user(conn, ref)
    arn = parse_arn(ref.id)
    if arn and arn.kind == ROOT:
        return _root(arn, ref)
    if arn and arn.kind == "federated-user":
        return resolve(conn, _issuer(conn, ref, arn))
    if not ref.kind and KEY_ID.fullmatch(ref.id):
        return _by_key(conn, ref)
    name, path = typed_name(ref)
    found = _look(conn, ref, name)
    if len(found) > 1:
        raise AmbiguousName(
            f"{ref} is a user and a role: nothing was looked at",
            candidates=tuple(f"aws:{p.kind}/{name}" for p in found),
            hint=f"Type aws:user/{name} or aws:role/{name}.",
        )
    _confirm(conn, ref, found[0], arn, path)
    _as_written(ref, found[0], name)
    return found[0]


def find(conn: AwsConnection, name: str) -> list[PrincipalRef]:
    """Users and roles of exactly this name; users of Identity Center where nhi.toml says where it is.

    Raises Denied where one of them could not be asked.
    """
    refs: list[PrincipalRef] = []
    for answer in conn.io.map(lambda kind: _one(conn, kind, name), (USER, ROLE)):
        if isinstance(answer, Denied):
            raise answer
        if isinstance(answer, Principal):
            refs.append(answer.ref)
    return [*refs, *_signing_in(conn, name)]


def _signing_in(conn: AwsConnection, name: str) -> list[PrincipalRef]:
    """Asked in the account of Identity Center alone: everywhere else there is none."""
    told, ref = conn.settings.sso_account, parse_ref(f"{SSO_USER}/{name}")
    if ref is None or not (told or conn.settings.sso_region) or (told and told != conn.account()):
        return []
    try:
        return [resolve_user(conn, ref).ref]
    except Missing:
        return []


def name_in(conn: AwsConnection, ref: PrincipalRef) -> str:
    """The name to list by, without waiting for `resolve`: only a key id needs a look-up. Raises Missing."""
    if is_session_key(ref):
        return behind(conn, ref).name
    if not ref.kind and KEY_ID.fullmatch(ref.id):
        return conn.owner_of_key(ref.id) or _missing(ref, "the key belongs to no user")
    arn = parse_arn(ref.id)
    if arn and arn.kind == "federated-user":
        return typed_name(_issuer(conn, ref, arn))[0]
    return typed_name(ref)[0]


def is_session_key(ref: PrincipalRef) -> bool:
    """Whether it is the id of a session's key (ASIA…): only the logs know whose that is."""
    return not ref.kind and ref.id.startswith("ASIA") and bool(KEY_ID.fullmatch(ref.id))


def behind(conn: AwsConnection, ref: PrincipalRef) -> Principal:
    """The user or role that a session's key acts as. Raises Missing, Denied."""

    def ask() -> Principal:
        told, unique = begun_by(conn, ref.id) or _missing(ref, "no event of this session key is in CloudTrail")
        who = resolve(conn, told)
        if unique and unique != who.unique_id:
            _missing(
                ref, f"it acted as {told} with id {unique}, which is gone or renamed: another has that name by now"
            )
        return who

    return conn.remembered(ref.id, ask)


def kinds_in(conn: AwsConnection, ref: PrincipalRef) -> tuple[str, ...]:
    """What the reference may be, as `kinds_of`; of a session's key, what it is. Raises Missing, Denied."""
    return (behind(conn, ref).kind,) if is_session_key(ref) else kinds_of(ref)


def _look(conn: AwsConnection, ref: PrincipalRef, name: str) -> list[Principal]:
    kinds = kinds_of(ref)
    answers: Sequence[Principal | Fault] = conn.io.map(lambda kind: _one(conn, kind, name), kinds)
    found = [a for a in answers if isinstance(a, Principal)]
    denied = [a for a in answers if isinstance(a, Denied)]
    if denied:
        raise denied[0]  # the one that could not be asked may be meant, too
    if not found:
        where = f" in account {conn.scope}" if conn.scope else ""
        raise Missing(
            f"{ref}: no such {' or '.join(kinds)}{where}",
            hint="Names are written as in the console; another account needs the ARN and [[aws.accounts]] in nhi.toml.",
        )
    return found


def _one(conn: AwsConnection, kind: str, name: str) -> Principal | Denied | Missing:
    try:
        if kind == USER:
            return _user(conn.entity("user", name))
        return _role(conn.entity("role", name))
    except (Denied, Missing) as fault:
        return fault


def _user(user: dict[str, Any]) -> Principal:
    return _principal(USER, str(user["Arn"]), str(user["UserId"]), _facts(user), ())


def _role(role: dict[str, Any]) -> Principal:
    arn = parse_arn(str(role["Arn"]))
    assert arn, "AWS gives well-formed ARNs"
    facts = _facts(role)
    facts["MaxSessionDuration"] = int(role.get("MaxSessionDuration") or 3600)
    used = (role.get("RoleLastUsed") or {}).get("LastUsedDate")
    if used:
        facts["LastUsed"] = used.isoformat()
    session = f"aws:arn:{arn.partition}:sts::{arn.account}:assumed-role/{arn.name}/*"
    return _principal(ROLE, str(role["Arn"]), str(role["RoleId"]), facts, (session,))


def _facts(entity: dict[str, Any]) -> Json:
    facts: Json = {"Path": entity.get("Path", "/")}
    if entity.get("CreateDate"):
        facts["CreateDate"] = entity["CreateDate"].isoformat()
    if entity.get("PasswordLastUsed"):
        facts["PasswordLastUsed"] = entity["PasswordLastUsed"].isoformat()
    boundary = (entity.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    if boundary:
        facts["PermissionsBoundary"] = boundary
    return facts


def _principal(kind: str, text: str, unique_id: str, facts: Json, more: tuple[str, ...]) -> Principal:
    arn = parse_arn(text)
    assert arn, "AWS gives well-formed ARNs"
    ref = canonical(text)
    return Principal(
        ref=ref,
        kind=kind,
        name=arn.name,
        scope=arn.account,
        unique_id=unique_id,
        aliases=(str(ref), f"aws:account/{arn.account}", f"aws:{unique_id}", *more),
        untouchable=untouchable(arn),
        delicate=delicate(arn),
        facts=facts,
    )


def _root(arn: Arn, ref: PrincipalRef) -> Principal:
    account = f"aws:account/{arn.account}"
    return Principal(
        canonical(str(arn)), ROOT, ROOT, arn.account, arn.account, str(ref), (account,), untouchable(arn)
    )  # fmt: skip


def _confirm(conn: AwsConnection, ref: PrincipalRef, who: Principal, typed: Arn | None, path: str | None) -> None:
    """What was typed must be this principal: the API looks by name alone, in the operator's own account."""
    real = parse_arn(who.ref.id)
    assert real
    wanted = typed.account if typed else conn.scope
    if wanted and wanted != real.account:
        raise Missing(
            f"{ref} is in account {wanted}; these credentials reach account {real.account} only",
            hint=f'Add to nhi.toml:  [[aws.accounts]]  id = "{wanted}"  with assume_role or profile.',
        )
    if typed and typed.partition != real.partition:
        raise Missing(
            f"{ref} is in partition {typed.partition}; these credentials are for {real.partition}",
            hint="Set profile in [aws] of nhi.toml to one of that partition.",
        )
    if path is not None and path != real.path:
        raise Missing(
            f"{ref}: the {who.kind} of this name has another path",
            hint=f"The real one is {who.ref}: if it is meant, type that.",
        )


def _as_written(ref: PrincipalRef, who: Principal, name: str) -> None:
    """IAM minds no case of letters in a request (AWS docs: API_CreateUser). What other services list of a principal
    tells its name as it is written, and is found by that alone.
    """
    if name != who.name:
        raise Missing(
            f"{ref}: the {who.kind} is written {who.name}",
            hint=f"The real one is {who.ref}: if it is meant, type that.",
        )


def _by_key(conn: AwsConnection, ref: PrincipalRef) -> Principal:
    if is_session_key(ref):
        return resolve(conn, behind(conn, ref).ref)
    try:
        owner = conn.owner_of_key(ref.id)
    except (Missing, Denied) as fault:
        _elsewhere(conn, ref)
        if isinstance(fault, Denied):
            raise
        where = f" in account {conn.scope}" if conn.scope else " in the account of your login"
        raise Missing(f"{ref}: no access key of this id exists{where}") from None
    who = _one(conn, USER, owner or _missing(ref, "the key belongs to no user (a root key?)"))
    if isinstance(who, Fault):
        raise who
    return who


def _elsewhere(conn: AwsConnection, ref: PrincipalRef) -> None:
    """Raises Missing with the account to configure, where the key belongs to another one."""
    try:
        account = str(conn.call("sts", "GetAccessKeyInfo", AccessKeyId=ref.id)["Account"])
    except Fault:
        return  # only the hint is lost: the first answer is told
    if account != conn.account():
        raise Missing(
            f"{ref} belongs to account {account}; these credentials reach account {conn.account()} only",
            hint=f'Add to nhi.toml:  [[aws.accounts]]  id = "{account}"  with assume_role or profile.',
        )


def _issuer(conn: AwsConnection, ref: PrincipalRef, arn: Arn) -> PrincipalRef:
    return named_federation(conn, arn.name) or _missing(ref, "no GetFederationToken of this name is in CloudTrail")


def _missing(ref: PrincipalRef, why: str) -> Any:
    raise Missing(f"{ref}: {why}", hint="Name the user or role itself: aws:user/NAME or aws:role/NAME.")
