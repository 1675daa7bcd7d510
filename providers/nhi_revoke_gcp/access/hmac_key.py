"""HMAC keys of an account: whoever holds one signs requests to Cloud Storage as the account, without any token.

facts gcp.md 1 (row 6), 2 and 7 (4, 11): another API and other permissions; made inactive it is refused within three
minutes, deleted only after that, and nothing makes it again. Whether a disabled account stops it is documented nowhere:
it is ended by itself. Google Cloud docs: storage/docs/authentication/hmackeys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_gcp.access import hmac_keys as keys
from nhi_revoke_gcp.access.hmac_key_mint import FULL, MOST, OUT, ROOM, Create
from nhi_revoke_gcp.access.hmac_keys import ACTIVE, DELETED, INACTIVE
from nhi_revoke_gcp.access.keys import GONE
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.permissions import DELETE_HMAC, GET_HMAC, LIST_HMAC, UPDATE_HMAC
from nhi_revoke_gcp.principals import NO_HMAC
from nhi_revoke_gcp.stopping import New, is_to_be_replaced, is_wanted, unreplaced_because
from nhi_revoke_gcp.universe import STORAGE

KIND = keys.KIND
SETTLE = 180.0
"""Seconds until a change of state is obeyed: "up to 3 minutes" are documented."""
STATES: dict[str, State] = {ACTIVE: "live", INACTIVE: "disabled"}
SOURCE = "Google Cloud docs: storage/docs/authentication/managing-hmackeys"
NEW = New(
    KIND, "its HMAC keys could not be listed, so that all ten slots may be taken", NO_HMAC,
    f"lets nobody make an HMAC key: {OUT}",
    "whether an HMAC key of a disabled account opens anything is documented nowhere",
)  # fmt: skip


def state_of(conn: GcpConnection, step: Step) -> str:
    """As Google tells it; DELETED where there is none any more. Raises Denied."""
    return keys.state_at(conn, _path(step))


def _path(step: Step) -> str:
    return keys.path(str(step.before["project"]), str(step.before["access_id"]))


def _set(conn: GcpConnection, step: Step, state: str) -> None:
    """Safe to repeat. Raises Missing, Denied."""
    keys.set_state(conn, _path(step), state)


class Deactivate(Doer[GcpConnection]):
    name: ClassVar[str] = "deactivate"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (UPDATE_HMAC, GET_HMAC)
    says: ClassVar[str] = "makes the HMAC key inactive"
    undone: ClassVar[str] = "it is made active again, for whoever holds it"
    survives: ClassVar[str] = "what was read with it"
    source: ClassVar[str] = SOURCE
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        # Seen active when it was listed, it is made inactive without another look first.
        if step.before["state"] != ACTIVE and (state := state_of(conn, step)) != ACTIVE:
            return Already({"state": state})
        try:
            _set(conn, step, INACTIVE)
        except Missing:
            return Already({"state": DELETED})
        return Done({"state": INACTIVE}, conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        state = state_of(conn, step)
        return {"state": state} if state in (INACTIVE, DELETED) else None

    def prove(self, conn: GcpConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, "inactive, read twice, three minutes apart")

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        state = state_of(conn, step)
        if state == DELETED:
            return Impossible("the HMAC key was deleted, by somebody else: nothing makes it again", "make a new one")
        if state == ACTIVE or step.before["state"] != ACTIVE:
            return Already({"state": state})
        if left.get("state") != INACTIVE:
            return Failed("this run did not make the HMAC key inactive: nothing was changed")
        _set(conn, step, ACTIVE)
        return Done({"state": ACTIVE}, conn.now())


class Delete(Doer[GcpConnection]):
    """Google deletes only what is inactive."""

    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (DELETE_HMAC, GET_HMAC)
    says: ClassVar[str] = "deletes the HMAC key"
    source: ClassVar[str] = SOURCE
    reversible: ClassVar[bool] = False
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        state = state_of(conn, step)
        if state == DELETED:
            return Already(GONE)
        if state != INACTIVE:
            return Failed("somebody made the HMAC key active again: Google deletes none that is. `verify` shows it")
        try:
            conn.api(STORAGE).call("DELETE", _path(step), needs=DELETE_HMAC)
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        return GONE if state_of(conn, step) == DELETED else None


class HmacKeys(AccessKind[GcpConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "HMAC keys for Cloud Storage"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (LIST_HMAC,)
    remedies = (Deactivate(), Delete())
    mint = Create()
    survives: ClassVar[str] = Deactivate.survives

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        if named.agent:
            return
        for row in conn.rows(STORAGE, keys.path(named.project), "items", LIST_HMAC, serviceAccountEmail=named.email):
            if str(row.get("state")) != DELETED:
                yield self._access(ref, named.project, row)

    def _access(self, ref: PrincipalRef, project: str, row: Mapping[str, Any]) -> Access:
        key, state = str(row["accessId"]), str(row.get("state") or "")
        disabled = STATES.get(state) == "disabled"
        return Access(
            id=keys.access(project, key),
            on=ref,
            kind=KIND,
            family=self.family,
            state=STATES.get(state, "unknown"),
            label=f"HMAC key {key}",
            created=moment(row.get("timeCreated")),
            evidence="GET …/hmacKeys",
            door=key,
            before={"project": project, "access_id": key, "state": state},
            elsewhere=True,
            note="whoever may update HMAC keys can make it active again"
            if disabled
            else "for Cloud Storage alone; whether a disabled account stops it is documented nowhere",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """A rotation leaves them where it makes no new one. One new one takes the place of all: they open the same."""
        wanted = [a for a in view.of(KIND) if is_wanted(a, intent)]
        new = list(self._replacement(view, intent)) if is_to_be_replaced(view, intent, KIND) else []
        if intent.order == "contain" or any(isinstance(each, Step) for each in new):
            for access in wanted:
                yield draft_step(
                    self, self.remedies[0], view, access, rearms="always",
                    says=f"make {access.label} of {view.who.name} inactive",
                    breaks="whatever reads and writes Cloud Storage with this HMAC key",
                )  # fmt: skip
        yield from new

    def _replacement(self, view: View, intent: Intent) -> Iterable[Draft]:
        mine = view.of(KIND)
        if why := unreplaced_because(view, intent, NEW):
            yield Manual(view.who.ref, KIND, why)
        elif len(mine) >= MOST:
            yield Manual(view.who.ref, KIND, f"not replaced: {FULL}: {ROOM}")
        else:
            assert self.mint is not None
            yield draft_step(
                self, self.mint, view, says=f"make a new HMAC key for {view.who.name}",
                lock=f"{view.who.ref}:hmac-keys",
                before={
                    "ids": [a.id for a in mine], "project": mine[0].before["project"], "email": view.who.name,
                },
            )  # fmt: skip
