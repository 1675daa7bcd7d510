"""Engines by settings file: shared while in use, closed when nobody uses them, stopped together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nhi_revoke.cli.engines import MOST_IDLE, Engines
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.error import Usage
from tests.cli.conftest import Stream

if TYPE_CHECKING:
    from nhi_revoke.engine.event import Event, Tell
    from nhi_revoke.testing.conformance.world import World


class Made(Engine):
    """Tells what became of it."""

    closed = stopped = False

    def close(self) -> None:
        self.closed = True
        super().close()

    def interrupt(self) -> None:
        self.stopped = True
        super().interrupt()


def silent(event: Event) -> None:
    """Nobody listens."""


@pytest.fixture
def made() -> list[Made]:
    return []


@pytest.fixture
def engines(world: World, made: list[Made]) -> Engines:
    world.config(("example:bot/own*",))
    settings = (world.folder / "nhi.toml").read_text().replace("own*", "theirs*")
    for n in range(MOST_IDLE + 2):
        (world.folder / f"{n}.toml").write_text(settings)
    environ = {"NHI_REVOKE_CONFIG": str(world.folder / "nhi.toml"), "NHI_REVOKE_STATE": str(world.state)}

    def make(session: Session, tell: Tell) -> Engine:
        made.append(Made(session.registry, session.config, tell))
        return made[-1]

    streams = Streams(Stream(), Stream(), Stream(), environ)
    session = Session(streams, (), world.folder, make_engine=make, make_registry=lambda _: world.registry)
    return Engines(session, Path(world.folder), silent)


def test_one_for_each_settings_file_and_few_that_idle(engines: Engines, made: list[Made]) -> None:
    with engines:
        with engines.using("0.toml") as first, engines.using("0.toml") as again, engines.using("") as own:
            assert first is again
            assert own is not first
            assert first.config.protect == ("example:bot/theirs*", "example:bot/own*")
            assert own.config.protect == ("example:bot/own*",)
            for n in range(1, MOST_IDLE + 2):
                with engines.using(f"{n}.toml"):
                    pass
            assert [each.closed for each in made] == [False, False, True, *[False] * MOST_IDLE], "the longest unused"
        with pytest.raises(Usage), engines.using("missing.toml"):
            pass
    assert all(each.closed for each in made)


def test_all_stop_together_and_later_ones_too(engines: Engines, made: list[Made]) -> None:
    with engines, engines.using("0.toml"):
        engines.interrupt()
        with engines.using("1.toml"):
            assert [each.stopped for each in made] == [True, True]
