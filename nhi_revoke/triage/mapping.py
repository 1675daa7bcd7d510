"""Which identity of the map an owner belongs to: the map may spell a principal in several ways, so it is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nhi_revoke.model.error import Trouble
from nhi_revoke.model.identity import Principal

if TYPE_CHECKING:
    from nhi_revoke.engine.service import Engine
    from nhi_revoke.model.ref import PrincipalRef


def identities_of(engine: Engine, owners: Iterable[Principal]) -> Mapping[PrincipalRef, str]:
    """The name of the only identity that has each of them; nothing where none has, or several do."""
    people = {who.ref: who for who in owners}
    if not people:
        return {}
    mapped = _principals(engine)
    spelled = [ref for refs in mapped.values() for ref in refs if _may_be(ref, people.values())]
    having: dict[PrincipalRef, set[str]] = {}
    for ref, who in engine.owners(spelled).items():
        if isinstance(who, Principal) and who.ref in people:
            having.setdefault(who.ref, set()).update(name for name, refs in mapped.items() if ref in refs)
    return {ref: next(iter(names)) for ref, names in having.items() if len(names) == 1}


def _principals(engine: Engine) -> Mapping[str, tuple[PrincipalRef, ...]]:
    """Of each identity that the map spells right."""
    found = {}
    for name in engine.config.identities:
        try:
            found[name] = engine.resolve([name]).principals
        except Trouble:
            continue  # `identities check` tells
    return found


def _may_be(ref: PrincipalRef, people: Iterable[Principal]) -> bool:
    """Whether it is worth a request: it holds the name or the id of one of them."""
    text = ref.id.casefold()
    return any(
        ref.provider == who.ref.provider
        and any(word and word.casefold() in text for word in (who.name, who.unique_id, who.ref.id))
        for who in people
    )
