"""Policy documents, and what they decide (AWS docs: reference_policies_evaluation-logic)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

from nhi_revoke_aws.sandbox.condition import Context, holds, known_operator, moment, wildcard

Effect = Literal["allowed", "explicitDeny", "implicitDeny"]
VARIABLE = re.compile(r"\$\{([^}]+)\}")


class Malformed(ValueError):
    """AWS refuses to store the document."""


class Statement(Struct, frozen=True):
    allow: bool
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: tuple[tuple[str, str], ...] = ()
    """(`AWS`, `Service`, `Federated` or `*`, value)."""
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def covers(self, action: str, resource: str, context: Context) -> bool:
        """Whether it speaks of this request at all. Principals are the trust's business."""
        return (
            self._acts(action)
            and self._reaches(resource, context)
            and all(holds(operator, key, wanted, context) for operator, key, wanted in self.conditions)
        )

    def _acts(self, action: str) -> bool:
        if self.not_actions:
            return not any(wildcard(a, action, fold=True) for a in self.not_actions)
        return any(wildcard(a, action, fold=True) for a in self.actions)

    def _reaches(self, resource: str, context: Context) -> bool:
        if self.not_resources:
            return not any(wildcard(_filled(r, context), resource) for r in self.not_resources)
        return not self.resources or any(wildcard(_filled(r, context), resource) for r in self.resources)


class Policy(Struct, frozen=True):
    """One document as it is attached."""

    name: str
    source: str
    """The id under which the vendor's simulator names it."""
    kind: Literal["user", "group", "role", "aws-managed", "user-managed", "none"]
    statements: tuple[Statement, ...]


class Decision(Struct, frozen=True):
    effect: Effect
    matched: tuple[Policy, ...] = ()
    missing: tuple[str, ...] = ()
    """Condition keys that the policies ask for and the request does not have."""

    @property
    def allowed(self) -> bool:
        return self.effect == "allowed"


def decide(policies: Sequence[Policy], action: str, resource: str, context: Context) -> Decision:
    """Identity policies of one principal: an explicit deny wins over every allow."""
    hits = [(p, s) for p in policies for s in p.statements if s.covers(action, resource, context)]
    denies = tuple(p for p, s in hits if not s.allow)
    allows = tuple(p for p, s in hits if s.allow)
    missing = tuple(sorted(_missing(policies, context)))
    if denies:
        return Decision("explicitDeny", denies, missing)
    if allows:
        return Decision("allowed", allows, missing)
    return Decision("implicitDeny", (), missing)


def _missing(policies: Sequence[Policy], context: Context) -> set[str]:
    return {
        key for p in policies for s in p.statements for _, key, _ in s.conditions if key.lower() not in context
    }  # fmt: skip


@lru_cache(maxsize=2048)
def parse(document: str) -> tuple[Statement, ...]:
    """Raises Malformed, as AWS would when it is written."""
    try:
        loaded = json.loads(document)
    except ValueError as error:
        raise Malformed("The policy is not in the valid JSON format.") from error
    if not isinstance(loaded, dict) or "Statement" not in loaded:
        raise Malformed("Syntax errors in policy.")
    return tuple(_statement(s) for s in _many(loaded["Statement"]))


def _statement(raw: Any) -> Statement:
    if not isinstance(raw, dict) or raw.get("Effect") not in ("Allow", "Deny"):
        raise Malformed("Syntax errors in policy.")
    if ("Action" in raw) == ("NotAction" in raw):
        raise Malformed("Policy statement must contain actions.")
    return Statement(
        allow=raw["Effect"] == "Allow",
        actions=tuple(map(str, _many(raw.get("Action", ())))),
        not_actions=tuple(map(str, _many(raw.get("NotAction", ())))),
        resources=tuple(map(str, _many(raw.get("Resource", ())))),
        not_resources=tuple(map(str, _many(raw.get("NotResource", ())))),
        principals=tuple(_principals(raw.get("Principal"))),
        conditions=tuple(_conditions(raw.get("Condition", {}))),
    )


def _principals(raw: Any) -> Iterator[tuple[str, str]]:
    if raw is None:
        return
    if raw == "*":
        yield "*", "*"
        return
    if not isinstance(raw, dict):
        raise Malformed("Invalid principal in policy.")
    for kind, values in raw.items():
        for value in _many(values):
            yield str(kind), str(value)


def _conditions(raw: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if not isinstance(raw, dict):
        raise Malformed("Syntax errors in policy.")
    for operator, tests in raw.items():
        if not known_operator(operator):
            raise Malformed(f"Invalid Condition type : {operator}.")
        for key, wanted in tests.items():
            values = tuple(_text(v) for v in _many(wanted))
            if operator.rpartition(":")[2].startswith("Date"):
                _check_dates(values)
            yield operator, str(key), values


def _check_dates(values: Iterable[str]) -> None:
    for value in values:
        try:
            moment(value)
        except ValueError as error:
            raise Malformed(f"Invalid date in policy condition: {value}") from error


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _many(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _filled(pattern: str, context: Context) -> str:
    """Policy variables such as `${aws:username}`; one without a value matches nothing."""
    if "${" not in pattern:
        return pattern
    return VARIABLE.sub(lambda m: next(iter(context.get(m[1].lower(), ())), "\0"), pattern)
