"""What is longer than the screen goes through a pager, on a terminal alone.

Only looks are paged (`Session.pages`). A plan that a person is asked about stands on stderr and is written straight:
it must still be on the screen when the question comes, and no pager may eat the answer. So is the report of a command
that acted: it ends by itself, as a script or a colleague who waits for its exit code expects.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

_ESCAPE = re.compile("\x1b\\[[0-9;]*m")


def pager_command(environ: Mapping[str, str]) -> list[str]:
    """`NHI_REVOKE_PAGER`, else `PAGER`, else `less -FRX` where it is installed. Empty: none wanted, or none there.

    Words as a shell splits them, but no shell runs.
    """
    for name in ("NHI_REVOKE_PAGER", "PAGER"):
        if name in environ:
            with contextlib.suppress(ValueError):  # a quote without its other half: no pager
                return shlex.split(environ[name])
            return []
    less = shutil.which("less", path=environ.get("PATH"))
    return [less, "-FRX"] if less else []


def page(
    lines: Iterator[str], out: TextIO, command: Sequence[str], environ: Mapping[str, str], *, width: int, height: int
) -> None:
    """Write the lines to `out`: through the command where they are more than `height`, straight otherwise.

    One that is not there, or cannot be started, is done without. One that is left early ends the output, quietly.
    """
    first: list[str] = []
    rows = 0
    for each in lines:
        first.append(f"{each}\n")
        rows += max(1, -(-len(_ESCAPE.sub("", each)) // width))
        if rows >= height:
            break
    running = _started(command, out, environ) if rows >= height else None
    if running is None or running.stdin is None:
        out.writelines(first)
        out.writelines(f"{each}\n" for each in lines)
        return
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        running.stdin.writelines(first)
        running.stdin.writelines(f"{each}\n" for each in lines)
    with contextlib.suppress(BrokenPipeError):
        running.stdin.close()
    while running.poll() is None:  # Ctrl-C is the pager's: it stops a search, and leaves it running
        with contextlib.suppress(KeyboardInterrupt):
            running.wait()


def _started(command: Sequence[str], out: TextIO, environ: Mapping[str, str]) -> subprocess.Popen[str] | None:
    if not command:
        return None
    out.flush()
    try:
        return subprocess.Popen(  # noqa: S603 - the user's own pager, by the user's own variable
            command,
            stdin=subprocess.PIPE,
            stdout=out.fileno(),
            env={"LESS": "FRX", **environ},
            encoding="utf-8",
            errors="backslashreplace",
        )
    except (OSError, ValueError):  # not there, not executable, or a stream that is no file
        return None
