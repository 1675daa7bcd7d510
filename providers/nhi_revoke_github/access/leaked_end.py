"""What ends a leaked token by its value. Each is seen by trying the token again; an answer alone proves nothing."""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Rejected, Unauthenticated
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_github.access import user_token
from nhi_revoke_github.access.held import held_by
from nhi_revoke_github.access.leaked_value import attempt, held, mark_of
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.login import ByToken
from nhi_revoke_github.permissions import CLIENT_ITSELF
from nhi_revoke_github.words import HIDDEN, REFUSED

PATH = "/credentials/revoke"
GONE: Json = {"refused": True}
ACCEPTED: Json = {"accepted": True}
BY_HAND = "the owner of each deletes it: Settings > Developer settings > Personal access tokens"


def values_of(conn: GithubConnection, step: Step) -> list[Secret]:
    """Of the accesses that the step ends. Raises Denied where one is not held (another command, without the file)."""
    return list(held(conn.io, map(mark_of, step.ends)).values())


class EndByValue(Doer[GithubConnection]):
    """What the ways share: each token is tried, and must be refused."""

    phase: ClassVar[Phase] = Phase.END
    reversible: ClassVar[bool] = False

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        tried = conn.io.map(lambda value: attempt(conn, value), values_of(conn, step))
        return GONE if all(each.state == "expired" for each in tried) else None

    def prove(self, conn: GithubConnection, step: Step, run: Run) -> Proven:
        tried = conn.io.map(lambda value: attempt(conn, value), values_of(conn, step))
        left = [each for each in tried if each.state != "expired"]
        if left:
            how = f"{len(left)} of {len(tried)} were not refused when they were tried: {left[0].how}"
            return Proven(Proof.REQUESTED, how, conn.now())
        return Proven(Proof.ENFORCED, f"the leaked value was tried: {tried[0].how}", conn.now())


class RevokeValues(EndByValue):
    """By anybody who found them, without signing in."""

    name: ClassVar[str] = "revoke"
    permissions: ClassVar[tuple[str, ...]] = ()
    says: ClassVar[str] = "reports tokens to GitHub as leaked, by their values, which revokes them"
    survives: ClassVar[str] = (
        "SSH keys; deploy keys that a GitHub App created; refresh tokens that did not leak with them; sessions on the "
        "site; clones, and what was pushed"
    )
    source: ClassVar[str] = "OpenAPI: credentials/revoke"

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        body = {"credentials": [value.reveal() for value in values_of(conn, step)]}
        try:
            conn.api_as(None).call("POST", PATH, body=body, again=True)
        except Denied as denied:
            if denied.code != HIDDEN:
                raise
            return Failed(f"this GitHub has no way to revoke tokens by their values: {BY_HAND}")
        return Done(ACCEPTED, conn.now())


class RevokeUntried(RevokeValues):
    """Refresh tokens: that GitHub accepted the report is all that can be known."""

    name: ClassVar[str] = "revoke-untried"
    says: ClassVar[str] = "reports refresh tokens to GitHub as leaked: whether they are dead, nothing tells"

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        """Nothing shows it: what was asked is all that is known, and without an answer it is asked again."""
        return dict(run.left(step.id)) or None

    def prove(self, conn: GithubConnection, step: Step, run: Run) -> Proven:
        how = "GitHub accepted it (202); a refresh token cannot be tried without using it"
        return Proven(Proof.REQUESTED, how, conn.now())


class EndItself(EndByValue):
    """An installation's token signs the request that ends it: nobody ends another's.

    A job's GITHUB_TOKEN has the same prefix, and no API ends it (facts okta-github.md 2.1): there is nothing to ask
    then but whether it still works, until its job has ended, which this run may be cancelling meanwhile.
    """

    name: ClassVar[str] = "end-itself"
    permissions: ClassVar[tuple[str, ...]] = ()
    says: ClassVar[str] = "has an installation's token end itself"
    survives: ClassVar[str] = "other tokens of the installation; the app's key mints more"
    source: ClassVar[str] = "OpenAPI: apps/revoke-installation-access-token"

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        [value] = values_of(conn, step)
        try:
            conn.api_as(ByToken(value.reveal())).call("DELETE", "/installation/token")
        except Unauthenticated as fault:
            if fault.code == REFUSED:
                return Already(GONE)
            return Failed(f"it could not be ended: {fault.message}")
        except Denied:
            return Done({"ends": "with its job"}, conn.now())
        return Done(GONE, conn.now())


class DeleteGrant(EndByValue):
    """By the app's owner: every token of that user, those that did not leak and refresh tokens included."""

    name: ClassVar[str] = "delete-grant"
    permissions: ClassVar[tuple[str, ...]] = (CLIENT_ITSELF,)
    says: ClassVar[str] = "ends a user's authorisation of the app, and every token of it"
    survives: ClassVar[str] = "authorisations of the app by other users"
    source: ClassVar[str] = "OpenAPI: apps/delete-authorization"

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        """One living token of the user is enough; a dead one names nobody."""
        app = held_by(conn, step.on)
        if app is None:
            return Failed("the app's client secret is not held any more: [[github.apps]] of nhi.toml")
        change: Change = Already(GONE)
        for value in values_of(conn, step):
            try:
                change = user_token.delete_grant(conn, app, value)
            except Rejected as refused:
                return Failed(refused.message)
            if isinstance(change, Done):
                break
        return change
