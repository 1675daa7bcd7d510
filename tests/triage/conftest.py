"""The real command line in this process against Example Cloud on loopback, with each stream as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import pytest
from msgspec.structs import replace

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.model.liveness import Liveness
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance.world import Loaded, World
from nhi_revoke_example import Example, provider
from nhi_revoke_example.sandbox import ExampleSandbox
from tests.cli.conftest import Ran, Stream


class Anonymous(Example):
    def alive(self, found: Recognised, settings: Any, io: Io) -> Liveness:
        return replace(super().alive(found, settings, io), owner=None)


class Misled(Example):
    """Its vendor's answer names a bot that nobody can find."""

    def alive(self, found: Recognised, settings: Any, io: Io) -> Liveness:
        gone = PrincipalRef("example", "bot", "gone-bot")
        return replace(super().alive(found, settings, io), owner=gone)


class Desk:
    """Somebody with a leaked text, in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.registry: Registry | None = None
        """In place of the world's own."""
        self.mapped = True

    def __call__(
        self,
        *arguments: str,
        piped: str = "",
        pasted: str | None = None,
        terminal: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Ran:
        """`piped`: standard input. `pasted`: it is a terminal instead, and this is pasted there. `terminal`: somebody
        sits at one, whatever standard input is, and would answer this.
        """
        self.world.config()
        if not self.mapped:
            path = self.world.folder / "nhi.toml"
            path.write_text(path.read_text().replace(self.world.seeded.map, ""))
        whole = {
            "NHI_REVOKE_CONFIG": str(self.world.folder / "nhi.toml"),
            "NHI_REVOKE_STATE": str(self.world.state),
            "COLUMNS": "80",
            "NO_COLOR": "1",
            **(environ or {}),
        }
        seated = terminal is not None or pasted is not None
        out, err = Stream(tty=seated), Stream(tty=seated)
        typed = piped if pasted is None else (terminal or "")
        streams = Streams(Stream(typed, tty=pasted is not None), out, err, whole)

        def open_terminal() -> TextIO | None:
            return None if terminal is None else Stream(terminal, tty=True)

        def read_hidden(stream: TextIO, most: int, ask: Callable[[], None]) -> str:
            assert pasted is not None, "nobody was to paste anything"
            ask()
            return pasted

        session = Session(
            streams,
            arguments,
            self.world.folder,
            make_registry=lambda _: self.registry or self.world.registry,
            open_terminal=open_terminal,
            read_hidden=read_hidden,
        )
        return Ran(run(session), out.getvalue(), err.getvalue())

    # -- what leaked -----------------------------------------------------------------------------------------------

    def token(self, bot: str = "payments-bot", state: str = "active") -> str:
        """The value of one of the bot's tokens."""
        sandbox = self.world.sandbox
        assert isinstance(sandbox, ExampleSandbox)
        return next(t.secret for t in sandbox.cloud.tokens.values() if t.bot == bot and t.state.shown == state)

    def shown(self, bot: str = "payments-bot") -> dict[str, str]:
        """Its tokens as the vendor shows them."""
        sandbox = self.world.sandbox
        assert isinstance(sandbox, ExampleSandbox)
        return {t.id: t.state.shown for t in sandbox.cloud.tokens.values() if t.bot == bot}

    def file(self, text: str, name: str = "leaked.txt") -> str:
        (self.world.folder / name).write_text(text)
        return name

    def new_token(self, bot: str) -> str:
        """One more, obeyed at once."""
        sandbox = self.world.sandbox
        assert isinstance(sandbox, ExampleSandbox)
        return sandbox.cloud.create_token(bot, "ci", self.world.clock.now(), lag=0.0).secret

    def unmap(self) -> None:
        """From now on the map has no identity."""
        self.mapped = False

    def anonymous(self) -> None:
        """From now on the vendor's answer names nobody."""
        self.registry = Registry([Loaded("example", Anonymous())])

    def misled(self) -> None:
        """From now on the vendor's answer names a bot that is not there."""
        self.registry = Registry([Loaded("example", Misled())])

    # -- what became of it -----------------------------------------------------------------------------------------

    @property
    def mutations(self) -> list[str]:
        """Changing calls of the operator."""
        return [call.name for call in self.world.sandbox.calls() if call.mutates and call.by == "operator"]

    def nowhere(self, ran: Ran, *values: str) -> None:
        """Not on a screen, and not in the state folder."""
        files = [f.read_text() for f in self.world.state.rglob("*") if f.is_file()]
        told = "".join((ran.out, ran.err, *files))
        assert not [value for value in values if value in told]


DEAD = "tok_9999.canary-token-9999-8c1f"
"""Nobody's."""


def suspects(ran: Ran) -> list[dict[str, Any]]:
    found = ran.json["data"]["suspects"]
    assert isinstance(found, list)
    return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(provider, tmp_path, managed="example:bot/example-billing") as world:
        yield world


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests of a module that change nothing."""
    with World(provider, tmp_path_factory.mktemp("triage"), managed="example:bot/example-billing") as world:
        yield Desk(world)
