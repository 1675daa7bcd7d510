"""One command line from its words to its exit code. Every way out ends here."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.output import problem_blocks, write_problems, write_result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.cli.words import command_word, moved_behind, output_word
from nhi_revoke.model.error import Trouble
from nhi_revoke.render.clean import clean

if TYPE_CHECKING:
    from nhi_revoke.cli.result import Result

BUG = "this is a bug"


def run_process(arguments: Sequence[str]) -> int:
    """The command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    streams = Streams(sys.stdin, sys.stdout, sys.stderr, os.environ)
    session = Session(streams, tuple(arguments), Path.cwd(), own_process=True)
    try:
        code = run(session)
    except BrokenPipeError:  # while an error was being told; there is nobody left to tell
        return quiet_pipe(ExitCode.FAILED)
    if session.interrupted:
        leave_at_once(code)
    return code


def run(session: Session) -> int:
    """Carry out `session.arguments`; returns the exit code and raises nothing but BrokenPipeError."""
    session.command = command_word(session.arguments)
    session.output = output_word(session.arguments, session.streams.environ)
    session.debug = "--debug" in session.arguments
    try:
        result = _invoke(session)
        if isinstance(result, int):
            return result
        return _finish(session, result)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return _interrupted(session)
    except Trouble as trouble:
        parts = (Problem(each.code, each.message, each.hint) for each in trouble.parts)
        return _tell(session, trouble.exit_code, Problem(trouble.code, trouble.message, trouble.hint), *parts)
    except OSError as error:
        return _tell(session, _unexpected_code(session), _os_problem(session, error))
    except Exception as error:  # noqa: BLE001 - the outermost frame: told as a bug, with the traceback under --debug
        return _other(session, error)


def leave_at_once(code: int) -> None:
    """After Ctrl-C: Python would wait for threads that wait for a vendor (19 s were measured). The journal is whole."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def quiet_pipe(code: int) -> int:
    """The reader went away: keep the interpreter from complaining when it flushes at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    return int(code)


def _invoke(session: Session) -> Result | int:
    """What the command returned; an int where Typer itself answered (help, version)."""
    import typer

    from nhi_revoke.cli.group import root

    try:
        answer = root().main(
            args=moved_behind(session.arguments), prog_name="nhi-revoke", standalone_mode=False, obj=session
        )
    except SystemExit:  # Typer, when the reader of its help went away
        return quiet_pipe(ExitCode.DONE)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        if error.exit_code != ExitCode.USAGE:
            raise
        from nhi_revoke.model.error import Usage

        typed = getattr(getattr(error, "ctx", None), "command_path", None) or f"nhi-revoke {session.command}".rstrip()
        raise Usage("usage", error.format_message().rstrip("."), f"{typed} --help") from error
    if answer == ExitCode.INTERRUPTED and isinstance(answer, int):
        raise KeyboardInterrupt
    return 0 if answer is None else answer


def _finish(session: Session, result: Result) -> int:
    code = result.exit_code
    try:
        write_result(session, result)
    except BrokenPipeError:
        return quiet_pipe(result.exit_code)
    except OSError as error:
        if session.out is None:
            raise
        lost = Problem("not-written", f"{session.out}: {error.strerror}. It is printed here instead.")
        session.streams.show(problem_blocks(lost), session.streams.err)
        session.out = None
        write_result(session, result)
    finally:
        if result.done is not None:
            code = result.done()
    return code


def _interrupted(session: Session) -> int:
    resume = f"nhi-revoke resume {session.run or '@last'}"
    if session.acting:
        problem = Problem("interrupted", "interrupted; the journal is whole, and what was done stays done.", resume)
    else:
        problem = Problem("interrupted", "interrupted; nothing was changed.")
    return _tell(session, ExitCode.INTERRUPTED, problem)


def _tell(session: Session, code: int, *problems: Problem) -> int:
    if session.debug:
        # What an exception says may be a vendor's text, and so an attacker's: no byte of it drives the terminal.
        lines = (clean(each) + "\n" for each in traceback.format_exc().splitlines())
        session.streams.err.writelines(lines)
    write_problems(session, int(code), problems)
    return int(code)


def _other(session: Session, error: Exception) -> int:
    from nhi_revoke.engine.clock import Interrupted

    if isinstance(error, Interrupted):
        return _interrupted(session)
    where = f" in run {session.run}" if session.run else ""
    changed = "Some changes may have been made." if session.acting else "Nothing was changed."
    message = f"{BUG}: {type(error).__name__}{where}. {changed}"
    hint = "Run it again with --debug and report what it prints; read it first, names of yours stand in it."
    if session.acting:
        hint = f"nhi-revoke resume {session.run or '@last'}; to report the bug, {hint[0].lower()}{hint[1:]}"
    return _tell(session, _unexpected_code(session), Problem("bug", message, hint))


def _os_problem(session: Session, error: OSError) -> Problem:
    place = f": {error.filename}" if error.filename else ""
    changed = "Some changes may have been made." if session.acting else "Nothing was changed."
    hint = f"Mend that, then nhi-revoke resume {session.run or '@last'}." if session.acting else ""
    return Problem("system", f"{error.strerror or type(error).__name__}{place}. {changed}", hint)


def _unexpected_code(session: Session) -> int:
    return int(ExitCode.PARTIAL if session.acting else ExitCode.FAILED)
