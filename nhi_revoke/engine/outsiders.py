"""What logs say of sessions elsewhere: leads; and which of them a cut-off that stands denies already. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from nhi_revoke.model.found import SESSION_FAMILIES, Access, Found, Lead
from nhi_revoke.model.ref import PrincipalRef


def outsiders_become_leads(found: Iterable[Found], insiders: set[PrincipalRef]) -> tuple[Found, ...]:
    """A session on a principal that the plan does not name is a lead: this plan never touches it."""
    out: dict[tuple[str, str], Found] = {}
    for one in found:
        item = as_lead(one) if isinstance(one, Access) and one.on not in insiders else one
        key = (type(item).__name__, item.id if isinstance(item, Access) else msgspec.json.encode(item).decode())
        out.setdefault(key, item)
    return tuple(out.values())


def denied_already(item: Found, accesses: Sequence[Access]) -> Found:
    """A session issued before a cut-off that stands on its principal can do nothing, whoever put the cut-off there."""
    on = item.on if isinstance(item, Access) and item.family in SESSION_FAMILIES else None
    born = item.created if isinstance(item, Access) else None
    if isinstance(item, Lead) and item.session:
        on, born = item.to, item.at
    cutoffs = [a.denied_before for a in accesses if a.on == on and a.denied_before is not None]
    if born is None or not any(born < cutoff for cutoff in cutoffs):
        return item
    why = f"what was issued before {max(cutoffs):%Y-%m-%dT%H:%M:%SZ} is denied there already"
    if isinstance(item, Lead):
        return replace(item, shut=why)
    if isinstance(item, Access) and not item.id.endswith("/*"):
        return replace(item, state="disabled", note=f"{item.note}; {why}".lstrip("; "))
    return item


def as_lead(access: Access) -> Lead:
    """A session on a principal outside of the plan."""
    name = access.label or access.id
    why = f"{name}, begun with {access.parent}" if access.parent else name
    return Lead(access.on, why, access.evidence, at=access.created, session=access.id, until=access.expires)
