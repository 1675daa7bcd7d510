"""Every AWS credential in a text, by its shape: access keys with or without their secret, keys of sessions with their
token, API keys of Bedrock, requests that somebody signed in advance. Offline and pure.

AWS docs: reference_identifiers (AKIA…, ASIA…); SigV4 sigv4-query-string-auth (X-Amz-…); bedrock api-keys (a short-term
key is a request signed in advance). What an ABSK… key holds, and which account a key id encodes, AWS does not document.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from nhi_revoke.model.found import Leak
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.leaked import NEAR, paired
from nhi_revoke_aws.naming import PROVIDER, account_in_key_id, canonical

ACCESS_KEY, SESSION_KEY, SERVICE_KEY = "aws:access-key", "aws:session-key", "aws:service-credential"
SIGNED = "aws:signed-request"
KEY = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])")
TOKEN = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{100,4096}={0,2}(?![A-Za-z0-9/+=])")
"""Of a session. AWS gives no length: hundreds of characters of base64 are seen."""
LONG_TERM = re.compile(r"(?<![A-Za-z0-9/+])ABSK(?P<body>[A-Za-z0-9/+]{40,400}={0,2})(?![A-Za-z0-9/+=])")
ALIAS = re.compile(rb"(?P<user>[\w+=,.@-]{1,64}?)(?P<more>\+\d+)?-at-(?P<account>\d{12}):\S{16,}")
"""What is inside a long-term key of Bedrock: the user, its account, the secret."""
SHORT_TERM = re.compile(r"(?<![A-Za-z0-9/+_-])bedrock-api-key-(?P<body>[A-Za-z0-9/+]{100,8192}={0,2})")
SIGNATURE = re.compile(r"X-Amz-Signature=[0-9a-f]{64}(?![0-9a-f])")
LONGEST = 8192
"""Characters of a request before its signature, and after it."""
BREAK = re.compile(r"[\s\"'<>`]")
SIGNER = re.compile(
    r"(?P<key>(?:AKIA|ASIA)[A-Z2-7]{16})/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request"
)
EXAMPLE = "EXAMPLE"
"""AWS's own documentation ends every id so."""


class SessionSecret(Secret):
    """A session's secret key with its token, which is as secret."""

    __slots__ = ("token",)

    def __init__(self, value: str, token: str, public: dict[str, str]) -> None:
        super().__init__(value, field="SecretAccessKey", public=public)
        self.token = token

    def fields(self) -> dict[str, str]:
        return {**super().fields(), "SessionToken": self.token}


class SignedRequest(Secret):
    """A request that anybody can send until it ends."""

    __slots__ = ("ends",)

    def __init__(self, value: str, ends: datetime | None, public: dict[str, str]) -> None:
        super().__init__(value, field="Request", public=public)
        self.ends = ends
        """By its own date; None where that cannot be read."""


def recognised(text: str) -> Iterator[Recognised]:
    """A key id inside a request that is signed in advance is that request's, and none by itself."""
    whole = [*_signed(text), *_bedrock(text)]
    yield from whole
    spans = [(each.start, each.end) for each in whole]
    ids = [m for m in KEY.finditer(text) if not _inside(m.start(), spans) and not m[0].endswith(EXAMPLE)]
    yield from _keys(text, ids)


def _inside(at: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= at < end for start, end in spans)


# -- access keys and sessions --------------------------------------------------------------------------------------


def _keys(text: str, ids: Sequence[re.Match[str]]) -> Iterator[Recognised]:
    """A session's with its token, too."""
    for number, (found, mine) in enumerate(paired(text, ids)):
        low = max(ids[number - 1].end() if number else 0, found.start() - NEAR)
        high = ids[number + 1].start() if number + 1 < len(ids) else len(text)
        token = _token(text, found, mine, low, high) if found[0].startswith("ASIA") else None
        yield _key(found, mine, token)


def _token(text: str, key: re.Match[str], secret: re.Match[str] | None, low: int, high: int) -> re.Match[str] | None:
    if secret is None:
        return None
    first, last = min(key.start(), secret.start()), max(key.end(), secret.end())
    after = TOKEN.search(text, last, min(high, last + NEAR + 4096))
    return after if after is not None else TOKEN.search(text, low, first)


