"""Credentials of Google Cloud in a text, by their shapes. Pure.

Key files and API keys: `leaked`. Google Cloud docs: storage/docs/authentication/hmackeys (an access id of a service
account has 61 characters, a secret 40 of base64). The forms of OAuth's (`ya29.…`, `1//0…`, `GOCSPX-` and 28
characters) are those that scanners of secrets look for: no document of Google's tells them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nhi_revoke.model.found import Leak
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.spotting import beside, digest, is_filler
from nhi_revoke_gcp.access.api_keys import KIND as API_KEY
from nhi_revoke_gcp.access.hmac_keys import KIND as HMAC_KEY
from nhi_revoke_gcp.leaked import API_KEY as API_KEY_FORM
from nhi_revoke_gcp.leaked import KEY_ID, KEY_STRING, leaked_keys
from nhi_revoke_gcp.naming import canonical, is_native
from nhi_revoke_gcp.stopping import KEY
from nhi_revoke_gcp.wrapped_keys import unescaped, wrapped_keys

ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_SECRET = "gcp:access-token", "gcp:refresh-token", "gcp:oauth-client-secret"
TOKEN = "token"  # noqa: S105 - the name of a field
_LEFT, _RIGHT = r"(?<![A-Za-z0-9_./+-])", r"(?![A-Za-z0-9_/+=-])"
BEARER = re.compile(rf"{_LEFT}ya29\.[A-Za-z0-9_.-]{{40,1500}}(?<!\.){_RIGHT}")
REFRESH = re.compile(rf"{_LEFT}1//0[A-Za-z0-9_-]{{40,200}}{_RIGHT}")
OAUTH_SECRET = re.compile(rf"{_LEFT}GOCSPX-[A-Za-z0-9_-]{{28}}{_RIGHT}")
OAUTH_CLIENT = re.compile(r"(?<![A-Za-z0-9_-])(?P<value>\d{6,21}-[a-z0-9]{32}\.apps\.googleusercontent\.com)")
HMAC_ID = re.compile(rf"{_LEFT}GOOG1E[A-Z2-7]{{55}}{_RIGHT}")
HMAC_SECRET = re.compile(
    r"(?i:secret)[A-Za-z_]{0,20}[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
)
"""Of 40 characters beside an access id: a word must say that it is the secret."""
PRIVATE = re.compile(r'"private_key"\s*:\s*"(?P<value>(?:[^"\\]|\\.)*)"')
NEAR = 400
"""Characters between two parts of one credential."""
FILE = 5000
"""The same within a key file: a private key has 1,700 characters and more."""
EXAMPLES = frozenset({"ac9265e56c79b234"})
"""Digests of what Google's own documents show as an example."""


def recognised(text: str) -> Iterator[Recognised]:
    """Each sighting."""
    yield from _keys(text)
    yield from _api_keys(text)
    for found in BEARER.finditer(text):
        if not is_filler(found[0].removeprefix("ya29.")):
            yield _plain(ACCESS_TOKEN, found, "an OAuth access token")
    for found in REFRESH.finditer(text):
        if not is_filler(found[0].removeprefix("1//0")):
            client = beside(text, *found.span(), OAUTH_CLIENT, NEAR)
            yield _plain(REFRESH_TOKEN, found, "an OAuth refresh token", client)
    for found in OAUTH_SECRET.finditer(text):
        if not is_filler(found[0].removeprefix("GOCSPX-")):
            client = beside(text, *found.span(), OAUTH_CLIENT, NEAR)
            yield _plain(CLIENT_SECRET, found, "the secret of an OAuth client", client)
    yield from _hmac_keys(text)


def leak_of_key(key: Secret) -> Leak:
    """Of a service account's key file, which anybody may have written."""
    key_id, email = key.public["private_key_id"], key.public["client_email"]
    owner = canonical(email) if is_native(email) else None
    return Leak(KEY, key_id, owner, f"key {key_id} of {email}" if owner else f"key {key_id}")


def leak_of_api_key(value: str) -> Leak:
    """No shape tells whose it is."""
    return Leak(API_KEY, digest(value), None, f"Google API key {digest(value)}")


def _keys(text: str) -> Iterator[Recognised]:
    for key in leaked_keys(text):
        leak = leak_of_key(key)
        places = [m.start() for m in KEY_ID.finditer(text) if m["id"] == leak.public_id]
        for start, end in dict.fromkeys(_private_part(text, key, place) for place in places):
            yield Recognised(leak, key, start, end)
    for key, start, end in wrapped_keys(text):
        yield Recognised(leak_of_key(key), key, start, end)


def _private_part(text: str, key: Secret, place: int) -> tuple[int, int]:
    """Where the private half stands, as JSON spells it, nearest to the id at `place`; where that is not seen, the whole
    text is masked.
    """
    near = PRIVATE.finditer(text, max(0, place - FILE), min(len(text), place + FILE))
    same = [found.span("value") for found in near if unescaped(found["value"]) == key.reveal()]
    return min(same, key=lambda span: abs(span[0] - place), default=(0, len(text)))


def _api_keys(text: str) -> Iterator[Recognised]:
    for found in API_KEY_FORM.finditer(text):
        value = found[0]
        drawn = value.removeprefix("AIza").removeprefix("AQ.")
        if not is_filler(drawn) and digest(value) not in EXAMPLES:
            yield Recognised(leak_of_api_key(value), Secret(value, field=KEY_STRING), *found.span())


def _plain(kind: str, found: re.Match[str], what: str, client: str = "") -> Recognised:
    """By its shape alone; `client`: the OAuth client's id that stands near it."""
    named = f"{what} of client {client}" if client else f"{what} by its shape"
    public = {"client_id": client} if client else {}
    public_id = client if client and kind == CLIENT_SECRET else digest(found[0])
    return Recognised(Leak(kind, public_id, None, named), Secret(found[0], field=TOKEN, public=public), *found.span())


def _hmac_keys(text: str) -> Iterator[Recognised]:
    for found in HMAC_ID.finditer(text):
        access_id = found[0]
        if is_filler(access_id.removeprefix("GOOG1E")):
            continue
        leak = Leak(HMAC_KEY, access_id, None, f"HMAC key {access_id} of a service account")
        near = HMAC_SECRET.finditer(text, max(0, found.start() - NEAR), min(len(text), found.end() + NEAR))
        secret = min(near, key=lambda m: abs(m.start("value") - found.start()), default=None)
        if secret is None or is_filler(secret["value"]):
            yield Recognised(leak, None, *found.span())
        else:
            value = Secret(secret["value"], field="secret", public={"accessId": access_id})
            yield Recognised(leak, value, *secret.span("value"))
