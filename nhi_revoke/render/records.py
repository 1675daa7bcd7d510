"""Screens of the commands that show tables: runs, providers, identities, settings."""

from __future__ import annotations

from collections.abc import Sequence

from nhi_revoke.model.checkup import Finding
from nhi_revoke.render.block import BLANK, Block, Span, Style, line, table
from nhi_revoke.render.rights import STATE as _STATE

Rows = Sequence[dict[str, str]]


def runs_screen(rows: Rows) -> list[Block]:
    """Run, identity, verb, state, and what may be done with it now."""
    if not rows:
        return [line("No run is recorded on this machine.")]
    cells = [(r["run"], r["identity"], r["verb"], r["started"], r["state"], r["headline"], r["may"]) for r in rows]
    heads = ("RUN", "IDENTITY", "VERB", "STARTED", "STATE", "HEADLINE", "YOU MAY")
    return [table(heads, cells, keep="IDENTITY VERB STATE", own_line="RUN", named=("STARTED", "YOU MAY"))]


def providers_screen(rows: Rows) -> list[Block]:
    """One paragraph for each."""
    blocks: list[Block] = []
    for row in rows:
        state = Span(row["state"], _STATE.get(row["state"], "danger"))
        blocks.append(line(Span(row["name"], "strong"), f"  {row['title']}  ", state))
        blocks += _labelled(
            row, (("ends", "kinds"), ("stores and flushes", "targets"), ("because", "why"), ("do", "hint"))
        )
    return blocks or [line("No provider is installed: pip install 'nhi-revoke[all]'")]


def identities_screen(rows: Rows, path: str | None, shared: Sequence[str]) -> list[Block]:
    """The map, and which principals are shared."""
    if not rows:
        where = f"{path} has no [identity.NAME] table" if path else "There is no nhi.toml"
        return [line(f"{where}. A bare principal works without: nhi-revoke list PROVIDER:KIND/NAME")]
    blocks: list[Block] = []
    for row in rows:
        blocks.append(line(Span(row["identity"], "strong"), f"  {row['owner']}"))
        blocks += [line(each, indent=2) for each in row["principals"].split()]
        blocks += _labelled(row, (("delivers", "deliver"), ("flushes", "flush")))
    return blocks + [line(Span(f"WARNING: {text}", "warning")) for text in shared]


def checkup_screen(found: Sequence[Finding]) -> list[Block]:
    """What is wrong with the map, line by line; what is right, too."""
    style: dict[str, Style] = {"ok": "good", "wrong": "danger", "unseen": "warning", "shared": "danger"}
    counts = {state: sum(each.state == state for each in found) for state in style}
    head = "  ".join(f"{state.upper()} {number}" for state, number in counts.items())
    blocks: list[Block] = [line(Span(head, "strong"))]
    for name in dict.fromkeys(each.identity for each in found):
        blocks += [BLANK, line(Span(name, "strong"))]
        for each in (f for f in found if f.identity == name):
            why = f": {each.why}" if each.why else ""
            blocks.append(
                line(Span(each.state.upper(), style[each.state]), f"  {each.part} {each.what}{why}", indent=2)
            )
            if each.hint and each.state != "ok":
                blocks.append(line(f"do: {each.hint}", indent=4))
    return blocks


def config_screen(rows: Rows, path: str | None) -> list[Block]:
    """Key, value, source."""
    cells = [(r["key"], r["value"], r["source"]) for r in rows]
    shown = table(("KEY", "VALUE", "SOURCE"), cells, keep="KEY", named=("SOURCE",))
    return [line(f"file: {path or 'none was found'}"), shown]


def _labelled(row: dict[str, str], labels: Sequence[tuple[str, str]]) -> list[Block]:
    return [line(f"{label}: {row[key]}", indent=2) for label, key in labels if row[key]]
