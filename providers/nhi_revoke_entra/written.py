"""What this process wrote into lists that Graph takes whole: a later write by a read that lags must not take it back.

facts entra.md 2 ("Consistency"): a read after a write may be stale, and which replica answers changes. So the next
whole list may be read from one that never heard of the last one: written back, it would bring a certificate back that
was removed a moment ago, or lose one that was just added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Written:
    """By object and entry. Of one object one step writes at a time (its lock)."""

    def __init__(self) -> None:
        self._removed: dict[str, set[str]] = {}
        self._added: dict[str, dict[str, Any]] = {}

    def removed(self, on: str, entry: str) -> None:
        """Graph took a list without it."""
        self._removed.setdefault(on, set()).add(entry)
        self._added.get(on, {}).pop(entry, None)

    def added(self, on: str, entry: str, row: Any) -> None:
        """Graph took a list with it, and showed it."""
        self._removed.get(on, set()).discard(entry)
        self._added.setdefault(on, {})[entry] = row

    def corrected(self, on: str, read: Mapping[str, Any]) -> dict[str, Any]:
        """What was read, as it is after these writes."""
        removed = self._removed.get(on, set())
        return {k: row for k, row in {**read, **self._added.get(on, {})}.items() if k not in removed}
