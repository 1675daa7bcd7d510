"""A minted credential among the keys of a store whose unit is a map of texts: which keys, put in, and read back. Pure.

Without a format every field is a key of its own, or one key holds the secret part alone. With one: variables and fields
become keys of their own, as an environment is filled from such a store; where a key is named, it holds the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from nhi_revoke.model.ref import Json
from nhi_revoke.provider import text as formatted
from nhi_revoke.provider.layout import ALONE, JSON, Layout, layout_in
from nhi_revoke.provider.secret import Secret


class Keyed(Struct, frozen=True):
    """Where among the keys."""

    key: str = ""
    """The one that is written; empty: each part has its own."""
    spelled: str = ""
    """The format, as an address has it behind its last `#`; empty: none."""

    def unfit(self, held: Mapping[str, Any]) -> str:
        """Why no credential can be put in beside what is held; empty where one can. Before there is one."""
        layout = self._layout
        if not self._is_text:
            besides = next((name for name in layout.never if name in held), "")
            return f"it has {besides}, which goes with another credential: take it out first" if besides else ""
        present = held.get(self.key)
        if self.key in held and not isinstance(present, str):
            return f"{self.key} holds no text"
        why = formatted.unfit(present, layout)
        return f"{self.key}: {why}" if why else ""

    def changes(self, held: Mapping[str, Any], secret: Secret) -> dict[str, str]:
        """What is written, in clear: memory only. Raises Rejected where it does not fit."""
        if self._is_text:
            present = held.get(self.key)
            return {self.key: formatted.written(present if isinstance(present, str) else None, secret, self._layout)}
        return formatted.values_of(secret, self._layout)

    def keys(self, minted: Json) -> tuple[str, ...]:
        """Which keys that is, told by what the mint left; empty where that does not tell."""
        return (self.key,) if self.key else self._layout.names(minted)

    def taken(self, held: Mapping[str, Any], shape: Secret) -> Secret | None:
        """The credential that stands there, or None where it is none, or public parts beside it are another's."""
        if self._is_text:
            present = held.get(self.key)
            return formatted.taken(present, shape, self._layout) if isinstance(present, str) else None
        return self._layout.credential(held, shape)

    def holds(self, held: Mapping[str, Any], secret: Secret) -> bool:
        """Whether it is this very credential that stands there."""
        found = self.taken(held, secret)
        return found is not None and found.fingerprint() == secret.fingerprint()

    @property
    def _is_text(self) -> bool:
        return bool(self.key and self.spelled)

    @property
    def _layout(self) -> Layout:
        if not self.spelled:
            return Layout(JSON.name, "variables", ((self.key, ALONE),)) if self.key else JSON
        return layout_in(self.spelled) or JSON
