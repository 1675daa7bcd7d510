"""What the scenarios of the demo share: real commands in this process, on a world of sandboxes."""

from __future__ import annotations

import io
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.model.report import Report
from nhi_revoke.render.block import BLANK, Block, Span, line

if TYPE_CHECKING:
    from nhi_revoke.demo.world import DemoWorld

MOST = 200
"""Accesses that the demo's identity may have, over all sandboxes: more than a plan may end unasked."""


class Ran(Struct, frozen=True):
    """One real command of the demo."""

    command: str
    exit_code: int


class Stage:
    """Shows what happens, and does it."""

    def __init__(self, session: Session, folder: Path, keep: bool) -> None:
        self._session = session
        self._folder = folder
        self._keep = keep
        self._ran: list[Ran] = []

    @property
    def _quiet(self) -> bool:
        return self._session.output != "table" or self._session.out is not None

    def _run(self, world: DemoWorld, *words: str) -> None:
        """One real command, in this process, with its own output."""
        from nhi_revoke.cli.process import run

        shown = shlex.join(["nhi-revoke", *words])
        if "-q" not in words:
            self._show([BLANK, line(Span(f"$ {shown}", "strong"))])
        mine = self._session.streams
        environ = {
            **mine.environ,
            "NHI_REVOKE_CONFIG": str(world.config),
            "NHI_REVOKE_STATE": str(world.state),
        }
        environ.pop("NHI_REVOKE_OUTPUT", None)
        out, err = (io.StringIO(), io.StringIO()) if self._quiet else (mine.out, mine.err)
        streams = Streams(io.StringIO(), out, err, environ, mine.no_color)
        code = run(Session(streams, words, self._folder))
        self._ran.append(Ran(shown, code))
        if code in (ExitCode.FAILED, ExitCode.USAGE):
            self._session.streams.err.write(err.getvalue() if isinstance(err, io.StringIO) else "")

    def _report(self, world: DemoWorld) -> Report:
        from nhi_revoke.config import load_config
        from nhi_revoke.engine.service import Engine

        environ = {"NHI_REVOKE_STATE": str(world.state)}
        config = load_config(str(world.config), environ, self._folder)
        with Engine(self._session.registry, config, lambda _: None) as engine:
            return engine.report(engine.run_id("@last"))

    def _say(self, text: str) -> None:
        self._show([line(text)])

    def _show(self, blocks: Sequence[Block]) -> None:
        if not self._quiet:
            self._session.streams.show(blocks, self._session.streams.out)
