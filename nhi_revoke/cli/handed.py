"""What `triage` is handed: standard input, a file, or a paste that nobody sees. Never the command line itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nhi_revoke.model.error import Usage

if TYPE_CHECKING:
    from nhi_revoke.cli.session import Session

MOST = 64 * 1024 * 1024
"""Characters: a scanner's report of a large organisation; not a whole disk."""
ASKS = "Paste what leaked: it is not shown. An empty line or Ctrl-D ends it.\n"
NO_ARGUMENT = (
    "triage takes no credential on the command line, where other users of this machine can see it, and where the "
    "shell keeps it. What was typed is not repeated here; take it for seen. Nothing was looked at."
)
HOW = "Pipe it in, name a file with --file, or start  nhi-revoke triage  and paste it."


@dataclass(frozen=True)
class Handed:
    """A text, and how a command would name it again."""

    text: str = field(repr=False)
    file: str
    """After `--leaked-from`."""
    from_stdin: bool


def handed(session: Session, file: str | None) -> Handed:
    """Raises Usage; no message holds anything of what was read, nor the name that was given for a file."""
    if file is not None and file != "-":
        found = Handed(_file(session, file), file, False)
    elif file is None and session.streams.stdin.isatty():
        found = Handed(_pasted(session), "FILE", False)
    else:
        found = Handed(_stdin(session), "FILE", True)
    if len(found.text) > MOST:
        raise Usage("triage-size", "what was handed over is longer than 64 MiB: nothing of it was used.")
    if not found.text.strip():
        raise Usage("nothing-handed-over", "nothing was handed over: there is nothing to triage.", HOW)
    return found


def _stdin(session: Session) -> str:
    if session.streams.stdin.isatty():
        raise Usage(
            "triage-terminal",
            "--file - reads standard input, and that is a terminal, which shows what is typed. Nothing was looked at.",
            HOW,
        )
    return session.streams.stdin.read(MOST + 1)


def _pasted(session: Session) -> str:
    if session.no_input:
        raise Usage("nothing-handed-over", "nothing was handed over, and --no-input forbids to ask for it.", HOW)
    err = session.streams.err

    def ask() -> None:
        err.write(ASKS)
        err.flush()

    try:
        return session.read_hidden(session.streams.stdin, MOST, ask)
    except (OSError, ValueError):
        raise Usage(
            "triage-terminal", "this terminal cannot be kept from showing what is typed. Nothing was looked at.", HOW
        ) from None


def _file(session: Session, place: str) -> str:
    try:
        with (session.cwd / place).open(encoding="utf-8", errors="replace") as file:
            return file.read(MOST + 1)
    except (OSError, ValueError) as wrong:
        why = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else "no path of a file"
    raise Usage(
        "triage-file",
        f"the file of --file cannot be read: {why}. Nothing was looked at.",
        f"It takes the path of a file (or - for standard input), never the credential itself. {HOW}",
    )
