"""The one JSON shape of every command, errors included."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from nhi_revoke.cli.exit_code import Status, status_of

SCHEMA_VERSION = 1


class Problem(Struct, frozen=True):
    """What went wrong: a stable code for scripts, a sentence, and what to do next."""

    code: str
    message: str
    hint: str = ""


class Envelope(Struct, frozen=True):
    """Additive changes only; a removed or renamed field raises `schema_version`."""

    schema_version: int
    command: str
    status: Status
    exit_code: int
    data: Any
    errors: tuple[Problem, ...]


def envelope(command: str, exit_code: int, data: Any, errors: tuple[Problem, ...] = ()) -> Envelope:
    """The envelope of one command that ended with this exit code."""
    return Envelope(SCHEMA_VERSION, command, status_of(exit_code), exit_code, data, errors)
