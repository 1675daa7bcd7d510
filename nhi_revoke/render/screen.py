"""Blocks on a terminal: wrapped to its width, coloured where that is wanted.

Lines and tables are drawn here and not by rich: it cuts words that are longer than a cell, so that no id could be
copied, takes 137 ms to load and 1.1 s for a table of 1,000 rows. What is drawn over (progress) is rich's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from nhi_revoke.render.block import Block, Column, Line, Span, Style, Table
from nhi_revoke.render.clean import clean
from nhi_revoke.render.plain import GAP, plain_lines
from nhi_revoke.render.wrap import wrapped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

MOST_ROWS = 200
"""Longer tables are padded lines: a row is a line, and nothing is measured twice."""
MOST_PAD = 48
"""In those, what is longer pushes its own row aside instead of every row."""
LEAST_PROSE = 24
"""Columns without which prose stands under its row instead of beside it."""

STYLES = {"": "", "danger": "bold red", "warning": "yellow", "good": "green", "strong": "bold", "dim": "dim"}
_CODES: dict[Style, str] = {"danger": "1;31", "warning": "33", "good": "32", "strong": "1", "dim": "2"}


def console(out: TextIO, *, width: int, color: bool) -> Console:
    """For what is drawn over, on a terminal: takes no text for markup, and writes no style unless colour is wanted.

    Without colour it still moves the cursor: who sets NO_COLOR waits, and wants to see for what.
    """
    from rich.console import Console

    return Console(
        file=out,
        width=width,
        color_system="standard" if color else None,
        force_terminal=True,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        legacy_windows=False,
    )


def styled(*spans: Span) -> Text:
    """For rich: cleaned text with its styles; never markup."""
    from rich.text import Text

    text = Text(overflow="fold")
    for span in spans:
        text.append(clean(span.text), style=STYLES[span.style])
    return text


def draw(blocks: Iterable[Block], out: TextIO, *, width: int, color: bool) -> None:
    """Write the blocks on a terminal."""
    out.writelines(f"{each}\n" for each in drawn(blocks, width=width, color=color))


def drawn(blocks: Iterable[Block], *, width: int, color: bool) -> Iterator[str]:
    """The lines of a terminal, one after the other: the first is there before the last was made.

    Where one table of a kind is too wide, all of its kind are drawn narrow: what is alike looks alike.
    """
    blocks = list(blocks)
    tables = [block for block in blocks if isinstance(block, Table) and len(block.rows) <= MOST_ROWS]
    narrow = {block.columns[0].head for block in tables if natural_width(block) > width}
    for block in blocks:
        if isinstance(block, Line):
            yield from _line(block, width, color)
        elif len(block.rows) > MOST_ROWS:
            yield from plain_lines(block, most=MOST_PAD)
        elif block.columns[0].head in narrow:
            yield from _narrow(block, width, color)
        else:
            yield from _wide(block, color)


def natural_width(block: Table) -> int:
    """Columns of the terminal that the table takes when nothing wraps."""
    return block.indent + sum(_widths(block)) + len(GAP) * (len(block.columns) - 1)


def _widths(block: Table) -> list[int]:
    return [
        max(len(column.head), column.least, *(len(clean(row[i].text)) for row in block.rows))
        for i, column in enumerate(block.columns)
    ]


def _wide(block: Table, color: bool) -> Iterator[str]:
    """A row a line, under a head and a rule."""
    widths = _widths(block)
    heads = tuple(Span(column.head, "strong") for column in block.columns)
    yield from _line(Line(_padded(heads, widths), block.indent, keep=True), 0, color)
    yield " " * block.indent + "─" * (natural_width(block) - block.indent)
    for row in block.rows:
        yield from _line(Line(_padded(row, widths), block.indent, keep=True), 0, color)


def _padded(cells: Sequence[Span], widths: Sequence[int]) -> tuple[Span, ...]:
    """Cells with blanks behind them; none behind the last that says something."""
    spans: list[Span] = []
    for cell, width in zip(cells, widths, strict=True):
        text = clean(cell.text)
        spans += [Span(text, cell.style), Span(" " * (width - len(text)) + GAP)]
    while spans and not spans[-1].text.strip():
        spans.pop()
    return tuple(spans)


def _narrow(block: Table, width: int, color: bool) -> Iterator[str]:
    """Columns that never wrap, prose that wraps beside them, and under it, whole, what will be copied."""
    widths = [max(column.least, *(len(clean(r[i].text)) for r in block.rows)) for i, column in enumerate(block.columns)]
    if not any(column.own_line for column in block.columns):
        widths = _widths(block)
    leads = [i for i, column in enumerate(block.columns) if column.keep]
    leads = leads or [i for i, column in enumerate(block.columns) if not column.own_line][:1]
    prose = [i for i, column in enumerate(block.columns) if not (i in leads or column.own_line)]
    prose.sort(key=lambda i: block.columns[i].named)
    below = [i for i, column in enumerate(block.columns) if column.own_line]
    hang = sum(widths[i] + len(GAP) for i in leads)
    beside = width - block.indent - hang >= LEAST_PROSE
    hang = hang if beside else 4
    if not below:
        heads = [(block.columns[i], Span(block.columns[i].head, "strong")) for i in prose]
        shown = [head for column, head in heads if not column.named]
        first = _padded([Span(block.columns[i].head, "strong") for i in leads], [widths[i] for i in leads])
        yield from _line(Line(_beside(first, _prose(shown), hang), block.indent, keep=True), 0, color)
        yield " " * block.indent + "─" * (width - block.indent)
    for row in block.rows:
        first = _padded([row[i] for i in leads], [widths[i] for i in leads])
        said = _prose([_named(block.columns[i], row[i]) for i in prose if row[i].text])
        if beside:
            yield from _line(Line(_beside(first, said, hang), block.indent, hang=hang), width, color)
        else:
            yield from _line(Line(first, block.indent, hang=hang), width, color)
            if said:
                yield from _line(Line(said, block.indent + hang, hang=0), width, color)
        for i in below:
            if row[i].text:
                yield from _line(Line((row[i],), block.indent + hang, keep=True), 0, color)


def _named(column: Column, cell: Span) -> Span:
    return Span(f"{column.head.lower()} {cell.text}", cell.style) if column.named else cell


def _prose(cells: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(each for cell in cells for each in (Span(GAP), cell))[1:]


def _beside(first: tuple[Span, ...], said: tuple[Span, ...], hang: int) -> tuple[Span, ...]:
    blank = Span(" " * max(len(GAP), hang - sum(len(span.text) for span in first)))
    return (*first, blank, *said) if said else first


def _line(block: Line, width: int, color: bool) -> Iterator[str]:
    """Wrapped lines stand under the first; a kept one is left to the terminal, which copies it as one."""
    spans = [Span(clean(span.text), span.style) for span in block.spans]
    text = "".join(span.text for span in spans)
    indent = " " * block.indent
    room = width - block.indent
    if block.keep or len(text) <= room:
        yield (indent + _painted(spans, color)).rstrip()
        return
    for number, (start, end) in enumerate(wrapped(text, room, block.hang)):
        yield indent + " " * (block.hang if number else 0) + _painted(_cut(spans, start, end), color)


def _cut(spans: Sequence[Span], start: int, end: int) -> Iterator[Span]:
    at = 0
    for span in spans:
        if part := span.text[max(0, start - at) : max(0, end - at)]:
            yield Span(part, span.style)
        at += len(span.text)


def _painted(spans: Iterable[Span], color: bool) -> str:
    if not color:
        return "".join(span.text for span in spans)
    return "".join(f"\x1b[{_CODES[span.style]}m{span.text}\x1b[0m" if span.style else span.text for span in spans)
