"""Permissions by stage, gathered from what kinds, doers and stores declare; and what does not work without them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nhi_revoke.cli.data import Need
from nhi_revoke.model.right import STAGES, Stage
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.doer import Doer, Mint
from nhi_revoke.provider.registry import target_doers

if TYPE_CHECKING:
    from nhi_revoke.provider.registry import Registry

FIND = "find"
LACKS = {
    Phase.CUT: "cannot cut",
    Phase.END: "cannot end",
    Phase.SEAL: "cannot seal",
    Phase.MINT: "cannot mint",
    Phase.DELIVER: "cannot deliver",
    Phase.PROVE: "cannot prove",
    Phase.SERVE: "cannot serve the new one",
    Phase.FLUSH: "cannot flush",
    Phase.RELEASE: "cannot release",
    Phase.FINISH: "cannot finish",
}
"""What a step is without one of its permissions; or it can be neither seen nor taken back."""
UNSEEN = "is UNSEEN"


def declared_needs(registry: Registry, provider: str) -> tuple[Need, ...]:
    """By stage, then by permission. Raises what `Registry.provider` raises."""
    return tuple(need for need, _ in needs_and_lacks(registry, provider))


def needs_and_lacks(registry: Registry, provider: str) -> tuple[tuple[Need, tuple[str, ...]], ...]:
    """Each need, and what does not work without it, in words, beside each of `Need.by`. Raises as above."""
    gathered: dict[tuple[str, str], dict[str, str]] = {}
    for stage, permission, by, lacks in _declared(registry, provider):
        gathered.setdefault((stage, permission), {}).setdefault(by, lacks)
    order = {stage: number for number, stage in enumerate(STAGES)}
    keys = sorted(gathered, key=lambda key: (order[key[0]], key[1]))  # type: ignore[index]  # they are of STAGES
    return tuple(
        (Need(provider, stage, permission, tuple(users)), tuple(users.values()))
        for stage, permission in keys
        if (users := gathered[stage, permission])
    )


def permissions_of(needs: Iterable[Need], stages: Iterable[Stage]) -> tuple[str, ...]:
    """Once each, sorted."""
    wanted = set(stages)
    return tuple(sorted({need.permission for need in needs if need.stage in wanted}))


def _declared(registry: Registry, provider: str) -> Iterator[tuple[str, str, str, str]]:
    for kind in registry.kinds(provider):
        yield from (("list", permission, kind.name, UNSEEN) for permission in (*kind.reads, *kind.reads_logs))
        yield from _of_doers((f"{kind.name}/{doer.name}", doer) for doer in kind.remedies)
        if kind.mint is not None:
            yield from _of_doers([(f"{kind.name}/{kind.mint.name}", kind.mint)])
    plugin = registry.provider(provider)
    yield from (("list", permission, FIND, "sees less") for permission in plugin.finds)
    for target in plugin.targets():
        for key, doer in target_doers(target).items():
            yield from (("rotate", permission, key, LACKS[doer.phase]) for permission in doer.permissions)


def _of_doers(doers: Iterable[tuple[str, Doer[Any]]]) -> Iterator[tuple[str, str, str, str]]:
    for key, doer in doers:
        stage = "rotate" if isinstance(doer, Mint) else "contain"
        yield from ((stage, permission, key, LACKS[doer.phase]) for permission in doer.permissions)
