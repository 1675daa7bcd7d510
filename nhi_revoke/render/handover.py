"""The screen of `runs export` and `runs import`."""

from __future__ import annotations

from nhi_revoke.engine.handover import Handover
from nhi_revoke.render.block import Block, Span, line, next_line, section

ONE_OWNER = (
    "Only one of you goes on with it from now on: two journals of one run that both grow cannot be joined. "
    "It can come back the same way."
)


def handover_screen(moved: str, found: Handover) -> list[Block]:
    """`moved`: what was moved where, in a sentence."""
    said = f"{found.headline}  {found.identity}  state: {found.state}"
    lines = [line(said, indent=2)]
    lines += [line(f"worked on by {each}", indent=2) for each in found.worked_on]
    lines.append(line(f"you may: {', '.join(found.may)}", indent=2))
    if found.not_here:
        lost = f"{found.not_here} is not on this machine: copy it, too, or make a new plan of what it names."
        lines.append(line(Span("WARNING", "warning"), f": {lost}", indent=2))
    lines.append(line(ONE_OWNER, indent=2))
    blocks: list[Block] = [line(moved), *section("Handed over", lines)]
    return blocks + [next_line(command, first=number == 0) for number, command in enumerate(found.next)]
