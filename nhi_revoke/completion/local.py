"""What completion finds on this machine: identities, runs, their accesses, providers. Files are read, nothing else.

Nothing heavy is imported: `json` and `re` would double what an answer costs, `importlib.metadata` quadruple it. So the
first line of a journal, which holds its plan, is searched as text; what looks odd is left out.
"""

from __future__ import annotations

import os
import sys

MOST_BYTES = 1 << 20
"""Of a journal's first line: 88 steps on 150 accesses take 0.2 MB."""
HEAD_BYTES = 4096
"""In which the name of the identity stands."""
MOST_RUNS = 50
"""Journals whose head is read for those of one identity."""
TRUSTS = ("trust", "grant")
KEYS = ("key", "secret", "certificate", "password", "token")

Offer = tuple[str, str]
"""What may be typed, and what it is; the latter may be empty."""


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
    try:
        names = os.listdir(_runs())
    except OSError:
        return []
    return sorted((name.removesuffix(".jsonl") for name in names if name.endswith(".jsonl")), reverse=True)


def run_of(word: str) -> str:
    """The newest run that the word means: an id, the beginning of one, `@last`, or an identity. Empty: none."""
    known = run_ids()
    if word == "@last":
        return known[0] if known else ""
    begun = [run for run in known if run.startswith(word)]
    return begun[0] if word and begun else newest_of([word])


def newest_of(identities: list[str]) -> str:
    """The newest run of one of these identities; principals may be named, too. Empty: none."""
    marks = [f'"identity":{{"name":"{name}"' for name in identities if name and '"' not in name]
    for run in run_ids()[:MOST_RUNS]:
        head = _first_line(run, HEAD_BYTES)
        if any(mark in head for mark in marks):
            return run
    return ""


def accesses(run: str, families: tuple[str, ...] = (), *, ended: bool = False) -> list[Offer]:
    """Accesses of the run's plan, of these families or all; `ended`: only those that a step of it ends."""
    line = _first_line(run, MOST_BYTES) if run else ""
    named = {each for part in line.split('"ends":[')[1:] for each in part.partition("]")[0].split('"')[1::2]}
    found: list[Offer] = []
    for part in line.split('{"found":"access",')[1:]:
        access = part.partition('"before":')[0]
        name, family, label = (_text(access, key) for key in ("id", "family", "label"))
        if name and (not families or family in families) and (not ended or name in named):
            found.append((name, label))
    return list(dict.fromkeys(found))


def provider_names() -> list[str]:
    """Names in `entry_points.txt` of what is installed; `NHI_REVOKE_PROVIDERS` limits them."""
    only = [name.strip() for name in os.environ.get("NHI_REVOKE_PROVIDERS", "").split(",") if name.strip()]
    found: list[str] = []
    for folder in sys.path:
        try:
            installed = [name for name in os.listdir(folder or ".") if name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue
        for name in installed:
            found += _entries(f"{folder or '.'}/{name}/entry_points.txt")
    return [name for name in sorted(set(found)) if not only or name in only]


def _entries(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(MOST_BYTES)
    except OSError:
        return []
    ours = text.partition("[nhi_revoke.providers]")[2].partition("\n[")[0]
    return [line.partition("=")[0].strip() for line in ours.splitlines() if "=" in line]


def _text(access: str, key: str) -> str:
    """A text of an access; empty where it holds what only a parser should read, or a terminal should not show."""
    value = access.partition(f'"{key}":"')[2].partition('"')[0]
    return value if "\\" not in value and value.isprintable() else ""


def _first_line(run: str, most: int) -> str:
    try:
        with open(f"{_runs()}/{run}.jsonl", "rb") as file:
            return file.readline(most).decode(errors="replace")
    except OSError:
        return ""


def _runs() -> str:
    return f"{os.environ.get('NHI_REVOKE_STATE') or _xdg('XDG_STATE_HOME', '.local/state')}/runs"


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
