"""What a provider says that it needs: read from its kinds and doers, the single source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.doer import Doer, Store


def doers(provider: Provider[Any]) -> Iterator[tuple[str, Doer[Any]]]:
    """Every remedy, mint, store and flush, by registry key."""
    for kind in provider.kinds():
        for doer in (*kind.remedies, *((kind.mint,) if kind.mint else ())):
            yield f"{kind.name}/{doer.name}", doer
    for target in provider.targets():
        if isinstance(target, Store):
            for part in (target.stage, target.serve, target.forget):
                if part is not None:
                    yield f"{target.name}/{part.name}", part
        else:
            yield target.name, target


def permissions(provider: Provider[Any]) -> frozenset[str]:
    """Everything that finding, listing, reading logs and changing need, in the vendor's own words."""
    needed: set[str] = set(provider.finds)
    for kind in provider.kinds():
        needed |= {*kind.reads, *kind.reads_logs}
    for _, doer in doers(provider):
        needed |= set(doer.permissions)
    return frozenset(needed)