def _key(key: re.Match[str], secret: re.Match[str] | None, token: re.Match[str] | None) -> Recognised:
    key_id = key[0]
    public = {"AccessKeyId": key_id}
    session = key_id.startswith("ASIA")
    value: Secret | None = None
    if secret is not None and not session:
        value = Secret(secret[0], field="SecretAccessKey", public=public)
    elif secret is not None and token is not None:
        value = SessionSecret(secret[0], token[0], public)
    parts = [m for m in (key, secret, token) if m is not None]
    start, end = min(m.start() for m in parts), max(m.end() for m in parts)
    note = f"{'key of a session' if session else 'access key'} {key_id}{_in_account(key_id)}"
    if session and secret is not None and token is None:
        note += ", without its session token"
    leak = Leak(SESSION_KEY if session else ACCESS_KEY, key_id, PrincipalRef(PROVIDER, "", key_id), note)
    return Recognised(leak, value, start, end)


def _in_account(key_id: str) -> str:
    account = account_in_key_id(key_id)
    return f" of account {account}, as its id encodes" if account else ""


# -- Bedrock -------------------------------------------------------------------------------------------------------


def _bedrock(text: str) -> Iterator[Recognised]:
    for found in LONG_TERM.finditer(text):
        inside = ALIAS.fullmatch(_decoded(found["body"]))
        if inside:
            user, account = inside["user"].decode(), inside["account"].decode()
            alias = f"{user}{(inside['more'] or b'').decode()}-at-{account}"
            note = f"long-term API key of Bedrock {alias}, as it encodes"
            leak = Leak(SERVICE_KEY, alias, canonical(f"arn:aws:iam::{account}:user/{user}"), note)
            yield Recognised(leak, Secret(found[0], field="ServiceCredentialSecret"), found.start(), found.end())
    for found in SHORT_TERM.finditer(text):
        request = _decoded(found["body"]).decode("ascii", "replace")
        if "Action=CallWithBearerToken" in request and (told := _request(request)):
            key_id, ends, _ = told
            value = SignedRequest(found[0], ends, {"AccessKeyId": key_id})
            note = f"short-term API key of Bedrock, signed with {key_id}{_in_account(key_id)}"
            leak = Leak(SIGNED, key_id, PrincipalRef(PROVIDER, "", key_id), note)
            yield Recognised(leak, value, found.start(), found.end())


def _decoded(body: str) -> bytes:
    """Empty where it is no base64."""
    try:
        return b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (ValueError, binascii.Error):
        return b""


# -- requests signed in advance ------------------------------------------------------------------------------------


def _signed(text: str) -> Iterator[Recognised]:
    for found in SIGNATURE.finditer(text):
        before, after = text[max(found.start() - LONGEST, 0) : found.start()], text[found.end() : found.end() + LONGEST]
        start = found.start() - len(BREAK.split(before)[-1])
        end = found.end() + len(BREAK.split(after, maxsplit=1)[0])
        if told := _request(text[start:end]):
            key_id, ends, service = told
            note = f"request to {service} signed in advance with {key_id}{_in_account(key_id)}"
            value = SignedRequest(text[start:end], ends, {"AccessKeyId": key_id})
            leak = Leak(SIGNED, key_id, PrincipalRef(PROVIDER, "", key_id), note)
            yield Recognised(leak, value, start, end)


def _request(url: str) -> tuple[str, datetime | None, str] | None:
    """Who signed it, when it ends and for which service; None where it is no such request."""
    query = parse_qs(url.partition("?")[2].replace("&amp;", "&"))
    signer = SIGNER.fullmatch(query.get("X-Amz-Credential", [""])[0])
    if signer is None or signer["key"].endswith(EXAMPLE) or "X-Amz-Signature" not in query:
        return None
    try:
        at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        ends = at + timedelta(seconds=int(query["X-Amz-Expires"][0]))
    except (KeyError, ValueError, OverflowError):
        return signer["key"], None, signer["service"]
    return signer["key"], ends, signer["service"]
