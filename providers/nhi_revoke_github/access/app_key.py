"""Private keys of a GitHub App: deleted by hand, and proven dead by trying the old one.

GitHub docs: managing-private-keys-for-github-apps (25 at most, no expiry, the last one cannot be deleted before there
is another; the fingerprint is shown beside each). No API lists, makes or deletes them. Facts okta-github.md 2.1, 2.4
(21: what a key minted lives on for an hour).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_github.access.held import Confirm, Tried, held_by, try_key
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.naming import APP
from nhi_revoke_github.permissions import APP_ITSELF
from nhi_revoke_github.private_key import fingerprint, read_key
from nhi_revoke_github.settings import HeldApp

KIND = "github:app-key"
STANDING = f"{KIND}/{{scope}}/{{name}}/*"
FINGERPRINT = "openssl rsa -in KEY.pem -pubout -outform DER | openssl sha256 -binary | openssl base64"
"""GitHub docs: managing-private-keys-for-github-apps, "Verifying private keys"."""
SURVIVES = "tokens that it minted, for up to an hour; users' tokens; whatever was done with them"
PAGE = "a look at the app's settings page"
NO_LIST = "no API lists the private keys of an app: its settings page does"


class ConfirmKey(Confirm):
    permissions: ClassVar[tuple[str, ...]] = (APP_ITSELF,)
    says: ClassVar[str] = "tries the old private key, which must be refused"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "OpenAPI: apps/get-authenticated"
    what: ClassVar[str] = "private key"

    def tried(self, conn: GithubConnection, app: HeldApp) -> Tried | None:
        return try_key(conn, app)


class AppKeys(AccessKind[GithubConnection]):
    """The one that the operator holds, where there is one; else one standing access for all of them."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "private keys of an app"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = (APP,)
    reads: ClassVar[tuple[str, ...]] = (APP_ITSELF,)
    remedies = (ConfirmKey(),)
    manual: ClassVar[str] = "the app's owner deletes it on the app's settings page"
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        app = held_by(conn, ref)
        tried = try_key(conn, app) if app is not None else None
        mark = _mark(app) if app is not None and tried is not None else ""
        named = f"{KIND}/{{name}}/{mark.removeprefix('SHA256:').translate(URL_SAFE).rstrip('=')}" if mark else STANDING
        note = f"the one that is held: {tried.how}" if tried is not None else NO_LIST
        yield Access(
            id=named,
            on=ref,
            kind=KIND,
            family=self.family,
            state=tried.state if tried is not None and mark else "unknown",
            label=f"private key {mark} of app {{name}}" if mark else "every private key of app {name}",
            evidence="GET /app by the held key" if mark else f"none: {NO_LIST}",
            door=mark or "{name}",
            before={"site": conn.site, "fingerprint": mark},
            elsewhere=True,
            note=note,
        )
        if tried is not None and tried.needs:
            yield BlindSpot(ref, KIND, f"whether the private key that is held still works: {tried.how}", tried.needs)
        if mark:
            yield BlindSpot(ref, KIND, f"other private keys: {NO_LIST}", PAGE)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if not intent.covers(access):
                continue
            if access.state == "expired":
                says = f"see that {access.label} is refused: it was deleted by hand"
                yield draft_step(self, self.remedies[0], view, access, says=says, rearms="always")
            else:
                yield Manual(view.who.ref, KIND, _by_hand(view, access), (access.id,))


URL_SAFE = str.maketrans("+/", "-_")


def _mark(app: HeldApp) -> str:
    """Fingerprint of the key that is held; empty where its file holds none."""
    try:
        return fingerprint(read_key(app.private_key_file, "private_key_file of [[github.apps]]"))
    except Unauthenticated:
        return ""


def page_of(view: View, site: str) -> str:
    """The app's own settings page."""
    owner, slug = str(view.who.facts.get("owner") or ""), view.who.name
    if view.who.facts.get("owner_type") == "User":
        return f"{site}/settings/apps/{slug}"
    return f"{site}/organizations/{owner or 'OWNER'}/settings/apps/{slug}"


def _by_hand(view: View, access: Access) -> str:
    mark, page = str(access.before["fingerprint"]), page_of(view, str(access.before["site"]))
    which = f"the one with fingerprint {mark}" if mark else f"the leaked one (its fingerprint: {FINGERPRINT})"
    owner = view.who.facts.get("owner") or "the app's owner"
    if view.who.facts.get("owner") and view.who.facts.get("owner_type") != "User":
        owner = f"an owner of {owner}"
    proof = "run `revoke` again: the old key is tried, and must be refused" if mark else (
        "to have the old key tried, name it in [[github.apps]] of nhi.toml"
    )  # fmt: skip
    return (
        f"private keys have no API. {owner} opens {page}, generates a new key first (the last one cannot be deleted), "
        f"then deletes {which}, and every other that nobody knows; {proof}. Until then whoever holds it can take a "
        "suspension back and mint tokens; what it minted lives for up to an hour more"
    )
