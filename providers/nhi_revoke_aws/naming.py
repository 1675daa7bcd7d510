"""How AWS principals are written: ARNs of every partition, `user/NAME`, `role/NAME`, key ids, bare names. Pure."""

from __future__ import annotations

import base64
import re

from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef

PROVIDER = "aws"
ARN = re.compile(r"arn:(?P<partition>aws[a-z0-9-]*):(?P<service>iam|sts)::(?P<account>\d{12}):(?P<resource>\S+)")
KEY_ID = re.compile(r"(AKIA|ASIA)[A-Z0-9]{12,28}")
NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
PATH_AND_NAME = re.compile(r"(?:[\x21-\x2e\x30-\x7e]+/)*[A-Za-z0-9_+=,.@-]{1,64}")

USER = "user"
ROLE = "role"
ROOT = "root"
SSO_USER = "sso-user"
USER_ID = re.compile(r"([0-9a-f]{10}-)?[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}")
"""Of a user of Identity Center, as its identity store gives it (AWS docs: identitystore API_DescribeUser)."""
SSO_NAME = re.compile(r"\S{1,128}")
RESERVED_ROLE = "AWSReservedSSO_"
SERVICE_LINKED = "/aws-service-role/"
SSO_RESERVED = "/aws-reserved/sso.amazonaws.com/"


class Arn(Struct, frozen=True):
    """A principal's ARN, taken apart."""

    partition: str
    account: str
    kind: str
    """`user`, `role`, `assumed-role`, `federated-user` or `root`."""
    path: str
    """Begins and ends with `/`."""
    name: str
    session: str = ""
    """Of an assumed role."""

    def __str__(self) -> str:
        service = "sts" if self.kind in ("assumed-role", "federated-user") else "iam"
        if self.kind == ROOT:
            return f"arn:{self.partition}:iam::{self.account}:root"
        tail = f"/{self.session}" if self.session else ""
        return f"arn:{self.partition}:{service}::{self.account}:{self.kind}{self.path}{self.name}{tail}"


def parse_arn(text: str) -> Arn | None:
    """None for what is no principal's ARN."""
    found = ARN.fullmatch(text)
    if not found:
        return None
    partition, account, resource = found["partition"], found["account"], found["resource"]
    if resource == ROOT:
        return Arn(partition, account, ROOT, "/", ROOT)
    kind, _, rest = resource.partition("/")
    if kind == "assumed-role":
        name, _, session = rest.partition("/")
        return Arn(partition, account, kind, "/", name, session) if NAME.fullmatch(name) else None
    if kind not in (USER, ROLE, "federated-user") or not PATH_AND_NAME.fullmatch(rest):
        return None
    path, _, name = rest.rpartition("/")
    return Arn(partition, account, kind, f"/{path}/" if path else "/", name)


def canonical(arn: str) -> PrincipalRef:
    """`aws:arn:…`: the one form in which a principal stands in a plan."""
    return PrincipalRef(PROVIDER, "", arn)


def parse_ref(text: str) -> PrincipalRef | None:
    """From what follows `aws:`, or from a bare native id; None where it is not ours."""
    if parse_arn(text) or KEY_ID.fullmatch(text):
        return PrincipalRef(PROVIDER, "", text)
    kind, slash, rest = text.partition("/")
    if slash and kind == SSO_USER:
        return PrincipalRef(PROVIDER, kind, rest) if SSO_NAME.fullmatch(rest) else None
    if slash:
        known = kind in (USER, ROLE) and PATH_AND_NAME.fullmatch(rest)
        return PrincipalRef(PROVIDER, kind, rest) if known else None
    return PrincipalRef(PROVIDER, "", text) if NAME.fullmatch(text) else None


def is_native(text: str) -> bool:
    """Whether the text says by itself that it is AWS's: an ARN or a key id."""
    return bool(parse_arn(text) or KEY_ID.fullmatch(text))


def kinds_of(ref: PrincipalRef) -> tuple[str, ...]:
    """What the reference may turn out to be."""
    if ref.kind:
        return (ref.kind,)
    arn = parse_arn(ref.id)
    if arn:
        return {"assumed-role": (ROLE,), "federated-user": (USER,)}.get(arn.kind, (arn.kind,))
    if ref.id.startswith("AKIA") and KEY_ID.fullmatch(ref.id):
        return (USER,)
    return (USER, ROLE)


def account_of(ref: PrincipalRef) -> str:
    """The account that the reference itself tells; empty where it does not."""
    if ref.kind == SSO_USER:
        return ""  # whatever its name looks like
    arn = parse_arn(ref.id)
    if arn:
        return arn.account
    return account_in_key_id(ref.id) if KEY_ID.fullmatch(ref.id) else ""


def account_in_key_id(key_id: str) -> str:
    """The account that newer key ids encode (undocumented; found by A. Steele, 2020): a hint, never evidence.

    The first bit tells the generation (WithSecure, "A bitwise analysis of AWS access key identifiers"): ids of before
    about March 2019 (AKIAI…, AKIAJ…) encode none, and what one would read there is a number of nobody.
    """
    try:
        decoded = base64.b32decode(key_id[4:20])
    except ValueError:
        return ""
    bits = int.from_bytes(decoded[:6], "big")
    account = (bits & 0x7FFFFFFFFF80) >> 7
    return f"{account:012d}" if bits >> 47 and account < 10**12 else ""


def session_alias(name: str) -> PrincipalRef:
    """How an operator and a user of Identity Center are known for one: sessions of its roles bear the user's name.

    AWS docs: singlesignon authconcept-revoke-access (`aws:UserId` is `*:user@domain`).
    """
    return PrincipalRef(PROVIDER, "sso-session-name", name.lower())


def signed_in_as(arn: str) -> PrincipalRef | None:
    """Whose session of an Identity Center role an assumed-role ARN is; None for every other ARN."""
    known = parse_arn(arn)
    if known is None or known.kind != "assumed-role" or not known.name.startswith(RESERVED_ROLE) or not known.session:
        return None
    return session_alias(known.session)


def typed_name(ref: PrincipalRef) -> tuple[str, str | None]:
    """Name and path as typed: the API takes only the last segment. Path None: none was typed."""
    arn = parse_arn(ref.id)
    if arn:
        return arn.name, None if arn.kind in ("assumed-role", "federated-user") else arn.path
    path, slash, name = ref.id.rpartition("/")
    return name, f"/{path}/" if slash else None


def untouchable(arn: Arn) -> str | None:
    """Why AWS lets nobody change this principal, with the way by hand; None where it does."""
    if arn.kind == ROOT:
        return (
            "the account's root user: no policy binds it. By hand: sign in as root, change the password, delete its "
            "access keys; in an organisation: an SCP, or sts:AssumeRoot with IAMDeleteRootUserCredentials"
        )
    if arn.path.startswith(SERVICE_LINKED):
        return (
            "a service-linked role: AWS changes it, and nobody revokes its sessions. By hand: stop the resource of the "
            "service that uses it, or delete the role through that service"
        )
    if arn.path.startswith(SSO_RESERVED):
        return (
            "a role of IAM Identity Center: IAM refuses edits. By hand: remove the assignment, or put a deny into the "
            "permission set's inline policy and provision it again (AWS docs: revoke access to Identity Center users)"
        )
    return None


DELICATE = {
    "OrganizationAccountAccessRole": "the organisation's own way into this account",
    "AWSControlTowerExecution": "Control Tower manages the account through it",
}


def delicate(arn: Arn) -> str | None:
    """What breaks beyond the identity when this principal is stopped."""
    return DELICATE.get(arn.name) if arn.kind == ROLE else None
