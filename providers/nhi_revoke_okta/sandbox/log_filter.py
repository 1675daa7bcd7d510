"""The System Log's filter language, as far as this sandbox speaks it: `eq`, `and`, `or`, parentheses.

Okta docs: system-log-query. What it does not know is refused, never ignored: a filter that matches everything would
hide a mistake of whoever asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from nhi_revoke_okta.sandbox.state import Event, Refusal

Matches = Callable[[Event], bool]
TOKEN = re.compile(r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z][\w.]*)|(?P<sign>[()]))')
FIELDS: dict[str, Callable[[Event], list[str]]] = {
    "eventType": lambda e: [e.type],
    "actor.id": lambda e: [str(e.actor.get("id"))],
    "actor.alternateId": lambda e: [str(e.actor.get("alternateId"))],
    "target.id": lambda e: [str(t.get("id")) for t in e.targets],
    "target.type": lambda e: [str(t.get("type")) for t in e.targets],
    "outcome.result": lambda e: [e.outcome],
}
"""What each field holds of an event: of a list, any entry may match."""


def compiled(text: str) -> Matches:
    """Raises Refusal 400 for what is no filter."""
    reader = _Reader(_words(text))
    matches = reader.either()
    reader.end()
    return matches


def _words(text: str) -> list[str]:
    words, at = [], 0
    while at < len(text.rstrip()):
        read = TOKEN.match(text, at)
        if read is None:
            raise _wrong()
        words.append(read.group(0).strip())
        at = read.end()
    return words


class _Reader:
    """One filter, read from left to right; `and` binds stronger than `or`."""

    def __init__(self, words: list[str]) -> None:
        self._words, self._at = words, 0

    def either(self) -> Matches:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return lambda event: any(part(event) for part in parts)

    def end(self) -> None:
        if self._at != len(self._words):
            raise _wrong()

    def _both(self) -> Matches:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return lambda event: all(part(event) for part in parts)

    def _one(self) -> Matches:
        if self._take("("):
            inner = self.either()
            if not self._take(")"):
                raise _wrong()
            return inner
        field, operator, value = self._next(), self._next(), self._next()
        if field not in FIELDS or operator.lower() != "eq" or not value.startswith('"'):
            raise _wrong()
        wanted, held = re.sub(r"\\(.)", r"\1", value[1:-1]), FIELDS[field]
        return lambda event: wanted in held(event)

    def _take(self, word: str) -> bool:
        found = self._at < len(self._words) and self._words[self._at].lower() == word
        self._at += found
        return found

    def _next(self) -> str:
        if self._at >= len(self._words):
            raise _wrong()
        self._at += 1
        return self._words[self._at - 1]


def _wrong() -> Refusal:
    return Refusal(400, "E0000031", "Invalid search criteria.")
