"""What identity policies say of sts:AssumeRole: on which roles, and in which accounts. Pure.

It is no judge: conditions count as met, and boundaries and organisation policies are not looked at. So what it rules
out is out for certain, and what it lets through `may` be allowed. AWS docs: reference_policies_elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from msgspec import Struct

from nhi_revoke_aws.policy import as_json, read

ASSUME = "sts:AssumeRole"
VARIABLE = re.compile(r"\$\{[^}]*\}")
WILD = "*?"
ANY_ROLE = "role/*"


class Rule(Struct, frozen=True):
    """One statement about sts:AssumeRole."""

    allow: bool
    resources: tuple[str, ...]
    others: bool = False
    """NotResource: it speaks of all but these."""
    conditional: bool = False

    def covers(self, arn: str) -> bool:
        return any(wildcard(pattern, arn) for pattern in self.resources) != self.others


class Elsewhere(Struct, frozen=True):
    """Roles of another account that a policy names."""

    pattern: str
    """An ARN, which may hold wildcards."""
    account: str
    """As it stands there: it may hold wildcards, too."""

    @property
    def one(self) -> bool:
        """Whether it is the ARN of one role."""
        return not any(c in self.pattern for c in WILD)

    @property
    def any_account(self) -> bool:
        """Whether it names no account at all."""
        return not self.account.strip(WILD)


class Grants(Struct, frozen=True):
    """What all the policies of one principal say together."""

    rules: tuple[Rule, ...] = ()
    whole: bool = True
    """Whether every policy was read: otherwise it may be allowed more."""

    def also(self, documents: Iterable[Any], *, whole: bool) -> Grants:
        """With what these say besides."""
        more = grants_of(documents)
        return Grants(tuple(dict.fromkeys((*self.rules, *more.rules))), whole)

    def may(self, arn: str) -> bool:
        """Whether it may be allowed to assume the role."""
        allowed = not self.whole or any(r.allow and r.covers(arn) for r in self.rules)
        return allowed and not self.stopped(arn)

    def stopped(self, arn: str) -> bool:
        """Whether it is denied, whatever else holds."""
        return any(not r.allow and not r.conditional and r.covers(arn) for r in self.rules)

    def elsewhere(self, partition: str, account: str) -> tuple[Elsewhere, ...]:
        """Other accounts' roles that are allowed by name or by pattern; each once."""
        found: dict[str, Elsewhere] = {}
        for rule in self.rules:
            if not rule.allow:
                continue
            for pattern in ("*",) if rule.others else rule.resources:
                one = _elsewhere(pattern, partition, account)
                if one is not None and not self.stopped(one.pattern):
                    found[one.pattern] = one
        return tuple(found.values())


def grants_of(documents: Iterable[Any], *, whole: bool = True) -> Grants:
    """From policies as the API gives them. Our own denies are left out: they are taken off again."""
    rules = [rule for document in documents if read(document) is None for rule in _rules(as_json(document))]
    return Grants(tuple(dict.fromkeys(rules)), whole)


def wildcard(pattern: str, text: str) -> bool:
    """`*` and `?` as in policies; nothing else is special."""
    return pattern == "*" or _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _rules(document: Any) -> Iterable[Rule]:
    statements = document.get("Statement") if isinstance(document, dict) else None
    for statement in _many(statements):
        if not isinstance(statement, dict) or not _speaks(statement):
            continue
        others = "NotResource" in statement
        resources = statement.get("NotResource" if others else "Resource")
        yield Rule(
            allow=statement.get("Effect") == "Allow",
            resources=tuple(VARIABLE.sub("*", str(r)) for r in _many(resources)),
            others=others,
            conditional=bool(statement.get("Condition")),
        )


def _speaks(statement: dict[str, Any]) -> bool:
    """Whether it is about sts:AssumeRole; letters' case does not matter in actions."""
    wanted = ASSUME.lower()
    if "NotAction" in statement:
        return not any(wildcard(str(a).lower(), wanted) for a in _many(statement["NotAction"]))
    return any(wildcard(str(a).lower(), wanted) for a in _many(statement.get("Action")))


def _elsewhere(pattern: str, partition: str, account: str) -> Elsewhere | None:
    """None for what is of this account, of another partition, or no role."""
    parts = pattern.split(":", 5)
    if len(parts) < 6:
        loose = any(c in pattern for c in WILD)  # a `*` spans colons, too
        return Elsewhere(f"arn:{partition}:iam::*:{ANY_ROLE}", "*") if loose else None
    _, in_partition, service, _, owner, resource = parts
    if not (wildcard(in_partition, partition) and wildcard(service, "iam") and _may_be_role(resource)):
        return None
    if owner == account:
        return None
    resource = ANY_ROLE if "role/".startswith(_fixed(resource)) else resource
    return Elsewhere(f"arn:{partition}:iam::{owner}:{resource}", owner)


def _may_be_role(resource: str) -> bool:
    fixed = _fixed(resource)
    return fixed.startswith("role/") or (fixed != resource and "role/".startswith(fixed))


def _fixed(pattern: str) -> str:
    """What comes before the first wildcard."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]
