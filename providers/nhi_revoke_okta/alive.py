"""Whether a leaked credential of Okta still works, by one call with it alone.

OpenAPI: getUser (`/users/me`: an API token, a token with `okta.…` scopes), userinfo (401 `invalid_token`, 403
`insufficient_scope`), introspect (a public client asks about its own tokens). Facts okta-github.md 1.1, 1.3. Secrets
and keys of clients: `client_alive`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nhi_revoke.model.liveness import Liveness
from nhi_revoke.provider.fault import Denied, Fault, Missing, NoAnswer, Throttled, Unauthenticated, Unavailable
from nhi_revoke.provider.unsigned_jwt import Jwt, read
from nhi_revoke_okta.asking import Asks, Place, posted
from nhi_revoke_okta.client_alive import client_key, client_secret
from nhi_revoke_okta.naming import USER, USER_ID, canonical
from nhi_revoke_okta.recognising import ACCESS_TOKEN, API_TOKEN, CLIENT_KEY, CLIENT_SECRET, issuer_of, owner_of

if TYPE_CHECKING:
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.recognised import Recognised
    from nhi_revoke.provider.secret import Secret
    from nhi_revoke_okta.settings import OktaSettings

ME = "/api/v1/users/me"
USED = "that was a use, and it ends thirty days after its last one"
"""Okta docs: create-an-api-token (facts okta-github.md 1.2)."""
INVALID = frozenset({"E0000011", "invalid_token"})
"""What says of a token that it is none: any other refusal says less."""


def alive(found: Recognised, settings: OktaSettings, io: Io, environ: Mapping[str, str]) -> Liveness:
    """Raises NoAnswer, Unavailable, Throttled."""
    if found.value is None:
        return Liveness("unknown", "only its public part stands in the text")
    try:
        tried = _TRIED.get(found.leak.kind)
        if tried is None:
            return Liveness("unknown", "no harmless call tells of this kind")
        return tried(found.value, found.leak.owner, Asks(settings, io, environ))
    except (Throttled, Unavailable, NoAnswer):
        raise
    except Fault as fault:
        return Liveness("unknown", f"there was no clear answer: {fault.message}")


# -- an API token --------------------------------------------------------------------------------------------------


def _api_token(value: Secret, _owner: PrincipalRef | None, asks: Asks) -> Liveness:
    place = asks.at(value.public.get("org", ""))
    if place is None:
        return Liveness("unknown", "it cannot be tried: neither the text nor org_url in [okta] names an org of Okta's")
    told = _me(place, {"Authorization": f"SSWS {value.reveal()}"}, asks)
    return told if told.state != "alive" else replace(told, how=f"{told.how}; {USED}")


def _me(place: Place, bearer: Mapping[str, str], asks: Asks) -> Liveness:
    try:
        body = asks.api(place).call("GET", ME, headers=bearer).body
    except Unauthenticated as fault:
        if fault.code in INVALID and place.named:
            return Liveness("dead", f"{place.org} does not take it (GET {ME}, {fault.code})", scope=place.org)
        if fault.code in INVALID:
            return Liveness(
                "unknown", f"{place.org} does not take it ({fault.code}): of which org it is, nothing tells"
            )
        raise
    except (Denied, Missing) as fault:
        how = f"{place.org} takes it, and shows it no user of its own (GET {ME}, {fault.code})"
        return Liveness("alive", how, scope=place.org)
    user = str(body.get("id") or "") if isinstance(body, dict) else ""
    owner = canonical(USER, user) if USER_ID.fullmatch(user) else None
    return Liveness("alive", f"{place.org} takes it (GET {ME}, 200)", owner, place.org)


# -- an access token -----------------------------------------------------------------------------------------------


def _access_token(value: Secret, _owner: PrincipalRef | None, asks: Asks) -> Liveness:
    token = read(value.reveal())
    if token is None:
        return Liveness("unknown", "it cannot be read")
    host, server = issuer_of(token)

    def told(said: Liveness) -> Liveness:
        owner = said.owner or owner_of(token)
        return Liveness(said.state, said.how, owner, host, token.texts("scp"), token.expires)

    if token.expires is not None and token.expires <= asks.io.now():
        return told(Liveness("dead", f"it says itself that it ended at {token.expires:%Y-%m-%d %H:%M:%S} UTC"))
    if isinstance(token.claims.get("cnf"), dict):
        return told(Liveness("unknown", "it is bound to a key (DPoP), without which it opens nothing: not tried"))
    place = asks.at(host)
    if place is None:
        return told(Liveness("unknown", f"{host} is no host of Okta's own, nor org_url in [okta]: it was not asked"))
    scopes, bearer = token.texts("scp"), {"Authorization": f"Bearer {token.value}"}
    base = f"/oauth2/{server}" if server else "/oauth2"
    if "openid" in scopes:
        return told(_userinfo(place, f"{base}/v1/userinfo", bearer, asks))
    if not server and any(scope.startswith("okta.") for scope in scopes):
        return told(_me(place, bearer, asks))
    return told(_introspected(place, f"{base}/v1/introspect", token, asks))


def _userinfo(place: Place, path: str, bearer: Mapping[str, str], asks: Asks) -> Liveness:
    try:
        asks.api(place).call("GET", path, headers=bearer)
    except Unauthenticated as fault:
        if fault.code in INVALID:
            return Liveness("dead", f"{place.org} does not take it (GET {path}, {fault.code})")
        raise
    except Denied as fault:
        return Liveness("alive", f"{place.org} takes it, and tells it nothing (GET {path}, {fault.code})")
    return Liveness("alive", f"{place.org} takes it (GET {path}, 200)")


def _introspected(place: Place, path: str, token: Jwt, asks: Asks) -> Liveness:
    """As a public client asks of its own tokens, which has no secret."""
    form = {"token": token.value, "token_type_hint": "access_token", "client_id": token.text("cid")}
    body = posted(place, path, asks, form=form)
    if body is None:
        until = f" until {token.expires:%Y-%m-%d %H:%M:%S} UTC" if token.expires else ""
        return Liveness("unknown", f"only its client may ask about it, with its own secret or key: it may work{until}")
    state = body.get("active")
    if state is True:
        return Liveness("alive", f"its issuer says that it is active (POST {path})")
    if state is False:
        return Liveness("dead", f"its issuer says that it is not active (POST {path})")
    return Liveness("unknown", f"POST {path} gave no clear answer")


_TRIED: dict[str, Callable[..., Liveness]] = {
    API_TOKEN: _api_token, ACCESS_TOKEN: _access_token, CLIENT_SECRET: client_secret, CLIENT_KEY: client_key,
}  # fmt: skip
