"""Whether a token of GitHub still works, by one read with it alone, and what the answer tells of it.

OpenAPI: users/get-authenticated (every token of a person), apps/list-repos-accessible-to-installation (an
installation's). GitHub docs: scopes-for-oauth-apps (`X-OAuth-Scopes`: of classic and OAuth tokens); the header
`github-authentication-token-expiration` is described nowhere at hand, and read where it is sent. A refresh token is
never tried: using it makes new tokens, and ends the old ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from nhi_revoke.model.liveness import Liveness
from nhi_revoke.provider.fault import Conflict, Denied, Fault, Missing, Rejected, Unauthenticated
from nhi_revoke.provider.http import Answer, HttpApi
from nhi_revoke_github.access.leaked_value import INSTALLATION, REFRESH, sort_of
from nhi_revoke_github.connection import HEADERS
from nhi_revoke_github.host import api_url
from nhi_revoke_github.login import ByToken
from nhi_revoke_github.naming import LOGIN, USER, canonical
from nhi_revoke_github.words import REFUSED, Github

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.recognised import Recognised
    from nhi_revoke_github.settings import GithubSettings

NOT_TRIED = (
    "a refresh token cannot be tried without using it up: that makes new tokens, and ends those that it was given with"
)
EXPIRES = "github-authentication-token-expiration"
ENDS = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (UTC|[+-]\d{4})")
A_SCOPE = re.compile(r"[a-z_]{1,40}(:[a-z_]{1,40})?")


class ToFound(Github):
    """As GitHub answers a token that somebody found."""

    operator: ClassVar[str] = "the token"


def alive(found: Recognised, settings: GithubSettings, io: Io, environ: Mapping[str, str]) -> Liveness:
    """Asks github.com, or the GitHub that the settings name. Raises NoAnswer, Unavailable, Throttled."""
    if found.value is None or sort_of(found.value) == REFRESH:
        return Liveness("unknown", NOT_TRIED)
    installed = sort_of(found.value) == INSTALLATION
    path = "/installation/repositories" if installed else "/user"
    try:
        url = api_url(settings, environ)
        api = HttpApi(io, url, ToFound(), ByToken(found.value.reveal()), headers=HEADERS)
        answer = api.call("GET", path, query={"per_page": 1} if installed else None)
    except (Unauthenticated, Denied, Missing, Rejected, Conflict) as fault:
        return _refused(fault, path)
    how = f"GET {path} at {urlsplit(url).hostname}: 200"
    return _of_installation(answer, how) if installed else _of_user(answer, how)


def _refused(fault: Fault, path: str) -> Liveness:
    """Of another GitHub (an Enterprise Server) the token may be, whatever this one says: the host is told with it."""
    if isinstance(fault, Unauthenticated) and fault.code == REFUSED:
        return Liveness("dead", f"{fault.message}; an Enterprise Server that the settings do not name was not asked")
    return Liveness("unknown", f"GET {path} gave no clear answer: {fault.message}")


def _of_user(answer: Answer, how: str) -> Liveness:
    login = str(answer.body.get("login") or "") if isinstance(answer.body, dict) else ""
    told = (each.strip() for each in answer.headers.get("x-oauth-scopes", "").split(","))
    return Liveness(
        "alive",
        how,
        owner=canonical(USER, login) if LOGIN.fullmatch(login) else None,
        reaches=tuple(each for each in told if A_SCOPE.fullmatch(each)),
        expires=_expires(answer.headers.get(EXPIRES, "")),
    )


def _of_installation(answer: Answer, how: str) -> Liveness:
    """Which app's it is, this does not tell: only where it is installed."""
    body: Any = answer.body if isinstance(answer.body, dict) else {}
    rows = [each for each in body.get("repositories") or () if isinstance(each, dict)]
    owner = str((rows[0].get("owner") or {}).get("login") or "") if rows else ""
    owner = owner if LOGIN.fullmatch(owner) else ""
    count = body.get("total_count")
    of = f" of {owner}" if owner else ""
    reaches = (f"{count} {'repository' if count == 1 else 'repositories'}{of}",) if isinstance(count, int) else ()
    expires = _expires(answer.headers.get(EXPIRES, ""))
    return Liveness("alive", how, scope=owner, reaches=reaches, expires=expires)


def _expires(header: str) -> datetime | None:
    """`2026-12-01 00:00:00 UTC`, or with an offset instead; None for what is neither."""
    found = ENDS.fullmatch(header.strip())
    if found is None:
        return None
    try:
        zone = "+0000" if found[2] == "UTC" else found[2]
        return datetime.strptime(f"{found[1]} {zone}", "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None
