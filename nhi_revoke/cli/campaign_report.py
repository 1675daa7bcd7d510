"""`campaign report`: the journals of all runs as one report, with a manifest of hashes. No vendor is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from nhi_revoke.cli.campaign_options import Campaign, DatabaseOptions
from nhi_revoke.cli.campaign_parts import journals, of_saved, open_database
from nhi_revoke.cli.engines import Engines
from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.output import check_format, result_line, write_parts
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread

if TYPE_CHECKING:
    from datetime import datetime

    from nhi_revoke.campaign.merged import Merged
    from nhi_revoke.campaign.merging import Merging
    from nhi_revoke.render.block import Block

FORMATS = ("table", "json", "ndjson", "csv", "html", "ocsf")
SUFFIX = {"table": "txt", "ocsf": "ocsf.ndjson"}


@spread
def report_campaign(session: Session, campaign: Campaign, where: DatabaseOptions) -> Result:
    """What became of every identity, from the journals of all runs: -o html, csv, ocsf; -o ndjson has every report.

    With --out FILE (or a folder) a manifest is written beside it: the sha256 of that file and of every journal.

    nhi-revoke campaign report @last -o html --out campaign.html
    """
    check_format(session, FORMATS)
    with ExitStack() as stack:
        database = open_database(session, where.database)
        stack.callback(database.close)
        known = of_saved(database, session, campaign)
        engine = stack.enter_context(Engines(session, None, session.tell).made("", journals=journals(database)))
        from nhi_revoke.campaign.merging import Merging

        merging = stack.enter_context(Merging(database, known, engine.report))
        _into_folder(session, known)
        return _result(session, merging, engine.clock.now(), where.typed(), stack)


def _into_folder(session: Session, campaign: str) -> None:
    """`--out FOLDER`: under the campaign's own name."""
    if session.out is not None and (session.cwd / session.out).is_dir():
        session.out = session.out / f"{campaign}.{SUFFIX.get(session.output, session.output)}"


def _result(session: Session, merging: Merging, now: datetime, more: Sequence[str], stack: ExitStack) -> Result:
    """Only what the format needs is gone through here; the rest while it is written."""
    from nhi_revoke.campaign import documents
    from nhi_revoke.campaign.merged import COLUMNS, flat
    from nhi_revoke.campaign.verdict import exit_code, next_commands

    figures = merging.figures
    nexts = tuple(each for each in next_commands(figures, *more) if " report " not in each)
    streamed = session.output in ("ndjson", "ocsf")
    found = None if streamed else merging.merged(nexts, with_rows=session.output == "json")
    code = _code(found, exit_code(figures)) if found is not None else exit_code(figures)

    def lines() -> Iterator[str]:
        yield from documents.report_lines(merging.reports())
        whole = merging.merged(nexts)
        yield result_line(session, Result(whole, list, _code(whole, exit_code(figures)), _problems(whole)))

    def page() -> Iterable[str]:
        return documents.page(merging.merged(nexts), merging.rows, now)

    def screen() -> Sequence[Block]:
        from nhi_revoke.campaign.merged_screen import merged_screen

        return merged_screen(merging.merged(nexts), merging.rows())

    def written(path: Path, sha256: str) -> None:
        beside = path.with_name(f"{path.name}.manifest.json")
        parts = documents.manifest(merging.merged(), merging.rows(), [(path.name, sha256)], now)
        write_parts(beside, (part.encode() for part in parts))

    held = stack.pop_all()

    def done() -> int:
        """After a stream, what it met counts, too."""
        with held:
            return _code(merging.merged(), exit_code(figures)) if merging.whole else code

    return Result(
        found,
        screen,
        code,
        _problems(found) if found is not None else (),
        Rows(COLUMNS, lambda: map(flat, merging.rows())),
        parts={"html": page, "ndjson": lines, "ocsf": lambda: documents.ocsf(merging.reports(), now)},
        written=written,
        done=done,
    )


def _code(found: Merged, code: int) -> int:
    """A journal that does not hold says nothing; and what is well may still have something that ends by itself."""
    if found.tampered:
        return int(ExitCode.REFUSED)
    return int(ExitCode.ENDS_BY_ITSELF) if code == ExitCode.DONE and found.left.expires else code


def _problems(found: Merged) -> tuple[Problem, ...]:
    if not found.tampered:
        return ()
    why = f"{found.tampered} journals do not hold: what they say proves nothing."
    return (Problem("tampered-journal", why, "Look at the accounts afresh with nhi-revoke list."),)
