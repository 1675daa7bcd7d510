"""Tokens of users that authorised an app (`gho_…`, `ghu_…`): no list exists, and each is ended by its value alone.

OpenAPI: DELETE /applications/{client_id}/token, DELETE …/grant, PATCH …/token (Basic, client id and secret; the token
in a JSON body, on DELETE too: facts okta-github.md 2.4, 9). A 404 means that there is no such token, or none any more.
GitHub docs: token expiration (ghu_ 8 hours or never, ghr_ 6 months, gho_ never).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual
from nhi_revoke.provider.fault import Denied, Missing, NoAnswer, Rejected, Unauthenticated
from nhi_revoke.provider.http import HttpApi, segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke.provider.secret import Secret
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.naming import APP, OAUTH
from nhi_revoke_github.permissions import CLIENT_ITSELF
from nhi_revoke_github.settings import HeldApp
from nhi_revoke_github.words import HIDDEN

KIND = "github:user-token"
STANDING = f"{KIND}/{{scope}}/{{name}}/*"
FIELD = "access_token"
GONE = {"token": "gone"}
NO_LIST = "no API lists the users that authorised an app, or their tokens"


# -- by value: what a token that was found (`--leaked-from`) allows ------------------------------------------------


def lives(conn: GithubConnection, app: HeldApp, token: Secret) -> bool:
    """Whether GitHub still takes it for a token of this app. Raises Unauthenticated where the secret is not held or is
    refused, and what a request raises.
    """
    try:
        _client(conn, app).call("POST", _path(app, "token"), body=_body(token), again=True, needs=CLIENT_ITSELF)
    except Denied as denied:
        if denied.code == HIDDEN:
            return False
        raise
    return True


def delete(conn: GithubConnection, app: HeldApp, token: Secret) -> Change:
    """Ends this one token. Irreversible. Raises as `lives`."""
    return _end(conn, app, token, "token")


def delete_grant(conn: GithubConnection, app: HeldApp, token: Secret) -> Change:
    """Ends the authorisation of the token's user: every token of that user and app. Irreversible. Raises as `lives`."""
    return _end(conn, app, token, "grant")


def reset(conn: GithubConnection, app: HeldApp, token: Secret) -> Secret:
    """Ends this token and gives another in its place, at once and for good. Raises Missing where it is dead already.

    Never asked twice: an answer that was lost has lost the new token, and its user's grant must be deleted.
    """
    try:
        api, path = _client(conn, app), _path(app, "token")
        made = api.call("PATCH", path, body=_body(token), again=False, needs=CLIENT_ITSELF).body
    except Denied as denied:
        if denied.code != HIDDEN:
            raise
        dead = Missing("there is no such token of the app any more: nothing was reset", code=HIDDEN)
    else:
        if not isinstance(made, dict) or not isinstance(made.get("token"), str) or not made["token"]:
            raise NoAnswer("GitHub's answer to PATCH /applications/…/token holds no token: it may have happened")
        return Secret(made["token"], field=FIELD, public={"client_id": app.client_id})
    raise dead


def _end(conn: GithubConnection, app: HeldApp, token: Secret, what: str) -> Change:
    try:
        _client(conn, app).call("DELETE", _path(app, what), body=_body(token), needs=CLIENT_ITSELF)
    except Denied as denied:
        if denied.code != HIDDEN:
            raise
        return Already(dict(GONE))
    except Rejected:
        if lives(conn, app, token):  # a 422 is for a token that is none any more, and for a body that was lost, too
            raise
        return Already(dict(GONE))
    return Done(dict(GONE), conn.now())


def _client(conn: GithubConnection, app: HeldApp) -> HttpApi:
    api = conn.as_client(app)
    if api is None:
        raise Unauthenticated(
            "the client secret of the app is not held: its users' tokens cannot be ended by its owner",
            hint="client_id and client_secret_file in [[github.apps]] of nhi.toml.",
        )
    return api


def _path(app: HeldApp, what: str) -> str:
    return f"/applications/{segment(app.client_id)}/{what}"


def _body(token: Secret) -> dict[str, str]:
    return {FIELD: token.reveal()}


# -- what can be said without a value ------------------------------------------------------------------------------


class UserTokens(AccessKind[GithubConnection]):
    """One standing access: what nobody can list stays open until somebody looked."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "tokens of users that authorised an app"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (APP, OAUTH)
    reads: ClassVar[tuple[str, ...]] = ()
    manual: ClassVar[str] = "with a token's value, the app's owner deletes its user's grant; or the user revokes it"

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        yield Access(
            id=STANDING,
            on=ref,
            kind=KIND,
            family=self.family,
            state="unknown",
            label="tokens of users that authorised {name}",
            evidence=f"none: {NO_LIST}",
            door="{name}",
            before={"site": conn.site},
            elsewhere=True,
            note=f"{NO_LIST}: each is ended by its value alone",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if not intent.covers(access) or intent.keep_sessions:
                continue
            client = str(view.who.facts.get("client_id") or "CLIENT_ID")
            what = (
                f"users' tokens of {view.who.name}: {NO_LIST}. With a token's value the app's owner ends all of its "
                f"user's: DELETE /applications/{client}/grant, signed with the client secret, the token in the body; "
                f"else each user revokes the authorisation at {access.before['site']}/settings/applications"
            )
            yield Manual(view.who.ref, KIND, what, (access.id,))
