"""`runs`: the journals on this machine; `export` and `import` hand one to the next shift, byte for byte."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.data import Moved
from nhi_revoke.cli.group import application
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import Refused, Usage

if TYPE_CHECKING:
    from nhi_revoke.engine.service import RunSummary
    from nhi_revoke.engine.store import RunFolder
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("run", "identity", "verb", "state", "started", "headline", "exit_code", "may")

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[export RUN FILE | import FILE]", help="Hand a run to the next shift; without words, list them."
    ),
]


@app.command()
@spread
def runs(session: Session, words: Words = None) -> Result:
    """The journals on this machine, newest last.

    nhi-revoke runs; nhi-revoke runs export @last run.jsonl; nhi-revoke runs import run.jsonl
    """
    match words or []:
        case []:
            check_format(session, ("table", "json", "ndjson", "csv"))
            return _list(session)
        case ["export", run, file]:
            check_format(session, ("table", "json", "ndjson"))
            return _export(session, run, session.cwd / file)
        case ["import", file]:
            check_format(session, ("table", "json", "ndjson"))
            return _import(session, session.cwd / file)
    raise Usage(
        "usage",
        f"runs does not understand {' '.join(words or [])!r}. Nothing was done.",
        "nhi-revoke runs  |  nhi-revoke runs export RUN FILE  |  nhi-revoke runs import FILE",
    )


def _list(session: Session) -> Result:
    with session.engine() as engine:
        found = engine.runs()

    def screen() -> list[Block]:
        from nhi_revoke.render.records import runs_screen

        return runs_screen([_row(each) for each in found])

    return Result(found, screen, rows=Rows(COLUMNS, lambda: [_row(each) for each in found]))


def _row(run: RunSummary) -> dict[str, str]:
    from nhi_revoke.render.moment import moment

    code = "" if run.exit_code is None else str(run.exit_code)
    return {
        "run": run.run,
        "identity": run.identity,
        "verb": run.verb,
        "state": run.state,
        "started": moment(run.started),
        "headline": run.headline,
        "exit_code": code,
        "may": " ".join(run.verbs),
    }


def _export(session: Session, run: str, file: Path) -> Result:
    from nhi_revoke.engine.journal import split_torn, unseal
    from nhi_revoke.engine.store import RunFolder

    with session.engine() as engine:
        known = engine.run_id(run)
        stored = RunFolder(session.config.runs).read(known)
        kept, _ = split_torn(known, stored)
        lines, _ = unseal(known, kept)
        _write_new(file, stored)
        found = engine.handover(known)
    return _moved(Moved(known, str(file), hashlib.sha256(kept).hexdigest(), len(lines), found), "exported to")


def _import(session: Session, file: Path) -> Result:
    """A run that is new here, or one that was handed on from here and comes back longer."""
    from nhi_revoke.engine.chain import run_of
    from nhi_revoke.engine.journal import split_torn, unseal
    from nhi_revoke.engine.store import RunFolder, private_folder

    try:
        stored = file.read_bytes()
    except OSError as error:
        raise Usage("no-journal", f"{file}: {error.strerror}. Nothing was imported.") from None
    try:
        run = run_of(stored)
    except Usage as wrong:
        raise Usage(wrong.code, f"{file}: {wrong.message} Nothing was imported.") from None
    kept, _ = split_torn(run, stored)
    lines, _ = unseal(run, kept)
    folder = session.config.runs
    here, _ = split_torn(run, RunFolder(folder).read(run))
    target = folder / f"{run}.jsonl"
    if here:
        _append(RunFolder(folder), run, here, kept)
    else:
        private_folder(folder, create=True)
        _write_new(target, kept)
    with session.engine() as engine:
        found = engine.handover(run)
    return _moved(Moved(run, str(target), hashlib.sha256(kept).hexdigest(), len(lines), found), "imported into")


def _append(folder: RunFolder, run: str, here: bytes, kept: bytes) -> None:
    """What was done elsewhere since. Raises Refused where the copy here is not the beginning of the other one."""
    if kept == here or here.startswith(kept):
        why = "is on this machine already" + ("" if kept == here else ", and goes further here")
        raise Refused("run-exists", f"Run {run} {why}. Nothing was imported.", "nhi-revoke runs")
    if not kept.startswith(here):
        raise Refused(
            "run-exists",
            f"Run {run} is on this machine already, and was worked on here and elsewhere since: two such journals "
            "cannot be joined. Nothing was imported.",
            f"nhi-revoke report {run}  tells what was done here; --verify FILE whether the other one holds.",
        )
    try:
        for each in kept[len(here) :].splitlines(keepends=True):
            folder.append(run, each)
    finally:
        folder.close()


def _write_new(path: Path, content: bytes) -> None:
    """0600, never over an existing file, never through a link. Raises Usage."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise Usage("file-exists", f"{path} exists. Nothing was written.") from None
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _moved(moved: Moved, how: str) -> Result:
    said = f"run {moved.run} {how} {moved.path}: {moved.lines} lines, sha256 {moved.sha256}"

    def screen() -> list[Block]:
        from nhi_revoke.render.handover import handover_screen

        return handover_screen(said, moved.handover)

    return Result(moved, screen)
