"""What one command works with: its streams, its settings, its engine, and Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.streams import Streams
from nhi_revoke.cli.terminal import open_terminal, read_hidden

if TYPE_CHECKING:
    from types import FrameType

    from nhi_revoke.cli.options import CommonOptions
    from nhi_revoke.config import Config
    from nhi_revoke.engine.event import Event, Tell
    from nhi_revoke.engine.service import Engine
    from nhi_revoke.engine.sharing import Share
    from nhi_revoke.provider.registry import Registry
    from nhi_revoke.render.progress import Progress

_STDERR = 2
"""A handler may interrupt a write to sys.stderr, which then must not be entered again."""
Output = Literal["table", "json", "ndjson", "csv", "md", "html", "ocsf", "caep", "junit", "sarif"]
MakeEngine = Callable[["Session", "Tell"], "Engine"]
MakeRegistry = Callable[[Mapping[str, str]], "Registry"]


def make_engine(session: Session, tell: Tell) -> Engine:
    """The real one."""
    from nhi_revoke.engine.service import Engine

    return Engine(
        session.registry,
        session.config,
        tell,
        show=session.show,
        share=session.share,
        settings_name=session.settings_name,
    )


def installed(environ: Mapping[str, str]) -> Registry:
    """The providers of this installation."""
    from nhi_revoke.provider.registry import Registry

    return Registry.installed(environ)


@dataclass
class Session:
    """One per process. `make_engine`, `make_registry`, `open_terminal` and `read_hidden` are there for tests to set."""

    streams: Streams
    arguments: tuple[str, ...]
    """As typed, without the program's name."""
    cwd: Path
    make_engine: MakeEngine = make_engine
    make_registry: MakeRegistry = installed
    open_terminal: Callable[[], TextIO | None] = open_terminal
    read_hidden: Callable[[TextIO, int, Callable[[], None]], str] = read_hidden
    command: str = ""
    output: Output = "table"
    out: Path | None = None
    verbosity: int = 0
    no_input: bool = False
    no_pager: bool = False
    debug: bool = False
    config_path: str | None = None
    acting: bool = False
    """Something may have changed at a vendor."""
    interrupted: bool = False
    own_process: bool = False
    """The process ends with this command: after Ctrl-C nothing needs closing."""
    run: str = ""
    """The run this command works on, as far as it is known: for error messages."""
    share: Share | None = None
    """Where other processes ask the same tenants (`campaign`, `worker`): what all of them together may ask."""
    settings_name: str = ""
    """Of an entry's own settings file, in a campaign."""
    _engine: Engine | None = None
    _config: Config | None = None
    _registry: Registry | None = None
    _told: list[Progress] = field(default_factory=list)

    def use(self, common: CommonOptions) -> None:
        """Take over the options that every command has; flags win over `NHI_REVOKE_OUTPUT`."""
        self.output = common.output or self.output
        self.out = common.out
        self.verbosity = -1 if common.quiet else int(common.verbose)
        self.no_input = common.no_input
        self.no_pager = common.no_pager
        self.debug = common.debug
        self.config_path = common.config
        self.streams.no_color = common.no_color

    @property
    def config(self) -> Config:
        """Read when first needed. Raises Usage."""
        if self._config is None:
            from nhi_revoke.config import load_config

            known = self.registry.known()
            self._config = load_config(self.config_path, self.streams.environ, self.cwd, providers=known)
        return self._config

    @property
    def registry(self) -> Registry:
        """The installed providers; none is loaded yet."""
        if self._registry is None:
            self._registry = self.make_registry(self.streams.environ)
        return self._registry

    @property
    def pages(self) -> bool:
        """Whether its result may wait for a reader: never of a command that acted, nor of one inside another."""
        return self.own_process and not (self.acting or self.no_pager)

    @property
    def can_ask(self) -> bool:
        """Whether a person sits at a terminal and may be asked."""
        return self.streams.asks() and not self.no_input

    def ask_at_terminal(self) -> None:
        """Standard input held something else than answers: these come from the terminal, where there is one."""
        self.streams.answers = self.open_terminal()

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """An engine that tells its progress; closed at the end, Ctrl-C handled meanwhile."""
        engine = self.make_engine(self, self.tell)
        before = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, self._on_interrupt)
        self._engine = engine
        stack = ExitStack()
        stack.enter_context(engine)
        try:
            yield engine
        finally:
            self._engine = None
            signal.signal(signal.SIGINT, before)
            if self.interrupted and self.own_process:
                stack.pop_all()  # the process ends now, and closing waits for vendors that do not answer: 19 s, once
            stack.close()

    @contextmanager
    def progress(self, *, acting: bool, run: str = "") -> Iterator[None]:
        """Shows what the engine does. `acting`: it may change something, so that Ctrl-C waits for the journal."""
        with self.showing(self._progress(), acting=acting, run=run):
            yield

    @contextmanager
    def showing(self, shown: Progress, *, acting: bool, run: str = "") -> Iterator[None]:
        """The same, shown in a command's own way."""
        self._told.append(shown)
        self.acting, self.run = acting, run or self.run
        shown.start()
        try:
            yield
        finally:
            shown.stop()
            self._told.remove(shown)

    def moment(self) -> datetime:
        """Now, by the clock of the engine in use (a sandbox's may be moved); without one, of this machine. UTC."""
        return self._engine.clock.now() if self._engine is not None else datetime.now(UTC)

    def _progress(self) -> Progress:
        from nhi_revoke.render.progress import LiveProgress, PlainProgress

        streams = self.streams
        if self.output == "ndjson" and self.out is None:
            from nhi_revoke.cli.event_lines import EventLines

            return EventLines(streams.out)
        if streams.terminal(streams.err) and self.verbosity >= 0:
            width, color = streams.width(streams.err), streams.color(streams.err)
            return LiveProgress(streams.err, self.verbosity, width=width, color=color)
        return PlainProgress(streams.err, self.verbosity)

    def tell(self, event: Event) -> None:
        """Shows what happens, as the command's progress does."""
        if self._told:
            self._told[-1].tell(event)
        elif self.output != "ndjson":
            from nhi_revoke.render.progress import PlainProgress

            PlainProgress(self.streams.err, self.verbosity).tell(event)

    def show(self, says: str) -> bool:
        """To the person at the terminal, on stderr whatever the output is; False where nobody sits there."""
        if not self.streams.err.isatty() or self.no_input:
            return False
        from nhi_revoke.render.progress import shown

        shown(says, self._told[-1] if self._told else None, self.streams.err)
        return True

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        """First: the engine starts nothing more, and what is under way is journaled. Second: out, at once."""
        if self.interrupted:
            os._exit(ExitCode.INTERRUPTED)
        self.interrupted = True
        if self._engine is not None:
            self._engine.interrupt()
        if not self.acting:
            raise KeyboardInterrupt
        os.write(_STDERR, b"\nCtrl-C: what is under way ends and is journaled; again to leave at once.\n")
