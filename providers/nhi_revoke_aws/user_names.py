"""Under which names the logs tell what a user did: CloudTrail finds events by name, and a user may be renamed.

AWS docs: cloudtrail-event-reference-user-identity (userName; principalId, which stays), IAM API UpdateUser.
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


def names_of(name: str, renamings: Iterable[Event]) -> Sequence[str]:
    """`name` first, then every other that a renaming links with it. Some may be another user's: `acted` tells."""
    pairs = [(str(e.asked["userName"]), new) for e in renamings if e.asked.get("userName") and (new := _new(e))]
    names = {name: None}
    before = 0
    while before < len(names):
        before = len(names)
        for pair in pairs:
            if not names.keys().isdisjoint(pair):
                names |= dict.fromkeys(pair)
    return tuple(names)


def had_its_name(who: Principal, renamings: Iterable[Event], by_name: Iterable[Event], then: datetime) -> bool:
    """Whether the user had the name that it has now before `then`: what gave it the name, if anything did, is older.

    `by_name`: events of that name. Where `then` is as long ago as events may be late, no renaming is unseen that hides
    what is older.
    """
    named = any(e.at < then and _new(e) == who.name for e in renamings)
    return named or any(e.at < then and acted(who, e) for e in by_name)


def _new(event: Event) -> str:
    return str(event.asked.get("newUserName") or "")
