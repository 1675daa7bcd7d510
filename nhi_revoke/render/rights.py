"""Screens of `permissions` and `doctor`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from nhi_revoke.model.right import STAGES, Document
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, next_line, section, table

Rows = Sequence[dict[str, str]]
STATE: dict[str, Style] = {"ok": "good", "disabled": "dim"}
MOST = 6
"""Missing permissions, and reasons of unknown ones, that a connection shows one by one."""
FEW = 3
"""Things that do not work, and permissions of one reason, that are named."""
URGENT = ("contain", "list", "rotate")
MEANS = (
    "Without one of its permissions a step fails, or can be neither seen nor taken back; what is listed "
    "with one of them is a blind spot."
)


class RightShown(Protocol):
    """As the command found it (`cli.data.Right`)."""

    @property
    def provider(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def permission(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def later(self) -> bool: ...
    @property
    def check(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def without(self) -> tuple[str, ...]: ...


Rights = Sequence[RightShown]


def needs_screen(rows: Rows) -> list[Block]:
    """Permission by permission, with what needs it."""
    if not rows:
        return [line("No provider that loads declares a permission.")]
    cells = [(r["provider"], r["stage"], r["permission"], r["by"]) for r in rows]
    return [table(("PROVIDER", "STAGE", "PERMISSION", "NEEDED BY"), cells, keep="PROVIDER STAGE")]


def documents_part(documents: Sequence[Document], command: str) -> list[Block]:
    """What is handed to the vendor, and the command that prints it. `command`: without the document's name."""
    lines: list[Line] = []
    for each in documents:
        lines.append(line(f"{command} --document {each.name}", indent=2, keep=True))
        gives = f"It gives {len(each.grants)} permissions. " if each.grants else ""
        lines.append(line(f"{gives}{each.hand_in}", indent=4))
    return section(Span("TO HAND OVER", "strong"), lines)


def doctor_screen(rows: Rows, rights: Rights) -> list[Block]:
    """Each connection: who you are there, what you may do for each stage, what is missing, and what to type."""
    blocks: list[Block] = []
    for row in rows:
        state = Span(row["state"], STATE.get(row["state"], "danger"))
        blocks.append(line(Span(row["provider"], "strong"), f"  {row['scope'] or 'default account'}  ", state))
        for label, key in (("you are", "operator"), ("because", "why"), ("do", "hint")):
            blocks += [line(f"{label}: {row[key]}", indent=2)] if row[key] else []
        mine = [r for r in rights if (r.provider, r.scope) == (row["provider"], row["scope"])]
        if row["state"] == "ok":
            blocks += _of_connection(mine)
    missing = [r for r in rights if r.state == "missing"]
    if missing:
        blocks += [BLANK, line(MEANS)]
        blocks += [next_line(each, first=n == 0) for n, each in enumerate(_commands(missing))]
    return blocks


def _of_connection(mine: Rights) -> list[Block]:
    blocks: list[Block] = [
        _stage(stage, [r for r in mine if r.stage == stage]) for stage in STAGES if any(r.stage == stage for r in mine)
    ]
    blocks += _missing([r for r in mine if r.state == "missing"])
    blocks += _unknown([r for r in mine if r.state == "unknown" and not r.later], "UNKNOWN", "warning")
    blocks += _unknown([r for r in mine if r.later], "ASKED LATER", "dim")
    blocks += _unknown([r for r in mine if r.state == "held" and r.why], "HELD", "good")
    checks = dict.fromkeys(r.check for r in mine if r.check)
    return [*blocks, *(line(Span(f"checked by {check}", "dim"), indent=2) for check in checks)]


def _stage(stage: str, of_it: Rights) -> Line:
    """`contain: 78 of 80 held, 2 MISSING`."""
    states = [("missing", "MISSING", "danger"), ("unknown", "UNKNOWN", "warning")]
    parts: list[str | Span] = [f"{stage:<8} {sum(r.state == 'held' for r in of_it)} of {len(of_it)} held"]
    for state, word, style in states:
        number = sum(r.state == state and not r.later for r in of_it)
        parts += [", ", Span(f"{number} {word}", style)] if number else []  # type: ignore[arg-type]  # of Style
    later = sum(r.later for r in of_it)
    parts += [f", {later} asked later"] if later else []
    return line(*parts, indent=2)


def _missing(rights: Rights) -> list[Block]:
    """By permission, those first without which something stays open: in which stages, and what does not work."""
    blocks: list[Block] = []
    urgent = sorted(rights, key=lambda r: URGENT.index(r.stage))
    names = list(dict.fromkeys(r.permission for r in urgent))
    for name in names[:MOST]:
        of_it = [r for r in rights if r.permission == name]
        stages = ", ".join(r.stage for r in of_it)
        without = few(dict.fromkeys(text for r in of_it for text in r.without), "; ")
        said = of_it[0].why
        blocks.append(line(Span("MISSING", "danger"), f" {name} ({stages}): {without}", indent=2))
        blocks += [line(said, indent=4)] if said else []
    if names[MOST:]:
        others = [text for r in rights if r.permission in names[MOST:] for text in r.without]
        kinds = few(dict.fromkeys(_kind(text) for text in others), ", ")
        more = f" {len(names) - MOST} more, of {kinds}: nhi-revoke doctor {rights[0].provider} -o csv"
        blocks.append(line(Span("MISSING", "danger"), more, indent=2))
    return blocks


def _kind(without: str) -> str:
    """Of `example:token/disable cannot end`."""
    return without.partition(" ")[0].partition("/")[0]


def _unknown(rights: Rights, word: str, style: Style) -> list[Block]:
    """By the reason, which many share."""
    blocks: list[Block] = []
    for why in dict.fromkeys(r.why for r in rights):
        names = dict.fromkeys(r.permission for r in rights if r.why == why)
        blocks.append(line(Span(word, style), f" {few(names, ', ')}: {why}", indent=2))
    return blocks


def few(texts: Iterable[str], between: str) -> str:
    """The first ones, and how many more."""
    every = list(texts)
    more = f"{between}and {len(every) - FEW} more" if len(every) > FEW else ""
    return between.join(every[:FEW]) + more


def _commands(missing: Rights) -> list[str]:
    """What to type, once for each provider: of the last stage that lacks something."""
    last = {r.provider: r.stage for stage in STAGES for r in missing if r.stage == stage}
    return [f"nhi-revoke permissions {provider} --stage {stage}" for provider, stage in last.items()]
