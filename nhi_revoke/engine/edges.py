"""Who can mint sessions for whom, among the principals of a plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from nhi_revoke.model.found import Access
from nhi_revoke.model.glob import overlap
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef

Mints = Mapping[PrincipalRef, frozenset[PrincipalRef]]
"""For each principal, those of the plan that can mint sessions for it (itself included where its trust says so)."""


def names(access: Access, principal: Principal) -> bool:
    """Whether a trust names this principal, its account root or anyone. Conditions are ignored: they may be met.

    An alias that ends in `*` stands for a family of names (subjects of tokens): a trust of one of them names it, too.
    """
    aliases = (str(principal.ref), *principal.aliases)
    return any(_fits(alias, pattern) for pattern in access.lets_in for alias in aliases)


def _fits(alias: str, pattern: str) -> bool:
    return fnmatchcase(alias, pattern) or (alias.endswith("*") and overlap(alias, pattern))


def minters(principals: Sequence[Principal], accesses: Iterable[Access], unseen: Iterable[PrincipalRef] = ()) -> Mints:
    """From the trusts that were listed. Where they could not be listed (`unseen`), everybody may mint."""
    into: dict[PrincipalRef, set[PrincipalRef]] = {p.ref: set() for p in principals}
    for ref in unseen:
        into[ref] = {p.ref for p in principals}
    for access in accesses:
        if access.lets_in and access.on in into:
            into[access.on] |= {p.ref for p in principals if names(access, p)}
    return {ref: frozenset(sources) for ref, sources in into.items()}


def upstream(ref: PrincipalRef, mints: Mints) -> frozenset[PrincipalRef]:
    """Everything that can mint for it, directly or through others; itself only on a cycle."""
    seen: set[PrincipalRef] = set()
    todo = list(mints.get(ref, ()))
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += mints.get(one, ())
    return frozenset(seen)


def on_cycle_with(ref: PrincipalRef, mints: Mints) -> frozenset[PrincipalRef]:
    """Those that can mint for it and that it can mint for: none of their seals can wait for the other's."""
    return frozenset(other for other in upstream(ref, mints) if ref in upstream(other, mints) or other == ref)
