"""The terminal of this process, whatever its streams are: for an answer, and for what must not be echoed."""

from __future__ import annotations

import os
import re
import select
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEVICE = "/dev/tty"
PAUSE = 0.2
"""Seconds without a character after which an empty line is the end: a paste may hold empty lines."""
WAKE = 0.5
"""Seconds after which a wait for keys is begun anew."""
PART = 65536
END = b"\x04"
ERASE = b"\x7f\x08"
BRACKETS = re.compile(rb"\x1b\[20[01]~")
"""What terminals put around a paste, where somebody asked them to."""


def open_terminal() -> TextIO | None:
    """For reading an answer from; None where this process has none."""
    try:
        return open(DEVICE, encoding="utf-8", errors="replace")
    except OSError:
        return None


def read_hidden(terminal: TextIO, most: int, ask: Callable[[], None]) -> str:
    """What is typed or pasted, shown nowhere: up to an empty line or Ctrl-D, and no more than `most` characters.

    `ask` is called once nothing is shown any more: whoever reads the question may paste at once.
    Not line by line: a terminal in its usual mode cuts a line at 4096 characters. What comes after the end is thrown
    away, so that no rest of a paste is typed into the shell. Raises KeyboardInterrupt, and OSError where the stream is
    no terminal.
    """
    import termios

    descriptor = terminal.fileno()
    try:
        before = termios.tcgetattr(descriptor)
    except termios.error as error:
        raise OSError(error.args[0] if error.args else 0, "no terminal") from None
    hidden = list(before)
    hidden[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON)
    hidden[6] = [*before[6]]
    hidden[6][termios.VMIN], hidden[6][termios.VTIME] = 1, 0
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, hidden)  # what was pasted early is kept
        ask()
        return _typed(descriptor, most)
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def _typed(descriptor: int, most: int) -> str:
    whole = b""
    while len(whole) <= most * 4:
        while not select.select([descriptor], [], [], WAKE)[0]:
            pass  # a Ctrl-C that came just before a read began would wait for the next key
        part = os.read(descriptor, PART)
        if not part:
            break
        whole = BRACKETS.sub(b"", whole + part)
        if END in part:
            whole = whole.partition(END)[0]
            break
        if _ends(whole) and not _more(descriptor):
            break
    return _without_erased(whole).decode("utf-8", "replace")[: most + 1]


def _ends(whole: bytes) -> bool:
    """An empty line, and something before it: Enter alone at the beginning is nobody's end."""
    return whole.endswith(b"\n\n") and bool(whole.strip())


def _more(descriptor: int) -> bool:
    ready: Sequence[int] = select.select([descriptor], [], [], PAUSE)[0]
    return bool(ready)


def _without_erased(whole: bytes) -> bytes:
    kept = bytearray()
    for byte in whole:
        if byte in ERASE:
            del kept[-1:]
        else:
            kept.append(byte)
    return bytes(kept)
