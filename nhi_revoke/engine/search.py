"""`find`: principals of exactly one name, over every provider and connected account, side by side."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.inventory import unreachable
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.inventory import Unreachable
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.registry import Registry


class FoundPrincipals(Struct, frozen=True):
    """What `find` saw, and where it could not look."""

    name: str
    refs: tuple[PrincipalRef, ...]
    unreachable: tuple[Unreachable, ...]


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
