"""Who agreed to a plan, on a screen and in a document."""

from __future__ import annotations

from nhi_revoke.model.approval import Approval
from nhi_revoke.render.block import Block, Line, Span, line, next_line

UNLIKE = "it cannot be told here whether it counts: nhi.toml names no allowed signers"


def approved_screen(
    identity: str, signer: str, key: str, file: str, have: int, required: int, *, more: str, then: str
) -> list[Block]:
    """`more`: the command of the next person; `then`: of whoever carries it out."""
    blocks: list[Block] = [
        line(Span("SIGNED", "good"), f"    {identity}  by {signer or 'a key that nobody is named for'}"),
        line(key, indent=2, keep=True),
        line(f"signature {file}", indent=2, keep=True),
    ]
    if not signer:
        return [*blocks, line(Span(f"WARNING: {UNLIKE}", "warning")), next_line(then)]
    if have < required:
        blocks.append(line(Span(f"{have} of {required} approvals", "warning"), ": somebody else signs, too"))
        return [*blocks, next_line(more)]
    counted = f"{have} of {required} approvals" if required else f"{have} approvals, and nhi.toml demands none of this"
    return [*blocks, line(Span(counted, "good")), next_line(then)]


def glass_line(approval: Approval) -> Line:
    """Nobody else agreed: said first, in red."""
    people = "nobody else" if approval.required == 1 else f"not the {approval.required} people who must"
    return line(Span(f"BREAK GLASS: {people} approved this. Reason: {approval.break_glass}", "danger"))


def approved_line(approval: Approval) -> Line:
    """Among the records of a run."""
    names = ", ".join(f"{each.name} ({each.key})" for each in approval.signers)
    return line(f"approved by {names}; plan file sha256 {approval.plan_sha256}", indent=2)
