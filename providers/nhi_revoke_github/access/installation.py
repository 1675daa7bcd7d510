"""An app's installation on an account: suspended by the app's own key, removed where that is asked for.

OpenAPI: PUT and DELETE /app/installations/{id}/suspended, DELETE /app/installations/{id} (the App's JWT alone: facts
okta-github.md 2.4, 7 and 8). GitHub docs: suspending-a-github-app-installation (an owner of the account suspends on the
settings page alone; it is unsuspended the way it was suspended, so whoever holds the app's key takes ours back).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.http import HttpApi
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment, stamp
from nhi_revoke_github.access import installation_token
from nhi_revoke_github.access.installations import GONE, LIVE, as_app, installed, suspension_of
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.naming import APP
from nhi_revoke_github.permissions import APP_ITSELF, ORG_ADMINISTRATION
from nhi_revoke_github.words import HIDDEN

KIND = "github:installation"
HOUR = installation_token.LIVES.total_seconds()
UNPROVEN = (
    "whether that ends tokens minted before is documented nowhere: they count as living for their hour; and whoever "
    "holds a private key of the app can take it back until that key is deleted"
)
NO_KEY = "the app's private key is not held: nobody else can suspend or remove an installation by API"


class _OnInstallation(Doer[GithubConnection]):
    """By the App's JWT. What was minted lives for an hour after it."""

    permissions: ClassVar[tuple[str, ...]] = (APP_ITSELF, ORG_ADMINISTRATION.read)

    def _state(self, conn: GithubConnection, step: Step) -> str:
        before = step.before
        return suspension_of(conn, step.on.id, int(before["installation"]), str(before["account"]))

    def _api(self, conn: GithubConnection, step: Step) -> HttpApi | Impossible:
        api = as_app(conn, step.on.id)
        return api if api is not None else Impossible(NO_KEY, _by_hand(step.before))

    def _ask(self, api: HttpApi, method: str, step: Step, rest: str) -> bool:
        """False where there is no such installation any more."""
        try:
            api.call(method, f"/app/installations/{int(step.before['installation'])}{rest}", needs=APP_ITSELF)
        except Denied as denied:
            if denied.code != HIDDEN:
                raise
            return False
        return True

    def _left(self, conn: GithubConnection, step: Step, state: str) -> Json:
        """Tokens minted until it stopped; from now on where it is not told when that was."""
        since = moment(state) or conn.now()
        until = stamp(installation_token.until_of(since) + timedelta(seconds=1))
        tokens = [a for a in step.ends if a.startswith(f"{installation_token.KIND}/")]
        return {"suspended": GONE if state == GONE else "yes", "residuals": dict.fromkeys(tokens, until)}


