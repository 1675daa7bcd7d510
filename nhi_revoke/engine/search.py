"""`find`: principals of exactly one name, over every provider and connected account, side by side."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.inventory import unreachable
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.likeness import Alike
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.inventory import Unreachable
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.registry import Registry


class FoundPrincipals(Struct, frozen=True):
    """What `find` saw, and where it could not look."""

    name: str
    refs: tuple[PrincipalRef, ...]
    """Those of exactly this name."""
    unreachable: tuple[Unreachable, ...]
    candidates: tuple[Alike, ...] = ()
    """All that may be one identity, the surest first."""
    identity: str = ""
    """The identity of nhi.toml that is meant; empty where it has none, or where several could be meant."""
    asked: tuple[str, ...] = ()
    """Providers and accounts that answered: no others were looked at."""
    blind: tuple[BlindSpot, ...] = ()
    proposal: str = ""
    """TOML for nhi.toml: what it lacks, and what is not sure commented out."""
    next: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing that was looked for is unseen."""
        return not self.unreachable and not any(spot.counts for spot in self.blind)


def search(name: str, registry: Registry, connections: Connections, io: EngineIo) -> FoundPrincipals:
    """A provider that cannot be asked is listed as such, never as "none found"."""
    places: list[tuple[str, str]] = []
    missing: list[Unreachable] = []
    for provider in registry.names():
        try:
            if registry.provider(provider).principal_kinds:
                places += [(provider, scope) for scope in connections.scopes(provider)]
        except Trouble as wrong:
            missing.append(unreachable(PrincipalRef(provider, "", name), wrong))

    def look(place: tuple[str, str]) -> tuple[tuple[PrincipalRef, ...], Unreachable | None]:
        provider, scope = place
        found: list[PrincipalRef] = []
        try:
            plugin: Any = registry.provider(provider)
            for ref in plugin.find(connections.at(provider, scope), name):
                found.append(ref)  # noqa: PERF402 - what was found stands, whatever could not be looked at after it
        except (Fault, Trouble) as fault:
            return tuple(found), unreachable(PrincipalRef(provider, scope, name), fault)
        return tuple(found), None

    results = io.map(look, places)
    missing += [u for _, u in results if u is not None]
    refs = dict.fromkeys(ref for found, _ in results for ref in found)
    return FoundPrincipals(name, tuple(refs), tuple(missing))
