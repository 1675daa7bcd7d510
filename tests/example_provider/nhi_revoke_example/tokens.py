"""Tokens of a bot: long-lived keys, two slots. Disabling one leaves the sessions minted with it alive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.doer import Doer, Mint
from nhi_revoke.provider.fault import Missing, Unauthenticated
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.layout import Layout, variables
from nhi_revoke.provider.secret import Secret
from nhi_revoke_example.connection import Cloud

SETTLE = 5.0
SLOTS = 2


def listed(conn: Cloud, ref: PrincipalRef) -> dict[str, dict[str, Any]]:
    return {token["id"]: token for token in conn.pages(f"/bots/{ref.id}/tokens", "tokens")}


def token_id(access: AccessId) -> str:
    return access.rpartition("/")[2]


class Disable(Doer[Cloud]):
    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = ("tokens.update", "tokens.list")
    says: ClassVar[str] = "disables the token"
    undone: ClassVar[str] = "enabled again"
    survives: ClassVar[str] = "sessions minted with it, up to an hour: cut separately"
    settle: ClassVar[float] = SETTLE

    def _set(self, conn: Cloud, step: Step, state: str) -> Change:
        path = f"/bots/{step.on.id}/tokens/{token_id(step.ends[0])}"
        try:
            was = conn.call("PATCH", path, {"state": state})["was"]
        except Missing:
            return Already({"state": "gone"})
        left = {"state": state}
        return Already(left) if was == state else Done(left, conn.now())

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        return self._set(conn, step, "disabled")

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        token = listed(conn, step.on).get(token_id(step.ends[0]), {"state": "gone"})
        return None if token["state"] == "active" else {"state": token["state"]}

    def prove(self, conn: Cloud, step: Step, run: Run) -> Proven:
        held = (s for s in conn.io.leaked("example:token") if s.public["id"] == token_id(step.ends[0]))
        if (secret := next(held, None)) is None:
            return super().prove(conn, step, run)
        try:
            conn.call_as(secret.reveal(), "GET", "/me")
        except Unauthenticated:
            return Proven(Proof.ENFORCED, "the token itself was tried: refused", conn.now())
        return Proven(Proof.UNPROVEN, "the token itself was tried: it still signs in", conn.now())

    def undo(self, conn: Cloud, step: Step, left: Json, run: Run) -> Change:
        if self.seen(conn, step, run) != left:
            return Failed("the token is not as this run left it")
        return self._set(conn, step, "active")


class Delete(Doer[Cloud]):
    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = ("tokens.delete", "tokens.list")
    says: ClassVar[str] = "deletes the token"
    reversible: ClassVar[bool] = False
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        return remove(conn, step.on, step.ends[0])

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        return None if token_id(step.ends[0]) in listed(conn, step.on) else {"state": "gone"}


def remove(conn: Cloud, ref: PrincipalRef, access: AccessId) -> Change:
    try:
        conn.call("DELETE", f"/bots/{ref.id}/tokens/{token_id(access)}")
    except Missing:
        return Already({"state": "gone"})
    return Done({"state": "gone"}, conn.now())


class Create(Mint[Cloud]):
    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = ("tokens.create", "tokens.list", "tokens.delete")
    says: ClassVar[str] = "mints a token"
    undone: ClassVar[str] = "deleted"
    needs: ClassVar[tuple[str, ...]] = ("example:token/delete",)
    layouts: ClassVar[tuple[Layout, ...]] = (variables({"EXAMPLE_TOKEN_ID": "id", "EXAMPLE_TOKEN": "token"}),)

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        new = conn.call("POST", f"/bots/{step.on.id}/tokens", {"label": f"nhi-revoke {run.id}"}, again=False)
        run.give(step.id, Secret(new["secret"], field="token", public={"id": new["id"]}))
        return Done({"id": f"example:token/{new['id']}"}, conn.now())

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        return left if "id" in left and token_id(left["id"]) in listed(conn, step.on) else None

    def undo(self, conn: Cloud, step: Step, left: Json, run: Run) -> Change:
        return remove(conn, step.on, left["id"])

    def orphans(self, conn: Cloud, step: Step) -> Sequence[AccessId]:
        known = set(step.before["ids"])
        return tuple(f"example:token/{found}" for found in listed(conn, step.on) if found not in known)

    def destroy(self, conn: Cloud, step: Step, access: AccessId) -> Change:
        return remove(conn, step.on, access)

    def opens(self, conn: Cloud, step: Step, secret: Secret) -> Proven:
        try:
            me = conn.call_as(secret.reveal(), "GET", "/me")
        except Unauthenticated:
            return Proven(Proof.UNPROVEN, "Example Cloud does not accept the new token yet")
        right = me["bot"] == step.on.id
        return Proven(
            Proof.ENFORCED if right else Proof.UNPROVEN, f"the new token signed in as {me['bot']}", conn.now()
        )


class Tokens(AccessKind[Cloud]):
    name: ClassVar[str] = "example:token"
    title: ClassVar[str] = "token"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = ("bot",)
    reads: ClassVar[tuple[str, ...]] = ("bots.read", "tokens.list")
    tries: ClassVar[tuple[str, ...]] = ("example:token",)
    remedies = (Disable(), Delete())
    mint = Create()

    def collect(self, conn: Cloud, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for token in listed(conn, ref).values():
            yield Access(
                f"{self.name}/{token['id']}",
                ref,
                self.name,
                self.family,
                "live" if token["state"] == "active" else "disabled",
                label=token["label"],
                created=datetime.fromisoformat(token["created"]),
                evidence="GET /bots/…/tokens",
                door=token["id"],
                before={"state": token["state"]},
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        have = view.of(self.name)
        for token in have:
            if token.state == "live" and intent.covers(token):
                says = f"disable token {token.label or token.id}"
                yield draft_step(self, self.remedies[0], view, token, says=says, rearms="always")
        if self.name in intent.replace and intent.rotate != "no":
            yield from self._replacement(view, have, intent)

    def _replacement(self, view: View, have: Sequence[Access], intent: Intent) -> Iterable[Draft]:
        slots = f"{view.who.ref}:slots"
        if len(have) >= SLOTS:
            oldest = sorted(have, key=lambda t: t.id)
            spare = [t for t in oldest if t.state == "disabled"] or [t for t in oldest if t.id in intent.free_slot]
            if not spare:
                yield Manual(view.who.ref, self.name, "not replaced: all slots full; name one with --free-slot ID")
                return
            says = f"delete token {spare[0].label or spare[0].id}, to free its slot"
            yield draft_step(self, self.remedies[1], view, spare[0], says=says, lock=slots, phase=Phase.MINT)
        before = {"ids": [token_id(token.id) for token in have]}
        assert self.mint is not None
        yield draft_step(self, self.mint, view, says=f"mint a token for {view.who.name}", lock=slots, before=before)
