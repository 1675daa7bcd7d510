"""Applications or service principals by their appId, among tens of thousands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar


class HasAppId(Protocol):
    id: str
    app_id: str


D = TypeVar("D", bound=HasAppId)


class ByApp(Generic[D]):
    """`things`: by object id, the oldest first. Whoever changes them need not tell: what was found is looked at, and
    what was not is looked for once more.
    """

    def __init__(self, things: Mapping[str, D]) -> None:
        self._things = things
        self._ids: dict[str, str] = {}
        """Object id, by appId."""

    def get(self, app_id: str) -> D | None:
        """In any case; the oldest of several. None where there is none, and for what has no appId."""
        wanted = app_id.lower()
        return (self._known(wanted) or self._looked_for(wanted)) if wanted else None

    def _known(self, wanted: str) -> D | None:
        thing = self._things.get(self._ids.get(wanted, ""))
        return thing if thing is not None and thing.app_id == wanted else None

    def _looked_for(self, wanted: str) -> D | None:
        self._ids = {}
        for thing in self._things.values():
            self._ids.setdefault(thing.app_id, thing.id)
        return self._known(wanted)
