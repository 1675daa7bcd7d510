"""`report`: what a run did and proved, from its journal alone. No vendor is asked."""

from __future__ import annotations

from dataclasses import replace as with_changes
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.event_signing import SigningOptions, check_signing, signed_events
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.group import application
from nhi_revoke.cli.options import Run
from nhi_revoke.cli.outcome import ALL_REPORT_FORMATS, report_result
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import Usage

if TYPE_CHECKING:
    from nhi_revoke.engine.chain import ChainCheck
    from nhi_revoke.render.block import Block

app = application()

Verify = Annotated[
    bool,
    typer.Option("--verify", help="Check the journal's hash chain instead; RUN may be an exported file, too."),
]
Redact = Annotated[
    bool,
    typer.Option(
        "--redact", help="For outsiders: pseudonyms for people, accounts, principals, accesses, hosts, paths."
    ),
]


@app.command()
@spread
def report(
    session: Session, run: Run, signing: SigningOptions, verify: Verify = False, redact: Redact = False
) -> Result:
    """The report of a run, with its own exit code: -o html --out report.html; -o md, csv, ocsf, caep.

    nhi-revoke report @last; nhi-revoke report @last -o html --redact --out them.html;
    nhi-revoke report --verify run.jsonl
    """
    if verify:
        check_format(session, ("table", "json", "ndjson"))
        if redact:
            raise Usage("usage", "--verify and --redact do not go together: a check of a chain names nobody.")
        return _checked(_check(session, run))
    check_format(session, ALL_REPORT_FORMATS)
    signed = check_signing(signing, session.output)
    if signed and redact:
        raise Usage("usage", "--redact and --sign-with do not go together: no receiver knows a pseudonym.")
    with session.engine() as engine:
        result = report_result(session, engine.report(engine.run_id(run)), redact=redact)
        if not signed:
            return result
        text = signed_events(session, signing, result.data, session.moment())
    return with_changes(result, document=lambda: text)


def _check(session: Session, run: str) -> ChainCheck:
    """Of a file that is there, else of a run. Raises NotFound, Usage, Refused (others could write it)."""
    from nhi_revoke.engine.chain import check_chain
    from nhi_revoke.engine.store import RunFolder

    file = session.cwd / run
    if file.is_file():
        return check_chain(run, file.read_bytes())
    with session.engine() as engine:
        known = engine.run_id(run)
    return check_chain(known, RunFolder(session.config.runs).read(known), known)


def _checked(found: ChainCheck) -> Result:
    def screen() -> list[Block]:
        from nhi_revoke.render.chain import chain_screen

        return chain_screen(found)

    if found.whole:
        return Result(found, screen)
    told = f"line {found.broken_line} of {found.source} does not hold: {found.why}. What follows it proves nothing."
    hint = "Compare it with a copy (nhi-revoke runs export), or look at the accounts afresh with nhi-revoke list."
    return Result(found, screen, int(ExitCode.REFUSED), (Problem("tampered-journal", told, hint),))
