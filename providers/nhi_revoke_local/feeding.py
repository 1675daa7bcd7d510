"""A program that gets a secret on its stdin, and for whose children nobody waits.

The secret goes through a pipe: never into an argument, the environment or a file. What the program says goes through
another one, since it may hold the secret, too.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from io import FileIO

from msgspec import Struct

from nhi_revoke.provider.command import started
from nhi_revoke_local.program import ProgramSettings

_LOOK = 0.02
"""Seconds between two looks whether it has ended: a child that keeps the pipes open must not hold us up."""
_TAIL = 65536


class Fed(Struct, frozen=True):
    """How it ended, and whether it can have got what it was given."""

    code: int | None
    """As `Popen.returncode`; None: it did not end in time, and was killed with its children."""
    read: bool
    """False: not one byte was read, and none can be read any more."""
    said: bytes
    """The end of its stderr."""


def feed(settings: ProgramSettings, text: bytes, environ: Mapping[str, str]) -> Fed:
    """Runs it. `text`: what it may read, until the end of file. Raises OSError where it does not start."""
    import selectors
    import subprocess  # with tempfile and shutil 30 ms, which only who starts a program has to pay
    import time

    said, rest = b"", memoryview(text)
    with _pipe() as (given, giving), _pipe() as (hearing, saying):
        for ours in (giving, hearing):  # a pipe's end has one mode: `given` is the program's, too, and must block
            os.set_blocking(ours.fileno(), False)
        with (
            started(
                settings.argv,
                given=given.fileno(),
                out=subprocess.DEVNULL,
                errors=saying.fileno(),
                cwd=settings.cwd,
                environ=environ,
            ) as command,
            selectors.DefaultSelector() as ready,
        ):
            saying.close()
            ready.register(giving, selectors.EVENT_WRITE)
            ready.register(hearing, selectors.EVENT_READ)
            until = time.monotonic() + settings.timeout
            while (code := command.poll()) is None and (left := until - time.monotonic()) > 0:
                for key, _ in ready.select(min(left, _LOOK)):
                    if key.fileobj is giving:
                        rest = rest[giving.write(rest) or 0 :]
                        done = not rest
                    else:
                        heard = hearing.read(_TAIL)
                        said = (said + (heard or b""))[-_TAIL:]
                        done = heard == b""
                    if done:
                        ready.unregister(key.fileobj)
                    if done and key.fileobj is giving:
                        giving.close()
        giving.close()
        # We hold an end that the program read from: what is left there is taken away, also from a child of it.
        unread = len(given.readall()) + len(rest)
        said = (said + (hearing.read(_TAIL) or b""))[-_TAIL:]
    return Fed(code, unread < len(text), said)


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[FileIO, FileIO]]:
    reading, writing = os.pipe()
    with FileIO(reading, "rb") as out, FileIO(writing, "wb") as into:
        yield out, into
