"""A new HMAC key: made by Cloud Storage, its secret shown once, handed over in memory.

facts gcp.md 4 and 7 (14): a create is never repeated; what a lost answer left behind is found by difference, made
inactive and deleted. Ten keys are the most, deleted ones not counted; a new one is usable within a minute (Google Cloud
docs: storage/docs/authentication/hmackeys).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.doer import Mint
from nhi_revoke.provider.fault import Conflict, Missing, NoAnswer, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp.access import hmac_keys as keys
from nhi_revoke_gcp.access.keys import GONE
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.constraints import NO_HMAC
from nhi_revoke_gcp.permissions import CREATE_HMAC, DELETE_HMAC, GET_HMAC, LIST_HMAC, UPDATE_HMAC
from nhi_revoke_gcp.universe import STORAGE

FIELD = "secret"
AUTH_TYPES = "storage.restrictAuthTypes"
MOST = 10
FULL = "the account has ten HMAC keys, which is the most that Google lets it have"
ROOM = "delete one that is inactive (`finish` of an earlier run), then rotate"
OUT = "have an administrator except the project from it while the incident lasts, then rotate; or work with tokens"


class Create(Mint[GcpConnection]):
    """Proven no better than recorded: no request is one that every HMAC key may make."""

    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = (CREATE_HMAC, LIST_HMAC, GET_HMAC, UPDATE_HMAC, DELETE_HMAC)
    says: ClassVar[str] = "makes a new HMAC key"
    undone: ClassVar[str] = "the new one is made inactive and deleted"
    source: ClassVar[str] = "Google Cloud docs: storage hmacKeys.create"

    def check(self, conn: GcpConnection, step: Step) -> Impossible | None:
        """Before anything is made: whether there is room."""
        return Impossible(FULL, ROOM) if len(self._states(conn, step)) >= MOST else None

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        asked = {"serviceAccountEmail": str(step.before["email"])}
        path = keys.path(str(step.before["project"]))
        try:
            made = conn.api(STORAGE).call("POST", path, query=asked, needs=CREATE_HMAC, again=False).body
        except Conflict as refused:
            # Nobody else can be in the way of a create: what does not hold is a condition of the organisation's.
            may = f"constraints/{NO_HMAC} or constraints/{AUTH_TYPES} may forbid that"
            return Impossible(f"Cloud Storage makes no HMAC key for it ({refused.code}): {may}", OUT)
        told: dict[str, Any] = made if isinstance(made, dict) else {}
        access_id = str((told.get("metadata") or {}).get("accessId") or "")
        if not access_id or not told.get(FIELD):
            raise NoAnswer("Google made an HMAC key and did not show it")
        public = {"accessId": access_id, "projectId": str(step.before["project"])}
        run.give(step.id, Secret(str(told[FIELD]), field=FIELD, public=public))
        left: Json = {"id": keys.access(str(step.before["project"]), access_id), "field": FIELD, "public": public}
        return Done(left, conn.now())

    def _states(self, conn: GcpConnection, step: Step) -> dict[AccessId, str]:
        project, email = str(step.before["project"]), str(step.before["email"])
        rows = keys.listed(conn, project, email)
        return {keys.access(project, key): state for key, state in rows.items()}

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        return left if left and self._states(conn, step).get(str(left["id"])) == keys.ACTIVE else None

    def orphans(self, conn: GcpConnection, step: Step) -> Sequence[AccessId]:
        known = set(step.before.get("ids") or ())
        return [access for access in self._states(conn, step) if access not in known]

    def destroy(self, conn: GcpConnection, step: Step, access: AccessId) -> Change:
        """Google deletes only what is inactive."""
        path = keys.path(str(step.before["project"]), access.rpartition("/")[2])
        try:
            keys.set_state(conn, path, keys.INACTIVE)
            conn.api(STORAGE).call("DELETE", path, needs=DELETE_HMAC)
        except Missing:
            return Already(GONE)
        except Rejected:
            if keys.state_at(conn, path) != keys.DELETED:
                raise
            return Already(GONE)
        return Done(GONE, conn.now())

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already(GONE)

    def opens(self, conn: GcpConnection, step: Step, secret: Secret) -> Proven:
        if keys.state_at(conn, keys.path(secret.public["projectId"], secret.public["accessId"])) != keys.ACTIVE:
            return Proven(Proof.UNPROVEN, "Google does not list the new HMAC key as active yet", conn.now())
        how = "listed as active; it was not tried, since nobody here knows what it may open. Usable within a minute"
        return Proven(Proof.RECORDED, how, conn.now())
