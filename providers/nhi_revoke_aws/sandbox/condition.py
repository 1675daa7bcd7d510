"""The condition block of a policy statement (AWS docs: reference_policies_elements_condition_operators)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

Context = Mapping[str, Sequence[str]]
"""Condition keys in lower case, each with its values; a key that the request does not have is absent."""

ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?")


class UnknownOperator(ValueError):
    """A condition operator that this sandbox does not judge: better loud than wrong."""


def wildcard(pattern: str, text: str, *, fold: bool = False) -> bool:
    """`*` and `?` as in policies; nothing else is special."""
    return _compiled(pattern, fold).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str, fold: bool) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if fold else 0))


def moment(text: str) -> datetime:
    """ISO 8601 in UTC with `Z`, a date alone, or seconds since 1970. Raises ValueError for anything else.

    AWS also documents offsets; a tool that writes them is on thin ice, so this sandbox refuses them.
    """
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    if not ISO_DATE.fullmatch(text):
        raise ValueError(f"{text!r} is no date of the form 2026-01-31T12:00:00Z")
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _same_case(a: str, b: str) -> bool:
    return a.lower() == b.lower()


Test = Callable[[str, str], bool]
"""(value of the request, value of the policy) -> matches."""

POSITIVE: dict[str, Test] = {
    "StringEquals": lambda have, want: have == want,
    "StringEqualsIgnoreCase": _same_case,
    "StringLike": lambda have, want: wildcard(want, have),
    "ArnEquals": lambda have, want: wildcard(want, have),
    "ArnLike": lambda have, want: wildcard(want, have),
    "Bool": _same_case,
    "DateEquals": lambda have, want: moment(have) == moment(want),
    "DateLessThan": lambda have, want: moment(have) < moment(want),
    "DateLessThanEquals": lambda have, want: moment(have) <= moment(want),
    "DateGreaterThan": lambda have, want: moment(have) > moment(want),
    "DateGreaterThanEquals": lambda have, want: moment(have) >= moment(want),
    "NumericEquals": lambda have, want: float(have) == float(want),
    "NumericLessThan": lambda have, want: float(have) < float(want),
    "NumericLessThanEquals": lambda have, want: float(have) <= float(want),
    "NumericGreaterThan": lambda have, want: float(have) > float(want),
    "NumericGreaterThanEquals": lambda have, want: float(have) >= float(want),
}
NEGATED: dict[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "DateNotEquals": "DateEquals",
    "NumericNotEquals": "NumericEquals",
}


def holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    """One line of a condition block. Raises UnknownOperator, and ValueError for values that are no dates or numbers."""
    quantifier, _, plain = operator.rpartition(":")
    if_exists = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    have = context.get(key.lower())
    if plain == "Null":
        return (have is None) == (wanted[0].lower() == "true")
    negated = plain in NEGATED
    test = POSITIVE.get(NEGATED.get(plain, plain))
    if test is None:
        raise UnknownOperator(operator)
    if have is None:
        return if_exists or negated or quantifier == "ForAllValues"
    hits = [any(test(value, want) for want in wanted) != negated for value in have]
    return any(hits) if quantifier == "ForAnyValue" else all(hits)


def known_operator(operator: str) -> bool:
    plain = operator.rpartition(":")[2].removesuffix("IfExists")
    return plain == "Null" or plain in POSITIVE or plain in NEGATED
