"""Permissions by stage, gathered from what kinds, doers and stores declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nhi_revoke.cli.data import Need
from nhi_revoke.provider.doer import Doer, Mint
from nhi_revoke.provider.registry import target_doers

if TYPE_CHECKING:
    from nhi_revoke.provider.registry import Registry

STAGES = ("list", "contain", "rotate")


def declared_needs(registry: Registry, provider: str) -> tuple[Need, ...]:
    """By stage, then by permission. Raises what `Registry.provider` raises."""
    gathered: dict[tuple[str, str], list[str]] = {}
    for stage, permission, by in _declared(registry, provider):
        users = gathered.setdefault((stage, permission), [])
        if by not in users:
            users.append(by)
    order = {stage: number for number, stage in enumerate(STAGES)}
    keys = sorted(gathered, key=lambda key: (order[key[0]], key[1]))
    return tuple(Need(provider, stage, permission, tuple(gathered[stage, permission])) for stage, permission in keys)


def _declared(registry: Registry, provider: str) -> Iterator[tuple[str, str, str]]:
    for kind in registry.kinds(provider):
        yield from (("list", permission, kind.name) for permission in (*kind.reads, *kind.reads_logs))
        yield from _of_doers((f"{kind.name}/{doer.name}", doer) for doer in kind.remedies)
        if kind.mint is not None:
            yield from _of_doers([(f"{kind.name}/{kind.mint.name}", kind.mint)])
    plugin = registry.provider(provider)
    yield from (("list", permission, "find") for permission in plugin.finds)
    for target in plugin.targets():
        for key, doer in target_doers(target).items():
            yield from (("rotate", permission, key) for permission in doer.permissions)


def _of_doers(doers: Iterable[tuple[str, Doer[Any]]]) -> Iterator[tuple[str, str, str]]:
    for key, doer in doers:
        stage = "rotate" if isinstance(doer, Mint) else "contain"
        yield from ((stage, permission, key) for permission in doer.permissions)
