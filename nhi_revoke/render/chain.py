"""The screen of `report --verify`."""

from __future__ import annotations

from nhi_revoke.engine.chain import ChainCheck
from nhi_revoke.render.block import Block, Span, line, next_line


def chain_screen(found: ChainCheck) -> list[Block]:
    """Whether it holds, its sha256, and what that proves and does not."""
    many = f"{found.lines} line{'s' * (found.lines != 1)}"
    named = f"run {found.run}" if found.run else "a journal whose first line does not hold"
    blocks: list[Block] = []
    if found.whole:
        blocks.append(line(Span("WHOLE", "good"), f"    {named}  {many}"))
    else:
        said = f"    {named}  line {found.broken_line} does not hold: {found.why}. {many} before it."
        blocks.append(line(Span("BROKEN", "danger"), said))
    blocks.append(line(f"sha256 {found.sha256}", indent=2, keep=True))
    if found.torn_bytes:
        torn = f"{found.torn_bytes} bytes of a last line that was never finished (a crash); nothing was done upon it"
        blocks.append(line(Span("torn", "warning"), f"  {torn}", indent=2))
    if found.whole and not found.closed:
        says = "the last line ends no section: the run was interrupted, is under way, or lines were cut off"
        blocks.append(line(Span("not closed", "warning"), f"  {says}", indent=2))
    if found.proves:
        blocks.append(line(f"It proves that {found.proves}.", indent=2))
    blocks.append(line(f"It does not prove {found.proves_not}.", indent=2))
    if found.whole and found.run == found.source:
        blocks.append(next_line(f"nhi-revoke report {found.run}"))
    return blocks
