"""Whole runs by the real command line: the example cloud mints, and a Vault keeps what was minted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.event import Tell
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.change import Change, Done
from nhi_revoke.model.step import Step
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.testing.conformance import toml
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_example import Example
from nhi_revoke_example.connection import Cloud
from nhi_revoke_example.sandbox import ExampleSandbox
from nhi_revoke_example.tokens import Create, Tokens
from nhi_revoke_vault import provider
from tests.vault.bench import START, Bench

MAP = """
[identity.bot]
principals = ["example:bot/Payments-Bot"]
[[identity.bot.deliver]]
from = "example:token"
to = "vault:{to}"
"""
Hook = Callable[[int], None]


class ToldCreate(Create):
    """A mint that leaves all that a store needs to be asked after a crash."""

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        change = super().apply(conn, step, run)
        assert isinstance(change, Done)
        secret = run.take(step.id)
        return Done({**change.left, "field": secret.field, "public": dict(secret.public)}, change.at)


class ToldTokens(Tokens):
    mint = ToldCreate()


class ToldExample(Example):
    def kinds(self) -> Sequence[AccessKind[Cloud]]:
        return tuple(ToldTokens() if isinstance(each, Tokens) else each for each in super().kinds())


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
    """One example cloud, one Vault, one state folder, and as many commands as it takes. `with` starts the cloud."""

    def __init__(self, vault: Bench, folder: Path) -> None:
        self.vault, self.folder = vault, folder
        self.clock = MovableClock(START, running=False)
        self.cloud = ExampleSandbox()
        self.said: list[str] = []
        self.key = ""
        self.token = vault.server.root
        self.addr = vault.between.url

    def __enter__(self) -> Desk:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cloud.start(self.clock)
        self.cloud.seed(str(self.folder))
        return self

    def __exit__(self, *exc: object) -> None:
        self.cloud.close()

    def __call__(self, *arguments: str, before_append: Hook | None = None) -> Ran:
        out, err = StringIO(), StringIO()

        def make(session: Session, tell: Tell) -> Engine:
            return Engine(
                session.registry, session.config, tell, clock=SandboxClock(self.clock), before_append=before_append
            )

        path, token = self.folder / "nhi.toml", self.folder / "token"
        token.touch(0o600)
        token.write_text(self.token)
        settings = {"addr": self.addr, "token_file": str(token)}
        tables = (
            toml.table("example", self.cloud.settings()),
            toml.table("vault", settings),
            toml.table("sandbox", {"control": self.cloud.control}),
        )
        path.write_text("\n".join([MAP.format(to=self.vault.to + self.key), *tables]))
        environ = {"NHI_REVOKE_CONFIG": str(path), "NHI_REVOKE_STATE": str(self.folder / "state"), "COLUMNS": "400"}
        plugins = [Loaded("example", ToldExample()), Loaded("vault", provider)]
        streams = Streams(StringIO(), out, err, environ)
        session = Session(streams, arguments, self.folder, make_engine=make, make_registry=lambda _: Registry(plugins))
        ran = Ran(run(session), out.getvalue(), err.getvalue())
        self.said += [ran.out, ran.err]
        assert "Traceback" not in ran.words
        assert "this is a bug" not in ran.words
        return ran

    @property
    def journals(self) -> list[Path]:
        return sorted((self.folder / "state" / "runs").glob("*.jsonl"))

    def living(self) -> list[str]:
        """Tokens of the bot that work."""
        return sorted(
            t.id for t in self.cloud.cloud.tokens.values() if t.bot == "payments-bot" and t.state.shown == "active"
        )

    def secrets(self) -> list[str]:
        return [*self.cloud.canaries(), self.vault.server.root]

    def check(self) -> None:
        """No secret on any screen, nor in any file of the state."""
        kept = [p.read_text() for p in (self.folder / "state").rglob("*") if p.is_file()]
        told = "\n".join([*self.said, *kept])
        assert self.said
        assert not [each for each in self.secrets() if each in told]
