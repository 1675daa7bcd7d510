"""How much can go wrong with one plan, whom it concerns, and what it takes at the least."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from msgspec import Struct

from nhi_revoke.campaign.item import Blast, Tenant
from nhi_revoke.model.found import KEY_FAMILIES
from nhi_revoke.model.plan import Plan
from nhi_revoke.render.inventory import lets_in, unseen_count

LOOKS = 2
"""Requests that a run sends for each principal at the least: before its first change and after its last."""
PER_STEP = 2
"""And for each step: one that asks for it, one that looks whether it came."""


class Counted(Struct, frozen=True):
    """What one plan, or many of them, amount to."""

    identities: int = 0
    live: int = 0
    """Accesses that were seen live."""
    changes: int = 0
    irreversible: int = 0
    breaks: int = 0
    open: int = 0
    """Doors that the plans leave, and what is to be done by hand."""
    unseen: int = 0

    def __add__(self, other: Counted) -> Counted:
        both = ((getattr(self, name), getattr(other, name)) for name in self.__struct_fields__)
        return Counted(*(mine + more for mine, more in both))


def blast_of(plan: Plan) -> Blast:
    """Of one plan: what cannot be taken back counts first, then what breaks."""
    return Blast(len(plan.irreversible), _breaks(plan), len({lead.to for lead in plan.leads}), _live(plan))


def counted(plan: Plan) -> Counted:
    """One plan as a row of totals."""
    is_open = sum(not door.kept for door in plan.open) + len(plan.manual)
    unseen = unseen_count(plan.blind, plan.unreachable)
    return Counted(1, _live(plan), len(plan.steps), len(plan.irreversible), _breaks(plan), is_open, unseen)


def tenants_of(plan: Plan, config: str) -> tuple[Tenant, ...]:
    """Where its principals are; stores and caches that it writes to have tenants of their own, which are not told."""
    return tuple(sorted({Tenant(each.ref.provider, each.scope or config) for each in plan.principals}))


def least_requests(plan: Plan, config: str) -> dict[Tenant, int]:
    """What a run of this plan sends to each tenant at the very least."""
    found: dict[Tenant, int] = {}
    for principal in plan.principals:
        tenant = Tenant(principal.ref.provider, principal.scope or config)
        steps = sum(step.on == principal.ref for step in plan.steps)
        found[tenant] = found.get(tenant, 0) + LOOKS + PER_STEP * steps
    return found


def campaign_digest(digests: Iterable[str]) -> str:
    """Over the digests of all plans in their order; an item without a plan has an empty one."""
    return hashlib.sha256("".join(f"{each}\n" for each in digests).encode()).hexdigest()


def _live(plan: Plan) -> int:
    return sum(access.state == "live" and lets_in(access) for access in plan.accesses)


def _breaks(plan: Plan) -> int:
    """What the plan itself says, and each live key that it ends and nobody replaces."""
    ended = {access for step in plan.steps for access in step.ends}
    unreplaced = sum(
        access.id in ended
        and access.state == "live"
        and access.family in KEY_FAMILIES
        and access.kind not in plan.intent.replace
        for access in plan.accesses
    )
    says = {(step.on, step.breaks) for step in plan.steps if step.breaks}
    return len(says) + sum(notice.level == "danger" for notice in plan.notices) + unreplaced
