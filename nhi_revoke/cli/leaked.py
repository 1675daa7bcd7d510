"""`--leaked-from`: credentials that leaked, from a file or standard input, never from the command line itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.model.error import Usage

if TYPE_CHECKING:
    from nhi_revoke.cli.session import Session
    from nhi_revoke.engine.service import Engine

MOST = 4 * 1024 * 1024
"""Characters: a list of credentials, or a scanner's report; not a whole disk."""


@dataclass(frozen=True)
class LeakedOptions:
    """What the operator holds of what the intruder holds."""

    leaked_from: Annotated[
        str | None,
        typer.Option(
            "--leaked-from",
            metavar="FILE|-",
            help="Credentials that leaked, in a file or a scanner's report: tried, ended by value where they can be.",
        ),
    ] = None


def hold_leaked(session: Session, engine: Engine, options: LeakedOptions) -> None:
    """Reads them; the engine tells what was recognised. Raises Usage; no message holds anything of what was read."""
    if options.leaked_from is None:
        return
    from nhi_revoke.triage.reading import read

    text = _read(session, options.leaked_from)
    reading = read(text)
    engine.hold_leaked(text, () if reading.format == "text" else [piece.text for piece in reading.fragments])


def _read(session: Session, place: str) -> str:
    if place == "-":
        if session.streams.stdin.isatty():
            raise Usage(
                "leaked-terminal",
                "--leaked-from - reads standard input, and that is a terminal, which shows what is typed. "
                "Nothing was done.",
                "Pipe it in, or name a file.",
            )
        text = session.streams.stdin.read(MOST + 1)
    else:
        text = _file(session, place)
    if len(text) > MOST:
        raise Usage("leaked-size", "what --leaked-from names is longer than 4 MiB: nothing of it was used.")
    return text


def _file(session: Session, place: str) -> str:
    """The name is not told: whoever mistakes the option puts the credential itself there."""
    try:
        with (session.cwd / place).open(encoding="utf-8", errors="replace") as file:
            return file.read(MOST + 1)
    except (OSError, ValueError) as wrong:
        why = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else "no path of a file"
    raise Usage(
        "leaked-file",
        f"the file of --leaked-from cannot be read: {why}. Nothing was done.",
        "It takes the path of a file (or - for standard input), never the credential itself: what stands on a command "
        "line, other users of this machine can see.",
    )
