"""A compromised app's own key or secret, where the operator holds it too: is it still accepted? Only trying tells.

OpenAPI: GET /app (the App's JWT; 401 where the key is none of its own), POST /applications/{client_id}/token (Basic;
404 for what is no token, 401 where the secret is refused). Facts okta-github.md 2.1: no API lists or deletes either.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Failed, Impossible
from nhi_revoke.model.found import State
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Rejected, Unauthenticated
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Run
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.naming import APP
from nhi_revoke_github.permissions import APP_ITSELF, CLIENT_ITSELF
from nhi_revoke_github.settings import HeldApp
from nhi_revoke_github.words import HIDDEN, REFUSED

NO_TOKEN = "no-token"  # noqa: S105 - it is none
GONE: Json = {"refused": True}


class Tried(Struct, frozen=True):
    """What GitHub said to it."""

    state: State
    """`live`, `expired` (refused for good), or `unknown` where there was no clear answer."""
    how: str
    needs: str = ""
    """Where it could not be tried: what was missing."""


def held_by(conn: GithubConnection, ref: PrincipalRef) -> HeldApp | None:
    """What the settings hold of an app, or of an OAuth app."""
    return conn.held_app(slug=ref.id) if ref.kind == APP else conn.held_app(client_id=ref.id)


def try_key(conn: GithubConnection, app: HeldApp) -> Tried | None:
    """None where the key is not held. Raises Throttled, Unavailable, NoAnswer."""

    def ask() -> Tried:
        api = conn.as_held_app(app)
        assert api is not None
        slug = str(api.call("GET", "/app", needs=APP_ITSELF).body.get("slug") or "")
        if app.slug and slug != app.slug:
            why = f"the key that is held for {app.slug} is one of {slug}: it says nothing of this app"
            return Tried("unknown", why, "the app's own private key")
        return Tried("live", "GitHub accepts it (GET /app, 200)")

    held = app.private_key_file and (app.client_id or app.app_id)
    return _tried(ask, "GET /app") if held else None


def try_secret(conn: GithubConnection, app: HeldApp) -> Tried | None:
    """None where the secret is not held. Raises as above. No token is needed, and none is shown to GitHub."""

    def ask() -> Tried:
        api = conn.as_client(app)
        assert api is not None
        path = f"/applications/{segment(app.client_id)}/token"
        try:
            api.call("POST", path, body={"access_token": NO_TOKEN}, again=True, needs=CLIENT_ITSELF)
        except Denied as denied:
            if denied.code != HIDDEN:
                raise
        return Tried("live", "GitHub accepts it (it was asked about what is no token, and said 404)")

    return _tried(ask, "POST /applications/…/token") if app.client_secret_file and app.client_id else None


def _tried(ask: Callable[[], Tried], what: str) -> Tried:
    try:
        return ask()
    except Unauthenticated as fault:
        if fault.code == REFUSED:
            return Tried("expired", f"GitHub refuses it ({what}, 401)")
        return Tried("unknown", f"it could not be tried: {fault.message}", "the file that holds it")
    except Denied as denied:
        return Tried("unknown", f"it could not be tried: {denied.message}", denied.needs)
    except Rejected as refused:
        return Tried("unknown", f"there was no clear answer: {refused.message}", "a clear answer")


class Confirm(Doer[GithubConnection]):
    """Changes nothing: what was deleted by hand is tried with the copy that is held, and must be refused."""

    name: ClassVar[str] = "confirm"
    phase: ClassVar[Phase] = Phase.END
    what: ClassVar[str]

    @abstractmethod
    def tried(self, conn: GithubConnection, app: HeldApp) -> Tried | None:
        """Tries it."""

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        return Already(GONE) if self.seen(conn, step, run) else Failed(f"GitHub still accepts the {self.what}")

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        found = self._of(conn, step)
        return GONE if found is not None and found.state == "expired" else None

    def prove(self, conn: GithubConnection, step: Step, run: Run) -> Proven:
        found = self._of(conn, step)
        if found is None or found.state != "expired":
            return Proven(Proof.UNPROVEN, f"the {self.what} that is held could not be tried again", conn.now())
        return Proven(Proof.ENFORCED, f"the {self.what} that is held: {found.how}", conn.now())

    def undo(self, conn: GithubConnection, step: Step, left: Json, run: Run) -> Change:
        return Impossible(f"nothing was changed: the {self.what} was deleted by hand before", "make a new one")

    def _of(self, conn: GithubConnection, step: Step) -> Tried | None:
        app = held_by(conn, step.on)
        return self.tried(conn, app) if app is not None else None
