"""The real command line in this process, on the real engine, against Example Cloud on loopback."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import MakeEngine, Session, make_engine
from nhi_revoke.cli.streams import Streams
from nhi_revoke.testing.conformance.world import World
from nhi_revoke_example import provider

LIVE = "example:token/tok_0008"
TRUST = "example:trust/org-1/payments-bot/partner:sync-bot"


class Stream(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, text: str = "", *, tty: bool = False) -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


class Ran:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        """The one envelope on stdout."""
        loaded = json.loads(self.out)
        assert isinstance(loaded, dict)
        return loaded

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The ndjson on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


class Cli:
    """Runs command lines in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.make_engine: MakeEngine = make_engine
        self.protect: tuple[str, ...] = ()

    def __call__(
        self, *arguments: str, tty: bool = False, typed: str = "", environ: Mapping[str, str] | None = None
    ) -> Ran:
        self.world.config(self.protect)
        whole = {
            "NHI_REVOKE_CONFIG": str(self.world.folder / "nhi.toml"),
            "NHI_REVOKE_STATE": str(self.world.state),
            "COLUMNS": "100",
            **(environ or {}),
        }
        out, err = Stream(tty=tty), Stream(tty=tty)
        streams = Streams(Stream(typed, tty=tty), out, err, whole)
        session = Session(
            streams,
            arguments,
            self.world.folder,
            make_engine=self.make_engine,
            make_registry=lambda _: self.world.registry,
        )
        return Ran(run(session), out.getvalue(), err.getvalue())

    @property
    def mutations(self) -> list[str]:
        """Changing calls of the operator that reached the vendor so far."""
        return [call.name for call in self.world.sandbox.calls() if call.mutates and call.by == "operator"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(provider, tmp_path, managed="example:bot/example-billing") as world:
        yield world


@pytest.fixture
def cli(world: World) -> Cli:
    return Cli(world)
