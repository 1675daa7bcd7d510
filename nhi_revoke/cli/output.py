"""The one place where a result, or an error, is written."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nhi_revoke.cli.envelope import Envelope, Problem, envelope
from nhi_revoke.model.error import Usage
from nhi_revoke.render.block import Block, Span, line, next_line
from nhi_revoke.render.clean import json_text
from nhi_revoke.render.plain import plain_text

if TYPE_CHECKING:
    from nhi_revoke.cli.result import Result
    from nhi_revoke.cli.session import Session


DOCUMENTS = ("md", "html", "ocsf", "caep")
"""Formats that a result writes as a whole by itself."""


def write_result(session: Session, result: Result) -> None:
    """In the format asked for. Raises OSError where it cannot be written."""
    if session.output == "table" and result.text is None and session.out is None:
        session.streams.show(result.screen(), session.streams.out, paged=session.pages)
        return
    if session.output in result.parts:
        _deliver(session, result.parts[session.output](), result)
    else:
        _deliver(session, (_text(session, result),), result)


def result_line(session: Session, result: Result) -> str:
    """The last line of ndjson."""
    return _result_line(envelope(session.command, result.exit_code, result.data, result.problems))


def write_problems(session: Session, code: int, problems: Sequence[Problem]) -> None:
    """An error: the envelope on stdout for json and ndjson (never in `--out`), words on stderr otherwise."""
    whole = envelope(session.command, code, None, tuple(problems))
    if session.output in ("json", "ndjson"):
        session.streams.out.write(_json(whole) if session.output == "json" else _result_line(whole))
        session.streams.out.flush()
    else:
        session.streams.show([each for problem in problems for each in problem_blocks(problem)], session.streams.err)


def problem_blocks(problem: Problem) -> list[Block]:
    """An error in words: what happened, then what to do."""
    blocks: list[Block] = [line(Span("Error", "danger"), f" ({problem.code}): {problem.message}")]
    if problem.hint:
        blocks.append(next_line(problem.hint))
    return blocks


def check_format(session: Session, result_formats: Sequence[str]) -> None:
    """Raises Usage, before anything is done, where the command cannot be printed like that."""
    if session.output not in result_formats:
        raise Usage(
            "no-such-format",
            f"{session.command} has no output format {session.output!r}. Nothing was done.",
            f"Formats of this command: {', '.join(result_formats)}.",
        )
    if session.out is not None and not (session.cwd / session.out).parent.is_dir():
        raise Usage("no-such-folder", f"--out {session.out}: its folder does not exist. Nothing was done.")


def _text(session: Session, result: Result) -> str:
    whole = envelope(session.command, result.exit_code, result.data, result.problems)
    if session.output == "json":
        return _json(whole)
    if session.output == "ndjson":
        rows = result.rows.each() if result.rows is not None and not session.acting else ()
        lines = (json_text(_encode({"type": "row", **row})) + "\n" for row in rows)
        return "".join(lines) + _result_line(whole)
    if session.output == "csv" and result.rows is not None:
        from nhi_revoke.render.rows import csv_text

        return csv_text(result.rows.each(), result.rows.columns)
    if session.output in DOCUMENTS and result.document is not None:
        return result.document()
    if session.output in result.forms:
        return result.forms[session.output]()
    if result.text is not None:
        return result.text
    return plain_text(result.screen())


def _json(whole: Envelope) -> str:
    import msgspec

    return json_text(msgspec.json.format(_encode(whole), indent=2)) + "\n"


def _result_line(whole: Envelope) -> str:
    return json_text(_encode({"type": "result", "result": whole})) + "\n"


def _encode(value: object) -> str:
    import msgspec

    return msgspec.json.encode(value, enc_hook=str).decode()


def _deliver(session: Session, parts: Iterable[str], result: Result) -> None:
    if session.out is None:
        session.streams.out.writelines(parts)
        session.streams.out.flush()
        return
    path = session.cwd / session.out
    sha256 = write_parts(path, (part.encode() for part in parts))
    if session.verbosity >= 0:
        session.streams.show([line(f"written to {session.out}")], session.streams.err)
    if result.written is not None:
        result.written(path, sha256)


def write_private(path: Path, content: bytes) -> None:
    """As `write_parts` does, in one."""
    write_parts(path, (content,))


def write_parts(path: Path, parts: Iterable[bytes]) -> str:
    """Whole or not at all, readable by this user alone. A device or a pipe is simply written to. Returns the sha256."""
    hashed = hashlib.sha256()

    def write(out: BinaryIO) -> None:
        for part in parts:
            hashed.update(part)
            out.write(part)

    if path.exists() and not path.is_file():
        with path.open("wb") as there:
            write(there)
        return hashed.hexdigest()
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return hashed.hexdigest()
