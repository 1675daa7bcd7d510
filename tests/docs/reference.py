"""Writes docs/reference/ from the code: `python -m tests.docs.reference`. A test holds the files equal."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from nhi_revoke.cli.exit_code import TABLE
from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.completion.grammar import Command, commands
from nhi_revoke.completion.table import COMMANDS, SECTIONS, TOPIC_NAMES
from nhi_revoke.engine.states import MEANS, VERBS, RunState
from nhi_revoke.provider.registry import Registry
from nhi_revoke.render.docs import capability_tables
from nhi_revoke.render.document import markdown_table
from tests.docs.run import DOCS, ROOT

FOLDER = DOCS / "reference"
MADE = "<!-- Made by python -m tests.docs.reference; do not edit. -->"
COMMON = "  -o, --output "
"""The first of the options that every command has."""
BUNDLED = tuple(sorted(path.name.removeprefix("nhi_revoke_") for path in (ROOT / "providers").glob("nhi_revoke_*")))


def reference() -> dict[str, str]:
    """File name -> content, as the code has it now."""
    return {
        "commands.md": _page("Commands", _commands()),
        "topics.md": _page("Topics", _topics()),
        "exit-codes.md": _page("Exit codes, and states of a run", _codes()),
        "access-kinds.md": _page("Access kinds, stores and flushes", capability_tables(Registry(only=BUNDLED))),
    }


def _page(title: str, text: str) -> str:
    return f"{MADE}\n\n# {title}\n\n{text.strip()}\n"


def _commands() -> str:
    parts = ["`nhi-revoke COMMAND --help` prints the same. Options that every command takes stand at the end."]
    inner = {each.name: each.parts for each in commands()}
    for section in SECTIONS:
        parts.append(f"## {section}")
        for row in COMMANDS:
            if row.section == section:
                changes = "May change something at a vendor." if row.changes else "Changes nothing at a vendor."
                parts.append(f"### {row.name}\n\n{row.help} {changes}\n\n{_fenced(_own(said(row.name, '--help')))}")
                parts += [_part(each) for each in inner.get(row.name, ())]
    common = said(COMMANDS[0].name, "--help").partition(COMMON)
    parts.append(f"## Options of every command\n\n{_fenced(''.join(common[1:]))}")
    return "\n\n".join(parts)


def _part(part: Command) -> str:
    """A word of a command that is one itself."""
    return f"#### {part.name}\n\n{_fenced(_own(said(*part.name.split(), '--help')))}"


def _own(text: str) -> str:
    """Without the options that all have."""
    return text.partition(COMMON)[0].removesuffix("Options:\n")


def _topics() -> str:
    return "\n\n".join(f"## {name}\n\n{_fenced(said('help', name))}" for name in TOPIC_NAMES)


def _codes() -> str:
    codes = [(str(int(row.code)), row.status, row.meaning) for row in TABLE]
    states = [(state.value, MEANS[state], " ".join(VERBS[state])) for state in RunState]
    return "\n\n".join(
        [
            markdown_table(("exit", "status in the envelope", "meaning"), codes),
            "When several hold: 5, then 8, 9, 6. The status is told in the JSON envelope, with the same code.",
            "## States of a run",
            markdown_table(("state", "meaning", "you may"), states),
        ]
    )


def _fenced(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"


def said(*words: str) -> str:
    """What a command prints on a screen of 80 columns, without colour."""
    out = io.StringIO()
    environ = {"COLUMNS": "80", "NO_COLOR": "1", "NHI_REVOKE_PROVIDERS": ",".join(BUNDLED)}
    with mock.patch.dict(os.environ, environ), contextlib.redirect_stdout(out):
        code = run(Session(Streams(io.StringIO(), out, io.StringIO(), environ), words, Path.cwd()))
    if code:
        raise ValueError(f"nhi-revoke {' '.join(words)} ended with {code}")
    return out.getvalue()


def main(_arguments: Sequence[str]) -> int:
    """Rewrites the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in reference().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
