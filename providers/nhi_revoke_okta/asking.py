"""Who is asked about a leaked credential, and how Okta answers it; never by the operator's own credentials.

Only hosts of Okta's own are asked (`recognising.DOMAINS`), or the org that the settings name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

from nhi_revoke.provider.fault import NoAnswer, Unauthenticated, Unavailable
from nhi_revoke.provider.http import HttpApi, Refusal
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_okta.org import org_url
from nhi_revoke_okta.recognising import is_org
from nhi_revoke_okta.words import Okta

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.vendor_clock import VendorClock
    from nhi_revoke_okta.settings import OktaSettings

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

    def api(self, place: Place, clock: VendorClock | None = None) -> HttpApi:
        """Signed by nobody. `clock`: learns the org's."""
        return HttpApi(self.io, place.url, ToFound(), clock=clock)


def posted(
    place: Place, path: str, asks: Asks, *, clock: VendorClock | None = None, **how: Any
) -> dict[str, Any] | None:
    """The answer; None where the client is not let in. It changes nothing, and may be asked again."""
    try:
        body = asks.api(place, clock).call("POST", path, again=True, **how).body
    except Unauthenticated as fault:
        if fault.code == BAD_CLIENT:
            return None
        raise
    except NoAnswer as none:
        lost = none.message.removesuffix(": it may have happened")
    else:
        return body if isinstance(body, dict) else {}
    raise Unavailable(lost)
