"""Refresh tokens of an app, whichever server issued them: revoked all at once, and again when nothing makes new ones.

OpenAPI: listOAuth2TokensForApplication ("all refresh tokens for an app"; 20 a page by default, 200 at most),
revokeOAuth2TokensForApplication (all, whichever server issued them; "any access tokens issued with these refresh tokens
are also revoked, but access tokens issued without a refresh token aren't affected"). facts okta-github.md 1.3.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access.app_credential import RIGHTS_FIRST, facts_of, tokens_end
from nhi_revoke_okta.access.times import stamp
from nhi_revoke_okta.connection import PAGE, OktaConnection
from nhi_revoke_okta.naming import APP
from nhi_revoke_okta.scopes import APPS

KIND = "okta:refresh-token"
ELSEWHERE = "okta:server-token"
"""What custom servers list besides: while they are unseen, revoking all of the app's own ends what they hide."""
ONLY = "only"
"""In a step's `before`: the id of the one token that is meant; without it all are."""
SURVIVES = (
    "access tokens minted from it, where they are validated without asking Okta, until they expire; and those of "
    "client credentials"
)
Row = Mapping[str, Any]


class RevokeTokens(Doer[OktaConnection]):
    """Revokes what one list shows, and what was born since it was read. A token has no way back."""

    name: ClassVar[str] = "revoke"
    phase: ClassVar[Phase] = Phase.END
    reversible: ClassVar[bool] = False
    again: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = RIGHTS_FIRST
    survives: ClassVar[str] = SURVIVES

    @abstractmethod
    def path(self, step: Step) -> str:
        """Of the list; a DELETE on it revokes all."""

    @property
    @abstractmethod
    def reads(self) -> str:
        """The scope for listing."""

    @property
    @abstractmethod
    def writes(self) -> str:
        """The scope for revoking."""

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        left: Json = {"cutoff": stamp(conn.now())}
        only = str(step.before.get(ONLY, ""))
        try:
            there = any(only in ("", row["id"]) for row in self._listed(conn, step))
            conn.send("DELETE", f"{self.path(step)}/{segment(only)}" if only else self.path(step), self.writes)
        except Missing:
            there = False  # the app, the server or this one token is gone
        left["residuals"] = tokens_end(conn, step)
        return Done(left, conn.now()) if there else Already(left)

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        """What was born after the cut-off is another matter: it appears, and is ended in a round of its own."""
        left = run.left(step.id)
        mine, cutoff = {id_of(a) for a in step.ends}, str(left.get("cutoff", ""))
        before = datetime.fromisoformat(cutoff) if cutoff and not step.before.get(ONLY) else None
        try:
            rows = self._listed(conn, step)
        except Missing:
            rows = []
        if any(row["id"] in mine or _older(row, before) for row in rows):
            return None
        return left or {"residuals": tokens_end(conn, step)}

    def prove(self, conn: OktaConnection, step: Step, run: Run) -> Proven:
        how = (
            "no longer listed, read twice; with them Okta revokes, as it documents, the access tokens minted from them"
        )
        return Proven(Proof.RECORDED, how)

    def _listed(self, conn: OktaConnection, step: Step) -> list[Row]:
        return live_rows(conn, self.path(step), self.reads)


class RevokeOfApp(RevokeTokens):
    permissions: ClassVar[tuple[str, ...]] = (APPS.manage, APPS.read)
    says: ClassVar[str] = "revokes every refresh token of the app, and the access tokens minted from them"
    source: ClassVar[str] = "OpenAPI: revokeOAuth2TokensForApplication"

    def path(self, step: Step) -> str:
        return tokens_path(step.on.id)

    @property
    def reads(self) -> str:
        return APPS.read

    @property
    def writes(self) -> str:
        return APPS.manage


def tokens_path(app: str) -> str:
    """Of an app's own list."""
    return f"/api/v1/apps/{segment(app)}/tokens"


def live_rows(conn: OktaConnection, path: str, needs: str) -> list[Row]:
    """Of a list of refresh tokens: those that are not revoked. Raises Denied, Missing."""
    return [row for row in conn.rows(path, needs, limit=PAGE) if row.get("status") != "REVOKED"]


def id_of(access: AccessId) -> str:
    """The token's own id."""
    return access.rpartition("/")[2]


def token_access(row: Row, access: AccessId, ref: PrincipalRef, kind: str, now: datetime, evidence: str) -> Access:
    """What a row of a list says of one token."""
    expires = moment(row.get("expiresAt"))
    user = row.get("userId")
    return Access(
        id=access,
        on=ref,
        kind=kind,
        family="token",
        state="expired" if expires is not None and expires <= now else "live",
        label=f"refresh token {row['id']}" + (f" of user {user}" if user else ""),
        created=moment(row.get("created")),
        expires=expires,
        evidence=evidence,
        door=str(row["id"]),
        elsewhere=True,  # what was minted from it outlives a deactivation of the app
        before={"issuer": str(row.get("issuer") or "")},
    )


def revoking(kind: AccessKind[Any], doer: Doer[Any], view: View, ends: Iterable[Access], **more: Any) -> Iterable[Step]:
    """Twice: at once, and when nothing is left that could have made new ones in between."""
    ends = tuple(ends)
    before = {**facts_of(view), **more.pop("before", {})}
    says = str(more.pop("says"))
    for phase, when in ((Phase.END, ""), (Phase.SEAL, ", again: those born in between")):
        yield draft_step(kind, doer, view, *ends, says=says + when, phase=phase, before=before, **more)


def _older(row: Row, before: datetime | None) -> bool:
    born = moment(row.get("created"))
    return before is not None and born is not None and born < before


class RefreshTokens(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "refresh tokens of an app"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (APPS.read,)
    remedies = (RevokeOfApp(),)
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        for row in live_rows(conn, tokens_path(named.id), APPS.read):
            evidence = "GET /api/v1/apps/…/tokens"
            yield token_access(row, f"{KIND}/{named.id}/{row['id']}", ref, KIND, conn.now(), evidence)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.keep_sessions:
            return
        live = [a for a in view.of(KIND) if a.state in ("live", "unknown") and intent.covers(a)]
        name, lock = view.who.name, f"{view.who.ref}:tokens"
        breaks = "whoever is signed in to it with one signs in again"
        if live and intent.scope == live[0].id:
            says = f"revoke {live[0].label}"
            before = {ONLY: id_of(live[0].id)}
            yield from revoking(self, self.remedies[0], view, live, says=says, lock=lock, before=before, breaks=breaks)
        elif live:
            says = f"revoke every refresh token of {name} ({len(live)} listed)"
            yield from revoking(self, self.remedies[0], view, live, says=says, lock=lock, breaks=breaks)
        elif intent.scope in ("all", "sessions") and _hidden(view):
            says = f"revoke every refresh token of {name}: none is listed, and custom servers could not be asked"
            *_, seal = revoking(self, self.remedies[0], view, (), says=says, lock=lock, breaks=breaks)
            yield seal


def _hidden(view: View) -> bool:
    return any(b.kind == ELSEWHERE and b.counts for b in view.blind)
