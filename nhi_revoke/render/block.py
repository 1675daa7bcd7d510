"""What a screen is made of: lines and tables of styled text, drawn by `plain` or `screen`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

Style = Literal["", "danger", "warning", "good", "strong", "dim"]


class Span(NamedTuple):
    """Text of one style. A style only underlines what the words say."""

    text: str
    style: Style = ""


class Line(NamedTuple):
    """One line; a terminal wraps it under its indentation."""

    spans: tuple[Span, ...]
    indent: int = 0
    keep: bool = False
    """Never wrapped by us: a command or an id that somebody will copy."""
    hang: int = 2
    """How much further wrapped lines are indented, where the first one is."""


class Column(NamedTuple):
    head: str
    keep: bool = False
    """Never wrapped."""
    own_line: bool = False
    """Where a terminal is too narrow for the table, it stands under its row, whole: an id that will be copied."""
    named: bool = False
    """Its head is said with it then: a time means nothing without."""
    least: int = 0
    """Columns that it takes on a terminal at least: where a screen has a table for each principal, none jumps."""


class Table(NamedTuple):
    columns: tuple[Column, ...]
    rows: tuple[tuple[Span, ...], ...]
    indent: int = 0


Block = Line | Table
BLANK = Line(())


def line(*parts: str | Span, indent: int = 0, keep: bool = False) -> Line:
    """A line of words and spans; empty parts vanish."""
    spans = tuple(Span(part) if isinstance(part, str) else part for part in parts)
    return Line(tuple(span for span in spans if span.text), indent, keep)


def next_line(command: str, *, first: bool = True) -> Line:
    """A command to type."""
    return line(Span("Next:", "strong") if first else "     ", f" {command}", keep=True)


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str | Span]],
    *,
    keep: str = "",
    own_line: str = "",
    named: Sequence[str] = (),
    least: Mapping[str, int] | None = None,
    indent: int = 0,
) -> Table:
    """A table; `keep` names the columns that never wrap, separated by spaces. Its last column should be prose."""
    kept, wide = keep.split(), least or {}
    return Table(
        tuple(Column(head, head in kept, head == own_line, head in named, wide.get(head, 0)) for head in heads),
        tuple(tuple(Span(cell) if isinstance(cell, str) else cell for cell in row) for row in rows),
        indent,
    )


def section(title: str | Span, lines: Sequence[Line | Table]) -> list[Block]:
    """A blank line, a title and what belongs under it; nothing at all when nothing does."""
    return [BLANK, line(title), *lines] if lines else []
