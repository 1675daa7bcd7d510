"""Whether a leaked credential of Google Cloud still works, by one call with it alone.

A key of a service account: its signed assertion is exchanged for a token, which is thrown away; nothing is changed, and
Google counts it as a use of the key (facts gcp.md 4: "Invalid JWT Signature", which a key that was made seconds ago may
get, too). It is asked at the settings' endpoint or Google's own, whatever the file says.
An access token: `POST …/tokeninfo` with the token as a bearer, as Google's library for Node.js asks (getTokenInfo). An
API key: `api_key_try`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.liveness import Liveness
from nhi_revoke.provider.fault import Fault, NoAnswer, Rejected, Throttled, Unauthenticated, Unavailable
from nhi_revoke.provider.http import HttpApi
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_gcp.access.api_key_try import ASKED, HEADER, INVALID, OF_A_KEY
from nhi_revoke_gcp.access.api_keys import KIND as API_KEY
from nhi_revoke_gcp.access.hmac_keys import KIND as HMAC_KEY
from nhi_revoke_gcp.naming import UNIQUE_ID, canonical, is_native, project_of
from nhi_revoke_gcp.recognising import ACCESS_TOKEN, CLIENT_SECRET, REFRESH_TOKEN
from nhi_revoke_gcp.stopping import KEY
from nhi_revoke_gcp.universe import AI_PLATFORM, PUBLIC, checked, url_of
from nhi_revoke_gcp.words import Google

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.recognised import Recognised
    from nhi_revoke.provider.secret import Secret
    from nhi_revoke_gcp.settings import GcpSettings

UNTRIED = {
    REFRESH_TOKEN: "a refresh token is tried only by getting an access token with it, and with its client's secret",
    CLIENT_SECRET: "no harmless call with a client's secret alone tells: it works with a code or a refresh token",
    HMAC_KEY: "an HMAC key is tried only by a signed request to a bucket that it may read: none is known here",
}
UNKEYED = "only its public part stands in the text"
SIGNED_BADLY, NOBODY = "invalid jwt signature", "account not found"
"""In what OAuth's invalid_grant says of a key that is no key of that account, and of an account that there is not."""
DISABLED = re.compile(r"account (is )?disabled")
A_SCOPE = re.compile(r"[A-Za-z0-9:/._-]{1,200}")


def alive(found: Recognised, settings: GcpSettings, io: Io) -> Liveness:
    """Raises NoAnswer, Unavailable, Throttled."""
    kind = found.leak.kind
    if found.value is None or kind in UNTRIED:
        return Liveness("unknown", UNKEYED if found.value is None else UNTRIED[kind])
    try:
        if kind == KEY:
            return _by_key(found.value, settings, io)
        if kind == API_KEY:
            return _by_api_key(found.value, settings, io)
        if kind == ACCESS_TOKEN:
            return _by_token(found.value, settings, io)
    except (Throttled, Unavailable, NoAnswer):
        raise
    except Fault as fault:
        return Liveness("unknown", f"there was no clear answer: {fault.message}")
    return Liveness("unknown", "no harmless call tells of this kind")


# -- a key of a service account ------------------------------------------------------------------------------------


def _by_key(value: Secret, settings: GcpSettings, io: Io) -> Liveness:
    from google.auth.exceptions import GoogleAuthError

    from nhi_revoke_gcp.credentials import from_key
    from nhi_revoke_gcp.token_http import TokenHttp

    universe = settings.universe_domain.strip() or PUBLIC
    named = value.public.get("universe_domain") or PUBLIC
    if named != universe:
        return Liveness("unknown", "it is of another universe than the settings': it was not tried")
    own = {"token_uri": f"https://oauth2.{universe}/token", "universe_domain": universe}
    tried, http = from_key({**value.fields(), **own}, settings), TokenHttp(io, VendorClock(io.now))
    owner, project = _account(value.public["client_email"]), value.public.get("project_id", "")
    try:
        io.ask(lambda: tried.refresh(http), repeatable=True)
    except GoogleAuthError as error:
        code, says = _said(error)
    else:
        how = "it was exchanged for an access token, which was thrown away: Google counts that as a use of the key"
        return Liveness("alive", how, owner, project)
    if code == "invalid_grant" and SIGNED_BADLY in says:
        return Liveness("dead", "Google gives no token for it (invalid_grant): it is no enabled key", owner, project)
    if code == "invalid_grant" and NOBODY in says:
        return Liveness(
            "dead", "Google gives no token for it (invalid_grant): there is no such account", owner, project
        )
    if DISABLED.search(says):
        why = f"its account is disabled ({code}): it gets no token until somebody enables the account"
        return Liveness("unknown", why, owner, project)
    return Liveness("unknown", f"Google gives no token for it, and not because it is no key ({code})", owner, project)


