"""Sessions of a bot: no listing; ended by issue time, cut at once and sealed when nothing mints any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot, Family, Found, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_example.connection import Cloud

LIFETIME = 3600.0
LOG_LAG = 60.0
STANDING = "example:session/{scope}/{name}/*"


def read(conn: Cloud, ref: PrincipalRef) -> Json:
    """`cutoff` (empty: none) and who set it."""
    return conn.call("GET", f"/bots/{ref.id}/cutoff")


def write(conn: Cloud, ref: PrincipalRef, state: Json) -> Change:
    conn.call("PUT", f"/bots/{ref.id}/cutoff", state)
    return Done(state, conn.now())


class RevokeOlder(Doer[Cloud]):
    name: ClassVar[str] = "revoke-older"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = ("cutoff.write", "cutoff.read")
    says: ClassVar[str] = "ends every session issued before now"
    undone: ClassVar[str] = "the former cut-off is put back, once no session can still be alive"
    survives: ClassVar[str] = "sessions of bots that it minted for"
    again: ClassVar[bool] = True
    settle: ClassVar[float] = 5.0

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        present = read(conn, step.on)["cutoff"]
        # the comparison is strict and the Date header has whole seconds
        wanted = (conn.now() + timedelta(seconds=2)).isoformat(timespec="seconds").replace("+00:00", "Z")
        if present >= wanted:  # a cut-off never moves backwards
            return Already(read(conn, step.on))
        return write(conn, step.on, {"cutoff": wanted, "by": f"{run.id}/{step.id}"})

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        present, left = read(conn, step.on), run.left(step.id)
        mine = present["by"] == f"{run.id}/{step.id}"
        return present if mine or (left and present["cutoff"] >= left["cutoff"]) else None

    def undo(self, conn: Cloud, step: Step, left: Json, run: Run) -> Change:
        if read(conn, step.on) != left:
            return Failed("somebody set another cut-off since")
        return write(conn, step.on, {"cutoff": step.before["cutoff"], "by": step.before["by"]})


class Sessions(AccessKind[Cloud]):
    name: ClassVar[str] = "example:session"
    title: ClassVar[str] = "sessions"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = ("bot",)
    reads: ClassVar[tuple[str, ...]] = ("bots.read", "cutoff.read")
    reads_logs: ClassVar[tuple[str, ...]] = ("events.read",)
    remedies = (RevokeOlder(),)

    def collect(self, conn: Cloud, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        evidence = "GET /bots/…/cutoff"
        yield Access(
            STANDING, ref, self.name, self.family, "unknown", label="every session", evidence=evidence, door="{name}",
            before=read(conn, ref),
        )  # fmt: skip

    def observe(
        self, conn: Cloud, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        for event in conn.pages("/events", "events", by=who.name, since=since.isoformat()):
            yield self._told(who, event, conn.now())
        lag = conn.now() + timedelta(seconds=LOG_LAG)
        why = "events appear up to a minute late"
        yield BlindSpot(who.ref, self.name, why, until=lag, covered_by=(f"{self.name}/{RevokeOlder.name}",))

    def _told(self, who: Principal, event: dict[str, Any], now: datetime) -> Found:
        at = datetime.fromisoformat(event["at"])
        on = PrincipalRef("example", "bot", event["bot"])
        if event["what"] == "create-token":
            return Lead(on, f"{who.name} created token {event['id']} on it", "GET /events", how="planted", at=at)
        ends = at + timedelta(seconds=LIFETIME)
        return Access(
            f"{self.name}/{who.scope}/{event['bot']}/{event['id']}", on, self.name, self.family,
            "live" if ends > now else "expired", label=event["id"], created=at, expires=ends,
            parent=f"example:token/{event['with']}" if event["with"].startswith("tok_")
            else f"{self.name}/{who.scope}/{who.name}/{event['with']}",
            evidence="GET /events", door=event["bot"],
        )  # fmt: skip

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for standing in view.of(self.name):
            if not standing.id.endswith("/*") or not intent.covers(standing) or intent.keep_sessions:
                continue
            for phase, when in ((Phase.CUT, "now"), (Phase.SEAL, "once nothing mints any more")):
                yield draft_step(
                    self, self.remedies[0], view, standing, phase=phase, rearms=LIFETIME, lock=f"{view.who.ref}:cutoff",
                    says=f"end every session of {view.who.name} issued before then, {when}",
                    breaks="sessions of the workload end, too: it mints new ones with a live token",
                )  # fmt: skip
