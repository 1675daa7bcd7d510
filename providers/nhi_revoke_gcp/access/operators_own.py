"""Trusts that the operator itself works by: they are never cut, since the rest of the run needs them. Pure.

facts gcp.md 7 (10). Who is in a group Cloud Identity alone tells, and nobody here asks it: that is said, and cut.
"""

from __future__ import annotations

from collections.abc import Iterable

from nhi_revoke.model.found import Access
from nhi_revoke.model.step import Notice
from nhi_revoke.provider.kind import View
from nhi_revoke_gcp.naming import NOT_NAMED, OPERATOR, POOL, PROVIDER
from nhi_revoke_gcp.pool_member import pool_member

ANY_OF_THEM = ("group:", "domain:", "allUsers", "allAuthenticatedUsers")
"""How members begin that may stand for the operator, whoever that is."""
LEFT = "not taken out: {label} is how the operator works here. Somebody else must do it"
MAY_BE = (
    "not taken out: {label} may be how the operator works here, which came in by the same pool and does not know as "
    "whom. Somebody else must do it"
)
UNKNOWN = (
    "whether the operator works here by {label}, too, nobody can tell: if it does, what comes after that cut may be "
    "refused, and so may undo"
)


def without_own(view: View, wanted: Iterable[Access]) -> tuple[list[Access], list[Notice]]:
    """Those that may be cut, and what must be read before consenting."""
    mine = [ref for ref in view.inventory.operator if ref.provider == PROVIDER]
    names = {ref.id.lower() for ref in mine}
    nameless = any((ref.kind, ref.id) == (OPERATOR, NOT_NAMED) for ref in mine)
    pools = {ref.id for ref in mine if ref.kind == POOL}
    taken, said = list[Access](), list[Notice]()
    for access in wanted:
        member = str(access.before["member"])
        sort, _, who = member.partition(":")
        of_pool = pool_member(member)
        if who.lower() in names:
            said.append(Notice(view.who.ref, LEFT.format(label=access.label), "danger"))
        elif nameless and of_pool is not None and of_pool.pool in pools:
            said.append(Notice(view.who.ref, MAY_BE.format(label=access.label), "danger"))
        else:
            taken.append(access)
            if member.startswith(ANY_OF_THEM) or (nameless and not pools and sort == "user"):
                said.append(Notice(view.who.ref, UNKNOWN.format(label=access.label), "warning"))
    return taken, said
