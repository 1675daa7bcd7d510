"""The real command line against the sandbox, on a clock that stands and moves only as the commands wait."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.event import Tell
from nhi_revoke.engine.service import Engine
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.testing.conformance import toml
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from nhi_revoke_gcp.sandbox.secrets import HeldSecret
from nhi_revoke_gcp.sandbox.state import Account, Key
from nhi_revoke_local import provider as local

from .conftest import REACH, START


class Ran:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def words(self) -> str:
        """Both streams; a screen wraps."""
        return " ".join((self.out + " " + self.err).split())

    @property
    def data(self) -> dict[str, Any]:
        told = json.loads(self.out)
        assert told["exit_code"] == self.code
        found: dict[str, Any] = told["data"]
        return found

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Desk:
    """One sandbox, one clock, one state folder, and as many commands as it takes."""

    def __init__(self, sandbox: GcpSandbox, clock: MovableClock, folder: Path) -> None:
        self.sandbox, self.clock, self.folder = sandbox, clock, folder
        self.map = sandbox.seed(str(folder)).map
        self.said: list[str] = []

    def __call__(self, *arguments: str) -> Ran:
        out, err = StringIO(), StringIO()

        def make(session: Session, tell: Tell) -> Engine:
            return Engine(session.registry, session.config, tell, clock=SandboxClock(self.clock))

        path = self.folder / "nhi.toml"
        tables = (toml.table("gcp", self.sandbox.settings()), toml.table("sandbox", {"control": self.sandbox.control}))
        path.write_text("\n".join([self.map, *tables]))
        environ = {"NHI_REVOKE_CONFIG": str(path), "NHI_REVOKE_STATE": str(self.folder / "state"), "COLUMNS": "400"}
        plugins = [Loaded("gcp", gcp), Loaded("local", local)]
        streams = Streams(StringIO(), out, err, environ)
        session = Session(streams, arguments, self.folder, make_engine=make, make_registry=lambda _: Registry(plugins))
        ran = Ran(run(session), out.getvalue(), err.getvalue())
        self.said += [ran.out, ran.err]
        assert "Traceback" not in ran.words
        assert "this is a bug" not in ran.words
        return ran

    @property
    def account(self) -> Account:
        return self.sandbox.scene.account

    @property
    def secret(self) -> HeldSecret:
        return self.sandbox.cloud.secret_manager.secrets[seed.PROJECT, seed.SECRET]

    def doors(self) -> set[str]:
        """Those of the account itself: what it reached before is another account's."""
        return {d.id.partition("/")[2] for d in self.sandbox.doors() if d.open()} - REACH

    def writes(self) -> list[str]:
        return [c.name for c in self.sandbox.calls() if c.by == "operator" and c.mutates]

    def working(self) -> list[Key]:
        now = self.clock.now()
        return [k for k in self.account.listed() if k.works(now) and k.type == "USER_MANAGED"]

    def check(self) -> None:
        """No secret on any screen, nor in any journal."""
        kept = [p.read_text() for p in (self.folder / "state").rglob("*") if p.is_file()]
        told = "\n".join([*self.said, *kept])
        assert not [canary for canary in self.sandbox.canaries() if canary in told]


def opened(folder: Path, **how: Any) -> tuple[GcpSandbox, Desk]:
    sandbox, clock = GcpSandbox(entropy=1, **how), MovableClock(START, running=False)
    sandbox.start(clock)
    return sandbox, Desk(sandbox, clock, folder)
