"""A minted credential on its way from the mint to a store: memory only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NoReturn


class Secret:
    """The secret part and the public parts of one minted credential.

    `repr`, `str`, pickle and msgspec refuse the value, so that no log, journal, report or traceback holds it.
    """

    __slots__ = ("_value", "field", "public")

    def __init__(self, value: str, *, field: str, public: Mapping[str, str] | None = None) -> None:
        self._value = value
        self.field = field
        """Name of the secret part, for example `SecretAccessKey`."""
        self.public = dict(public or {})
        """Parts that are no secret, for example `AccessKeyId`."""

    def reveal(self) -> str:
        """The value. Only a store and a proof call this."""
        return self._value

    def fields(self) -> dict[str, str]:
        """Public parts and the secret, as a store merges them into JSON."""
        return {**self.public, self.field: self._value}

    def fingerprint(self) -> str:
        """sha256 of the value, for comparing a read-back in memory. It is never written anywhere."""
        return hashlib.sha256(self._value.encode()).hexdigest()

    def __repr__(self) -> str:
        return f"Secret({self.field}=…)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never serialised")
