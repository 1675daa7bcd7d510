"""Trust policies of roles, taken apart: who may begin sessions, and the same policy without some of them. Pure.

AWS docs: reference_policies_elements_principal.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

from msgspec import Struct

from nhi_revoke.model.glob import overlap
from nhi_revoke_aws.grants import VARIABLE
from nhi_revoke_aws.naming import parse_arn
from nhi_revoke_aws.policy import as_json

ASSUMING = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
OIDC = ":oidc-provider/"
SHOWN = 12
"""Characters of the hash in an access id."""
NOBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "NHIRevokeNobody", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
"""IAM takes no trust policy without a statement: this one lets nobody in."""
HIDDEN_VALUES = ("sts:externalid",)
Exposure = Literal["anyone", "foreign", "local", "service"]


class Trusted(Struct, frozen=True):
    """One principal that a trust policy names."""

    type: str
    """`AWS`, `Service`, `Federated`, or `*`."""
    value: str
    conditions: tuple[str, ...] = ()
    """Of each statement that names it; empty where one of them has none."""
    subjects: tuple[str, ...] = ()
    """Of an OIDC provider: what the `sub` of its tokens may be, a glob; `*` where a statement does not ask."""

    @property
    def text(self) -> str:
        """As it stands for a reader and in a step."""
        return f"{self.type}:{self.value}"

    @property
    def hash(self) -> str:
        """Stable: of the principal alone."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:SHOWN]

    @property
    def lets_in(self) -> str:
        """A glob over the aliases of principals."""
        if self.value == "*":
            return "*"
        if self.type == "Service":
            return f"aws:service/{self.value}"
        if self.type == "Federated":
            return f"aws:federated/{self.value}"
        arn = parse_arn(self.value)
        if arn is None:
            return f"aws:account/{self.value}" if self.value.isdigit() else f"aws:{self.value}"
        if arn.kind == "root":
            return f"aws:account/{arn.account}"
        if arn.kind == "assumed-role":
            return f"aws:arn:{arn.partition}:sts::{arn.account}:assumed-role/{arn.name}/*"
        return f"aws:{self.value}"

    @property
    def whoms(self) -> tuple[str, ...]:
        """All globs: of an OIDC provider `ISSUER/SUBJECT`, too, by which another cloud's provider names its jobs."""
        issuer = self.value.partition(OIDC)[2]
        return (self.lets_in, *(f"{issuer}/{subject}" for subject in self.subjects if issuer))

    def met(self, aliases: Sequence[str]) -> tuple[str, ...]:
        """Which of these globs has a name in common with one of another provider's principal; letters' case aside.

        A subject where it is an OIDC provider's: `*` lets in whomever the issuer vouches for.
        """
        issuer = self.value.partition(OIDC)[2]
        asked = (
            {subject: f"{issuer}/{subject}" for subject in self.subjects} if issuer else {self.lets_in: self.lets_in}
        )
        return tuple(
            says for says, glob in asked.items() if any(overlap(VARIABLE.sub("*", glob), a, fold=True) for a in aliases)
        )

    def exposure(self, account: str) -> Exposure:
        """How far it opens, seen from the role's account."""
        if self.value == "*":
            return "anyone"
        if self.type == "Service":
            return "service"
        if self.type == "Federated":
            return "foreign"
        arn = parse_arn(self.value)
        theirs = arn.account if arn else self.value if self.value.isdigit() else account
        return "local" if theirs == account else "foreign"

    def means(self, account: str) -> str:
        """In plain words, with the conditions."""
        only = f"; only where {' or '.join(self.conditions)}" if self.conditions else ""
        return self._who(account) + only

    def _who(self, account: str) -> str:
        if self.value == "*":
            return "anyone with any AWS account can begin sessions"
        if self.type == "Service":
            return f"the AWS service {self.value} begins sessions for its resources"
        if self.type == "Federated":
            return f"whoever {self.value} vouches for can begin sessions"
        arn = parse_arn(self.value)
        if arn is None and not self.value.isdigit():
            return f"{self.value} was deleted: it lets nobody in until AWS gives the id again (never)"
        if arn is None or arn.kind == "root":
            theirs = arn.account if arn else self.value
            whose = "this account" if theirs == account else f"account {theirs}"
            return f"everyone in {whose} who is allowed sts:AssumeRole on it can begin sessions"
        where = "" if arn.account == account else f" of account {arn.account}"
        return f"{arn.kind} {arn.name}{where} can begin sessions"


