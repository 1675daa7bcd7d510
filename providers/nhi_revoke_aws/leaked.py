"""Long-term access keys in a text, each with its secret: a credentials file, a CSV of the console, JSON, a log.

AWS docs: reference_identifiers (AKIA…), id_credentials_access-keys (a secret has 40 characters). A session's key
(ASIA…) is left out: trying it proves nothing, since GetCallerIdentity succeeds under a deny.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nhi_revoke.provider.secret import Secret

KEY = re.compile(r"(?<![A-Z0-9])AKIA[A-Z2-7]{16}(?![A-Z0-9])")
SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
"""`=` may stand before it (NAME=secret), and never after: base64 of another length ends so."""
DIGEST = re.compile(r"[0-9a-f]{40}|[A-Za-z]{40}")
"""A commit's hash, or words that stand together: as long as a secret."""
NEAR = 400
"""Characters between an id and its secret."""


def secrets_in(text: str) -> list[re.Match[str]]:
    """What may be the secret of a key id beside it."""
    return [found for found in SECRET.finditer(text) if not DIGEST.fullmatch(found[0])]


def leaked_keys(text: str) -> Iterator[Secret]:
    """Each id with the secret that follows it, or, where none follows, with the one before it."""
    ids, secrets = list(KEY.finditer(text)), secrets_in(text)
    taken: set[int] = set()
    for number, found in enumerate(ids):
        following = ids[number + 1].start() if number + 1 < len(ids) else len(text)
        preceding = ids[number - 1].end() if number else 0
        after = (s for s in secrets if found.end() <= s.start() < min(following, found.end() + NEAR))
        before = (s for s in reversed(secrets) if max(preceding, found.start() - NEAR) <= s.start() < found.start())
        mine = next((s for s in (*after, *before) if s.start() not in taken), None)
        if mine is not None:
            taken.add(mine.start())
            yield Secret(mine[0], field="SecretAccessKey", public={"AccessKeyId": found[0]})
