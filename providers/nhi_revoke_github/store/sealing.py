"""Places of secrets in GitHub, and the sealed box that a value travels in: each namespace has a public key of its own.

GitHub docs: encrypting secrets for the REST API (libsodium sealed box), naming your secrets. OpenAPI: …/secrets/
public-key, create-or-update-…-secret. Facts okta-github.md 2.4, 11 and 12.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from nhi_revoke.provider.fault import Fault, Missing, Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.layout import JSON, layout_in, split
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.text import written
from nhi_revoke_github.connection import GithubConnection, org_path, repo_path
from nhi_revoke_github.naming import REPOSITORY
from nhi_revoke_github.permissions import DEPENDABOT_SECRETS, ENVIRONMENTS, ORG_SECRETS, SECRETS, Permission

SCHEME = "github-actions"
NAME = re.compile(r"(?!GITHUB_)[A-Za-z_][A-Za-z0-9_]*", re.IGNORECASE)
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
WHOLE = "*"
FORMS = "OWNER/REPO/NAME, OWNER/REPO/env/ENVIRONMENT/NAME, dependabot/OWNER/REPO/NAME or org/ORG/NAME"


class Address(Struct, frozen=True):
    """Where it goes. `folder`: path of the namespace's secrets in the API."""

    folder: str
    name: str
    owner: str
    permission: Permission
    org: bool = False
    field: str = ""
    """After `#`: one field alone; `*`: all of them as JSON; a format: the whole secret is a text in it, since what it
    holds cannot be read and merged into; empty: the secret part.
    """
    repository: str = ""
    """`OWNER/REPO`; empty for an organisation's."""
    environment: bool = False
    """It is read when a job begins that names its environment."""


def parse_address(text: str) -> Address | None:
    """With or without the scheme; None for what is none. An owner called `org` or `dependabot` cannot be addressed."""
    rest, spelled = split(text.removeprefix(f"{SCHEME}:"))
    path, _, field = rest.partition("#")
    field = WHOLE if spelled == JSON.spelled else spelled or field
    *where, name = path.split("/")
    if not NAME.fullmatch(name):
        return None
    if len(where) == 2 and where[0] == "org":
        owner = where[1]
        ok = OWNER.fullmatch(owner)
        return Address(org_path(owner, "/actions/secrets"), name, owner, ORG_SECRETS, True, field) if ok else None
    rest, permission = "/actions/secrets", SECRETS
    if len(where) == 3 and where[0] == "dependabot":
        where, rest, permission = where[1:], "/dependabot/secrets", DEPENDABOT_SECRETS
    elif len(where) == 4 and where[2] == "env" and (environment := unquote(where[3])):
        if environment in (".", ".."):
            return None
        where, rest, permission = where[:2], f"/environments/{segment(environment)}/secrets", ENVIRONMENTS
    repository = "/".join(where)
    if len(where) != 2 or not REPOSITORY.fullmatch(repository) or where[1] in (".", ".."):
        return None
    return Address(
        repo_path(repository, rest),
        name,
        where[0],
        permission,
        field=field,
        repository=repository,
        environment=permission is ENVIRONMENTS,
    )


class Place:
    """One secret of GitHub. Values go in and never come out."""

    def __init__(self, conn: GithubConnection, to: str) -> None:
        """Raises Rejected for what is no address."""
        at = parse_address(to)
        if at is None:
            raise Rejected(f"{to!r} is no address of a GitHub secret", hint=f"{SCHEME}:{FORMS}")
        self._conn, self.at = conn, at

    def read(self, name: str = "") -> dict[str, Any] | None:
        """Its name, its times, an organisation's its visibility; None where there is none. Raises Denied.

        The list is asked: a 404 for one name alone may mean "no permission".
        """
        wanted = (name or self.at.name).upper()
        rows = self._conn.rows(self.at.folder, self.at.permission.read, under="secrets")
        return next((row for row in rows if str(row["name"]).upper() == wanted), None)

    def put(self, name: str, value: str, **more: Any) -> None:
        """Sealed for the namespace's present key. A key that was out of date is fetched again, once."""
        try:
            self._put(name, value, more)
        except Rejected:
            self._put(name, value, more)

    def _put(self, name: str, value: str, more: dict[str, Any]) -> None:
        key = self._conn.get(f"{self.at.folder}/public-key", self.at.permission.read)
        body = {"encrypted_value": sealed(str(key["key"]), value), "key_id": str(key["key_id"]), **more}
        self._conn.send("PUT", self._path(name), self.at.permission.write, body)

    def reach(self) -> dict[str, Any]:
        """Who may read it, of an organisation's secret: said again with each write, or it is lost. Raises Missing."""
        if not self.at.org:
            return {}
        told = self.read()
        if told is None:
            raise Missing(f"the organisation has no secret {self.at.name}: nobody has said who may read it")
        reach: dict[str, Any] = {"visibility": str(told["visibility"])}
        if reach["visibility"] == "selected":
            rows = self._conn.rows(
                f"{self._path(self.at.name)}/repositories", self.at.permission.read, under="repositories"
            )
            reach["selected_repository_ids"] = [int(row["id"]) for row in rows]
        return reach

    def nobody(self) -> dict[str, Any]:
        """Of what is staged: in an organisation no repository reads it."""
        return {"visibility": "selected", "selected_repository_ids": []} if self.at.org else {}

    def delete(self, name: str) -> bool:
        """Whether it was there."""
        if self.read(name) is None:
            return False
        try:
            self._conn.send("DELETE", self._path(name), self.at.permission.write, known=True)
        except Missing:
            return False
        return True

    def _path(self, name: str) -> str:
        return f"{self.at.folder}/{segment(name)}"


def value_of(secret: Secret, field: str) -> str:
    """What the secret will hold. Raises Rejected where the new credential has no such field."""
    if not field:
        return secret.reveal()
    if (layout := layout_in(field)) is not None:
        return written(None, secret, layout)
    fields = secret.fields()
    if field == WHOLE:
        return json.dumps(fields)
    if field not in fields:
        raise Rejected(f"what was minted has no field {field!r}: nothing was delivered")
    return fields[field]


def sealed(key: str, value: str) -> str:
    """A sealed box for a public key (base64), in base64. Raises Rejected for what is no key."""
    from nacl.exceptions import CryptoError
    from nacl.public import PublicKey, SealedBox

    fault: Fault | None = None
    try:
        box = SealedBox(PublicKey(base64.b64decode(key, validate=True)))
        return base64.b64encode(box.encrypt(value.encode())).decode()
    except (ValueError, TypeError, CryptoError):
        fault = Rejected("GitHub's public key for secrets is no key: nothing was delivered")
    raise fault  # outside the handler: a traceback's frames hold the value
