"""JWTs that stand in a text, with what they say of themselves. Pure.

No signature is looked at: anybody may have written them, and only the issuer's own answer tells more.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, json

FORM = re.compile(
    r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,20000}\.[A-Za-z0-9_-]{16,2000}"
    r"(?![A-Za-z0-9_-])(?!\.[A-Za-z0-9_-])"
)
"""RFC 7519, signed: three parts. `eyJ` is how a JSON object begins in base64."""


class Jwt(Struct, frozen=True):
    """One, as it stands."""

    value: str
    start: int
    end: int
    claims: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Jwt({self.start}, {self.end})"

    def text(self, claim: str) -> str:
        """Of a claim that is a text; else empty."""
        told = self.claims.get(claim)
        return told if isinstance(told, str) else ""

    def texts(self, claim: str) -> tuple[str, ...]:
        """Of a claim that is a list of texts, or one text with words."""
        told = self.claims.get(claim)
        if isinstance(told, str):
            return tuple(told.split())
        return tuple(each for each in told if isinstance(each, str)) if isinstance(told, list) else ()

    @property
    def expires(self) -> datetime | None:
        """`exp`, UTC; None where it has none that can be read."""
        told = self.claims.get("exp")
        if not isinstance(told, int | float) or isinstance(told, bool):
            return None
        try:
            return datetime.fromtimestamp(told, UTC)
        except (ValueError, OverflowError, OSError):
            return None


def jwts(text: str) -> Iterator[Jwt]:
    """Each one whose header and claims are JSON objects."""
    for found in FORM.finditer(text):
        made = read(found[0], found.start())
        if made is not None:
            yield made


def read(value: str, start: int = 0) -> Jwt | None:
    """None for what is none."""
    header, _, rest = value.partition(".")
    claims = part(rest.partition(".")[0])
    if part(header) is None or claims is None:
        return None
    return Jwt(value, start, start + len(value), claims)


def part(encoded: str) -> dict[str, Any] | None:
    """The JSON object that a part holds; None where it holds none."""
    try:
        told = json.decode(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
