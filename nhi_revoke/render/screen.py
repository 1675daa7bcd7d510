"""Blocks on a terminal: wrapped to its width, coloured where that is wanted. Only this module loads rich."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from nhi_revoke.render.block import Block, Line, Span, Table
from nhi_revoke.render.clean import clean
from nhi_revoke.render.plain import plain_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

MOST_ROWS = 200
"""Longer tables are padded lines: rich takes 1.1 s for 1,000 rows, padding a few milliseconds."""

STYLES = {"": "", "danger": "bold red", "warning": "yellow", "good": "green", "strong": "bold", "dim": "dim"}


def console(out: TextIO, *, width: int, color: bool) -> Console:
    """A console that takes no text for markup and writes no escape code unless colour is wanted."""
    from rich.console import Console

    return Console(
        file=out,
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        legacy_windows=False,
    )


def draw(blocks: Iterable[Block], out: TextIO, *, width: int, color: bool) -> None:
    """Write the blocks on a terminal."""
    screen = console(out, width=width, color=color)
    for block in blocks:
        if isinstance(block, Line):
            _draw_line(screen, block)
        elif len(block.rows) > MOST_ROWS:
            out.write(plain_text([block]))
        elif natural_width(block) > width and any(column.own_line for column in block.columns):
            for each in stacked(block):
                _draw_line(screen, each)
        else:
            screen.print(_table(block))


def natural_width(block: Table) -> int:
    """Columns of the terminal that the table takes when nothing wraps."""
    texts = [
        [len(column.head), *(len(clean(row[i].text)) for row in block.rows)] for i, column in enumerate(block.columns)
    ]
    return block.indent + sum(max(lengths) + 3 for lengths in texts)


def stacked(block: Table) -> list[Line]:
    """A table that is too wide: each row a line, and under it, whole, what will be copied."""
    first = max(len(clean(row[0].text)) for row in block.rows)
    lines: list[Line] = []
    for row in block.rows:
        spans: list[Span] = []
        below: list[Span] = []
        for column, cell in zip(block.columns, row, strict=True):
            if column.own_line:
                below.append(cell)
            elif not spans:
                spans.append(Span(clean(cell.text).ljust(first), cell.style))
            elif cell.text:
                spans += [Span(f"  {column.head.lower()} " if column.named else "  "), cell]
        lines += [
            Line(tuple(spans), block.indent, hang=first + 2),
            Line(tuple(below), block.indent + first + 2, keep=True),
        ]
    return lines


def styled(*spans: Span) -> Text:
    """Cleaned text with its styles; never markup."""
    from rich.text import Text

    text = Text(overflow="fold")
    for span in spans:
        text.append(clean(span.text), style=STYLES[span.style])
    return text


def _table(block: Table) -> Padding:
    from rich import box
    from rich.padding import Padding
    from rich.table import Table as RichTable

    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in block.columns:
        drawn.add_column(clean(column.head), no_wrap=column.keep, overflow="fold")
    for row in block.rows:
        drawn.add_row(*(styled(cell) for cell in row))
    return Padding(drawn, (0, 0, 0, block.indent), expand=False)


def _draw_line(screen: Console, block: Line) -> None:
    """Wrapped lines stand under the first; a kept one is left to the terminal, which copies it as one."""
    from rich.text import Text

    text = styled(*block.spans)
    hang = block.hang if block.indent else 0
    lines = [text] if block.keep or not block.spans else _wrapped(screen, text, screen.width - block.indent, hang)
    for number, each in enumerate(lines):
        each.rstrip()
        screen.print(Text(" " * (block.indent + (hang if number else 0))) + each, soft_wrap=True)


def _wrapped(screen: Console, text: Text, width: int, hang: int) -> list[Text]:
    """The first line has the room that the others leave free before them."""
    first = text.wrap(screen, max(20, width))[0]
    if len(first.plain) >= len(text.plain.rstrip()):
        return [first]
    rest = text[len(first.plain) :]
    rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
    return [first, *rest.wrap(screen, max(20, width - hang))]
