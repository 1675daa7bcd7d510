"""`example-vault:NAME`: a store with a staged and a current value."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_example.connection import Cloud


def at(conn: Cloud, step: Step, stage: str) -> Json | None:
    """What the vault holds; None: nothing."""
    try:
        return conn.call("GET", f"/vault/{step.to}/{stage}")
    except Missing:
        return None


def fingerprint(held: Json) -> str:
    return hashlib.sha256(str(held["token"]).encode()).hexdigest()


class Stage(Doer[Cloud]):
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = ("vault.write", "vault.read")
    says: ClassVar[str] = "stages it in the vault"
    undone: ClassVar[str] = "the staged value is removed"

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        assert step.takes
        secret = run.take(step.takes)
        conn.call("PUT", f"/vault/{step.to}/staged", {**secret.fields(), "by": f"{run.id}/{step.id}"})
        return Done({"holds": secret.public["id"]}, conn.now())

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        assert step.takes
        held = at(conn, step, "staged") or at(conn, step, "current")
        if held is None or held["by"] != f"{run.id}/{step.id}":
            return None
        if run.holds(step.takes) and fingerprint(held) != run.take(step.takes).fingerprint():
            return None
        return {"holds": held["id"]}

    def undo(self, conn: Cloud, step: Step, left: Json, run: Run) -> Change:
        held = at(conn, step, "staged")
        if held is None:
            return Already({})
        if held["id"] != left["holds"]:
            return Failed("the vault holds another staged value")
        conn.call("DELETE", f"/vault/{step.to}/staged")
        return Done({}, conn.now())


class Serve(Doer[Cloud]):
    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    permissions: ClassVar[tuple[str, ...]] = ("vault.write", "vault.read")
    says: ClassVar[str] = "makes the staged value current"
    undone: ClassVar[str] = "the previous value is current again"

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        wanted = self._wanted(step, run)
        current = at(conn, step, "current")
        if current is not None and current["id"] == wanted:
            return Already({"holds": wanted})
        conn.call("POST", f"/vault/{step.to}/promote", {"id": wanted}, again=False)
        return Done({"holds": wanted}, conn.now())

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        held = at(conn, step, "current")
        return {"holds": held["id"]} if held is not None and held["id"] == self._wanted(step, run) else None

    def undo(self, conn: Cloud, step: Step, left: Json, run: Run) -> Change:
        held = at(conn, step, "current")
        if held is None or held["id"] != left["holds"]:
            return Failed("the vault holds another current value")
        conn.call("POST", f"/vault/{step.to}/rollback", {"id": held["id"]}, again=False)
        return Done({}, conn.now())

    def _wanted(self, step: Step, run: Run) -> str:
        assert step.takes
        return str(run.left(step.takes)["id"]).rpartition("/")[2]


class Vault(Store[Cloud]):
    name: ClassVar[str] = "example-vault"
    says: ClassVar[str] = "Example Cloud's vault"
    stage = Stage()
    serve = Serve()

    def recall(self, conn: Cloud, step: Step, run: Run, shape: Secret) -> Secret | None:
        for stage in ("staged", "current"):
            held = at(conn, step, stage)
            if held is not None and held["by"] == f"{run.id}/{step.id}":
                return Secret(held["token"], field="token", public={"id": held["id"]})
        return None
