"""`demo --serve`: the sandboxes stay up, to be worked with from another terminal: for learning, and for the docs."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct

from nhi_revoke.cli.demo_stage import Stage
from nhi_revoke.cli.result import Result
from nhi_revoke.demo.doors import word
from nhi_revoke.render.block import Block, Span, line, table

if TYPE_CHECKING:
    from types import FrameType

    from nhi_revoke.demo.world import DemoWorld


class Tried(Struct, frozen=True):
    """One stolen way in, tried now."""

    id: str
    provider: str
    kind: str
    says: str
    state: str


class ServeData(Struct, frozen=True):
    """`demo --serve`: the doors as they were tried last."""

    identity: str
    providers: tuple[str, ...]
    doors: tuple[Tried, ...]


class Serve(Stage):
    """Shows where the sandboxes are. Each line on standard input (Enter) lets the intruder try every door."""

    def play(self) -> Result:
        from nhi_revoke.demo.world import DemoWorld

        doors: tuple[Tried, ...] = ()
        with _stopped_by_signal(), DemoWorld(self._session.registry, self._folder, datetime.now(UTC)) as world:
            self._session.streams.show(self._where(world), self._session.streams.err)
            try:
                while self._session.streams.stdin.readline():
                    doors = _tried(world)
                    self._session.streams.show([door_table(doors)], self._session.streams.err)
                while True:
                    signal.pause()
            except KeyboardInterrupt:
                pass
            data = ServeData(world.identity, tuple(world.sandboxes), doors)
        return Result(data, lambda: [line("The sandboxes are stopped.")])

    def _where(self, world: DemoWorld) -> Sequence[Block]:
        names = ", ".join(world.sandboxes)
        settings = (
            f"NHI_REVOKE_CONFIG={shlex.quote(str(world.config))} NHI_REVOKE_STATE={shlex.quote(str(world.state))}"
        )
        kept = "" if self._keep else " and its folder is removed"
        return [
            line(f"Sandboxes on this machine: {names}. No cloud account is touched."),
            line("In another terminal:"),
            line(f"export {settings}", indent=2, keep=True),
            line(f"nhi-revoke list {shlex.quote(world.identity)}", indent=2, keep=True),
            line(f"Enter lets an intruder try every stolen way in. Ctrl-C stops the sandboxes{kept}."),
        ]


def _tried(world: DemoWorld) -> tuple[Tried, ...]:
    from nhi_revoke.demo.doors import try_all

    doors = world.doors()
    found = try_all(doors)
    return tuple(Tried(d.id, provider, d.kind, d.says, word(found[d.id])) for provider, d in doors)


def door_table(doors: Sequence[Tried]) -> Block:
    """A row a door."""
    rows: list[list[str | Span]] = [
        [Span("OPEN", "danger") if d.state == "open" else Span(d.state, "good"), d.kind, f"{d.id}: {d.says}"]
        for d in doors
    ]
    return table(["now", "kind", "door"], rows, keep="now kind", indent=2)


@contextmanager
def _stopped_by_signal() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does, so that nothing is left behind; a shell's background job hears of both, too."""
    before = {each: signal.signal(each, _interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