class Suspend(_OnInstallation):
    """The app gets no more tokens for that account, and its webhooks stop."""

    name: ClassVar[str] = "suspend"
    phase: ClassVar[Phase] = Phase.CUT
    says: ClassVar[str] = "suspends the installation: the app gets no token for that account"
    undone: ClassVar[str] = "unsuspends it: the app gets tokens again, and so does whoever holds its key"
    survives: ClassVar[str] = f"{UNPROVEN}; users' tokens, and the app's other installations"
    source: ClassVar[str] = "OpenAPI: apps/suspend-installation"
    brake: ClassVar[bool] = True

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        state = self._state(conn, step)
        if state != LIVE:
            return Already(self._left(conn, step, state))
        api = self._api(conn, step)
        if isinstance(api, Impossible):
            return api
        if not self._ask(api, "PUT", step, "/suspended"):
            return Already(self._left(conn, step, GONE))
        return Done(self._left(conn, step, ""), conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        state = self._state(conn, step)
        if state == LIVE:
            return None
        left = run.left(step.id) or self._left(conn, step, state)
        return {**left, "suspended": GONE if state == GONE else "yes"}

    def prove(self, conn: GithubConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, f"suspended, read twice; {UNPROVEN}")

    def undo(self, conn: GithubConnection, step: Step, left: Json, run: Run) -> Change:
        state = self._state(conn, step)
        if step.before.get("suspended_at"):
            return Already({"suspended": "yes"})  # it was, before this run
        if state == LIVE:
            return Already({"suspended": "no"})
        if state == GONE:
            return Impossible("the installation was removed, by somebody else", "install the app again")
        if left.get("suspended") != "yes":
            return Failed("the installation is not as this run left it: nothing was changed")
        api = self._api(conn, step)
        if isinstance(api, Impossible):
            return api
        if not self._ask(api, "DELETE", step, "/suspended"):
            return Failed("GitHub does not let the app unsuspend it: an owner of the account suspended it, too")
        return Done({"suspended": "no"}, conn.now())


class Uninstall(_OnInstallation):
    """Removes it, with all that was granted: only an owner of the account can install the app again."""

    name: ClassVar[str] = "uninstall"
    phase: ClassVar[Phase] = Phase.END
    says: ClassVar[str] = "removes the app from the account"
    survives: ClassVar[str] = "tokens minted before, for up to an hour (GitHub documents nothing of them)"
    source: ClassVar[str] = "OpenAPI: apps/delete-installation"
    reversible: ClassVar[bool] = False

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        api = self._api(conn, step)
        if isinstance(api, Impossible):
            return api
        if not self._ask(api, "DELETE", step, ""):
            # A denial looks alike.
            state = self._state(conn, step)
            return Already(self._left(conn, step, GONE)) if state == GONE else Failed("GitHub does not remove it")
        return Done(self._left(conn, step, GONE), conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        if self._state(conn, step) != GONE:
            return None
        return run.left(step.id) or self._left(conn, step, GONE)

    def prove(self, conn: GithubConnection, step: Step, run: Run) -> Proven:
        why = "no installation is listed, read twice; tokens minted before count as living for their hour"
        return Proven(Proof.RECORDED, why)


class Installations(AccessKind[GithubConnection]):
    """Of an app. Suspending is by the app's own key alone; without it, by hand on the account's settings page."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "installations of an app"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (ORG_ADMINISTRATION.read, APP_ITSELF)
    remedies = (Suspend(), Uninstall())
    manual: ClassVar[str] = "an owner of the account suspends or removes it on the settings page"
    survives: ClassVar[str] = Suspend.survives

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        found = installed(conn, ref.id)
        for row in found.rows:
            yield _access(conn, ref, row, found.by_app)
        if found.unseen:
            yield BlindSpot(ref, KIND, f"installations on other accounts: {found.unseen}", found.needs)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        mine = view.of(KIND)
        removed = [a for a in mine if _removes(view, a, intent)]
        stopped = [a for a in mine if a not in removed] if _stops(intent) else []
        # One that is suspended needs no key to stay so: the owner's list shows it.
        acts = [a for a in removed if a.before["by_app"]]
        acts += [a for a in stopped if a.before["by_app"] or a.before["suspended_at"]]
        # The tokens of all installations are one access: it ends with the last of them, and where all are seen.
        whole = len(acts) == len(mine) and not any(b.kind == KIND and b.counts for b in view.blind)
        tokens = view.of(installation_token.KIND) if whole else ()
        for access in acts:
            suspend, uninstall = self.remedies
            where = f"app {view.who.name} on {access.before['account']}"
            common: dict[str, Any] = {"breaks": f"all that {where} does"}
            if access in removed:
                says = f"remove {where}: it must be installed anew to come back"
                yield draft_step(self, uninstall, view, access, *tokens, says=says, **common)
                continue
            was = bool(access.before["suspended_at"])
            says = f"keep {where} suspended" if was else f"suspend {where}"
            common["breaks"] = "" if was else f"{common['breaks']}, until release"
            rearms = "no" if was else HOUR
            yield draft_step(self, suspend, view, access, *tokens, says=says, rearms=rearms, **common)
        yield from self._said(view, intent, [a for a in mine if a not in acts and a.state == "live"], acts)

    def _said(self, view: View, intent: Intent, kept: Sequence[Access], acts: Sequence[Access]) -> Iterable[Draft]:
        if any(not a.before["suspended_at"] for a in acts):
            yield Notice(view.who.ref, f"suspending {view.who.name}: {UNPROVEN}", "warning")
        for access in kept:
            if not access.before["by_app"] and (intent.covers(access) or intent.brake == "on"):
                yield Manual(view.who.ref, KIND, f"{NO_KEY}. {_by_hand(access.before)}", (access.id,))
        left = [a for a in kept if a.before["by_app"]]
        if left:
            why = f"--brake {intent.brake}" if intent.brake == "off" else f"--scope {intent.scope}"
            names = ", ".join(str(a.before["account"]) for a in left)
            said = f"{why} leaves {view.who.name} running on {names}: it, and whoever holds its key, gets new tokens"
            yield Notice(view.who.ref, said, "danger")


def _removes(view: View, access: Access, intent: Intent) -> bool:
    """Named by itself; or its app leaves this organisation for good."""
    leaves = intent.reason is Reason.OFFBOARDING and str(access.before["account"]).lower() == view.who.scope.lower()
    return intent.scope == access.id or (leaves and intent.covers(access))


def _stops(intent: Intent) -> bool:
    """`auto`: on. Nothing else stops new tokens, and the app could let itself in again."""
    if intent.brake == "on":
        return True
    return intent.brake == "auto" and intent.scope == "all"


def _by_hand(before: Json) -> str:
    return (
        f"An owner of {before['account']} opens {before['url']} and chooses Suspend (or Uninstall): what an owner "
        "suspends there, the app's key cannot take back"
    )


def _access(conn: GithubConnection, ref: PrincipalRef, row: dict[str, Any], by_app: bool) -> Access:
    account = str((row.get("account") or {}).get("login") or (row.get("account") or {}).get("slug") or "")
    number = int(row["id"])
    since = moment(row.get("suspended_at"))
    by = str((row.get("suspended_by") or {}).get("login") or "")
    place = f"organizations/{account}/settings" if row.get("target_type") == "Organization" else "settings"
    rights = ", ".join(f"{name}: {level}" for name, level in sorted((row.get("permissions") or {}).items()))
    notes = [f"may {rights or 'nothing'}, on {row.get('repository_selection') or 'unknown'} repositories"]
    if since:
        notes.insert(0, f"suspended {stamp(since)}{f' by {by}' if by else ''}")
    return Access(
        id=f"{KIND}/{account}/{number}",
        on=ref,
        kind=KIND,
        family="grant",
        state="disabled" if since else "live",
        label=f"installation of {ref.id} on {account}",
        created=moment(row.get("created_at")),
        evidence="GET /app/installations" if by_app else "GET /orgs/…/installations",
        door=f"{ref.id}@{account}",
        before={
            "installation": number,
            "account": account,
            "suspended_at": stamp(since) if since else "",
            "by_app": by_app,
            "url": f"{conn.site}/{place}/installations/{number}",
        },
        note="; ".join(notes),
    )
