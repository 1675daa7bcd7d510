"""Client secrets of a GitHub App or OAuth app: deleted by hand, and proven dead by trying the old one.

OpenAPI: POST /applications/{client_id}/token (Basic: 401 where the secret is refused, 404 for what is no token). No API
lists, makes or deletes client secrets. Facts okta-github.md 2.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_github.access.app_key import PAGE, page_of
from nhi_revoke_github.access.held import Confirm, Tried, held_by, try_secret
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.naming import APP, OAUTH
from nhi_revoke_github.permissions import CLIENT_ITSELF
from nhi_revoke_github.settings import HeldApp

KIND = "github:app-secret"
HELD = f"{KIND}/{{name}}/held"
STANDING = f"{KIND}/{{scope}}/{{name}}/*"
SURVIVES = "users' tokens that were got with it"
NO_LIST = "no API lists the client secrets of an app: its settings page does"


class ConfirmSecret(Confirm):
    permissions: ClassVar[tuple[str, ...]] = (CLIENT_ITSELF,)
    says: ClassVar[str] = "tries the old client secret, which must be refused"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "OpenAPI: apps/check-token"
    what: ClassVar[str] = "client secret"

    def tried(self, conn: GithubConnection, app: HeldApp) -> Tried | None:
        return try_secret(conn, app)


class AppSecrets(AccessKind[GithubConnection]):
    """The one that the operator holds, where there is one; else one standing access for all of them."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "client secrets of an app"
    family: ClassVar[Family] = "secret"
    on: ClassVar[tuple[str, ...]] = (APP, OAUTH)
    reads: ClassVar[tuple[str, ...]] = (CLIENT_ITSELF,)
    remedies = (ConfirmSecret(),)
    manual: ClassVar[str] = "the app's owner deletes it on the app's settings page"
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        app = held_by(conn, ref)
        tried = try_secret(conn, app) if app is not None else None
        yield Access(
            id=HELD if tried is not None else STANDING,
            on=ref,
            kind=KIND,
            family=self.family,
            state=tried.state if tried is not None else "unknown",
            label="client secret of {name} that is held" if tried is not None else "every client secret of {name}",
            evidence="POST /applications/…/token by the held secret" if tried is not None else f"none: {NO_LIST}",
            door="{name}",
            before={"site": conn.site},
            elsewhere=True,
            note=f"the one that is held: {tried.how}" if tried is not None else NO_LIST,
        )
        if tried is not None:
            yield BlindSpot(ref, KIND, f"other client secrets: {NO_LIST}", PAGE)
            if tried.needs:
                yield BlindSpot(ref, KIND, f"whether the client secret that is held works: {tried.how}", tried.needs)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if not intent.covers(access):
                continue
            if access.state == "expired":
                says = f"see that the {access.label} is refused: it was deleted by hand"
                yield draft_step(self, self.remedies[0], view, access, says=says, rearms="always")
            else:
                yield Manual(view.who.ref, KIND, _by_hand(view, access), (access.id,))


def _by_hand(view: View, access: Access) -> str:
    site = str(access.before["site"])
    if view.who.kind == APP:
        where = page_of(view, site)
    else:
        where = f"{site}/settings/developers (of an organisation: {site}/organizations/OWNER/settings/applications)"
    proof = "run `revoke` again: the old one is tried, and must be refused" if access.id.endswith("/held") else (
        "to have the old one tried, name it in [[github.apps]] of nhi.toml"
    )  # fmt: skip
    return (
        f"client secrets have no API. The owner of {view.who.name} opens {where}, generates a new client secret, "
        f"delivers it, then deletes the old ones; {proof}"
    )
