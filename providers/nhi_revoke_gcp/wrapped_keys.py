"""Key files that stand in a text in another spelling: in base64, as Google gives a new one (`privateKeyData`, facts
gcp.md 4) and as a state of Terraform keeps it; and as a text within a JSON document. Pure.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp.leaked import NEAR, leaked_keys

ENCODED = re.compile(r"(?<![A-Za-z0-9+/_-])(?:ewo|eyJ)[A-Za-z0-9+/]{800,8000}={0,2}(?![A-Za-z0-9+/=_.-])")
"""Of what begins with a brace."""
ESCAPED = re.compile(r'\\"private_key_id\\"\s*:\s*\\"[0-9a-f]{40}\\"')
LONGEST = 8000
"""Characters of a key file."""


def wrapped_keys(text: str) -> Iterator[tuple[Secret, int, int]]:
    """Each with the place of the whole file."""
    for found in ENCODED.finditer(text):
        yield from ((key, *found.span()) for key in leaked_keys(_decoded(found[0])))
    for found in ESCAPED.finditer(text):
        start = text.rfind("{", max(0, found.start() - NEAR), found.start())
        end = text.find("}", found.end(), found.end() + LONGEST) + 1
        if start >= 0 and end:
            yield from ((key, start, end) for key in leaked_keys(unescaped(text[start:end])))


def unescaped(spelled: str) -> str:
    """What a JSON text of this spelling is; empty for what is none."""
    try:
        told = json.loads(f'"{spelled}"')
    except (ValueError, RecursionError):
        return ""
    return str(told)


def _decoded(blob: str) -> str:
    try:
        return base64.b64decode(blob + "=" * (-len(blob) % 4)).decode()
    except ValueError:
        return ""
