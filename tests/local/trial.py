"""A connection, a run and a file to try the stores and flushes of this machine with."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.concern import Concern
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.secret import Secret
from nhi_revoke_local import provider
from nhi_revoke_local.connection import LocalConnection
from nhi_revoke_local.store.file import FileStore

BOT, ROLE = PrincipalRef("example", "user", "bot"), PrincipalRef("example", "role", "worker")
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class Trial:
    """Implements `provider.io.Run`, and journals what steps leave as the engine does."""

    def __init__(self, run: str = "r-1") -> None:
        self.id = run
        self.secrets: dict[str, Secret] = {}
        self.lefts: dict[str, Json] = {}
        self.clock = MovableClock(NOON, running=False)
        self.io = EngineIo(SandboxClock(self.clock))
        self.conn: LocalConnection = provider.connect("", None, self.io)

    @property
    def concern(self) -> Concern:
        ended = {"sessions": (BOT, ROLE), "keys": (BOT,), "minted": (BOT,)}
        return Concern("payments-bot", (BOT, ROLE), NOON, "INC-4711", "leaked", **ended)

    def left(self, step: str) -> Json:
        return dict(self.lefts.get(step, {}))

    def give(self, step: str, secret: Secret) -> None:
        self.secrets[step] = secret

    def take(self, step: str) -> Secret:
        return self.secrets[step]

    def holds(self, step: str) -> bool:
        return step in self.secrets

    def crash(self) -> None:
        """The process is gone, and the secrets with it."""
        self.secrets.clear()

    def do(self, doer: Any, step: Step) -> Change:
        change: Change = doer.apply(self.conn, step, self)
        if isinstance(change, (Done, Already)):
            self.lefts[step.id] = change.left
        return change

    def seen(self, doer: Any, step: Step) -> Json | None:
        seen: Json | None = doer.seen(self.conn, step, self)
        return seen

    def undo(self, doer: Any, step: Step) -> Change:
        change: Change = doer.undo(self.conn, step, self.left(step.id), self)
        return change

    def step(self, does: str, to: str, *, mint: str = "m/1", before: Json | None = None) -> Step:
        phase = {"stage": Phase.DELIVER, "serve": Phase.SERVE, "forget": Phase.FINISH}.get(does, Phase.FLUSH)
        return Step(
            id=f"{does}-{mint}",
            does=does,
            on=PrincipalRef("example", "user", "bot"),
            phase=phase,
            says="",
            before=before or {},
            takes=mint,
            to=to,
        )


SECRET = Secret("canary-new", field="SecretKey", public={"KeyId": "K2"})
OLD = b'{\n  "region": "north",\n  "KeyId": "K1",\n  "SecretKey": "canary-old",\n  "ratio": 1.50\n}\n'
PENDING, PREVIOUS, ABSENT = "bot.json.r-1-m_1.pending", "bot.json.r-1-m_1.previous", "bot.json.r-1-m_1.absent"
STORE = FileStore()


def names(file: Path) -> set[str]:
    return {each.name for each in file.parent.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def stage(run: Trial, to: str, *, mint: str = "m/1", secret: Secret = SECRET) -> Step:
    run.give(mint, secret)
    step = run.step("stage", to, mint=mint)
    assert STORE.stage.check(run.conn, step) is None
    assert isinstance(run.do(STORE.stage, step), Done)
    return step


def serve(run: Trial, to: str, *, mint: str = "m/1") -> Step:
    step = run.step("serve", to, mint=mint)
    assert STORE.serve.check(run.conn, step) is None
    assert isinstance(run.do(STORE.serve, step), Done)
    return step
