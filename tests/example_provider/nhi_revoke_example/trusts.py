"""Trusts: who may mint sessions on a bot, and where a bot may mint sessions itself (its reach)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, Family, Found, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_example.connection import Cloud


class Remove(Doer[Cloud]):
    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = ("trusts.write", "trusts.list")
    says: ClassVar[str] = "removes the trust"
    undone: ClassVar[str] = "put back"
    survives: ClassVar[str] = "sessions already minted through it"
    settle: ClassVar[float] = 5.0

    def _path(self, step: Step) -> str:
        return f"/bots/{step.on.id}/trusts/{step.before['bot']}"

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        try:
            conn.call("DELETE", self._path(step))
        except Missing:
            return Already({"gone": True})
        return Done({"gone": True}, conn.now())

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        there = any(t["bot"] == step.before["bot"] for t in conn.pages(f"/bots/{step.on.id}/trusts", "trusts"))
        return None if there else {"gone": True}

    def undo(self, conn: Cloud, step: Step, left: Json, run: Run) -> Change:
        if self.seen(conn, step, run) != left:
            return Failed("the trust is there again already")
        conn.call("PUT", self._path(step))
        return Done({"gone": False}, conn.now())


class Trusts(AccessKind[Cloud]):
    name: ClassVar[str] = "example:trust"
    title: ClassVar[str] = "trust"
    family: ClassVar[Family] = "trust"
    on: ClassVar[tuple[str, ...]] = ("bot",)
    reads: ClassVar[tuple[str, ...]] = ("bots.read", "trusts.list")
    remedies = (Remove(),)

    def collect(self, conn: Cloud, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for trust in conn.pages(f"/bots/{ref.id}/trusts", "trusts"):
            org, _, bot = trust["bot"].rpartition(":")
            yield Access(
                f"{self.name}/{{scope}}/{{name}}/{trust['bot']}", ref, self.name, self.family, "live",
                label=f"{trust['bot']} may mint sessions", evidence="GET /bots/…/trusts", door=trust["bot"],
                before={"bot": trust["bot"]}, lets_in=(f"{org or '*'}/{bot}",),
                exposure="foreign" if org else "local",
            )  # fmt: skip
        for bot in conn.pages(f"/bots/{ref.id}/reach", "reach"):
            why = f"{bot['bot']} lets it mint sessions"
            yield Lead(PrincipalRef("example", "bot", bot["bot"]), why, "GET /bots/…/reach")

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for trust in view.of(self.name):
            if trust.id in intent.cut_trust:
                says = f"remove the trust that lets {trust.before['bot']} in"
                yield draft_step(self, self.remedies[0], view, trust, says=says, rearms="always")
