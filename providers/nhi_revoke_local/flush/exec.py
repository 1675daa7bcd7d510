"""`exec`: a command of the operator's own that makes something forget the old credential."""

from __future__ import annotations

import os
from typing import IO, ClassVar

from nhi_revoke.model.change import Change, Done, Failed, Impossible, Lost
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.command import started
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke_local.connection import LocalConnection
from nhi_revoke_local.program import SHOWN, ProgramSettings, ended, last_line, preflight, settings_of

_TAIL = 4096


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
            settings = settings_of(step.before)
        except Rejected as why:
            return Impossible(why.message, why.hint)
        return preflight(settings, instead=", and run the command by hand")

    def apply(self, conn: LocalConnection, step: Step, run: Run) -> Change:
        import subprocess  # with tempfile and shutil 30 ms, which only a flush has to pay
        import tempfile

        settings = settings_of(step.before)
        name = settings.name
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
            said = last_line(_tail(errors))[:SHOWN]
        return Failed(f"{name} {ended(code)}{f': {said}' if said else ''}")

    def seen(self, conn: LocalConnection, step: Step, run: Run) -> Json | None:
        """The exit code is all that can be known of a command; without it, it is run again."""
        left = run.left(step.id)
        return left if "exit" in left else None


def _run(settings: ProgramSettings, errors: IO[bytes]) -> int:
    """Raises TimeoutExpired, OSError."""
    import subprocess

    with started(settings.argv, out=subprocess.DEVNULL, errors=errors, cwd=settings.cwd) as command:
        return command.wait(settings.timeout)


def _tail(errors: IO[bytes]) -> bytes:
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - _TAIL))
    return errors.read()
