"""Runs a page's commands in a shell, in an empty folder, against a world of sandboxes of its own.

`python -m tests.docs.run [PAGE…]` writes what they print now into the pages.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from nhi_revoke.demo.world import DemoWorld
from nhi_revoke.provider.registry import Registry
from tests.docs.page import BLOCK, SHOWN, Command, Page, read, shortened

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LONGEST = 300
"""Seconds that one command may take."""
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_DEMO = re.compile(r"\S*/nhi-revoke-docs-\w+")


class Ran(NamedTuple):
    command: Command
    printed: list[str]
    """What stands on a terminal of 100 columns; of a command without any output, what it says on stderr."""
    exit_code: int


def pages() -> list[Path]:
    """Every page with commands, in order."""
    return sorted(path for path in DOCS.rglob("*.md") if "```console" in path.read_text(encoding="utf-8"))


def run(page: Page) -> Iterator[Ran]:
    """Each command in order. Raises what a sandbox that does not start raises."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nhi-revoke-docs-")))
        environ = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "TERM": "xterm",
            "NHI_REVOKE_PAGER": "",
            "NHI_REVOKE_STATE": str(folder / "state"),
            **{name: value for name, value in os.environ.items() if name.startswith(("PYTHON", "COVERAGE"))},
        }
        if page.world:
            world = DemoWorld(Registry(only=page.world.split(",")), folder, NOON)
            stack.enter_context(world)
            environ |= {"NHI_REVOKE_CONFIG": str(world.config), "NHI_REVOKE_PROVIDERS": page.world}
        for block in page.blocks:
            for command in block:
                yield _ran(command, folder, environ)


def _ran(command: Command, folder: Path, environ: dict[str, str]) -> Ran:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        ["bash", "-c", command.text],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        os.close(follower)
        with ThreadPoolExecutor(1) as pool:
            shown = pool.submit(_read, leader)
            _, said = running.communicate(timeout=LONGEST)
            printed = shown.result() or said
    return Ran(command, _DEMO.sub("DEMO", printed).splitlines(), running.returncode)


def _read(leader: int) -> str:
    """Everything until the last program has closed its end, which Linux tells by an error."""
    parts = []
    try:
        while part := os.read(leader, 65536):
            parts.append(part)
    except OSError:
        pass
    finally:
        os.close(leader)
    return b"".join(parts).decode(errors="replace")


def rewritten(page: Page) -> str:
    """The page with what its commands print now."""
    ran = iter(run(page))

    def block(found: re.Match[str]) -> str:
        if found[3]:
            next(ran)
            return found[0]
        commands = next(b for b in blocks)
        lines = [f"```console {found[1]}" if found[1] else "```console"]
        most = int(found[1] or SHOWN)
        for _ in commands:
            done = next(ran)
            first, *more = done.command.text.split("\n")
            lines += [f"$ {first}", *(f"> {each}" for each in more), *shortened(done.printed, most)]
            lines += [f"# exit {done.exit_code}"] if done.exit_code else []
        return "\n".join([*lines, "```"])

    blocks = (each for each in page.blocks if not each[0].silent)
    return BLOCK.sub(block, page.text)


def main(arguments: Sequence[str]) -> int:
    """Rewrites these pages, or all."""
    for path in map(Path, arguments) if arguments else pages():
        path.write_text(rewritten(read(path)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
