"""Under which names the logs tell what a user did: CloudTrail finds events by name, and a user may be renamed.

AWS docs: cloudtrail-event-reference-user-identity (userName; principalId, which stays), IAM API UpdateUser ("names are
not distinguished by case"): a request may spell a name in other letters than the user has, and CloudTrail tells it so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from nhi_revoke.model.identity import Principal
from nhi_revoke_aws.events import Event

RENAMING = "UpdateUser"


def acted(who: Principal, event: Event) -> bool:
    """By its unique id, where the event tells one: ARNs change with name and path, and others may get them then."""
    return event.actor_id == who.unique_id if event.actor_id else event.actor == who.ref.id


def names_of(who: Principal, renamings: Sequence[Event]) -> Sequence[str]:
    """The name of now first, then every other that a renaming links with it, letters' case aside, in each spelling that
    the renamings tell. Some may be another user's: `acted` tells.
    """
    pairs = [(_old(e), _new(e)) for e in renamings if _old(e) and _new(e)]
    names = {who.name: None}
    before = 0
    while before < len(names):
        before = len(names)
        linked = {name.casefold() for name in names}
        for pair in pairs:
            if not linked.isdisjoint(name.casefold() for name in pair):
                names |= dict.fromkeys(pair)
    # Whoever renames itself acts under the name as it is spelled.
    names |= dict.fromkeys(e.actor_name for e in renamings if acted(who, e) and e.actor_name)
    return tuple(names)


def unsure(who: Principal, names: Sequence[str], renamings: Sequence[Event], did: Iterable[Event]) -> Sequence[str]:
    """Those that only the request of a renaming spells: the name that the user had may have other letters."""
    told = {who.name, *map(_new, renamings), *(e.actor_name for e in (*renamings, *did) if acted(who, e))}
    exact = {name.casefold() for name in told}
    return [name for name in names if name.casefold() not in exact]


def one_name(who: Principal, names: Sequence[str], by_name: Iterable[Event], then: datetime) -> bool:
    """Whether all that the user did is sure to stand under the name that it has now: it acted under that name before
    `then`, and no renaming is known. Where `then` is as long ago as events may be late, none is unseen, either.

    A renaming alone never proves which user got a name: it tells no unique id, and names its user as it was typed.
    `by_name`: events of that name.
    """
    return len(names) == 1 and any(e.at < then and acted(who, e) for e in by_name)


def _old(event: Event) -> str:
    return str(event.asked.get("userName") or "")


def _new(event: Event) -> str:
    return str(event.asked.get("newUserName") or "")
