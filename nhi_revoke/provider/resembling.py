"""Whether what a principal is called resembles a name: for `Provider.alike`. Pure.

The words that names of accounts have besides are ours: a list of what is usual, nothing that a vendor documents. So
what differs by one of them is told with it, and is never taken for the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nhi_revoke.model.alike import Field, Resemblance, Rule

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
ENVIRONMENTS = frozenset(
    {
        "prod", "production", "prd", "live", "stage", "staging", "stg", "preprod", "test", "testing", "tst", "qa",
        "uat", "dev", "development", "sandbox", "demo", "nonprod",
    }
)  # fmt: skip
SORTS = frozenset(
    {
        "svc", "service", "srv", "sa", "acct", "account", "app", "application", "bot", "robot", "machine", "user",
        "usr", "role", "client", "integration", "sp", "spn", "mi", "id", "identity", "nhi",
    }
)  # fmt: skip
"""What sort of account it is."""
SHORTEST = 4
"""Letters: what fewer of them resemble is chance."""
OWNING = frozenset({"owner", "owners", "ownedby", "team", "ownerteam", "contact"})
NAMING = frozenset(
    {"name", "app", "application", "service", "workload", "component", "identity", "bot", "nhi", "principal"}
)
"""Keys of tags that say who owns it, and of those that say what it is."""


def words_of(text: str) -> tuple[str, ...]:
    """`PaymentsBot`, `payments_bot` and `Payments Bot` are two words, in small letters; of an address, its local
    part."""
    local, at, domain = text.partition("@")
    return tuple(word.lower() for word in WORD.findall(local if at and "." in domain else text))


def rule_of(name: str, text: str) -> tuple[Rule, tuple[str, ...]] | None:
    """How the text resembles the name, and which words only one of them has; None where it does not."""
    if not name or not text:
        return None
    if name == text:
        return "exact", ()
    wanted, there = words_of(name), words_of(text)
    plain = "".join(wanted)
    if plain and plain == "".join(there):
        return "same", ()
    if len(plain) < SHORTEST:
        return None
    kernel = _kernel(wanted)
    if len("".join(kernel)) >= SHORTEST and "".join(kernel) == "".join(_kernel(there)):
        return "affix", tuple(sorted({*wanted} ^ {*there}))
    if any(there[at : at + len(wanted)] == wanted for at in range(len(there) - len(wanted) + 1)):
        return "contains", ()
    return None


def resemblance(name: str, text: str, where: str, evidence: str, field: Field = "name") -> tuple[Resemblance, ...]:
    """Of one text; empty where it does not. What a description says is told only where the name stands in it."""
    found = rule_of(name, text)
    if found is None or (field == "text" and found[0] == "affix"):
        return ()
    rule, differs = found
    shown = name if field == "text" else text  # a description may hold anything, a password too
    return (Resemblance(rule, field, where, shown, differs, bool({*differs} & ENVIRONMENTS), evidence),)


def resembling_tags(name: str, tags: Iterable[tuple[str, str]], evidence: str) -> tuple[Resemblance, ...]:
    """Of tags whose key says that they tell what it is."""
    told = ((key, value) for key, value in tags if key_of(key) in NAMING)
    return tuple(each for key, value in told for each in resemblance(name, value, f"tag {key}", evidence, "tag"))


def owner_in(tags: Iterable[tuple[str, str]]) -> str:
    """Of the tags; the first one in their order."""
    return next((value.strip() for key, value in tags if key_of(key) in OWNING and value.strip()), "")


def key_of(text: str) -> str:
    """`Owner-Team`, `owner_team` and `ownerTeam` are one; `company:owner` is `owner`."""
    return "".join(words_of(text.rpartition(":")[2]))


def _kernel(words: Sequence[str]) -> tuple[str, ...]:
    """Without such words at either end."""
    besides, start, end = ENVIRONMENTS | SORTS, 0, len(words)
    while start < end and words[start] in besides:
        start += 1
    while end > start and words[end - 1] in besides:
        end -= 1
    return tuple(words[start:end])
