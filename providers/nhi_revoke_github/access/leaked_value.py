"""A token that leaked, held by its value: whose it is, and whether GitHub still takes it. Only trying tells.

OpenAPI: GET /user (tokens of persons), GET /rate_limit (an installation's token; asking counts against no limit), POST
/applications/{client_id}/token. A refresh token is never tried: using it makes new tokens and ends the old.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from nhi_revoke.model.ref import AccessId
from nhi_revoke.provider.fault import Denied, Rejected, Unauthenticated
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.secret import Secret
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.login import ByToken
from nhi_revoke_github.words import REFUSED

LEAK = "github:token"
"""`Leak.kind` of every sort of token."""
PERSONAL = frozenset({"ghp", "github_pat"})
OF_APPS = frozenset({"gho", "ghu"})
INSTALLATION, REFRESH = "ghs", "ghr"
NOT_HELD = "the value of the leaked token is not held by this command"
AGAIN = "--leaked-from FILE, as for the run itself"


class Tried(Struct, frozen=True):
    """What GitHub said to it."""

    state: Literal["live", "expired", "unknown"]
    login: str = ""
    """Of the user that it signs in as."""
    how: str = ""


def sort_of(value: Secret) -> str:
    """Its prefix: `ghp`, `github_pat`, `gho`, `ghu`, `ghs` or `ghr`."""
    return value.public["type"]


def mark(value: Secret) -> str:
    """Names the token in ids, plans and reports: the beginning of its sha256, from which nobody makes the token."""
    return hashlib.sha256(value.reveal().encode()).hexdigest()[:16]


def held(io: Io, marks: Iterable[str]) -> dict[str, Secret]:
    """The values of these tokens. Raises Denied where one is not held: nothing can be tried or ended then."""
    wanted = set(marks)
    mine = {mark(value): value for value in io.leaked(LEAK) if mark(value) in wanted}
    if set(mine) != wanted:
        raise Denied(NOT_HELD, needs=AGAIN)
    return mine


def mark_of(access: AccessId) -> str:
    return access.rpartition("/")[2]


def attempt(conn: GithubConnection, value: Secret) -> Tried:
    """Signs in with it, and does nothing else. Raises Throttled, Unavailable, NoAnswer."""
    if sort_of(value) == REFRESH:
        return Tried("unknown", how="a refresh token cannot be tried without using it")
    api = conn.api_as(ByToken(value.reveal()))
    path = "/rate_limit" if sort_of(value) == INSTALLATION else "/user"
    try:
        body = api.call("GET", path).body
    except Unauthenticated as fault:
        if fault.code == REFUSED:
            return Tried("expired", how=f"GitHub refuses it (GET {path}, 401)")
        return Tried("unknown", how=f"it could not be tried: {fault.message}")
    except Denied as denied:
        return Tried("unknown", how=f"it could not be tried: {denied.message}")
    except Rejected as refused:
        return Tried("unknown", how=f"there was no clear answer: {refused.message}")
    login = str(body.get("login") or "") if isinstance(body, dict) else ""
    return Tried("live", login, f"GitHub accepts it (GET {path}, 200)")
