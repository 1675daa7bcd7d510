"""Who has a principal's name by now: a renamed one leaves it free, and another may be given it while a run works. Pure.

Whatever is looked at or changed under that name is the other one's since. It is no part of the plan, and the one that
is cannot be seen by its name any more.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef

NAMESAKE = "namesake"
"""Kind of the blind spot."""


def namesakes(plan: Plan, fresh: Inventory) -> tuple[BlindSpot, ...]:
    """One for each principal of the plan whose name another one has in this look."""
    now = {p.ref: p for p in fresh.principals}
    return tuple(
        BlindSpot(
            who.ref, NAMESAKE,
            f"another {who.kind} has this name by now (id {now[who.ref].unique_id}): the one of this plan (id "
            f"{who.unique_id}) was renamed, or deleted, and what became of it and of its accesses is unseen",
            "look for that id by hand, and revoke whoever has it",
        )
        for who in plan.principals
        if who.ref in now and now[who.ref].unique_id != who.unique_id
    )  # fmt: skip


def without(fresh: Inventory, plan: Plan, refs: Collection[PrincipalRef]) -> Inventory:
    """The same look without what these names have now. The plan's own principal stays: logs may still tell of it."""
    if not refs:
        return fresh
    planned = {p.ref: p for p in plan.principals}
    return replace(
        fresh,
        principals=tuple(planned[p.ref] if p.ref in refs else p for p in fresh.principals),
        accesses=tuple(a for a in fresh.accesses if a.on not in refs),
        leads=tuple(lead for lead in fresh.leads if lead.of not in refs),
        blind=tuple(b for b in fresh.blind if b.on not in refs),
    )
