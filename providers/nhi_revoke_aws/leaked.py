"""Long-term access keys in a text, each with its secret: a credentials file, a CSV of the console, JSON, a log.

AWS docs: reference_identifiers (AKIA…), id_credentials_access-keys (a secret has 40 characters). A session's key
(ASIA…) is left out: trying it proves nothing, since GetCallerIdentity succeeds under a deny.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

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
    for found, mine in paired(text, list(KEY.finditer(text))):
        if mine is not None:
            yield Secret(mine[0], field="SecretAccessKey", public={"AccessKeyId": found[0]})


def paired(text: str, ids: Sequence[re.Match[str]]) -> Iterator[tuple[re.Match[str], re.Match[str] | None]]:
    """Each id in its order with its secret, which belongs to one id alone; None where none stands near."""
    secrets, taken = secrets_in(text), set[int]()
    starts = [secret.start() for secret in secrets]
    for number, found in enumerate(ids):
        following = ids[number + 1].start() if number + 1 < len(ids) else len(text)
        preceding = ids[number - 1].end() if number else 0
        after = range(bisect_left(starts, found.end()), bisect_left(starts, min(following, found.end() + NEAR)))
        before = range(bisect_left(starts, max(preceding, found.start() - NEAR)), bisect_left(starts, found.start()))
        mine = next((n for n in (*after, *reversed(before)) if n not in taken), None)
        if mine is not None:
            taken.add(mine)
        yield found, None if mine is None else secrets[mine]
