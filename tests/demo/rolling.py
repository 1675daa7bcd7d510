"""One provider's demo identity, at work while `rotate` runs on it: by the real command line, or killed on the way."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.config import load_config
from nhi_revoke.demo.clients import Client, ClientData
from nhi_revoke.demo.world import DemoWorld
from nhi_revoke.engine.consent import Consent
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.contract import Sandbox
from nhi_revoke.provider.sandbox.workload import Workload

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
CONSENT = ("--yes", "--allow-irreversible", "--max-accesses", "200")


class Rolling:
    """`with` starts the sandbox and its client; `client` tells what the calls came to, once it was left."""

    def __init__(self, folder: Path, provider: str, principal: Callable[[Any], str]) -> None:
        """`principal`: of the provider's sandbox, what is rotated."""
        self.folder, self.provider = folder, provider
        self.environ = {"NHI_REVOKE_PROVIDERS": f"{provider},local"}
        self.world = DemoWorld(Registry.installed(self.environ), folder, START)
        self._principal = principal
        self._used = threading.Event()

    def __enter__(self) -> Rolling:
        self.world.__enter__()
        self.sandbox: Sandbox = self.world.sandboxes[self.provider]
        self.who = self._principal(self.sandbox)
        [(_, workload)] = self.world.workloads()
        self.workload: Workload = workload
        self._at_work = Client([(self.provider, Heard(workload, self._used))], self.world.clock, every=0.01)
        self._at_work.__enter__()
        assert self._used.wait(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not error:
                self.call_again()  # after the end of it all
        finally:
            self._at_work.__exit__(kind, error, trace)
            self.world.__exit__(kind, error, trace)

    def call_again(self) -> None:
        """Until the client has called once more."""
        self._used.clear()
        assert self._used.wait(20), "the client calls no more"

    def command(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """A real command: its exit code, its JSON, and what it told meanwhile."""
        out, err = io.StringIO(), io.StringIO()
        streams = Streams(io.StringIO(), out, err, self.settings)
        code = run(Session(streams, (*words, "-o", "json"), self.folder))
        told: dict[str, Any] = json.loads(out.getvalue())
        return code, told, err.getvalue()

    @property
    def settings(self) -> dict[str, str]:
        """What the environment of a command says of this world."""
        places = {"NHI_REVOKE_CONFIG": str(self.world.config), "NHI_REVOKE_STATE": str(self.world.state)}
        return {**self.environ, **places}

    def rotating(self, deliver: str, *more: str) -> tuple[str, ...]:
        """The words of `rotate`."""
        return ("rotate", self.who, "--deliver", deliver, "--grace", "10m", *CONSENT, *more)

    def rotate(self, deliver: str, *more: str) -> tuple[int, dict[str, Any], str]:
        return self.command(*self.rotating(deliver, *more))

    def engine(self, before_append: Callable[[int], None] | None = None) -> Engine:
        """As a process of its own would begin."""
        environ = {"NHI_REVOKE_STATE": str(self.world.state)}
        config = load_config(str(self.world.config), environ, self.folder)
        return Engine(Registry.installed(self.environ), config, lambda _: None, before_append=before_append)

    def rotate_in(self, engine: Engine, kind: str) -> None:
        """The rotation that the map asks for. Raises what stops it."""
        identity = engine.resolve([self.world.identity])
        intent = Intent(order="rollover", replace=(kind,), grace=600.0)
        plan = engine.plan(engine.inventory(identity, intent, logs=False), intent)
        engine.run(plan, "rotate", Consent("--yes", allow_irreversible=True, force=True, max_accesses=200))

    def client(self, told: dict[str, Any] | None = None) -> ClientData:
        """What the calls came to."""
        with self.engine() as engine:
            return self._at_work.result(engine.report(engine.run_id("@last")))


class Heard:
    """A workload whose calls are heard of."""

    def __init__(self, workload: Workload, heard: threading.Event) -> None:
        self._workload, self._heard = workload, heard
        self.kind = workload.kind

    def call(self) -> bool:
        works = self._workload.call()
        self._heard.set()
        return works

    def session(self) -> bool | None:
        return self._workload.session()
