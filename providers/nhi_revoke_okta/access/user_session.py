"""IdP sessions of a user, and with them the tokens that were issued to it. No API lists them; one request clears them.

OpenAPI: revokeUserSessions (`oauthTokens` is false unless asked for; `forgetDevices` is false in Classic Engine; it
"doesn't clear the sessions created for web or native apps"). System Log: user.session.start, user.session.clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from nhi_revoke.model.change import Change, Done
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access import api_token, user_role
from nhi_revoke_okta.access.times import later, stamp
from nhi_revoke_okta.access.user_tokens_read import tokens_of
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.lifetimes import ACCESS_TOKEN, MINUTES
from nhi_revoke_okta.scopes import LOGS, USERS

KIND = "okta:user-session"
STANDING = f"{KIND}/{{scope}}/{{name}}/*"
NO_LIST = "Okta lists no sessions"
TOKENS = "tokens"
"""In a step's `before`: the standing access of what custom servers minted for the user, where there are any."""
LOG_PAGE = 1000
A_MINUTE = timedelta(minutes=1)


class Clear(Doer[OktaConnection]):
    """At once, and again once nothing of the user can begin a session: what began in between is cleared, too."""

    name: ClassVar[str] = "clear"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (USERS.manage, USERS.read)
    says: ClassVar[str] = "clears every IdP session, refresh and access token of the user"
    survives: ClassVar[str] = (
        "sessions that web and native apps keep by themselves; access tokens of a custom authorization server, where "
        "whoever takes them asks nobody, until they expire"
    )
    source: ClassVar[str] = "OpenAPI: revokeUserSessions"
    reversible: ClassVar[bool] = False
    again: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (f"{user_role.KIND}/unassign", f"{api_token.KIND}/delete")
    only_first: ClassVar[bool] = True

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        asked = conn.now()  # before it is sent: what begins in that moment is not called cleared
        path = f"/api/v1/users/{segment(step.on.id)}/sessions"
        conn.send("DELETE", path, USERS.manage, oauthTokens="true", forgetDevices="true")
        return Done({"cutoff": stamp(asked), **_tokens_end(conn, step)}, conn.now())

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        """By what the same request ends and Okta does list. Without an answer nobody knows: it is asked again."""
        cutoff = moment(run.left(step.id).get("cutoff"))
        if cutoff is None:
            return None
        tokens = tokens_of(conn, step.on.id)
        older = [t for t in tokens if (born := moment(t.get("created"))) is None or born < cutoff]
        return None if older else dict(run.left(step.id))

    def prove(self, conn: OktaConnection, step: Step, run: Run) -> Proven:
        """The System Log's own word, where it is there by now."""
        how = f"{NO_LIST}: it answered 204, and no refresh token that the same request ends is left"
        cutoff = moment(run.left(step.id).get("cutoff"))
        if cutoff is None:
            return Proven(Proof.REQUESTED, how)
        try:
            rows = list(log_rows(conn, "user.session.clear", f'target.id eq "{step.on.id}"', cutoff - A_MINUTE))
        except Fault:
            return Proven(Proof.RECORDED, f"{how}; the System Log could not be read", conn.now())
        written = [at for row in rows if (at := moment(row.get("published"))) and at >= cutoff - timedelta(seconds=1)]
        if written:
            how = f"the System Log holds user.session.clear of {stamp(written[-1])}; {how}"
        return Proven(Proof.RECORDED, how, conn.now())


def _tokens_end(conn: OktaConnection, step: Step) -> Json:
    """When the last access token of a custom server has expired that a session got until now. Asks nothing."""
    tokens = str(step.before.get(TOKENS) or "")
    return {"residuals": {tokens: later(conn.now(), timedelta(minutes=int(step.before[MINUTES])))}} if tokens else {}


def log_rows(conn: OktaConnection, event: str, which: str, since: datetime) -> Iterable[dict[str, Any]]:
    """Events that succeeded, the oldest first. `since` is always named: Okta's own default is seven days, and without
    an end it is asked to poll.
    """
    return conn.rows(
        "/api/v1/logs", LOGS, since=stamp(since), until=stamp(conn.now() + timedelta(seconds=1)), limit=LOG_PAGE,
        filter=f'eventType eq "{event}" and {which} and outcome.result eq "SUCCESS"', sortOrder="ASCENDING",
    )  # fmt: skip


class UserSessions(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "sessions of a user"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = ()
    reads_logs: ClassVar[tuple[str, ...]] = (LOGS,)
    remedies = (Clear(),)
    survives: ClassVar[str] = Clear.survives

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """No request: there is nothing to list."""
        yield Access(
            STANDING, ref, KIND, self.family, "unknown", label="every session of {name}", evidence=NO_LIST,
            door="{scope}/{name}", note="how long one lives, a policy of the org says; it may have no end",
        )  # fmt: skip

    def observe(
        self, conn: OktaConnection, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        """Evidence alone: a session's own id may open it, so that none is taken over."""
        for row in log_rows(conn, "user.session.start", f'actor.id eq "{who.unique_id}"', since):
            yield Access(
                id=f"{KIND}/{who.scope}/{who.name}/{row['uuid']}",
                on=who.ref,
                kind=KIND,
                family=self.family,
                state="unknown",
                label=f"session begun {row.get('published')}",
                created=moment(row.get("published")),
                evidence="System Log: user.session.start",
                door=f"{who.scope}/{who.name}",
                note="no API tells whether it still lives",
            )
        lag = conn.settings.logs_lag
        why = f"the System Log may be {lag:.0f} s late (Okta documents no time): sessions begun since are not in it"
        until = conn.now() + timedelta(seconds=lag)
        yield BlindSpot(who.ref, KIND, why, until=until, covered_by=(f"{KIND}/{Clear.name}",))

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        tokens = [a for a in view.of(ACCESS_TOKEN) if a.id.endswith("/*")]
        before: Json = {TOKENS: tokens[0].id, MINUTES: tokens[0].before[MINUTES]} if tokens else {}
        for standing in view.of(KIND):
            if not standing.id.endswith("/*") or not intent.covers(standing) or intent.keep_sessions:
                continue
            for phase, when in ((Phase.END, "now"), (Phase.SEAL, "again, once nothing of it begins any more")):
                yield draft_step(
                    self, self.remedies[0], view, standing, *tokens, phase=phase, before=before,
                    says=f"clear every session and OAuth token of {view.who.name}, {when}",
                    breaks=f"{view.who.name} signs in anew everywhere, with every factor",
                )  # fmt: skip
