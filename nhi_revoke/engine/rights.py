"""What the operator may do on one connection: every permission that was asked has an answer, and a fault is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from nhi_revoke.model.right import Holding
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.fault import Fault

NO_CHECK = "this provider has no check of what the operator may do"
NOT_TOLD = "the check said nothing of it"


class Asked(NamedTuple):
    """What is to be known of one connection."""

    provider: str
    conn: Any
    permissions: Sequence[str]


def holdings(plugin: Provider[Any], conn: Any, permissions: Sequence[str]) -> dict[str, Holding]:
    """By permission. What was answered before a fault stands; the rest is unknown. Raises nothing of the contract."""
    found: dict[str, Holding] = {}
    why = NO_CHECK if type(plugin).holds is Provider.holds else NOT_TOLD
    try:
        for each in plugin.holds(conn, permissions):
            found[each.permission] = each
    except Fault as fault:
        why = fault.message
    return {name: found.get(name) or Holding(name, "unknown", why=why) for name in permissions}
