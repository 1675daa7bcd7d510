"""How a key is ended: disabled in a containment, deleted only at `finish`. What it minted lives on after either.

facts gcp.md 1 (row 1), 2 and 7 (1, 26). Google Cloud docs: keys.disable, keys.delete.
"""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Fault, Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp.access.keys import BRAKED, GONE, SETTLE, key_name, key_of, keys_on, with_tokens
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.permissions import DELETE_KEY, DISABLE_KEY, ENABLE_KEY, LIST_KEYS
from nhi_revoke_gcp.stopping import KEY

DISABLED: Json = {"state": "disabled"}
SURVIVES = "access tokens that it minted: up to an hour, or twelve where a policy allows it"


def state_on(conn: GcpConnection, step: Step) -> str:
    """`live`, `disabled` or `gone`. Raises Denied."""
    row = keys_on(conn, str(step.before["resource"])).get(key_of(step.ends[0]))
    if row is None:
        return "gone"
    return "disabled" if row.get("disabled") else "live"


class Disable(Doer[GcpConnection]):
    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (DISABLE_KEY, ENABLE_KEY, LIST_KEYS)
    says: ClassVar[str] = "disables the key: it gets nobody a token"
    undone: ClassVar[str] = "it is enabled again, for whoever holds it"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "Google Cloud docs: keys.disable"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        try:
            # Seen live when it was listed, it is disabled without another look first.
            if step.before["disabled"] and (state := state_on(conn, step)) != "live":
                return Already(with_tokens(conn, step, {"state": state}))
            conn.iam.send("disable_service_account_key", _name(step), DISABLE_KEY, again=True)
        except Missing:
            return Already(with_tokens(conn, step, GONE))
        except Rejected:
            # Whether a disabled key may be disabled again is documented nowhere: what counts is how it is.
            if (state := state_on(conn, step)) == "live":
                raise
            return Already(with_tokens(conn, step, {"state": state}))
        return Done(with_tokens(conn, step, DISABLED), conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        state = state_on(conn, step)
        return None if state == "live" else run.left(step.id) or with_tokens(conn, step, {"state": state})

    def prove(self, conn: GcpConnection, step: Step, run: Run) -> Proven:
        of_tokens = "live on for their time"
        if step.before.get(BRAKED):
            of_tokens = "are refused while the account is disabled"
        read = f"the key is disabled, read twice; tokens that it minted {of_tokens}"
        mine = (s for s in conn.io.leaked(KEY) if s.public["private_key_id"] == key_of(step.ends[0]))
        secret = next(mine, None)
        return Proven(Proof.RECORDED, read) if secret is None else _tried(conn, secret, read)

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        state = state_on(conn, step)
        if state == "gone":
            return Impossible("the key was deleted, by somebody else: nothing makes it again", "make a new one: rotate")
        if state == "live" or step.before["disabled"]:
            return Already({"state": state})
        if left.get("state") != "disabled":
            return Failed("this run did not disable the key: nothing was changed")
        conn.iam.send("enable_service_account_key", _name(step), ENABLE_KEY, again=True)
        return Done({"state": "live"}, conn.now())


class Delete(Doer[GcpConnection]):
    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (DELETE_KEY, LIST_KEYS)
    says: ClassVar[str] = "deletes the key"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "Google Cloud docs: keys.delete"
    reversible: ClassVar[bool] = False
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        return delete(conn, step, step.ends[0])

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        return GONE if state_on(conn, step) == "gone" else None


def _tried(conn: GcpConnection, secret: Secret, read: str) -> Proven:
    """With the key itself, as it leaked: Google refuses it, or it does not."""
    try:
        refused = conn.signs_in(secret.fields(), leaked=True)
    except Fault as fault:
        return Proven(Proof.RECORDED, f"{read}; no clear answer to the key itself: {fault.message}")
    if not refused:
        return Proven(Proof.UNPROVEN, "the key that leaked still gets tokens", conn.now())
    return Proven(Proof.ENFORCED, f"the key that leaked was tried, and gets no token ({refused})", conn.now())


def delete(conn: GcpConnection, step: Step, access: AccessId) -> Change:
    """Safe to repeat: one that is gone already is told as such."""
    try:
        conn.iam.send("delete_service_account_key", {"name": key_name(step, access)}, DELETE_KEY, again=True)
    except Missing:
        return Already(GONE)
    return Done(GONE, conn.now())


def _name(step: Step) -> dict[str, str]:
    return {"name": key_name(step, step.ends[0])}
