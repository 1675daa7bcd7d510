"""A program of the operator's own, as a map names it: what it is started with, whether it is there, how it ended."""

from __future__ import annotations

import os
import signal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from nhi_revoke.model.building import converted
from nhi_revoke.model.change import Impossible
from nhi_revoke.provider.fault import Rejected

SHOWN = 200
"""Characters of what a program said that are shown."""


class ProgramSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands beside `use = "exec"`, or in the address of the store `exec`."""

    argv: Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]
    """The program and its arguments, as they are: no shell reads them. Never a secret."""
    timeout: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    """Seconds."""
    cwd: str | None = None

    @property
    def name(self) -> str:
        """What it is called in a message."""
        return os.path.basename(self.argv[0])


def settings_of(given: Any) -> ProgramSettings:
    """Raises Rejected."""
    try:
        return converted(given, ProgramSettings)
    except msgspec.ValidationError as error:
        raise Rejected(
            f"exec: {error}", hint='Write argv = ["program", "argument"], timeout in seconds, cwd.'
        ) from None


def preflight(settings: ProgramSettings, *, instead: str) -> Impossible | None:
    """Whether it could be started; starts nothing. `instead`: what to do where it cannot."""
    cwd = settings.cwd or os.curdir
    if not os.path.isdir(cwd):
        return Impossible(f"exec: {cwd} is no folder", f"Correct cwd in the map{instead}.")
    if _found(settings.argv[0], cwd) is None:
        return Impossible(f"exec: there is no program {settings.argv[0]} here", f"Correct argv in the map{instead}.")
    return None


def _found(name: str, cwd: str) -> str | None:
    """A name with a slash counts from `cwd`, any other is looked up in PATH."""
    import shutil

    return shutil.which(os.path.join(cwd, name) if "/" in name else name)


def ended(code: int) -> str:
    """How, in words, by what `Popen.returncode` says."""
    return f"ended with exit code {code}" if code >= 0 else f"was ended by {_signal_name(-code)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def last_line(said: bytes) -> str:
    """Of what a program wrote to its stderr; nothing that a terminal would obey. It may be longer than is shown."""
    lines = said.decode(errors="replace").strip().splitlines()
    return "".join(c for c in lines[-1] if c.isprintable()) if lines else ""
