"""What the audit log keeps of a change: who did it, and what it was done to.

Names of activities, of modified properties, and which target is which, are recalled: no document at hand has them.
"""

from __future__ import annotations

import json
from typing import Any

from nhi_revoke_entra.sandbox.gate import Here
from nhi_revoke_entra.sandbox.state import Application, Directory, ServicePrincipal, User


def record(at: Here, activity: str, *targets: dict[str, Any]) -> None:
    """By whoever asks."""
    token = at.caller.token
    if token is not None:
        at.gate.tenant.audit(activity, at.now, token.user or token.app, *targets)


def target(thing: Directory | User, **modified: str) -> dict[str, Any]:
    """`modified`: new values, by the property's name with `_` for its dot."""
    person = isinstance(thing, User)
    kind = "User" if person else "Application" if isinstance(thing, Application) else "ServicePrincipal"
    name = None if isinstance(thing, User) else thing.name
    login = thing.login if isinstance(thing, User) else None
    told = [
        {"displayName": each.replace("_", "."), "oldValue": None, "newValue": json.dumps(value)}
        for each, value in modified.items()
    ]
    return {"id": thing.id, "displayName": name, "type": kind, "userPrincipalName": login, "groupType": None,
            "modifiedProperties": told}  # fmt: skip


def of_credentials(at: Here, thing: Directory, name: str) -> None:
    """A secret or certificate was added."""
    told = target(thing, KeyDescription=f"[KeyType=Password,KeyUsage=Verify,DisplayName={name}]")
    activity = "Update application – Certificates and secrets management "
    record(at, "Add service principal credentials" if isinstance(thing, ServicePrincipal) else activity, told)


def of_right(at: Here, activity: str, api: ServicePrincipal, to: ServicePrincipal, **more: str) -> None:
    """The target is the API; who was given the right stands in a modified property."""
    record(at, activity, target(api, ServicePrincipal_ObjectID=to.id, ServicePrincipal_DisplayName=to.name, **more))
