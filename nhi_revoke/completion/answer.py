"""`nhi-revoke __complete`: what may stand at the cursor. Local state only: no network, no provider, no Typer.

The shells' scripts call it for identities, runs, accesses and providers; words and options they know themselves.
"""

from __future__ import annotations

import sys

from nhi_revoke.completion.local import (
    KEYS,
    TRUSTS,
    Offer,
    accesses,
    identity_names,
    newest_of,
    provider_names,
    run_ids,
    run_of,
)
from nhi_revoke.completion.table import ASKING, COMMANDS

_RUN_COMMANDS = ("resume", "hold", "verify", "release", "undo", "finish", "report")
_IDENTITY_COMMANDS = ("list", "audit", "plan", "revoke", "rotate")
_CAMPAIGN_COMMANDS = ("status", "pause", "resume", "undo", "report")
_WORDS = {
    "runs": ("export", "import"),
    "identities": ("check",),
    "campaign": ("plan", "apply", *_CAMPAIGN_COMMANDS),
}


def print_answers(words: list[str]) -> int:
    """`words`: the command line without the program, the last one being typed. One answer a line: what may be typed,
    and behind a tab what it is, where that is known.
    """
    lines = (f"{word}\t{says}" if says else word for word, says in answers(words))
    sys.stdout.write("".join(f"{each}\n" for each in lines))
    return 0


def answers(words: list[str]) -> list[Offer]:
    """Those that begin with the last word."""
    *before, last = words or [""]
    if last.startswith("--") and "=" in last:
        option, _, last = last.partition("=")
        before.append(option)
    asking = before[-1] if before and before[-1] in ASKING else ""
    found = _values(asking, _typed(before[:-1])) if asking else _arguments(_typed(before))
    return [each for each in found if each[0].startswith(last)]


def _typed(words: list[str]) -> list[str]:
    """Without options, and without the values of those that ask here."""
    pairs = zip(["", *words], words, strict=False)
    return [word for before, word in pairs if not word.startswith("-") and before not in ASKING]


def _arguments(typed: list[str]) -> list[Offer]:
    if not typed:
        return _bare([each.name for each in COMMANDS])
    if typed[0] == "undo" and len(typed) > 1:
        there = typed[2:]
        return [each for each in accesses(run_of(typed[1]), ended=True) if each[0] not in there]
    if len(typed) == 1 and typed[0] in _WORDS:
        return _bare([*_WORDS[typed[0]]])
    if typed[0] == "campaign":
        return _bare(["@last"]) if len(typed) == 2 and typed[1] in _CAMPAIGN_COMMANDS else []
    if typed[0] in _RUN_COMMANDS:
        return _bare(["@last", *run_ids(), *identity_names()])
    if typed[0] in _IDENTITY_COMMANDS or typed[:2] == ["identities", "check"]:
        return _bare(identity_names())
    if typed[:2] == ["runs", "export"]:
        return _bare(["@last", *run_ids()])
    return _bare(provider_names()) if typed == ["permissions"] else []


def _values(option: str, typed: list[str]) -> list[Offer]:
    """Accesses that the newest run of what was named saw; of the newest of all, where nothing is named yet."""
    named = typed[1:]
    run = run_of(named[0] if named else "@last") if option == "--rearm" else newest_of(named) if named else ""
    if not named:
        run = run_of("@last")
    if option == "--rearm":
        return accesses(run, ended=True)
    if option == "--accept":
        return [(f"{name}=", says) for name, says in accesses(run)]
    if option == "--scope":
        return [*_bare(["all", "sessions", "keys"]), *accesses(run)]
    return accesses(run, KEYS if option == "--free-slot" else TRUSTS)


def _bare(words: list[str]) -> list[Offer]:
    return [(word, "") for word in words]
