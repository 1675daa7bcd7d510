"""Which way the operator signs in: what the settings name, else the Okta SDK's variables.

Okta SDK docs: OKTA_CLIENT_TOKEN, OKTA_CLIENT_AUTHORIZATIONMODE (SSWS, PrivateKey), OKTA_CLIENT_CLIENTID,
OKTA_CLIENT_PRIVATEKEY (PEM, JWK or a path), OKTA_CLIENT_KID, OKTA_CLIENT_SCOPES.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.http import Authorize
from nhi_revoke_okta.login import ApiToken, ServiceApp
from nhi_revoke_okta.private_key import SigningKey, looks_like_key, read_key
from nhi_revoke_okta.settings import OktaSettings

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.vendor_clock import VendorClock

NO_KEY = "private_key_file in [okta] of nhi.toml, or OKTA_CLIENT_PRIVATEKEY: PEM or JWK, RSA or EC, not encrypted."


def sign_in(
    settings: OktaSettings, environ: Mapping[str, str], io: Io, url: str, clock: VendorClock, scopes: tuple[str, ...]
) -> Authorize:
    """By what the settings name, else by the Okta SDK's variables. Reads a file at most. Raises Unauthenticated.

    A service app goes before an API token where the settings name both.
    """
    if not _by_app(settings, environ):
        return ApiToken(_api_token(settings, environ))
    client_id = (settings.client_id or environ.get("OKTA_CLIENT_CLIENTID", "")).strip()
    if not client_id:
        raise Unauthenticated(
            "the service app's client id is not named: nothing of Okta was looked at",
            hint="client_id in [okta] of nhi.toml, or OKTA_CLIENT_CLIENTID.",
        )
    key = _private_key(settings, environ)
    key_id = settings.key_id or environ.get("OKTA_CLIENT_KID", "").strip() or key.key_id
    told = environ.get("OKTA_CLIENT_SCOPES", "").replace(",", " ").split()
    return ServiceApp(io, url, client_id, key, key_id, settings, clock, settings.scopes or tuple(told) or scopes)


def _by_app(settings: OktaSettings, environ: Mapping[str, str]) -> bool:
    if settings.client_id or settings.private_key_file:
        return True
    if settings.token_file:
        return False
    mode = environ.get("OKTA_CLIENT_AUTHORIZATIONMODE", "").strip().lower()
    if mode not in ("", "ssws", "privatekey"):
        raise Unauthenticated(
            "OKTA_CLIENT_AUTHORIZATIONMODE is neither SSWS nor PrivateKey: nothing of Okta was looked at",
            hint="Sign in with an API token, or as a service app with its private key.",
        )
    keyed = bool(environ.get("OKTA_CLIENT_PRIVATEKEY", "").strip()) and not environ.get("OKTA_CLIENT_TOKEN", "").strip()
    return mode == "privatekey" or (not mode and keyed)


def _api_token(settings: OktaSettings, environ: Mapping[str, str]) -> str:
    named = settings.token_file
    token = (
        _read(named, "token_file in [okta] of nhi.toml") if named else environ.get("OKTA_CLIENT_TOKEN", "")
    ).strip()
    if not token:
        raise Unauthenticated(
            "the operator has no Okta credentials: nothing of Okta was looked at",
            hint="OKTA_CLIENT_TOKEN, or token_file, or client_id and private_key_file, in [okta] of nhi.toml.",
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Unauthenticated(
            "the Okta API token holds characters that no token has: nothing of Okta was looked at",
            hint="The token alone, without quotes, in token_file or OKTA_CLIENT_TOKEN.",
        )
    return token


def _private_key(settings: OktaSettings, environ: Mapping[str, str]) -> SigningKey:
    text = environ.get("OKTA_CLIENT_PRIVATEKEY", "").strip()
    if settings.private_key_file:
        text = _read(settings.private_key_file, "private_key_file in [okta] of nhi.toml")
    elif text and not looks_like_key(text):
        text = _read(text, "OKTA_CLIENT_PRIVATEKEY")
    if not text.strip():
        raise Unauthenticated("the service app's private key is not named: nothing of Okta was looked at", hint=NO_KEY)
    key = read_key(text)
    if key is None:
        raise Unauthenticated(
            "the service app's private key cannot be read: nothing of Okta was looked at", hint=NO_KEY
        )
    return key


def _read(path: str, named_by: str) -> str:
    """The text of a file. What should be its path is never shown: it may be the secret itself."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, ValueError, RuntimeError) as error:
        why = type(error).__name__
    raise Unauthenticated(
        f"the file that {named_by} names cannot be read ({why}): nothing of Okta was looked at",
        hint="Check that it is the path of a file that you may read.",
    )
