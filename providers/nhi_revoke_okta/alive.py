"""Whether a leaked credential of Okta still works, by one call with it alone.

OpenAPI: getUser (`/users/me`: an API token, a token with `okta.…` scopes), userinfo (401 `invalid_token`, 403
`insufficient_scope`), introspect (a client proves itself as it is registered; a token that is none is answered with
`active: false`). RFC 7662. Facts okta-github.md 1.1, 1.3. A client proves itself with a token that nobody has: nothing
is minted and nothing revoked, and the System Log may show it.

Only hosts of Okta's own are asked (`recognising.DOMAINS`), or the org that the settings name.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import quote, urlsplit

from nhi_revoke.model.liveness import Liveness
from nhi_revoke.provider.fault import Denied, Fault, Missing, NoAnswer, Throttled, Unauthenticated, Unavailable
from nhi_revoke.provider.http import HttpApi, Refusal
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke.provider.unsigned_jwt import Jwt, read
from nhi_revoke_okta.login import ASSERTION, ASSERTION_LIVES
from nhi_revoke_okta.naming import USER, USER_ID, canonical
from nhi_revoke_okta.org import org_url
from nhi_revoke_okta.private_key import read_key
from nhi_revoke_okta.recognising import (
    ACCESS_TOKEN,
    API_TOKEN,
    CLIENT_KEY,
    CLIENT_SECRET,
    is_org,
    issuer_of,
    owner_of,
)
from nhi_revoke_okta.words import Okta

if TYPE_CHECKING:
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.recognised import Recognised
    from nhi_revoke.provider.secret import Secret
    from nhi_revoke_okta.settings import OktaSettings

ME = "/api/v1/users/me"
NOBODYS = "nobody-has-this-token"
INVALID = frozenset({"E0000011", "invalid_token"})
"""What says of a token that it is none: any other refusal says less."""
BAD_CLIENT = "invalid_client"
ERROR = re.compile(r'error="([a-z_]{1,40})"')


class ToFound(Okta):
    """As Okta answers a credential that somebody found: of userinfo the error stands in a header."""

    login: ClassVar[str] = ""

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        told = super().refusal(status, body, headers)
        said = ERROR.search(headers.get("www-authenticate", ""))
        return told if told.code or said is None else Refusal(said[1])


class Place(NamedTuple):
    """Where it is asked."""

    url: str
    named: bool
    """The credential's own text or issuer names that org: a refusal is its own."""
    org: str


class Asks(NamedTuple):
    """What is at hand for asking; nothing of the operator's credentials."""

    settings: OktaSettings
    io: Io
    environ: Mapping[str, str]

    def at(self, host: str) -> Place | None:
        """`host`: of the org that the text or the token names, or empty. None where nobody may be asked."""
        try:
            own = org_url(self.settings, self.environ)
        except Unauthenticated:
            own = ""
        if own and (is_loopback(own) or not host or urlsplit(own).hostname == host):
            return Place(own, bool(host), host or urlsplit(own).netloc)
        return Place(f"https://{host}", True, host) if is_org(host) else None

    def api(self, place: Place) -> HttpApi:
        """Signed by nobody."""
        return HttpApi(self.io, place.url, ToFound())


def alive(found: Recognised, settings: OktaSettings, io: Io, environ: Mapping[str, str]) -> Liveness:
    """Raises NoAnswer, Unavailable, Throttled."""
    if found.value is None:
        return Liveness("unknown", "only its public part stands in the text")
    try:
        return _TRIED[found.leak.kind](found.value, found.leak.owner, Asks(settings, io, environ))
    except (Throttled, Unavailable, NoAnswer):
        raise
    except Fault as fault:
        return Liveness("unknown", f"there was no clear answer: {fault.message}")


# -- an API token --------------------------------------------------------------------------------------------------


