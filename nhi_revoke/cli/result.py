"""What a command returns: one place turns it into text, JSON, rows or a document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nhi_revoke.cli.envelope import Problem
from nhi_revoke.render.block import Block


@dataclass(frozen=True)
class Rows:
    """The result as a table of short values, for csv and ndjson."""

    columns: Sequence[str]
    each: Callable[[], Iterable[dict[str, str]]]


@dataclass(frozen=True)
class Result:
    """`screen`, `rows` and `document` are made only when the output asks for them."""

    data: Any
    screen: Callable[[], Sequence[Block]]
    exit_code: int = 0
    problems: tuple[Problem, ...] = ()
    rows: Rows | None = None
    document: Callable[[], str] | None = None
    """The whole, in the document format asked for: Markdown, HTML, events."""
    forms: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    """Further output formats of this command, by their name."""
    text: str | None = None
    """Raw text instead of blocks: a schema, a help topic."""
