"""A saved plan held against the world as it is. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from nhi_revoke.model.error import Refused
from nhi_revoke.model.found import Access
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.plan import Plan, access_digest
from nhi_revoke.model.ref import AccessId
from nhi_revoke.model.step import Notice, Phase, Step


def refreshed(saved: Plan, fresh: Inventory, *, stale: Literal["drop", "refuse"]) -> Plan:
    """Drops the steps whose targets changed and says so; keeps everything else as it was consented to.

    A cut is never stale: it fails closed, and reads what it needs anew. Extra accesses never block.
    Raises Refused for a plan of another account or another principal of the same name, and with every target stale.
    """
    _same_principals(saved, fresh)
    now = {a.id: a for a in fresh.accesses}
    changed = {i for i, digest in saved.targets.items() if i not in now or access_digest(now[i]) != digest}
    # MINT: a delete that frees a slot, of an access that may be in use again.
    dropped = [s for s in saved.steps if s.phase in (Phase.END, Phase.MINT) and s.ends and set(s.ends) <= changed]
    if dropped and stale == "refuse":
        raise Refused(
            "stale-plan",
            f"changed since the plan was saved: {_list(changed, now)}. Nothing was changed.",
            "Make a new plan; what was approved is to be approved again.",
        )
    if saved.steps and all(set(s.ends) <= changed for s in saved.steps if s.ends) and changed:
        raise Refused(
            "stale-plan",
            f"every target of the plan has changed since it was saved: {_list(changed, now)}. Nothing was changed.",
            "Make a new plan.",
        )
    gone = {s.id for s in dropped}
    notices = [
        Notice(s.on, f"dropped, its target changed since the plan was saved: {s.says}", "warning") for s in dropped
    ]
    extra = [a for a in fresh.accesses if a.id not in {b.id for b in saved.accesses} and a.state in ("live", "unknown")]
    notices += [Notice(a.on, f"appeared since the plan was saved: {a.label or a.id}", "danger") for a in extra]
    return replace(
        saved,
        steps=tuple(_current(s, now, gone) for s in saved.steps if s.id not in gone),
        # What appeared is left out, so that the run meets it as new and ends it, too (`--follow`).
        accesses=tuple(a for a in fresh.accesses if a not in extra or a.family == "trust"),
        principals=fresh.principals,
        operator=fresh.operator,
        blind=fresh.blind,
        unreachable=fresh.unreachable,
        notices=(*saved.notices, *notices),
        at=fresh.at,
    )


def _same_principals(saved: Plan, fresh: Inventory) -> None:
    now = {p.ref: p for p in fresh.principals}
    for principal in saved.principals:
        found = now.get(principal.ref)
        if found is None:
            why = next((u.why for u in fresh.unreachable if u.ref == principal.ref), "it was not found there")
            raise Refused(
                "other-account",
                f"the plan is for {principal.ref} in {principal.scope or 'another account'}, which these "
                f"credentials do not reach: {why}. Nothing was changed.",
                "Use the credentials of that account.",
            )
        if found.unique_id != principal.unique_id:
            raise Refused(
                "other-principal",
                f"{principal.ref} was deleted and created again since the plan was saved. Nothing was changed.",
                "Make a new plan.",
            )


def _current(step: Step, now: dict[AccessId, Access], gone: set[str]) -> Step:
    """A cut takes the state of now. One that was drafted with facts of its own keeps them: they are of no access."""
    before, first = step.before, step.ends[0] if step.ends else ""
    if step.phase in (Phase.CUT, Phase.SEAL) and first in now and set(before) <= set(now[first].before):
        before = dict(now[first].before)
    return replace(step, before=before, after=tuple(a for a in step.after if a not in gone))


def _list(changed: set[AccessId], now: dict[AccessId, Access]) -> str:
    return ", ".join(f"{i} ({now[i].state if i in now else 'gone'})" for i in sorted(changed))