def _api_token(value: Secret, _owner: PrincipalRef | None, asks: Asks) -> Liveness:
    place = asks.at(value.public.get("org", ""))
    if place is None:
        return Liveness("unknown", "it cannot be tried: neither the text nor org_url in [okta] names an org of Okta's")
    return _me(place, {"Authorization": f"SSWS {value.reveal()}"}, asks)


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
    body = _posted(place, path, asks, form=form)
    if body is None:
        until = f" until {token.expires:%Y-%m-%d %H:%M:%S} UTC" if token.expires else ""
        return Liveness("unknown", f"only its client may ask about it, with its own secret or key: it may work{until}")
    state = body.get("active")
    if state is True:
        return Liveness("alive", f"its issuer says that it is active (POST {path})")
    if state is False:
        return Liveness("dead", f"its issuer says that it is not active (POST {path})")
    return Liveness("unknown", f"POST {path} gave no clear answer")


# -- a client's secret or key --------------------------------------------------------------------------------------


def _client_secret(value: Secret, owner: PrincipalRef | None, asks: Asks) -> Liveness:
    """By every method that a client with a secret may have: of another one a right secret is refused as a wrong one."""
    import base64

    client, secret = value.public["client_id"], value.reveal()
    pair = base64.b64encode(f"{quote(client, safe='')}:{quote(secret, safe='')}".encode()).decode()
    ways: tuple[Callable[[str], dict[str, Any]], ...] = (
        lambda _: {"headers": {"Authorization": f"Basic {pair}"}},
        lambda _: {"form": {"client_id": client, "client_secret": secret}},
        lambda url: {"form": _asserted(client, url, secret, "HS256", "", asks.io)},
    )
    return _proves_itself(value, owner, asks, ways)


def _client_key(value: Secret, owner: PrincipalRef | None, asks: Asks) -> Liveness:
    key = read_key(value.reveal())
    if key is None:
        return Liveness("unknown", "it is no RSA or EC key that can be signed with", owner)
    client, key_id = value.public["client_id"], key.key_id
    way = (lambda url: {"form": _asserted(client, url, key.key, key.algorithm, key_id, asks.io)},)
    return _proves_itself(value, owner, asks, way)


def _proves_itself(
    value: Secret, owner: PrincipalRef | None, asks: Asks, ways: tuple[Callable[[str], dict[str, Any]], ...]
) -> Liveness:
    """`ways`: what a request to this URL holds, the token that is asked about aside."""
    place = asks.at(value.public.get("org", ""))
    if place is None:
        why = "it cannot be tried: neither the text nor org_url in [okta] names an org of Okta's"
        return Liveness("unknown", why, owner)
    path = "/oauth2/v1/introspect"
    for way in ways:
        how = way(f"{place.url}{path}")
        how["form"] = {"token": NOBODYS, **how.get("form", {})}
        if _posted(place, path, asks, **how) is not None:
            said = f"{place.org} lets the client in with it (POST {path}, about a token that nobody has)"
            return Liveness("alive", said, owner, place.org)
    if place.named:
        said = f"{place.org} does not let the client in with it ({BAD_CLIENT}): it, or its app, is not active there"
        return Liveness("dead", said, owner, place.org)
    return Liveness("unknown", f"{place.org} does not let the client in: of which org it is, nothing tells", owner)


def _asserted(client: str, url: str, key: Any, algorithm: str, key_id: str, io: Io) -> dict[str, str]:
    """Okta docs: build-self-signed-jwt. `url`: of the endpoint that it is for."""
    import jwt

    now = int(io.now().timestamp())
    claims = {"iss": client, "sub": client, "aud": url, "exp": now + ASSERTION_LIVES, "jti": str(uuid.uuid4())}
    signed = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": key_id} if key_id else None)
    return {"client_assertion_type": ASSERTION, "client_assertion": signed}


def _posted(place: Place, path: str, asks: Asks, **how: Any) -> dict[str, Any] | None:
    """The answer; None where the client is not let in. It changes nothing, and may be asked again."""
    try:
        body = asks.api(place).call("POST", path, again=True, **how).body
    except Unauthenticated as fault:
        if fault.code == BAD_CLIENT:
            return None
        raise
    except NoAnswer as none:
        lost = none.message.removesuffix(": it may have happened")
    else:
        return body if isinstance(body, dict) else {}
    raise Unavailable(lost)


_TRIED: dict[str, Callable[..., Liveness]] = {
    API_TOKEN: _api_token, ACCESS_TOKEN: _access_token, CLIENT_SECRET: _client_secret, CLIENT_KEY: _client_key,
}  # fmt: skip
