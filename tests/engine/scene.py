"""A whole engine on the fake vendor: what a command would do, in a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.config import Config
from nhi_revoke.engine.consent import Consent
from nhi_revoke.engine.event import CountEvent, Event, SaysEvent, StepEvent, WaitEvent
from nhi_revoke.engine.history import History
from nhi_revoke.engine.journal import Journal
from nhi_revoke.engine.service import Engine
from nhi_revoke.engine.store import RunFolder
from nhi_revoke.model.identity import Delivery, FlushTarget, Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Line, Verb
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.report import Outcome, Report
from nhi_revoke.provider.registry import Registry
from tests.engine.cloud import Cloud, bot
from tests.engine.fake import Fake

YES = Consent(how="--yes", allow_irreversible=True, force=True, max_accesses=1000)
TO_SHELF = (Delivery("fake:key", "shelf:ci", "fake:bot/ci"),)
ROTATE = Intent(replace=("fake:key",))


class Entry(Struct, frozen=True):
    """Stands in for an entry point."""

    name: str
    plugin: Any

    def load(self) -> Any:
        return self.plugin


def identity(*names: str, deliver: tuple[Delivery, ...] = (), flush: bool = False) -> Identity:
    targets = (FlushTarget("purge", {"url": "cache"}),) if flush else ()
    return Identity("it", tuple(bot(n) for n in names or ("ci",)), deliver=deliver, flush=targets)


class Scene:
    """Engines on one state folder; `engine` is the one in use."""

    def __init__(self, cloud: Cloud, folder: Path, *, others: Sequence[Entry] = ()) -> None:
        self.cloud = cloud
        self.folder = folder
        self.fake = Fake(cloud)
        self.heard: list[Event] = []
        self.config = Config(state=folder)
        self.registry = Registry([Entry("fake", self.fake), *others])
        self.names: Iterator[str] = iter([f"run-{n}" for n in range(1, 100)])
        self.engine = self.new()

    def new(self, before_append: Callable[[int], None] | None = None) -> Engine:
        """As a new process would begin: no secret in memory, no connection."""
        self.engine = Engine(
            self.registry,
            self.config,
            self.heard.append,
            clock=self.cloud.clock,
            run_id=lambda: next(self.names),
            before_append=before_append,
        )
        return self.engine

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *exc: object) -> None:
        self.engine.close()

    def plan(self, who: Identity | None = None, intent: Intent | None = None) -> Plan:
        found = self.engine.inventory(who or identity(), intent or Intent(), logs=False)
        return self.engine.plan(found, intent or Intent())

    def revoke(
        self, who: Identity | None = None, intent: Intent | None = None, *, verb: Verb = "revoke", **changed: Any
    ) -> Report:
        return self.engine.run(replace(self.plan(who, intent), **changed), verb, YES)

    def rotate(self, who: Identity | None = None, intent: Intent | None = None) -> Report:
        return self.revoke(who or identity(deliver=TO_SHELF, flush=True), intent or ROTATE)

    def lines(self, run: str = "run-1") -> tuple[Line, ...]:
        return Journal.open(RunFolder(self.folder / "runs"), run).lines

    def history(self, run: str = "run-1") -> History:
        return History(self.lines(run))

    # -- what was told ---------------------------------------------------------------------------------------------

    def says(self) -> str:
        return "\n".join(e.says for e in self.heard if isinstance(e, SaysEvent))

    def waited(self) -> list[WaitEvent]:
        return [e for e in self.heard if isinstance(e, WaitEvent)]

    def steps(self, what: str) -> list[StepEvent]:
        return [e for e in self.heard if isinstance(e, StepEvent) and e.what == what]

    def counts(self) -> list[CountEvent]:
        return [e for e in self.heard if isinstance(e, CountEvent)]


def fate(report: Report, access: str) -> Outcome:
    (found,) = [o for o in report.outcomes if o.access.id == access]
    return found


def index(scene: Scene, step: str, kind: type) -> int:
    """Where the last such line of the step stands."""
    return max(
        n for n, line in enumerate(scene.lines()) if isinstance(line, kind) and getattr(line, "step", "") == step
    )


def id_of(report: Report, does: str, on: str = "fake:bot/ci") -> str:
    return next(s.id for s in report.steps if s.does == does and s.on == on)
