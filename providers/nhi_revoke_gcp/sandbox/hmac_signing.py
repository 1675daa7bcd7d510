"""Signatures of Cloud Storage's XML interface by an HMAC key (Google Cloud docs: authentication/signatures).

Both sides sign alike: the intruder, and whoever checks it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

ALGORITHM, REGION, SERVICE, END = "GOOG4-HMAC-SHA256", "auto", "storage", "goog4_request"
SIGNED = "host;x-goog-date"
EMPTY = hashlib.sha256(b"").hexdigest()
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<key>[A-Z0-9]+)/[^,]+, SignedHeaders={SIGNED}, Signature=(?P<signature>[0-9a-f]+)"
)


def signed(access_id: str, secret: str, host: str, path: str, now: datetime) -> dict[str, str]:
    """Headers of a GET without a query."""
    date = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    scope = f"{date[:8]}/{REGION}/{SERVICE}/{END}"
    sign = signature(secret, host, path, date)
    said = f"{ALGORITHM} Credential={access_id}/{scope}, SignedHeaders={SIGNED}, Signature={sign}"
    return {"Authorization": said, "x-goog-date": date}


def signature(secret: str, host: str, path: str, date: str) -> str:
    """In hex."""
    request = "\n".join(("GET", path, "", f"host:{host}", f"x-goog-date:{date}", "", SIGNED, EMPTY))
    scope = f"{date[:8]}/{REGION}/{SERVICE}/{END}"
    text = "\n".join((ALGORITHM, date, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"GOOG4{secret}".encode()
    for part in (date[:8], REGION, SERVICE, END):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def key_in(headers: Mapping[str, str]) -> tuple[str, str]:
    """Access id and signature that a request bears; empty where it bears none."""
    found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    return (found["key"], found["signature"]) if found else ("", "")
