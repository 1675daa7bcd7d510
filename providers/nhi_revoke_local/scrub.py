"""Whether a line of somebody else's holds a secret, or enough of one: plain, or in an encoding that programs use."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_ENOUGH = 8
"""So many characters in a row of a secret are a part of it and no chance; of a shorter one, all of it."""


def holds(line: str, secret: str) -> bool:
    """Letters of either case count as the same: what is encoded is often written in the other."""
    told = line.lower()
    if not told:
        return False
    parts = {told[n : n + _ENOUGH] for n in range(len(told) - _ENOUGH + 1)}
    for form in _forms(secret):
        each = form.lower()
        if len(each) <= _ENOUGH:
            found = bool(each) and each in told
        else:
            found = any(each[n : n + _ENOUGH] in parts for n in range(len(each) - _ENOUGH + 1))
        if found:
            return True
    return False


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(json.dumps(secret))[1:-1]
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    raw = secret.encode()
    yield raw.hex()
    yield secret[::-1]
    # Wherever it stands in what was encoded: three places, and the characters at its ends depend on what is beside it.
    for shift in range(3):
        for encoded in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encoded(b"\0" * shift + raw).decode().rstrip("=")
            yield whole[4 if shift else 0 : -2 if len(whole) > _ENOUGH else None]
