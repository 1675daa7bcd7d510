"""The operator's own credentials, as google-auth reads them, and whose they are.

Imported where a Google principal is in play, and nowhere else: google-auth alone takes as long as all of `--version`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google.auth
from google.auth import impersonated_credentials
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account
from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Unauthenticated, Unavailable
from nhi_revoke_gcp.naming import NOT_NAMED, OPERATOR, PROVIDER, canonical
from nhi_revoke_gcp.token_http import Looking, TokenHttp
from nhi_revoke_gcp.universe import IAM_CREDENTIALS, PUBLIC, checked, url_of
from nhi_revoke_gcp.words import SIGN_IN, WAYS
from nhi_revoke_gcp.workloads import pool_ref

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

    from nhi_revoke_gcp.settings import GcpSettings

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
AUDIENCE = re.compile(r"//[^/]+/(?P<pool>projects/[^/]+/locations/[^/]+/workloadIdentityPools/[^/]+)/providers/[^/]+")
"""Of credentials that come in by a pool (Google Cloud docs: workload-identity-federation)."""
NOT_ALL = frozenset({"", "default"})
"""What stands for the name of a machine's account until its metadata server was asked."""


class Operator(Struct, frozen=True):
    """Credentials that give tokens, and the universe that they are of."""

    credentials: Any
    universe: str

    def chain(self) -> tuple[PrincipalRef, ...]:
        """Whoever works, and whom it works through, as far as the credentials tell; canonical. A machine's account is
        known once they have been refreshed.
        """
        return tuple(dict.fromkeys(_chain(self.credentials)))


def operator_of(settings: GcpSettings, http: TokenHttp) -> Operator:
    """Reads a file at most, and the metadata server of a machine in Google Cloud. Raises Unauthenticated, and what a
    request raises.
    """
    source = _from_file(settings) if settings.credentials_file else _default(http)
    universe = settings.universe_domain.strip() or _universe_of(source)
    if not settings.impersonate:
        return Operator(source, universe)
    *through, last = settings.impersonate
    base = url_of(settings, IAM_CREDENTIALS, universe)
    became = impersonated_credentials.Credentials(
        source_credentials=source,
        target_principal=last,
        target_scopes=list(SCOPES),
        delegates=list(through),
        iam_endpoint_override=f"{base}/v1/projects/-/serviceAccounts/{last}:generateAccessToken",
    )
    return Operator(became, universe)


def _universe_of(source: Any) -> str:
    """Of a machine in Google Cloud its metadata server is asked. Raises Unavailable."""
    try:
        return str(getattr(source, "universe_domain", "") or PUBLIC)
    except GoogleAuthError as error:
        wrong = type(error).__name__
    raise Unavailable(f"the machine's metadata server does not tell its universe ({wrong}): nothing was looked at")


def from_key(info: dict[str, Any], settings: GcpSettings) -> Credentials:
    """Of a service account's key file. Raises Unauthenticated for what is none, and for a token endpoint that a key
    must not be used at.
    """
    told = checked(settings.token_url, "token_url") or checked(str(info.get("token_uri") or ""), "token_uri")
    try:
        made = service_account.Credentials.from_service_account_info({**info, "token_uri": told}, scopes=list(SCOPES))
    except (ValueError, GoogleAuthError) as error:
        wrong = type(error).__name__
    else:
        read: Credentials = made
        return read
    # Outside the handler: the library's exception may hold the key.
    raise Unauthenticated(f"this is no key file of a service account ({wrong}): nothing was looked at", hint=SIGN_IN)


def _from_file(settings: GcpSettings) -> Credentials:
    path = os.path.expanduser(settings.credentials_file)
    try:
        info = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise Unauthenticated(
            f"credentials_file of Google Cloud cannot be read ({type(error).__name__}): nothing was looked at",
            hint="credentials_file in [gcp] of nhi.toml names the key file of a service account.",
        ) from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise Unauthenticated(
            "credentials_file of Google Cloud is no key file of a service account: nothing was looked at",
            hint="For other sorts of credentials leave it out, and set GOOGLE_APPLICATION_CREDENTIALS.",
        )
    return from_key(info, settings)


def _default(http: TokenHttp) -> Credentials:
    try:
        found, _ = google.auth.default(scopes=list(SCOPES), request=Looking(http))
    except GoogleAuthError as error:
        wrong = type(error).__name__
    else:
        return found
    raise Unauthenticated(f"no credentials for Google Cloud were found ({wrong}): nothing was looked at", hint=WAYS)


def _chain(credentials: Any) -> list[PrincipalRef]:
    """google-auth has no public word for delegates and sources: they are read where they stand."""
    email = str(getattr(credentials, "service_account_email", None) or "")
    source = getattr(credentials, "_source_credentials", None)
    delegates = [canonical(str(each)) for each in getattr(credentials, "_delegates", None) or ()]
    if email not in NOT_ALL:
        mine = canonical(email)
    else:
        mine = PrincipalRef(PROVIDER, OPERATOR, str(getattr(credentials, "account", None) or "") or NOT_NAMED)
    through = AUDIENCE.fullmatch(str(getattr(credentials, "_audience", None) or ""))
    pool = [pool_ref(through["pool"])] if through else []
    return [mine, *reversed(delegates), *pool, *(_chain(source) if source is not None else ())]
