"""The smallest provider that is worth having: one kind of key, disabled and enabled again. Copy it to begin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_example import ExampleSettings
from nhi_revoke_example.connection import Cloud


class Login(Cloud):
    def whoami(self) -> Sequence[PrincipalRef]:
        return tuple(PrincipalRef("small", "bot", name) for name in self.call("GET", "/whoami")["chain"])


class Disable(Doer[Cloud]):
    name, phase, settle = "disable", Phase.END, 5.0
    permissions: ClassVar[tuple[str, ...]] = ("tokens.update", "tokens.list")

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        return self._set(conn, step, "disabled")

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        states = {t["id"]: t["state"] for t in conn.pages(f"/bots/{step.on.id}/tokens", "tokens")}
        state = states.get(step.ends[0].partition("/")[2], "gone")
        return None if state == "active" else {"state": state}

    def undo(self, conn: Cloud, step: Step, left: Json, run: Run) -> Change:
        return self._set(conn, step, "active") if self.seen(conn, step, run) == left else Failed("it has changed since")

    def _set(self, conn: Cloud, step: Step, state: str) -> Change:
        path = f"/bots/{step.on.id}/tokens/{step.ends[0].partition('/')[2]}"
        was = conn.call("PATCH", path, {"state": state})["was"]
        return Already({"state": state}) if was == state else Done({"state": state}, conn.now())


class Tokens(AccessKind[Cloud]):
    name, title = "small:token", "token"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = ("bot",)
    reads: ClassVar[tuple[str, ...]] = ("bots.read", "tokens.list")
    remedies = (Disable(),)

    def collect(self, conn: Cloud, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for t in conn.pages(f"/bots/{ref.id}/tokens", "tokens"):
            state = "live" if t["state"] == "active" else "disabled"
            before = {"state": t["state"]}
            yield Access(f"{self.name}/{t['id']}", ref, self.name, self.family, state, t["label"], before=before)  # type: ignore[arg-type]


class Small(Provider[Cloud]):
    name, title, settings, principal_kinds = "small", "Small Example", ExampleSettings, ("bot",)

    def kinds(self) -> Sequence[AccessKind[Cloud]]:
        return (Tokens(),)

    def parse(self, text: str) -> PrincipalRef | None:
        kind, _, name = text.partition("/")
        return PrincipalRef(self.name, kind, name) if kind == "bot" and name else None

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return ("bot",)

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        return ""

    def connect(self, scope: str, settings: Any, io: Io) -> Cloud:
        return Login(scope, settings.url, settings.token, io)

    def on_loopback(self, settings: Any) -> bool:
        return is_loopback(settings.url)

    def resolve(self, conn: Cloud, ref: PrincipalRef) -> Principal:
        bot = conn.call("GET", f"/bots/{ref.id}")
        return Principal(PrincipalRef(self.name, "bot", bot["name"]), "bot", bot["name"], bot["org"], bot["id"])


provider = Small()