def _said(error: Exception) -> tuple[str, str]:
    """OAuth's code, and its description in small letters, for comparing alone: it is free text."""
    from nhi_revoke_gcp.login import oauth_error

    answer = error.args[1] if len(error.args) > 1 else None
    says = answer.get("error_description") if isinstance(answer, dict) else ""
    return oauth_error(error), str(says or "").lower()


# -- an API key ----------------------------------------------------------------------------------------------------


def _by_api_key(value: Secret, settings: GcpSettings, io: Io) -> Liveness:
    """At an API that takes bound keys: whether it is a key is judged before all else."""
    base = url_of(settings, AI_PLATFORM, settings.universe_domain.strip() or PUBLIC)
    try:
        HttpApi(io, base, Google()).call("GET", ASKED, headers={HEADER: value.reveal()})
    except Fault as fault:
        if fault.code == INVALID:
            return Liveness("dead", f"Google knows no such key, or it has ended ({fault.code})")
        if fault.code.startswith(OF_A_KEY):
            how = f"Google knows it as a key, and refused this call alone ({fault.code}): it may open other APIs"
            return Liveness("alive", how)
        raise
    return Liveness("alive", f"it opens {AI_PLATFORM}.{settings.universe_domain.strip() or PUBLIC}")


# -- an access token -----------------------------------------------------------------------------------------------


def _by_token(value: Secret, settings: GcpSettings, io: Io) -> Liveness:
    """Whether tokeninfo knows of a disabled account no document tells: an answer says that Google issued the token, and
    that its time has not passed.
    """
    base = checked(settings.token_url, "token_url").removesuffix("/token")
    base = base or f"https://oauth2.{settings.universe_domain.strip() or PUBLIC}"
    bearer = {"Authorization": f"Bearer {value.reveal()}"}
    try:
        body = HttpApi(io, base, Google()).call("POST", "/tokeninfo", headers=bearer, form={}, again=True).body
    except NoAnswer as none:
        lost = none.message.removesuffix(": it may have happened")
    except (Rejected, Unauthenticated) as refused:
        if refused.code == "invalid_token":
            return Liveness("dead", "Google's tokeninfo knows no such token, or its time has passed (invalid_token)")
        raise
    else:
        return _token_told(body if isinstance(body, dict) else {})
    raise Unavailable(lost)


def _token_told(body: Mapping[str, Any]) -> Liveness:
    owner = _account(str(body.get("email") or "")) or _by_unique_id(str(body.get("azp") or body.get("aud") or ""))
    scopes = tuple(each for each in str(body.get("scope") or "").split() if A_SCOPE.fullmatch(each))
    how = "Google's tokeninfo knows it; that its account is not disabled, this does not tell"
    return Liveness("alive", how, owner, _project(owner), scopes, _moment(body.get("exp")))


def _account(email: str) -> PrincipalRef | None:
    return canonical(email) if is_native(email) else None


def _by_unique_id(told: str) -> PrincipalRef | None:
    """Of a service account's token the client is its unique id."""
    return canonical(told) if UNIQUE_ID.fullmatch(told) else None


def _project(owner: PrincipalRef | None) -> str:
    return project_of(owner) if owner is not None else ""


def _moment(told: Any) -> datetime | None:
    """Seconds since 1970, as a text or a number."""
    try:
        return datetime.fromtimestamp(int(told), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
