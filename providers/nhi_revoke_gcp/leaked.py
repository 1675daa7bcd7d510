"""Keys of service accounts in a text, each with its private half: a key file, a log, a JSON document that holds one;
and key strings of API keys.

Pure. The file is what Google writes once (facts gcp.md 4): `private_key_id`, `client_email`, `private_key`, and more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from nhi_revoke.provider.secret import Secret

KEY_ID = re.compile(r'"private_key_id"\s*:\s*"(?P<id>[0-9a-f]{40})"')
FIELD = "private_key"
NEAR = 4000
"""Characters between the beginning of a key file and the id in it."""
NEEDED = ("private_key_id", "client_email", FIELD)
API_KEY = re.compile(r"(?<![A-Za-z0-9_.-])(?:AIza[A-Za-z0-9_-]{35}|AQ\.[A-Za-z0-9_-]{50})(?![A-Za-z0-9_-])")
"""`AIza…` is Google's own example (Google Cloud docs: docs/authentication/api-keys); `AQ.…` are the bound keys that are
made since 2026, as Google's staff say in its forum of developers: their length is that of those seen in public.
"""
KEY_STRING = "keyString"


def leaked_keys(text: str) -> Iterator[Secret]:
    """Each key once."""
    told: set[str] = set()
    for found in KEY_ID.finditer(text):
        info = _around(text, found.start(), found["id"])
        if info and found["id"] not in told:
            told.add(found["id"])
            public = {name: str(value) for name, value in info.items() if name != FIELD}
            yield Secret(str(info[FIELD]), field=FIELD, public=public)


def leaked_api_keys(text: str) -> Iterator[Secret]:
    """Each key string once. Whether it is bound to an account no shape tells."""
    for value in dict.fromkeys(API_KEY.findall(text)):
        yield Secret(value, field=KEY_STRING)


def _around(text: str, place: int, key_id: str) -> dict[str, Any]:
    """The innermost object that begins before that place and is this key's file; empty where there is none."""
    start = place
    while (start := text.rfind("{", max(0, place - NEAR), start)) >= 0:
        try:
            info, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(info, dict) and all(isinstance(info.get(name), str) for name in NEEDED):
            return info if info["private_key_id"] == key_id else {}
    return {}
