"""`exec`: a command of the operator's own that makes something forget the old credential."""

from __future__ import annotations

import os
import signal
from typing import IO, Annotated, ClassVar

import msgspec
from msgspec import Meta, Struct

from nhi_revoke.model.change import Change, Done, Failed, Impossible, Lost
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.command import started
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke_local.connection import LocalConnection

_TAIL = 4096
_SHOWN = 200


class ExecSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands beside `use = "exec"` in the map."""

    argv: Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]
    """The program and its arguments, as they are: no shell reads them. Never a secret."""
    timeout: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    """Seconds."""
    cwd: str | None = None


class Exec(Doer[LocalConnection]):
    """Exit code 0 is done, any other failed; no answer in time is lost."""

    name: ClassVar[str] = "exec"
    phase: ClassVar[Phase] = Phase.FLUSH
    permissions: ClassVar[tuple[str, ...]] = ("run the command",)
    says: ClassVar[str] = "runs a command, without a shell and without any secret"
    reversible: ClassVar[bool] = False
    again: ClassVar[bool] = True

    def check(self, conn: LocalConnection, step: Step) -> Impossible | None:
        try:
            settings = _settings(step)
        except Rejected as why:
            return Impossible(why.message, why.hint)
        cwd = settings.cwd or os.curdir
        if not os.path.isdir(cwd):
            return Impossible(f"exec: {cwd} is no folder", "Correct cwd in the map, and run the command by hand.")
        if _program(settings.argv[0], cwd) is None:
            return Impossible(
                f"exec: there is no program {settings.argv[0]} here",
                "Correct argv in the map, and run the command by hand.",
            )
        return None

    def apply(self, conn: LocalConnection, step: Step, run: Run) -> Change:
        import subprocess  # with tempfile and shutil 30 ms, which only a flush has to pay
        import tempfile

        settings = _settings(step)
        name = os.path.basename(settings.argv[0])
        # A file instead of a pipe: a child that outlives the command cannot hold us up, nor fill the memory.
        with tempfile.TemporaryFile() as errors:
            try:
                code = _run(settings, errors)
            except subprocess.TimeoutExpired:
                return Lost(f"{name} did not end in {settings.timeout:g} s and was killed; it may have done its work")
            except OSError as error:
                return Failed(f"{name} did not start: {error.strerror}")
            if code == 0:
                return Done({"exit": 0}, conn.now())
            said = _last_line(errors)
        ended = f"ended with exit code {code}" if code > 0 else f"was ended by {_signal_name(-code)}"
        return Failed(f"{name} {ended}{f': {said}' if said else ''}")

    def seen(self, conn: LocalConnection, step: Step, run: Run) -> Json | None:
        """The exit code is all that can be known of a command; without it, it is run again."""
        left = run.left(step.id)
        return left if "exit" in left else None


def _settings(step: Step) -> ExecSettings:
    try:
        return msgspec.convert(step.before, ExecSettings)
    except msgspec.ValidationError as error:
        raise Rejected(
            f"exec: {error}", hint='Write argv = ["program", "argument"], timeout in seconds, cwd.'
        ) from None


def _program(name: str, cwd: str) -> str | None:
    """A name with a slash counts from `cwd`, any other is looked up in PATH."""
    import shutil

    return shutil.which(os.path.join(cwd, name) if "/" in name else name)


def _run(settings: ExecSettings, errors: IO[bytes]) -> int:
    """Raises TimeoutExpired, OSError."""
    import subprocess

    with started(settings.argv, out=subprocess.DEVNULL, errors=errors, cwd=settings.cwd) as command:
        return command.wait(settings.timeout)


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - _TAIL))
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return "".join(c for c in lines[-1] if c.isprintable())[:_SHOWN] if lines else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
