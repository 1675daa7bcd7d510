"""Whether a configuration holds what tells a credential: for `Provider.consumers`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nhi_revoke.model.consumer import Mark

BEFORE, AFTER = r"(?<![A-Za-z0-9_.@+-])", r"(?![A-Za-z0-9_@-]|\.[A-Za-z0-9])"
"""What must not stand beside it: `bot@example.com` is in neither `a-bot@example.com` nor `bot@example.com.au`."""


def marks_in(text: str, marks: Iterable[Mark]) -> Sequence[Mark]:
    """Every mark that stands in the text as a whole word, whatever its case."""
    folded = text.casefold()  # the pattern alone took twenty times as long, of 2,000 Secrets
    may = (mark for mark in marks if mark.text and mark.text.casefold() in folded)
    return [m for m in may if re.search(BEFORE + re.escape(m.text) + AFTER, text, re.IGNORECASE)]


def called_like(text: str, name: str) -> bool:
    """Whether something is called like the identity: its name as whole words in it, `-`, `_`, `.`, `/` and blanks taken
    for one another. A name of fewer than four letters tells nothing."""
    words = [word for word in re.split(r"[-_./\s]+", name.lower()) if word]
    if len("".join(words)) < 4:
        return False
    found = [word for word in re.split(r"[-_./\s]+", text.lower()) if word]
    return any(found[at : at + len(words)] == words for at in range(len(found) - len(words) + 1))
