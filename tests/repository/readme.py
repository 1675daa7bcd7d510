"""Writes the parts of README.md that come from the code: `python tests/repository/readme.py [--tour]`.

Everything between `<!-- NAME:begin -->` and `<!-- NAME:end -->` is replaced. `--tour` runs the demo, too, and takes
what it prints; without it the tour stays as it is.
"""

from __future__ import annotations

import codecs
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nhi_revoke.cli.exit_code import TABLE
from nhi_revoke.completion.table import COMMANDS
from nhi_revoke.engine.states import MEANS, VERBS, RunState
from nhi_revoke.provider.registry import Registry
from nhi_revoke.render.docs import capability_tables
from nhi_revoke.render.document import markdown_table

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BUNDLED = tuple(sorted(path.name.removeprefix("nhi_revoke_") for path in (ROOT / "providers").glob("nhi_revoke_*")))
SHOWN = 42
"""Lines of one command that the tour shows."""
WHOLE = ("The intruder tries every door again", "And once more")
"""What comes after these is what the tour is for."""
_SANDBOX_FOLDER = re.compile(r"\S*/nhi-revoke-demo-\w+")


def parts() -> dict[str, str]:
    """Name of a part -> its text, as the code has it now."""
    commands = [(f"`{row.name}`", row.help, "yes" if row.changes else "no") for row in COMMANDS]
    states = [(state.value, MEANS[state], " ".join(VERBS[state])) for state in RunState]
    codes = [(str(int(row.code)), row.status, row.meaning) for row in TABLE]
    return {
        "kinds": capability_tables(Registry(only=BUNDLED)),
        "commands": markdown_table(("command", "what it does", "changes anything?"), commands),
        "states": markdown_table(("state of a run", "meaning", "you may"), states),
        "exit-codes": markdown_table(("exit", "status", "meaning"), codes),
    }


def tour() -> str:
    """What `nhi-revoke demo` prints on a terminal 100 columns wide, its temporary folder left out.

    Raises CalledProcessError where the demo does not end as predicted.
    """
    environ = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "xterm"}
    command = [str(Path(sys.executable).with_name("nhi-revoke")), "demo"]
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdout=follower, stderr=subprocess.DEVNULL, env=environ) as running:
        os.close(follower)
        shown = "".join(_read(leader))
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)
    lines = [line.rstrip() for line in _SANDBOX_FOLDER.sub("DEMO", shown).splitlines()]
    return "\n".join(["```console", "$ nhi-revoke demo", *shortened(lines), "```"])


def shortened(lines: Sequence[str]) -> Iterator[str]:
    """Each command with the first lines that it prints: nobody reads a thousand. What is left out is counted."""
    starts = [number for number, line in enumerate(lines) if line.startswith(("$ ", *WHOLE))]
    for start, end in zip([0, *starts], [*starts, len(lines)], strict=True):
        whole = lines[start:end]
        if len(whole) <= SHOWN + 5 or whole[0].startswith(WHOLE):
            yield from whole
        else:
            yield from whole[:SHOWN]
            yield f"… {len(whole) - SHOWN - 1} more lines"
            yield ""


def _read(leader: int) -> Iterator[str]:
    """Everything until the program has closed its end, which Linux tells by an error."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            return
        if not part:
            return
        yield decoder.decode(part)


def replaced(text: str, made: Mapping[str, str]) -> str:
    """The text with each part put between its marks. Raises ValueError where the marks are missing."""
    for name, content in made.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"README.md needs exactly one pair of marks for {name!r}")
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"
    return text


def main(arguments: Sequence[str]) -> int:
    """Rewrite README.md."""
    made = parts()
    if "--tour" in arguments:
        made["tour"] = tour()
    README.write_text(replaced(README.read_text(encoding="utf-8"), made), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
