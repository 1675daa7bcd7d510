"""What `Provider.consumers` is asked for, by what it has to ask: names, places, and whose they are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.model.consumer import Mark, Sought
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.evidence import called_like

SHOWN = 3
"""So many of the marks that stand in one place are told."""


def name_like(text: str, sought: Sought) -> str:
    """The name of the identity, or of one of its principals, that something is called like; empty where it is not."""
    names = dict.fromkeys((sought.name, *(who.name for who in sought.principals)))
    return next((name for name in names if called_like(text, name)), "")


def addresses(sought: Sought, scheme: str) -> Sequence[tuple[Delivery, str]]:
    """Where the map delivers to by one store: each with what follows `store:`."""
    parted = ((each, *each.to.partition(":")) for each in sought.delivered)
    return [(each, address) for each, store, _, address in parted if store == scheme]


def whose(delivery: Delivery, sought: Sought) -> tuple[PrincipalRef, ...]:
    """Principals whose replacement goes there: the one that it names, else those of its kind's provider."""
    provider = delivery.kind.partition(":")[0]
    mine = [who for who in sought.principals if who.ref.provider == provider]
    named = [who for who in mine if delivery.principal in (str(who.ref), who.typed)]
    return tuple(dict.fromkeys(who.ref for who in named or mine))


def owners(marks: Iterable[Mark]) -> tuple[PrincipalRef, ...]:
    """Whose they are, each once."""
    return tuple(dict.fromkeys(mark.of for mark in marks))


def told(marks: Iterable[Mark]) -> str:
    """In a sentence."""
    texts = list(dict.fromkeys(mark.text for mark in marks))
    more = len(texts) - SHOWN
    return ", ".join(texts[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def meant(found: Sequence[Mark], sought: Sought, provider: str = "") -> str:
    """The access kind whose replacement a place would take: told by the marks that stand there; where none does, the
    one that `provider`, whose place it is, could make anew, or anybody. Empty where several could be meant.
    """
    of = {mark.of for mark in found}
    tells = [mark for mark in found if mark.kind] or [mark for mark in sought.marks if mark.kind and mark.of in of]
    if not found:
        made = [mark for mark in sought.marks if mark.kind]
        tells = [mark for mark in made if mark.of.provider == provider] or made
    kinds = {mark.kind for mark in tells}
    return kinds.pop() if len(kinds) == 1 else ""