def trusted(document: Any) -> tuple[Trusted, ...]:
    """Every principal that an Allow statement lets assume the role; each once, in the document's order."""
    found: dict[str, Trusted] = {}
    for statement in _statements(as_json(document)):
        if not _lets_in(statement):
            continue
        conditions = _conditions(statement)
        for kind, value in _principals(statement):
            one = Trusted(kind, value, (conditions,) if conditions else (), _subjects(statement, value))
            known = found.get(one.text)
            if known is not None:
                both = (*known.conditions, *one.conditions)
                free = not known.conditions or not one.conditions
                subjects = tuple(dict.fromkeys((*known.subjects, *one.subjects)))
                one = Trusted(kind, value, () if free else tuple(dict.fromkeys(both)), subjects)
            found[one.text] = one
    return tuple(found.values())


def without(document: Any, cut: Collection[str]) -> dict[str, Any]:
    """The same policy without these principals (`Trusted.text`); never empty: the last one leaves a deny."""
    out = copy.deepcopy(as_json(document))
    kept = []
    for statement in _statements(out):
        if _lets_in(statement):
            left = [(k, v) for k, v in _principals(statement) if Trusted(k, v).text not in cut]
            if not left:
                continue
            if "NotPrincipal" not in statement and len(left) < len(list(_principals(statement))):
                statement["Principal"] = _block(left)
        kept.append(statement)
    if not kept:
        return copy.deepcopy(NOBODY)
    out["Statement"] = kept
    return dict(out)


def same(one: Any, other: Any) -> bool:
    """Equal in meaning: IAM stores a list of one as its only element, and keeps no order within a list."""
    return bool(_normal(as_json(one)) == _normal(as_json(other)))


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _normal(v) for k, v in value.items()}
    if isinstance(value, list):
        items = [_normal(v) for v in value]
        return items[0] if len(items) == 1 else sorted(items, key=repr)
    return value


def _statements(document: Any) -> list[dict[str, Any]]:
    found = document.get("Statement") if isinstance(document, dict) else None
    return list(found) if isinstance(found, list) else [found] if isinstance(found, dict) else []


def _lets_in(statement: dict[str, Any]) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    if "NotAction" in statement:
        return True  # whatever it leaves out, it is read as the wider of the two
    patterns = [str(pattern).lower() for pattern in _list(statement.get("Action"))]
    return any(fnmatchcase(wanted.lower(), pattern) for pattern in patterns for wanted in ASSUMING)


def _principals(statement: dict[str, Any]) -> Iterable[tuple[str, str]]:
    if "NotPrincipal" in statement:
        yield "*", "*"
        return
    block = statement.get("Principal")
    if isinstance(block, str):
        yield "*", block
        return
    for kind, values in (block or {}).items():
        for value in _list(values):
            yield kind, value


def _block(left: list[tuple[str, str]]) -> Any:
    if left[0][0] == "*":
        return left[0][1]
    block: dict[str, Any] = {}
    for kind, value in left:
        block.setdefault(kind, []).append(value)
    return {kind: values[0] if len(values) == 1 else values for kind, values in block.items()}


def _conditions(statement: dict[str, Any]) -> str:
    said = []
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, value in keys.items():
            shown = "…" if key.lower() in HIDDEN_VALUES else " or ".join(map(str, _list(value)))
            said.append(f"{key} {operator} {shown}")
    return " and ".join(said)


def _subjects(statement: dict[str, Any], provider: str) -> tuple[str, ...]:
    """AWS docs: reference_policies_iam-condition-keys (`ISSUER:sub`). What is denied or not asked narrows nothing."""
    _, oidc, issuer = provider.partition(OIDC)
    if not oidc:
        return ()
    wanted: list[str] = []
    for operator, keys in (statement.get("Condition") or {}).items():
        plain = operator.rpartition(":")[2].lower().removesuffix("ifexists")
        if plain in ("stringequals", "stringlike", "stringequalsignorecase"):
            wanted += [str(v) for k, vs in keys.items() if k.lower() == f"{issuer}:sub".lower() for v in _list(vs)]
    return tuple(dict.fromkeys(wanted)) or ("*",)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]
