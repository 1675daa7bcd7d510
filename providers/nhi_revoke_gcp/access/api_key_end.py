"""How a bound API key is ended: deleted softly. A key has no disabled state, and this is its reversible end.

facts gcp.md 1 (row 7) and 2: within 30 days it can be undeleted, with the same key string; it stops within minutes.
Google Cloud docs: docs/authentication/api-keys ("Undelete an API key"), api-keys/docs/reference/rest.
"""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Fault, Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke_gcp.access import api_keys as keys
from nhi_revoke_gcp.access.api_key_try import attempt
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.operations import under_way
from nhi_revoke_gcp.permissions import DELETE_API_KEY, LIST_API_KEYS, LOOK_UP_API_KEY, UNDELETE_API_KEY
from nhi_revoke_gcp.universe import API_KEYS

SETTLE = 300.0
"""Seconds until a deletion is obeyed: "a few minutes" are documented; the number is ours."""
SURVIVES = "what was read and what was begun with it"
SOURCE = "Google Cloud docs: docs/authentication/api-keys, apikeys keys.delete, keys.undelete"
READ = "deleted, read twice, five minutes apart; Google keeps it for 30 days, in which it can be undeleted"


class Delete(Doer[GcpConnection]):
    """Google purges it by itself after 30 days: `finish` has nothing to delete."""

    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (DELETE_API_KEY, UNDELETE_API_KEY, LIST_API_KEYS, LOOK_UP_API_KEY)
    says: ClassVar[str] = "deletes the API key, which has no other end; for 30 days it can be brought back"
    undone: ClassVar[str] = "it is undeleted, within 30 days: the same key string works again, for whoever holds it"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = SOURCE
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        # Seen live when it was listed, it is deleted without another look first.
        if step.before["deleted"] and (state := keys.state_of(keys.row_of(conn, step))) != keys.LIVE:
            return Already({"state": state})
        try:
            keys.delete(conn, str(step.before["name"]))
        except Missing:
            return Already({"state": keys.GONE})
        except Rejected:
            # How a key that is deleted already is told is documented nowhere: what counts is how it is.
            if (state := keys.state_of(keys.row_of(conn, step))) == keys.LIVE:
                raise
            return Already({"state": state})
        return Done({"state": keys.DELETED}, conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        """What was begun is done once the listing shows it."""
        state = keys.state_of(keys.row_of(conn, step))
        return None if state == keys.LIVE else {"state": state}

    def prove(self, conn: GcpConnection, step: Step, run: Run) -> Proven:
        for value in conn.io.leaked(keys.KIND):
            try:
                mine = keys.looked_up(conn, value.reveal())[0] == step.before["name"]
            except Fault as fault:
                return Proven(Proof.RECORDED, f"{READ}; whether a leaked key is this one: {fault.message}")
            if not mine:
                continue
            tried = attempt(conn, value)
            if tried.works or tried.known:
                how = f"Google still knows the key that leaked ({tried.said})" if tried.said else "it still opens"
                return Proven(Proof.UNPROVEN, f"the key that leaked was tried: {how}", conn.now())
            if tried.known is False:
                return Proven(
                    Proof.ENFORCED, f"the key that leaked was tried, and is refused ({tried.said})", conn.now()
                )
            return Proven(Proof.RECORDED, f"{READ}; no clear answer to the key itself ({tried.said})")
        return Proven(Proof.RECORDED, READ)

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        state = keys.state_of(keys.row_of(conn, step))
        if state == keys.GONE:
            return Impossible("the API key was purged: nothing brings it back", "make a new one: rotate")
        if state == keys.LIVE or step.before["deleted"]:
            return Already({"state": state})
        if left.get("state") != keys.DELETED:
            return Failed("this run did not delete the API key: nothing was changed")
        path = f"{keys.path_of(str(step.before['name']))}:undelete"
        under_way(conn.api(API_KEYS).call("POST", path, body={}, needs=UNDELETE_API_KEY, again=True).body)
        return Done({"state": keys.LIVE}, conn.now())
