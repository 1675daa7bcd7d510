"""What a token says that it allows (Microsoft docs: access-token-claims-reference: `roles`, `scp`, `wids`)."""

from __future__ import annotations

from typing import Any

from nhi_revoke_entra.rights.app_roles import APP_ROLES
from nhi_revoke_entra.rights.holding import GLOBAL_ADMINISTRATOR
from nhi_revoke_entra.sandbox.gate import EVERYTHING, Here


def of_a_user(at: Here, roles: frozenset[str]) -> dict[str, Any]:
    """Scopes of the client, and directory roles: an operator that may do everything is a global administrator."""
    if EVERYTHING not in roles:
        return {}
    wids = [] if at.gate.permissions.limited else [GLOBAL_ADMINISTRATOR]
    return {"scp": " ".join(named(at, roles)), "wids": wids}


def named(at: Here, roles: frozenset[str]) -> list[str]:
    """As the token tells them; of an operator that may do everything, all that are asked for here and not withheld."""
    if EVERYTHING not in roles:
        return sorted(roles)
    every = at.gate.asked_for() | APP_ROLES.keys()
    return sorted(each for each in every if "/" not in each and at.gate.permissions.allows(each))
