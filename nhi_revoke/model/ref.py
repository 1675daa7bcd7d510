"""How a principal is named: `provider:kind/id`, or `provider:native-id` where the vendor's own id says it all."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

Utc = Annotated[datetime, Meta(tz=True)]
"""A moment, always with a time zone, always UTC."""

Json = dict[str, Any]
"""Flat facts about an access or a change. msgspec has no recursive JSON alias."""

AccessId = str
StepId = str


class NotAReference(ValueError):
    """The text does not have the form `provider:kind/id` or `provider:native-id`."""


class PrincipalRef(Struct, frozen=True, order=True):
    """One principal in one system.

    `kind` is empty where the vendor's own id carries it (an id with a `:` before its first `/`);
    such a reference prints as `provider:id`.
    """

    provider: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.kind}/{self.id}" if self.kind else f"{self.provider}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> PrincipalRef:
        """Split at the first `:` and the first `/`, so that what was typed prints back.

        Raises NotAReference when the provider or the id is missing.
        """
        provider, colon, rest = text.partition(":")
        if not colon or not provider or not rest:
            raise NotAReference(text)
        kind, slash, name = rest.partition("/")
        if not slash or ":" in kind:
            return cls(provider, "", rest)
        if not kind or not name:
            raise NotAReference(text)
        return cls(provider, kind, name)
