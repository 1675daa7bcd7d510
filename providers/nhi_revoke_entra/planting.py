"""Activities of Entra's audit log that leave something behind, and what is read of an event.

facts entra.md 1 (row 12) and 8 (27). No document at hand lists the activities: their names, and which of an event's
targets is which, are recalled. So names are compared by their words alone, and an activity that is not here is told,
too, by its own name. Of an event ids, types and display names are read and nothing else: `modifiedProperties` may hold
anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from nhi_revoke.provider.times import moment
from nhi_revoke_entra.naming import GUID

APPLICATION, SERVICE_PRINCIPAL, PERSON = "Application", "ServicePrincipal", "User"
LONGEST = 80
"""Characters of a name that are told: whoever is watched may have chosen it."""
FAILED = "failure"
GRANTEE = "ServicePrincipal.ObjectID"
"""Modified property that names whom a right was given: the target is the API then."""
NAMES = ("Role.DisplayName", "AppRole.DisplayName", "Group.DisplayName")
"""Modified properties that name what was given."""


class Plant(Struct, frozen=True):
    """One activity. `on`: types of the target that it is done to, the likeliest first."""

    says: str
    on: tuple[str, ...]
    grantee: bool = False
    """Whom it is done to may stand in a modified property."""


_APP, _BOTH, _ANYBODY = (APPLICATION,), (APPLICATION, SERVICE_PRINCIPAL), (PERSON, SERVICE_PRINCIPAL)
_RESET = Plant("reset this user's password", (PERSON,))
_TRUST = Plant("made it trust another issuer", _APP)

PLANTS: dict[str, Plant] = {
    "add application": Plant("created this app", _APP),
    "add service principal": Plant("created its service principal", (SERVICE_PRINCIPAL,)),
    "update application certificates and secrets management": Plant("changed its secrets or certificates", _APP),
    "add service principal credentials": Plant("added credentials to its service principal", (SERVICE_PRINCIPAL,)),
    "add federated identity credential": _TRUST,
    "create federated identity credential": _TRUST,
    "add owner to application": Plant("gave it an owner", _APP),
    "add owner to service principal": Plant("gave its service principal an owner", (SERVICE_PRINCIPAL,)),
    "add app role assignment to service principal": Plant("gave it an app role", (SERVICE_PRINCIPAL,), grantee=True),
    "add delegated permission grant": Plant("let it act for users", (SERVICE_PRINCIPAL,), grantee=True),
    "consent to application": Plant("consented to it", _BOTH[::-1]),
    "add member to role": Plant("gave it a directory role", _ANYBODY),
    "add eligible member to role": Plant("made it eligible for a directory role", _ANYBODY),
    "add member to group": Plant("made it a member of a group", _ANYBODY),
    "add user": Plant("created this user", (PERSON,)),
    "enable account": Plant("enabled this user", (PERSON,)),
    "reset password": _RESET,
    "reset user password": _RESET,
    "change user password": _RESET,
}
"""By the words of the activity's name."""


def words(name: str) -> str:
    """Without case, dashes and spaces at the end: they differ between records of one activity."""
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


class Target(Struct, frozen=True):
    """What an event was done to."""

    type: str
    id: str
    name: str = ""


class Act(Struct, frozen=True):
    """One event, read."""

    says: str
    known: bool
    on: Target
    details: str
    """Names of what was given, or of its other targets."""
    at: datetime


def act_of(row: Mapping[str, Any]) -> Act | None:
    """None for what failed, and for what tells no time. An activity that is not known is an act, too."""
    at, activity = moment(row.get("activityDateTime")), plain(row.get("activityDisplayName"))
    if at is None or str(row.get("result")) == FAILED:
        return None
    targets = list(_targets(row))
    told = _modified(row)
    plant = PLANTS.get(words(activity))
    on = _chosen(plant, targets, told)
    says = plant.says if plant else f'did "{activity or "an activity without a name"}"'
    named = [told[name] for name in NAMES if name in told]
    others = [each.name or each.id for each in targets if each != on and each.id != on.id]
    details = ", ".join(named or (others if plant is None or not plant.grantee else []))
    unsure = "" if str(row.get("result")) == "success" else " (the log does not say that it succeeded)"
    return Act(f"{says}{unsure}", plant is not None, on, details, at)


def _targets(row: Mapping[str, Any]) -> Iterable[Target]:
    for each in row.get("targetResources") or ():
        if isinstance(each, dict) and GUID.fullmatch(str(each.get("id") or "")):
            name = plain(each.get("userPrincipalName")) or plain(each.get("displayName"))
            yield Target(plain(each.get("type")) or "object", str(each["id"]).lower(), name)


def _modified(row: Mapping[str, Any]) -> dict[str, str]:
    """The few modified properties that are ids and display names, whatever target they stand beside."""
    out: dict[str, str] = {}
    for target in row.get("targetResources") or ():
        for each in (target.get("modifiedProperties") or ()) if isinstance(target, dict) else ():
            name = str(each.get("displayName")) if isinstance(each, dict) else ""
            if name in (GRANTEE, *NAMES):
                out[name] = plain(_decoded(each.get("newValue")))
    return {name: text for name, text in out.items() if text and (name != GRANTEE or GUID.fullmatch(text))}


def _chosen(plant: Plant | None, targets: list[Target], told: Mapping[str, str]) -> Target:
    if plant is not None and plant.grantee and GRANTEE in told:
        return Target(SERVICE_PRINCIPAL, told[GRANTEE].lower())
    for kind in plant.on if plant else ():
        found = next((t for t in targets if t.type == kind), None)
        if found is not None:
            return found
    return targets[0] if targets else Target("object", "")


def _decoded(value: object) -> object:
    """The log writes a value as JSON within a string."""
    try:
        return json.loads(value) if isinstance(value, str) else ""
    except ValueError:
        return value


def plain(text: object) -> str:
    """On one line, and no longer than a name is."""
    told = text if isinstance(text, str) else ""
    return "".join(c for c in " ".join(told.split()) if c.isprintable())[:LONGEST]
