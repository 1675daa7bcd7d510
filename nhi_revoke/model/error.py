"""What can go wrong, as the engine and the command line tell it.

    Trouble                 has a code, a message and a hint; never a secret
    ├── Usage               2   the words of the command are off
    ├── NotFound            3   no such identity or principal
    ├── Ambiguous           3   more than one
    ├── NothingCanStart     4   no credentials or permission anywhere
    ├── Refused             7   a guard, a lock, a tampered journal, a plan for another account
    ├── NothingChanged      1   failed before the first change
    ├── Partial             5   stopped midway by something that is no vendor's refusal (a full disk)
    └── Stopped             130 Ctrl-C; the journal is whole

The number is the exit code (design.md, "Output").
"""

from __future__ import annotations

from typing import ClassVar


class Trouble(Exception):
    """Base of every error that is told to a person."""

    exit_code: ClassVar[int] = 1
    parts: tuple[Trouble, ...] = ()
    """Several things that went wrong, where the message only counts them."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Usage(Trouble):
    exit_code = 2


class NotFound(Trouble):
    exit_code = 3


class Ambiguous(Trouble):
    exit_code = 3


class NothingCanStart(Trouble):
    exit_code = 4


class Refused(Trouble):
    exit_code = 7


class NothingChanged(Trouble):
    exit_code = 1


class Partial(Trouble):
    exit_code = 5


class Stopped(Trouble):
    exit_code = 130
