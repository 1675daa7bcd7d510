"""What a command returns: one place turns it into text, JSON, rows or a document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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
    parts: Mapping[str, Callable[[], Iterable[str]]] = field(default_factory=dict)
    """Formats that are written part by part, since the whole may not fit into memory."""
    written: Callable[[Path, str], None] | None = None
    """Told of the file that `--out` named, and its sha256."""
    done: Callable[[], int] | None = None
    """Lets go of what the parts are read from; the exit code as it is known by then."""
    text: str | None = None
    """Raw text instead of blocks: a schema, a help topic."""
