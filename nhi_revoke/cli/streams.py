"""The three streams of the process, and what may be written on each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

from nhi_revoke.render.block import Block
from nhi_revoke.render.plain import plain_text


@dataclass
class Streams:
    """Data on `out`, everything else on `err`."""

    stdin: TextIO
    out: TextIO
    err: TextIO
    environ: Mapping[str, str]
    no_color: bool = False
    """`--no-color` was given."""
    answers: TextIO | None = None
    """The terminal, where standard input was read for something else."""

    def terminal(self, stream: TextIO) -> bool:
        """Whether somebody looks at it through a terminal that can move its cursor."""
        return stream.isatty() and self.environ.get("TERM") != "dumb"

    def color(self, stream: TextIO) -> bool:
        """NO_COLOR, TERM=dumb and --no-color win over FORCE_COLOR and CLICOLOR_FORCE, these over a pipe."""
        off = self.environ.get("NO_COLOR") or self.environ.get("NHI_REVOKE_NO_COLOR") or self.no_color
        if off or self.environ.get("TERM") == "dumb":
            return False
        forced = self.environ.get("FORCE_COLOR") or self.environ.get("CLICOLOR_FORCE")
        return bool(forced) or stream.isatty()

    def width(self, stream: TextIO) -> int:
        """Columns: of the terminal, or as COLUMNS says, or 80."""
        columns = self.environ.get("COLUMNS", "")
        if columns.isdigit() and int(columns) > 0:
            return int(columns)
        try:
            return os.get_terminal_size(stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def height(self, stream: TextIO) -> int:
        """Lines: of the terminal, or as LINES says, or 24."""
        lines = self.environ.get("LINES", "")
        if lines.isdigit() and int(lines) > 0:
            return int(lines)
        try:
            return os.get_terminal_size(stream.fileno()).lines or 24
        except (OSError, ValueError):
            return 24

    def asks(self) -> bool:
        """Whether a person can be asked: questions stand on stderr, answers come from stdin, or from the terminal."""
        return self.answered_on.isatty() and self.err.isatty()

    @property
    def answered_on(self) -> TextIO:
        """Where answers come from."""
        return self.answers if self.answers is not None else self.stdin

    def show(self, blocks: Iterable[Block], stream: TextIO, *, paged: bool = False) -> None:
        """Wrapped and coloured for a terminal, plain for a pipe. `paged`: through a pager, where it is a terminal and
        they are longer than it.
        """
        if stream.isatty() or self.color(stream):
            from nhi_revoke.render.screen import draw, drawn

            width, color = self.width(stream), self.color(stream)
            if paged and self.terminal(stream):
                from nhi_revoke.cli.pager import page, pager_command

                command = pager_command(self.environ)
                lines = drawn(blocks, width=width, color=color)
                page(lines, stream, command, self.environ, width=width, height=self.height(stream))
            else:
                draw(blocks, stream, width=width, color=color)
        else:
            stream.write(plain_text(blocks))
        stream.flush()
