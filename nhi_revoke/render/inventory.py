"""The screen of `list` and `audit`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.inventory import Inventory, Unreachable
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, section, table
from nhi_revoke.render.moment import minute

_STATE_STYLE: dict[str, Style] = {"live": "danger", "unknown": "warning", "disabled": "good", "expired": "dim"}
_STATE_WORD = {"live": "live", "unknown": "may be live", "disabled": "disabled", "expired": "expired"}


class Counts(NamedTuple):
    """The headline of a list."""

    live: int
    maybe: int
    """Accesses that no list can show and that may be live: a principal's sessions."""
    open: int
    reach: int
    planted: int
    unseen: int


def counts(inventory: Inventory) -> Counts:
    """An access counts as live only where it was seen live."""
    return Counts(
        live=sum(a.state == "live" for a in inventory.accesses),
        maybe=sum(a.state == "unknown" for a in inventory.accesses),
        open=sum(is_open(a) for a in inventory.accesses),
        reach=len({lead.to for lead in inventory.leads if lead.how == "reach"}),
        planted=len({lead.to for lead in inventory.leads if lead.how == "planted"}),
        unseen=len(inventory.blind) + len(inventory.unreachable),
    )


def is_open(access: Access) -> bool:
    """A trust through which somebody outside can begin new sessions."""
    return access.state == "live" and access.exposure in ("anyone", "foreign")


def inventory_screen(inventory: Inventory) -> list[Block]:
    """Headline, then each principal with its accesses, then what it reaches and what was not seen."""
    found = counts(inventory)
    blocks: list[Block] = [_headline(inventory, found)]
    if found.maybe:
        blocks.append(line(Span(f"{found.maybe} MAY BE LIVE: no list shows them; take them for live.", "warning")))
    for principal in inventory.principals:
        accesses = inventory.of(principal.ref)
        blocks += [BLANK, line(Span(str(principal.ref), "strong"), f"  {principal.kind} {principal.name}")]
        if principal.untouchable:
            blocks.append(line(Span(f"cannot be changed: {principal.untouchable}", "warning"), indent=2))
        if accesses:
            blocks.append(accesses_table(accesses))
        else:
            blocks.append(line("no access was found; see UNSEEN for what could not be looked at", indent=2))
    blocks += section(Span("REACH and PLANTED", "warning"), [lead_line(lead) for lead in inventory.leads])
    blocks += unseen(inventory.blind, inventory.unreachable)
    return blocks


def accesses_table(accesses: Sequence[Access]) -> Block:
    """Children stand under the access that they were minted with."""
    rows = [
        (
            Span(_STATE_WORD[access.state], _STATE_STYLE[access.state]),
            "  " * depth + access.id,
            access.label + (f" ({access.note})" if access.note else ""),
            minute(access.created),
            minute(access.last_used),
            minute(access.expires),
        )
        for depth, access in lineage(accesses)
    ]
    heads = ("STATE", "ACCESS", "WHAT", "CREATED", "LAST USED", "EXPIRES")
    filled = [i for i in range(len(heads)) if i < 2 or any(_text(row[i]) for row in rows)]
    cells = [[row[i] for i in filled] for row in rows]
    return table([heads[i] for i in filled], cells, keep="STATE", own_line="ACCESS", named=heads[3:], indent=2)


def lineage(accesses: Sequence[Access]) -> list[tuple[int, Access]]:
    """Depth and access, each child after its parent; a circle in the logs does not loop."""
    known = {a.id for a in accesses}
    children: dict[str | None, list[Access]] = {}
    for access in accesses:
        parent = access.parent if access.parent in known and access.parent != access.id else None
        children.setdefault(parent, []).append(access)
    ordered: list[tuple[int, Access]] = []
    waiting = [(0, a) for a in reversed(children.get(None, []))]
    while waiting:
        depth, access = waiting.pop()
        ordered.append((depth, access))
        waiting += [(depth + 1, child) for child in reversed(children.get(access.id, []))]
    shown = {a.id for _, a in ordered}
    return ordered + [(0, a) for a in accesses if a.id not in shown]


def lead_line(lead: Lead) -> Line:
    """Another principal that this one can become, or made."""
    word = "PLANTED" if lead.how == "planted" else "REACH"
    until = f", until {minute(lead.until)}" if lead.until else ""
    return line(Span(word, "warning"), f"  {lead.to}  {lead.why}{until}", indent=2)


def unseen(blind: Iterable[BlindSpot], unreachable: Iterable[Unreachable]) -> list[Block]:
    """What could not be looked at, and what would open the view. Never shown as "none"."""
    lines = [blind_line(spot) for spot in blind] + [unreachable_line(each) for each in unreachable]
    return section(Span("UNSEEN", "danger"), lines)


def blind_line(spot: BlindSpot) -> Line:
    until = f" until {minute(spot.until)}" if spot.until else ""
    needs = f" (needs {spot.needs})" if spot.needs else ""
    return line(Span(f"UNSEEN{until}", "warning"), f"  {spot.on}  {spot.kind}: {spot.why}{needs}", indent=2)


def unreachable_line(each: Unreachable) -> Line:
    hint = f"  {each.hint}" if each.hint else ""
    return line(Span("UNSEEN", "danger"), f"  {each.ref}  {each.code}: {each.why}{hint}", indent=2)


def _headline(inventory: Inventory, found: Counts) -> Line:
    parts = [
        Span(f"LIVE {found.live}", "danger" if found.live else "good"),
        Span(f"OPEN {found.open}", "danger" if found.open else ""),
        Span(f"REACH {found.reach}", "warning" if found.reach else ""),
        Span(f"UNSEEN {found.unseen}", "warning" if found.unseen else ""),
    ]
    if found.planted:
        parts.append(Span(f"PLANTED {found.planted}", "danger"))
    return line(*spaced(parts), f"    {inventory.identity.name}")


def spaced(parts: Sequence[Span]) -> list[Span]:
    """Two spaces between."""
    return [each for part in parts for each in (part, Span("  "))][:-1]


def _text(cell: str | Span) -> str:
    return cell if isinstance(cell, str) else cell.text
