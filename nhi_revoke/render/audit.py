"""The screen of `audit`: the verdict, the list, then what keeps it from passing."""

from __future__ import annotations

from collections.abc import Sequence

from nhi_revoke.model.inventory import Inventory
from nhi_revoke.render.block import BLANK, Block, Span, Style, line, section, table
from nhi_revoke.render.inventory import inventory_screen

_STYLE: dict[str, Style] = {"accepted": "dim", "unseen": "warning"}


def audit_screen(inventory: Inventory, findings: Sequence[tuple[str, str, str, str]], *, passed: bool) -> list[Block]:
    """`findings`: verdict, id, what it is, and the reason of `--accept`."""
    rows = [(Span(v.upper(), _STYLE.get(v, "danger")), id_, what, reason) for v, id_, what, reason in findings]
    heads = ("VERDICT", "ID", "WHAT", "ACCEPTED BECAUSE")
    shown = table(heads, rows, keep="VERDICT", own_line="ID", named=heads[3:], indent=2)
    verdict = Span("PASSED: nothing live, nothing unseen", "good") if passed else Span("NOT PASSED", "danger")
    blocks: list[Block] = [line(verdict), *inventory_screen(inventory)]
    blocks += section(Span("AUDIT", "strong"), [shown] if rows else [])
    return [*blocks, BLANK, line(verdict)]  # the last line is the first that a terminal shows
