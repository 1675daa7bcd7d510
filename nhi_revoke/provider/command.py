"""A program of the operator's own: without a shell, and for as long as its caller waits."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


@contextlib.contextmanager
def started(
    argv: Sequence[str],
    *,
    out: int | IO[bytes],
    errors: int | IO[bytes],
    given: int | None = None,
    cwd: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Killed at the end, with its children, unless it has ended: whoever leaves is not held up.

    In a session of its own: our Ctrl-C is not its Ctrl-C. `argv`: never a secret. `out`, `errors`: as subprocess takes
    them. `given`: the descriptor that it reads as its stdin; None: there is nothing to read. Raises OSError where it
    does not start.
    """
    import subprocess  # with tempfile and shutil 30 ms, which only who starts a program has to pay

    command = subprocess.Popen(  # noqa: S603 - the operator's own program, without a shell
        argv,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL if given is None else given,
        stdout=out,
        stderr=errors,
        start_new_session=True,
    )
    try:
        yield command
    finally:
        if command.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGKILL)
        for pipe in (command.stdout, command.stderr):
            if pipe is not None:
                pipe.close()
        command.wait()
