"""`nhi-revoke __complete`: what may stand at the cursor. Local state only: no network, no provider, no Typer.

The shells' scripts call it for identities and runs; words and options they know themselves.
"""

from __future__ import annotations

import os
import sys

from nhi_revoke.completion.table import COMMANDS

_RUN_COMMANDS = ("resume", "hold", "verify", "release", "undo", "finish", "report")
_IDENTITY_COMMANDS = ("list", "audit", "plan", "revoke", "rotate")


def print_answers(words: list[str]) -> int:
    """`words`: the command line without the program, the last one being typed. One answer a line."""
    sys.stdout.write("".join(f"{each}\n" for each in answers(words)))
    return 0


def answers(words: list[str]) -> list[str]:
    """Those that begin with the last word."""
    *before, last = words or [""]
    typed = [word for word in before if not word.startswith("-")]
    if not typed:
        found = [each.name for each in COMMANDS]
    elif typed[0] in _RUN_COMMANDS:
        found = ["@last", *run_ids(), *identity_names()]
    elif typed[0] in _IDENTITY_COMMANDS or typed[:2] == ["identities", "check"]:
        found = identity_names()
    elif typed[:2] == ["runs", "export"]:
        found = ["@last", *run_ids()]
    else:
        found = []
    return [each for each in found if each.startswith(last)]


def identity_names() -> list[str]:
    """Names of `[identity.NAME]` tables, read line by line: a TOML parser costs more than the whole answer."""
    try:
        with open(_map_path(), encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
    except OSError:
        return []
    names = []
    for line in lines:
        head = line.strip()
        if head.startswith("[identity.") and "]" in head:
            name = head[len("[identity.") : head.index("]")].strip().strip("\"'")
            if name and name.isprintable() and " " not in name:
                names.append(name)
    return list(dict.fromkeys(names))


def run_ids() -> list[str]:
    """Ids of the journals on this machine, newest first as their names sort."""
    state = os.environ.get("NHI_REVOKE_STATE") or _xdg("XDG_STATE_HOME", ".local/state")
    try:
        names = os.listdir(f"{state}/runs")
    except OSError:
        return []
    return sorted((name.removesuffix(".jsonl") for name in names if name.endswith(".jsonl")), reverse=True)


def _map_path() -> str:
    """As `config/load.py` finds it, but for `--config`."""
    named = os.environ.get("NHI_REVOKE_CONFIG")
    if named:
        return named
    return "nhi.toml" if os.path.isfile("nhi.toml") else f"{_xdg('XDG_CONFIG_HOME', '.config')}/nhi.toml"


def _xdg(variable: str, below_home: str) -> str:
    given = os.environ.get(variable, "")
    base = given if given.startswith("/") else os.path.expanduser(f"~/{below_home}")
    return f"{base}/nhi-revoke"
