"""The runner alone: steps of the fake vendor on a journal in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from nhi_revoke.config import Config
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.doing import Doing
from nhi_revoke.engine.event import Event, StepEvent
from nhi_revoke.engine.history import StepHistory
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.journal import BeforeAppend, Journal
from nhi_revoke.engine.logs import Acted
from nhi_revoke.engine.recorder import Recorder
from nhi_revoke.engine.runner import Runner
from nhi_revoke.model.line import Line
from nhi_revoke.model.step import Step
from nhi_revoke.provider.registry import Registry
from tests.engine.cloud import Cloud
from tests.engine.fake import Fake
from tests.engine.scene import Entry
from tests.engine.story import opened


class Memory:
    """A store of journals that is no disk."""

    def __init__(self) -> None:
        self.bytes: dict[str, bytes] = {}
        self.full = False

    def append(self, run: str, line: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.bytes[run] = self.bytes.get(run, b"") + line

    def read(self, run: str) -> bytes:
        return self.bytes.get(run, b"")


class Bench:
    """What a `Runner` needs, and no more."""

    def __init__(self, cloud: Cloud, folder: object, *steps: Step, before: BeforeAppend | None = None) -> None:
        from pathlib import Path

        self.cloud = cloud
        self.store = Memory()
        self.io = EngineIo(cloud.clock)
        self.heard: list[Event] = []
        self.fake = Fake(cloud)
        self.pool = ThreadPoolExecutor(8)
        registry = Registry([Entry("fake", self.fake)])
        self.connections = Connections(registry, Config(state=Path(str(folder))), self.io)
        self.steps = steps
        self.recorder = Recorder(Journal.create(self.store, "run-1", before_append=before), self.io.now)
        self.recorder.write(opened(*steps))
        self.doing = Doing(self.connections, self.recorder)
        self.acted: list[Acted] = []
        self.settle: float | None = None

    def runner(self) -> Runner:
        return Runner(
            self.doing,
            self.recorder,
            self.io,
            self.pool,
            self.heard.append,
            self.settle,
            on_acted=self.acted.append,
        )

    def run(self, *steps: Step) -> None:
        self.runner().run(steps or self.steps)

    def of(self, step: str) -> StepHistory:
        return self.recorder.of(step)

    def lines(self) -> tuple[Line, ...]:
        return self.recorder.journal.lines

    def told(self, step: str) -> list[str]:
        return [e.what for e in self.heard if isinstance(e, StepEvent) and e.step == step]

    def close(self) -> None:
        self.pool.shutdown(wait=True)
        self.io.close()
