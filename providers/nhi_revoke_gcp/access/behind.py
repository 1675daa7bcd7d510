"""What lets nobody in while the account is disabled, seen or not: it counts until then, and is told after.

facts gcp.md 2: disabled, an account gets nobody a token, and those that are out are refused until it is enabled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.named import Named, account_at
from nhi_revoke_gcp.permissions import GET_ROLE
from nhi_revoke_gcp.stopping import STOPS

DISABLED = "the account is disabled, and lets nobody in by it until it is enabled again"


def unseen(ref: PrincipalRef, kind: str, what: str, fault: Fault | None = None, needs: str = "") -> BlindSpot:
    """The brake covers what it hides. `needs`: the permission, where the fault is a denial that names none."""
    why = f"{what}: {fault.message}" if fault is not None else what
    needed = (fault.needs or needs) if isinstance(fault, Denied) else ""
    return BlindSpot(ref, kind, why, needed, covered_by=(STOPS,))


SHUT = "not while the account is disabled; again once it is enabled"
"""Of ways to become it."""
REFUSED = "refused while the account is disabled; those that have not expired are accepted again once it is enabled"
"""Of its tokens."""


def behind(
    conn: GcpConnection, named: Named, spots: Iterable[BlindSpot], disabled: str = DISABLED
) -> list[BlindSpot]:  # fmt: skip
    """The same while the account is enabled, or nobody can tell; said, and no more, once it is disabled. `disabled`:
    what that means for these.
    """
    found = list(spots)
    return told(found, off=bool(found) and is_disabled(conn, named.resource), disabled=disabled)


def told(spots: Iterable[BlindSpot], *, off: bool, disabled: str = DISABLED) -> list[BlindSpot]:
    """Likewise, where somebody has looked whether it is disabled (`off`)."""
    if not off:
        return list(spots)
    return [replace(spot, why=f"{spot.why} ({disabled})", counts=False, covered_by=()) for spot in spots]


def unread_roles(
    ref: PrincipalRef, kind: str, held: Iterable[tuple[str, str]], means: Mapping[str, str | Fault]
) -> Iterable[BlindSpot]:
    """One for each role that could not be read. `held`: a role, and who holds it where, in words."""
    by_role: dict[str, list[str]] = {}
    for role, who in held:
        by_role.setdefault(role, []).append(who)
    for role, holders in by_role.items():
        if isinstance(fault := means[role], Fault):
            who = holders[0] if len(holders) == 1 else f"{holders[0]} and {len(holders) - 1} more"
            what = f"whether {who} may become it by role {role}, whose permissions could not be read"
            yield unseen(ref, kind, what, fault, GET_ROLE)


def is_disabled(conn: GcpConnection, resource: str) -> bool:
    """As it is now: asked anew each time, since runs disable and enable it. False where nobody can tell."""
    try:
        row = account_at(conn, resource)
    except Fault:
        return False
    return row is not None and bool(row.disabled)
