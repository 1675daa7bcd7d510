"""The screen of `list` and `audit`.

Its parts stand in the order that `plan` and `report` have, too: the headline, what is OPEN, PLANTED, in REACH and
UNSEEN, then a table for each principal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.inventory import Inventory, Unreachable
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, section, table
from nhi_revoke.render.moment import minute

Names = Mapping[PrincipalRef, Principal]

_STATE_STYLE: dict[str, Style] = {"live": "danger", "unknown": "warning", "disabled": "good", "expired": "dim"}
STATE_WORD = {"live": "live", "unknown": "may be live", "disabled": "disabled", "expired": "expired"}


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
        live=sum(a.state == "live" and lets_in(a) for a in inventory.accesses),
        maybe=sum(a.state == "unknown" and lets_in(a) for a in inventory.accesses),
        open=sum(is_open(a) for a in inventory.accesses)
        + len({lead.to for lead in inventory.leads if lead.beyond and lead.how == "reach"}),
        reach=len({lead.to for lead in inventory.leads if lead.how == "reach"}),
        planted=len({lead.to for lead in inventory.leads if lead.how == "planted"}),
        unseen=unseen_count(inventory.blind, inventory.unreachable),
    )


def lets_in(access: Access) -> bool:
    """Whether somebody comes in by it where it is live: no right alone, and not shut as things stand."""
    return access.opens and not access.shut


def is_open(access: Access) -> bool:
    """A trust through which somebody outside can begin new sessions."""
    return access.state == "live" and access.exposure in ("anyone", "foreign") and not access.shut


def inventory_screen(inventory: Inventory) -> list[Block]:
    """Headline, what is open, planted, reached and was not seen, then each principal with its accesses."""
    found = counts(inventory)
    blocks: list[Block] = [_headline(inventory, found)]
    if found.maybe:
        blocks.append(line(Span(f"{found.maybe} MAY BE LIVE: no list shows them; take them for live.", "warning")))
    outside = [lead for lead in inventory.leads if lead.beyond and lead.how == "reach"]
    doors = [_open_line(access) for access in inventory.accesses if is_open(access)]
    blocks += section(Span("OPEN", "danger"), [*doors, *lead_lines(outside, word="OPEN")])
    blocks += leads_sections(inventory.leads)
    blocks += unseen(inventory.blind, inventory.unreachable)
    names = by_ref(inventory.principals)
    wide = max((len(_state(access).text) for access in inventory.accesses), default=0)
    of: dict[PrincipalRef, list[Access]] = {}
    for access in inventory.accesses:
        of.setdefault(access.on, []).append(access)
    for principal in inventory.principals:
        accesses = of.get(principal.ref, [])
        blocks += [BLANK, heading(principal.ref, names)]
        if principal.untouchable:
            blocks.append(line(Span(f"cannot be changed: {principal.untouchable}", "warning"), indent=2))
        if accesses:
            blocks.append(accesses_table(accesses, wide))
        else:
            blocks.append(line("no access was found; see UNSEEN for what could not be looked at", indent=2))
    return blocks


def by_ref(principals: Iterable[Principal]) -> Names:
    """For `heading`."""
    return {principal.ref: principal for principal in principals}


def heading(on: PrincipalRef, names: Names) -> Line:
    """A principal with its name: a reference may be nothing but numbers."""
    known = names.get(on)
    return line(Span(str(on), "strong"), f"  {known.kind} {known.name}" if known else "")


def _open_line(access: Access) -> Line:
    return line(Span("OPEN", "danger"), f"  {access.id}  {told(access)}", indent=2)


def told(access: Access) -> str:
    """What it is, in words, and its note."""
    return access.label + (f" ({said})" if (said := noted(access)) else "")


def accesses_table(accesses: Sequence[Access], wide: int) -> Block:
    """What is live first; children stand under the access that they were minted with. `wide`: the longest state."""
    rows = [
        (
            _state(access),
            "  " * depth + access.id,
            minute(access.created),
            minute(access.last_used),
            minute(access.expires),
            told(access),
        )
        for depth, access in lineage(ranked(accesses))
    ]
    heads = ("STATE", "ACCESS", "CREATED", "LAST USED", "EXPIRES", "WHAT")
    filled = [i for i in range(len(heads)) if i < 2 or any(text_of(row[i]) for row in rows)]
    cells = [[row[i] for i in filled] for row in rows]
    shown = [heads[i] for i in filled]
    return table(shown, cells, keep="STATE", own_line="ACCESS", named=heads[2:5], least={"STATE": wide}, indent=2)


def ranked(accesses: Sequence[Access]) -> list[Access]:
    """Live, may be live, shut, ended, noted, and in each by kind and id: vendors answer in no order. One that is
    dead and has a live child stands where the child would.
    """
    ranks = {access.id: _rank(access) for access in accesses}
    for _, access in reversed(lineage(accesses)):
        if access.parent in ranks:
            ranks[access.parent] = min(ranks[access.parent], ranks[access.id])
    return sorted(accesses, key=lambda access: (ranks[access.id], access.kind, access.id))


def _rank(access: Access) -> int:
    if not access.opens:
        return 5
    if access.shut and access.state in ("live", "unknown"):
        return 2
    return {"live": 0, "unknown": 1, "disabled": 3, "expired": 4}[access.state]


def _state(access: Access) -> Span:
    if not access.opens:
        return Span("noted", "dim")
    if access.shut and access.state in ("live", "unknown"):
        return Span("shut", "good")
    return Span(STATE_WORD[access.state], _STATE_STYLE[access.state])


def noted(access: Access) -> str:
    """Its note, and why it is shut."""
    return "; ".join(filter(None, (access.note, access.shut)))


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


def leads_sections(leads: Sequence[Lead], note: str = "") -> list[Block]:
    """PLANTED, then REACH. `note` stands behind both titles."""
    planted = lead_lines(lead for lead in leads if lead.how == "planted")
    reached = lead_lines(lead for lead in leads if lead.how == "reach")
    return [
        *section(Span(f"PLANTED{note}", "danger"), planted),
        *section(Span(f"REACH{note}", "warning"), reached),
    ]


def lead_lines(leads: Iterable[Lead], word: str = "") -> list[Line]:
    """A line each; the ways by which one principal may be become stand together."""
    merged: dict[object, Lead] = {}
    for number, lead in enumerate(leads):
        standing = lead.how == "reach" and not (lead.session or lead.until or lead.at)
        key = (lead.to, lead.next, lead.shut) if standing else number
        first = merged.setdefault(key, lead)
        if first is not lead and lead.why not in first.why:
            merged[key] = replace(first, why=f"{first.why}; {lead.why}")
    return [_lead_line(lead, word) for lead in merged.values()]


def _lead_line(lead: Lead, word: str) -> Line:
    """Another principal that this one can become, or made."""
    style: Style = "danger" if word or lead.how == "planted" else "warning"
    word = word or ("PLANTED" if lead.how == "planted" else "REACH")
    until = f", until {minute(lead.until)}" if lead.until else ""
    then = f"  next: {lead.next}" if lead.next else ""
    return line(Span(word, style), f"  {lead.to}  {lead.why}{until}{then}", indent=2)


def unseen_count(blind: Iterable[BlindSpot], unreachable: Sequence[Unreachable]) -> int:
    """The number after UNSEEN: what is said but hides nothing does not count."""
    return sum(spot.counts for spot in blind) + len(unreachable)


def unseen(blind: Iterable[BlindSpot], unreachable: Iterable[Unreachable]) -> list[Block]:
    """What could not be looked at, and what would open the view. Never shown as "none"."""
    said: dict[object, list[BlindSpot]] = {}
    for number, spot in enumerate(sorted(blind, key=lambda spot: not spot.counts)):
        # What counts has a line each: the number after UNSEEN is theirs.
        said.setdefault(number if spot.counts else (spot.kind, spot.why), []).append(spot)
    lines = [unreachable_line(each) for each in unreachable] + [_blind_line(spots) for spots in said.values()]
    return section(Span("UNSEEN", "danger"), lines)


def _blind_line(spots: Sequence[BlindSpot]) -> Line:
    spot = spots[0]
    until = f" until {minute(spot.until)}" if spot.until else ""
    if not spot.counts:
        on = ", ".join(dict.fromkeys(str(each.on) for each in spots))
        return line(Span("not read", "dim"), f"  {on}  {spot.kind}: {spot.why}", indent=2)
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


def text_of(cell: str | Span) -> str:
    """A cell without its style."""
    return cell if isinstance(cell, str) else cell.text
