"""The few forms of CEL in which providers of pools say whom they let in. Pure; whatever else there is, is not read.

Google Cloud docs: workload-identity-federation (attribute mappings, attribute conditions). What is not read counts as
met, and is told: a condition narrows, so that nobody is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

TEXT = r"(?:'[^'\\]*'|\"[^\"\\]*\")"
NAME = r"(?:(?:assertion|attribute|google)\.[A-Za-z_][A-Za-z0-9_]*|(?:assertion|attribute)\[" + TEXT + r"\])"
EQUAL = re.compile(rf"(?P<name>{NAME})\s*==\s*(?P<text>{TEXT})|(?P<other>{TEXT})\s*==\s*(?P<named>{NAME})")
ONE_OF = re.compile(rf"(?P<name>{NAME})\s+in\s+\[(?P<texts>\s*{TEXT}(?:\s*,\s*{TEXT})*\s*)\]")
BEGINS = re.compile(rf"(?P<name>{NAME})\.startsWith\(\s*(?P<text>{TEXT})\s*\)")
QUOTED = re.compile(TEXT)


class Asked(Struct, frozen=True):
    """What one name must be: one of these, globs."""

    name: str
    """`assertion.CLAIM`, `attribute.NAME`, `google.subject`."""
    globs: tuple[str, ...]


class Condition(Struct, frozen=True):
    """All of which must hold."""

    asked: tuple[Asked, ...] = ()
    unread: tuple[str, ...] = ()
    """Parts that were not read."""


def condition_of(expression: str) -> Condition:
    """Conjunctions of equalities, lists and beginnings; alternatives for one name."""
    asked: list[Asked] = []
    unread: list[str] = []
    for part in _parts(expression.strip(), "&&"):
        one = _one(part)
        if one is not None:
            asked.append(one)
        elif part:
            unread.append(part)
    return Condition(tuple(asked), tuple(unread))


def name_in(expression: str) -> str:
    """Where a mapping is nothing but a name, that name; else empty."""
    text = _unwrapped(expression.strip())
    return _name(text) if re.fullmatch(NAME, text) else ""


def _one(part: str) -> Asked | None:
    """One name, and what it must be."""
    alternatives = [_plain(each) for each in _parts(part, "||")]
    names = {each.name for each in alternatives if each is not None}
    if len(names) != 1 or None in alternatives:
        return None
    return Asked(names.pop(), tuple(glob for each in alternatives if each is not None for glob in each.globs))


def _plain(text: str) -> Asked | None:
    if (found := EQUAL.fullmatch(text)) is not None:
        return Asked(_name(found["name"] or found["named"]), (_value(found["text"] or found["other"]),))
    if (found := ONE_OF.fullmatch(text)) is not None:
        return Asked(_name(found["name"]), tuple(_value(each) for each in QUOTED.findall(found["texts"])))
    if (found := BEGINS.fullmatch(text)) is not None:
        return Asked(_name(found["name"]), (_value(found["text"]) + "*",))
    return None


def _parts(expression: str, operator: str) -> Sequence[str]:
    """Cut at an operator that stands in no quotes and no brackets; brackets around the whole are left out.

    `&&` binds more tightly than `||`: where both stand side by side the whole is one part.
    """
    text = _unwrapped(expression)
    if operator == "&&" and len(list(_cut(text, "||"))) > 1:
        return [text]
    return [_unwrapped(each.strip()) for each in _cut(text, operator)]


def _cut(text: str, operator: str) -> Iterator[str]:
    start = 0
    for place in _outside(text):
        if place >= start and text.startswith(operator, place):
            yield text[start:place]
            start = place + len(operator)
    yield text[start:]


def _outside(text: str) -> Iterator[int]:
    """Places in no quotes and no brackets."""
    deep, quote = 0, ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            deep += 1
        elif letter in ")]}":
            deep -= 1
        elif deep == 0:
            yield place


def _unwrapped(text: str) -> str:
    """Without brackets that stand around all of it."""
    text = text.strip()
    while text.startswith("(") and text.endswith(")") and not list(_outside(text)):
        inner = text[1:-1]
        if _closes_early(inner):
            break
        text = inner.strip()
    return text


def _closes_early(inner: str) -> bool:
    """`(a)(b)`: the first bracket is not the last one's."""
    deep, quote = 0, ""
    for letter in inner:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "()":
            deep += 1 if letter == "(" else -1
            if deep < 0:
                return True
    return False


def _name(text: str) -> str:
    """`assertion['sub']` is `assertion.sub`."""
    bracket = re.fullmatch(r"(\w+)\[(.+)\]", text)
    return f"{bracket[1]}.{_value(bracket[2])}" if bracket else text


def _value(text: str) -> str:
    return text[1:-1]


def same(one: str, other: str) -> bool:
    """Whether two expressions differ in blanks and quotes alone."""
    return _bare(one) == _bare(other)


def _bare(expression: str) -> str:
    return re.sub(r"\s+", "", expression).replace('"', "'")


def resolved(asked: Asked, mapping: Mapping[str, str]) -> Asked | None:
    """By what the mapping says of its name; None where that is more than a claim's name."""
    if asked.name.startswith("assertion."):
        return asked
    claim = name_in(mapping.get(asked.name, ""))
    return Asked(claim, asked.globs) if claim.startswith("assertion.") else None
