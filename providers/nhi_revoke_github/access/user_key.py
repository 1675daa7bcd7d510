"""A user's own SSH keys and signing keys: public to read, and nobody's to end but the user's.

Facts okta-github.md 2.1, 2.2 (SSH keys have no end; unused for a year they are deleted). OpenAPI:
users/list-public-keys-for-user, users/list-gpg-keys-for-user. GitHub docs: rest/users/ssh-signing-keys. With the user's
own credential `DELETE /user/keys/{id}` would end one; this tool signs in as the operator alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke.provider.times import moment
from nhi_revoke_github.access.deploy_key import fingerprint
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.naming import USER
from nhi_revoke_github.permissions import METADATA

SSH, SIGNING = "github:ssh-key", "github:signing-key"
PAGE = "/settings/keys"
"""Of the site: both sorts of keys stand there, of whoever is signed in."""


class UserKeyKind(AccessKind[GithubConnection]):
    """By hand: signed in as the user, on one page."""

    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = (USER,)
    reads: ClassVar[tuple[str, ...]] = (METADATA,)
    deletes: ClassVar[str]
    """The call that only the user's own credential may make."""

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(self.name):
            if access.state in ("live", "unknown") and intent.covers(access):
                call = f"DELETE {access.before['call']}"
                how = (
                    f"signed in as {view.who.name}, delete it at {access.before['page']}, or with its own token: {call}"
                )
                managed = (
                    "; of a managed user, the enterprise's bulk revocation with revoke_credentials destroys SSH keys"
                )
                yield Manual(view.who.ref, self.name, f"{access.label}: {how}{managed}", (access.id,))


class SshKeys(UserKeyKind):
    """They open whatever the user may clone or push: the organisation's repositories as long as it belongs there."""

    name: ClassVar[str] = SSH
    title: ClassVar[str] = "SSH keys of the user"
    manual: ClassVar[str] = "only the user deletes one: https://github.com/settings/keys, or DELETE /user/keys/{id}"
    survives: ClassVar[str] = "the key itself: removal from the organisation leaves it the user's own repositories"

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for row in conn.rows(f"/users/{segment(ref.id)}/keys", METADATA):
            print_ = fingerprint(str(row["key"]))
            yield Access(
                id=f"{SSH}/{{name}}/{int(row['id'])}", on=ref, kind=SSH, family=self.family, state="live",
                label=f"SSH key {print_ or row['id']}", created=moment(row.get("created_at")),
                last_used=moment(row.get("last_used")), evidence="GET /users/…/keys", door=print_,
                before={"page": f"{conn.site}{PAGE}", "call": f"{conn.url}/user/keys/{int(row['id'])}"},
                note="only the user's own credential ends it",
            )  # fmt: skip


class SigningKeys(UserKeyKind):
    """They let nobody in, and make commits look like the user's own."""

    name: ClassVar[str] = SIGNING
    title: ClassVar[str] = "signing keys of the user (SSH and GPG)"
    manual: ClassVar[str] = (
        "only the user deletes one: https://github.com/settings/keys, or DELETE /user/ssh_signing_keys/{id} and "
        "/user/gpg_keys/{id}"
    )
    survives: ClassVar[str] = "commits signed with it, which stay verified"

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        user = f"/users/{segment(ref.id)}"

        def listed(what: str) -> Sequence[Any]:
            return list(conn.rows(f"{user}/{what}", METADATA))

        ssh, gpg = io.map(listed, ("ssh_signing_keys", "gpg_keys"))
        for row in ssh:
            print_ = fingerprint(str(row["key"]))
            yield self._key(conn, ref, row, "ssh_signing_keys", f"SSH signing key {print_ or row['id']}", print_)
        for row in gpg:
            yield self._key(conn, ref, row, "gpg_keys", f"GPG key {row['key_id']}", str(row["key_id"]))

    def _key(
        self, conn: GithubConnection, ref: PrincipalRef, row: dict[str, Any], what: str, label: str, door: str
    ) -> Access:
        expires = moment(row.get("expires_at"))
        over = bool(row.get("revoked")) or (expires is not None and expires <= conn.now())
        return Access(
            id=f"{SIGNING}/{{name}}/{what}/{int(row['id'])}", on=ref, kind=SIGNING, family=self.family,
            state="expired" if over else "live", label=label, created=moment(row.get("created_at")), expires=expires,
            evidence=f"GET /users/…/{what}", door=door,
            before={"page": f"{conn.site}{PAGE}", "call": f"{conn.url}/user/{what}/{int(row['id'])}"},
            opens=False, note="it signs commits as the user, and lets nobody in",
        )  # fmt: skip
