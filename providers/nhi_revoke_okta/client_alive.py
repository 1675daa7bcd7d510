"""Whether a client's secret or private key still works: it proves itself, and asks about a token that nobody has.

OpenAPI: introspect (a client proves itself as it is registered; a token that is none is answered with `active: false`).
RFC 7662. Nothing is minted and nothing revoked; the System Log may show it.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nhi_revoke.model.liveness import Liveness
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_okta.asking import BAD_CLIENT, Asks, Place, posted
from nhi_revoke_okta.login import ASSERTION, ASSERTION_LIVES, SKEWED
from nhi_revoke_okta.private_key import read_key

if TYPE_CHECKING:
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.provider.secret import Secret

NOBODYS = "nobody-has-this-token"
PATH = "/oauth2/v1/introspect"
SIGNED = "client_assertion"
Way = Callable[[str, datetime], dict[str, Any]]
"""What a request to this URL at this time holds, the token that is asked about aside."""


def client_secret(value: Secret, owner: PrincipalRef | None, asks: Asks) -> Liveness:
    """By every method that a client with a secret may have: of another one a right secret is refused as a wrong one."""
    client, secret = value.public["client_id"], value.reveal()
    pair = base64.b64encode(f"{quote(client, safe='')}:{quote(secret, safe='')}".encode()).decode()
    ways: tuple[Way, ...] = (
        lambda _url, _now: {"headers": {"Authorization": f"Basic {pair}"}},
        lambda _url, _now: {"form": {"client_id": client, "client_secret": secret}},
        lambda url, now: {"form": _asserted(client, url, secret, "HS256", "", now)},
    )
    return _proves_itself(value, owner, asks, ways)


def client_key(value: Secret, owner: PrincipalRef | None, asks: Asks) -> Liveness:
    key = read_key(value.reveal())
    if key is None:
        return Liveness("unknown", "it is no RSA or EC key that can be signed with", owner)
    client, key_id = value.public["client_id"], key.key_id
    ways: tuple[Way, ...] = (lambda url, now: {"form": _asserted(client, url, key.key, key.algorithm, key_id, now)},)
    return _proves_itself(value, owner, asks, ways)


def _proves_itself(value: Secret, owner: PrincipalRef | None, asks: Asks, ways: tuple[Way, ...]) -> Liveness:
    place = asks.at(value.public.get("org", ""))
    if place is None:
        why = "it cannot be tried: neither the text nor org_url in [okta] names an org of Okta's"
        return Liveness("unknown", why, owner)
    clock = VendorClock(asks.io.now)
    for way in ways:
        if _let_in(place, asks, way, clock):
            said = f"{place.org} lets the client in with it (POST {PATH}, about a token that nobody has)"
            return Liveness("alive", said, owner, place.org)
    if place.named:
        said = f"{place.org} does not let the client in with it ({BAD_CLIENT}): it, or its app, is not active there"
        return Liveness("dead", said, owner, place.org)
    return Liveness("unknown", f"{place.org} does not let the client in: of which org it is, nothing tells", owner)


def _let_in(place: Place, asks: Asks, way: Way, clock: VendorClock) -> bool:
    """What was signed by a clock that turns out to be wrong is refused as a wrong key is: it is signed again, once.

    `clock`: the org's, as far as its answers told.
    """
    ahead = clock.ahead
    how = way(f"{place.url}{PATH}", clock.now())
    how["form"] = {"token": NOBODYS, **how.get("form", {})}
    if posted(place, PATH, asks, clock=clock, **how) is not None:
        return True
    if SIGNED not in how["form"] or abs(clock.ahead - ahead) <= SKEWED:
        return False
    how["form"] |= way(f"{place.url}{PATH}", clock.now())["form"]
    return posted(place, PATH, asks, clock=clock, **how) is not None


def _asserted(client: str, url: str, key: Any, algorithm: str, key_id: str, at: datetime) -> dict[str, str]:
    """Okta docs: build-self-signed-jwt. `url`: of the endpoint that it is for."""
    import jwt

    until = int(at.timestamp()) + ASSERTION_LIVES
    claims = {"iss": client, "sub": client, "aud": url, "exp": until, "jti": str(uuid.uuid4())}
    signed = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": key_id} if key_id else None)
    return {"client_assertion_type": ASSERTION, SIGNED: signed}
