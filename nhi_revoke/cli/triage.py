"""`triage`: what a leaked credential is, whether it is alive, whose it is, what it reaches; and on into `revoke`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from dataclasses import replace as with_changes
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace as with_struct

from nhi_revoke.cli.acting import carry_out, draft
from nhi_revoke.cli.approving import BreakGlass, straight
from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.exit_code import ExitCode, worst
from nhi_revoke.cli.group import application
from nhi_revoke.cli.handed import HOW, NO_ARGUMENT, handed
from nhi_revoke.cli.leaked import MOST as READABLE
from nhi_revoke.cli.options import ConsentOptions, IntentOptions, Logs, typed
from nhi_revoke.cli.outcome import PLAN_FORMATS, REPORT_FORMATS
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.command import command
from nhi_revoke.model.error import Refused, Usage

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nhi_revoke.engine.service import Engine
    from nhi_revoke.model.triage import Suspect, Triaged
    from nhi_revoke.render.block import Block
    from nhi_revoke.triage.triaging import Judged

app = application()


@dataclass(frozen=True)
class TriageOptions:
    """Where it is, and how far to go."""

    file: Annotated[
        str | None,
        typer.Option(
            "--file", metavar="FILE", help="Read it there (- for standard input) instead of a pipe or a paste."
        ),
    ] = None
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody: only what the shapes tell.")] = False
    look: Annotated[
        bool, typer.Option("--look/--no-look", help="Count the other accesses of each owner, as list does.")
    ] = True
    logs: Logs = True
    revoke: Annotated[bool, typer.Option("--revoke", help="Go on: revoke the owners of what is alive, or may be.")] = (
        False
    )


Words = Annotated[list[str] | None, typer.Argument(metavar="", hidden=True)]


@app.command()
@spread
def triage(
    session: Session,
    options: TriageOptions,
    intent: IntentOptions,
    allowed: ConsentOptions,
    glass: BreakGlass,
    words: Words = None,
) -> Result:
    """What a leaked credential is, whether it is alive, whose it is, what it reaches, and what to type next.

    Reads a pipe, a file, or a paste that is not shown; also JSON reports of TruffleHog, gitleaks and ggshield.

    pbpaste | nhi-revoke triage

    nhi-revoke triage --file gitleaks.json --revoke
    """
    if words:
        raise Usage("credential-typed", NO_ARGUMENT, HOW)
    check_format(session, REPORT_FORMATS if options.revoke else PLAN_FORMATS)
    if options.revoke and options.offline:
        raise Usage("offline-revoke", "--offline asks nobody, and --revoke must. Nothing was looked at.")
    given = handed(session, options.file)
    if given.from_stdin:
        session.ask_at_terminal()
    with session.engine() as engine:
        judged = _judged(session, engine, given.text, options, given.file)
        if options.revoke:
            return _revoked(session, engine, judged, intent, allowed, glass)
    return triage_result(judged.triaged)


def _judged(session: Session, engine: Engine, text: str, options: TriageOptions, file: str) -> Judged:
    from nhi_revoke.triage.reading import read
    from nhi_revoke.triage.recognising import recognise
    from nhi_revoke.triage.triaging import Asking, triage

    recognition = recognise(read(text), engine.registry)
    file = file if len(text) <= READABLE else ""
    with session.progress(acting=False):
        return triage(recognition, engine, Asking(options.offline, options.look, options.logs, file))


def triage_result(found: Triaged, problems: Sequence[Problem] = ()) -> Result:
    """Alive 8, unknown or not recognised or unseen 9, nothing recognised 3; 0 where all of it is dead."""
    from nhi_revoke.render.triage import TRIAGE_COLUMNS, triage_rows, triage_screen

    def screen() -> list[Block]:
        told = [block for problem in problems for block in _told(problem)]
        return [*triage_screen(found), *told]

    nothing = () if found.suspects else (Problem("nothing-recognised", "nothing in it was recognised.", HOW),)
    rows = Rows(TRIAGE_COLUMNS, lambda: triage_rows(found))
    return Result(found, screen, triage_code(found), (*nothing, *problems), rows)


def triage_code(found: Triaged) -> int:
    """Of the credentials themselves: what else their owners have does not count here."""
    if not found.suspects:
        return int(ExitCode.NOT_FOUND)
    unseen = found.count("unknown") or found.strange or found.unasked
    return worst(ExitCode.OPEN if found.count("alive") else 0, ExitCode.UNSEEN if unseen else 0)


def _told(problem: Problem) -> Sequence[Block]:
    """The block of the credential itself says what hands can do."""
    from nhi_revoke.render.block import BLANK, Span, line

    return BLANK, line(Span("NOT REVOKED", "danger"), f"  {problem.message}")


# -- on into the pipeline ------------------------------------------------------------------------------------------


def _revoked(
    session: Session,
    engine: Engine,
    judged: Judged,
    intent: IntentOptions,
    allowed: ConsentOptions,
    glass: BreakGlass,
) -> Result:
    """The usual plan over the owners of what is alive or may be, with the values held. Raises Refused."""
    from nhi_revoke.triage.triaging import to_revoke

    found = judged.triaged
    alone = allowed.confirm is None and (allowed.yes or not session.can_ask)
    pairs = to_revoke(judged, proven_alone=alone)
    left = _left(found, {id(suspect) for suspect, _ in pairs})
    if not pairs:
        return triage_result(found, left)
    names = _names([suspect for suspect, _ in pairs])
    _show(session, found)
    again = ("plan", *names, *typed(intent))
    straight(session, glass, None, "contain", again, names[0])
    engine.hold_values(each for _, sighting in pairs for each in sighting.handed)
    plan = draft(session, engine, names, intent, "contain", late=session.can_ask)
    approval = straight(session, glass, plan, "contain", again, names[0])
    result = carry_out(
        session,
        engine,
        plan,
        allowed,
        lambda consent: engine.run(plan, "revoke", with_struct(consent, approval=approval)),
    )
    return _with_left(result, found, left)


def _left(found: Triaged, taken: Collection[int]) -> tuple[Problem, ...]:
    """Alive, or perhaps, and in no plan: nobody's whom a run could reach, or not tried where nobody is asked."""
    return tuple(_why_left(s) for s in found.suspects if s.liveness.state != "dead" and id(s) not in taken)


def _why_left(each: Suspect) -> Problem:
    what = f"{each.leak.note or each.leak.kind} is {each.liveness.state}"
    if each.owner is None:
        return Problem("no-owner", f"{what}, and nothing tells whose it is: it was not revoked.", each.by_hand)
    if each.absent:
        why = f"{what}, and {each.owner}, whose it is, could not be found: it was not revoked."
        return Problem("no-owner", why, each.by_hand)
    name = each.identity or str(each.owner)
    why = f"{what}, and nobody is asked: whoever wrote it there may not have had it. {name} was not touched."
    return Problem("not-tried", why, f"{command('revoke', name)}, or --confirm {shlex.quote(name)} instead of --yes")


def _names(suspects: Sequence[Suspect]) -> tuple[str, ...]:
    """The identity of the map that has them all, or bare principals. Raises Refused where that would be several."""
    identities = list(dict.fromkeys(each.identity for each in suspects))
    owners = tuple(dict.fromkeys(str(each.owner) for each in suspects))
    if identities == [""]:
        return owners
    if len(identities) == 1:
        return (identities[0],)
    several = list(dict.fromkeys(each.identity or str(each.owner) for each in suspects))
    raise Refused(
        "several-identities",
        f"the owners are of several identities ({', '.join(several)}), which one plan does not mix. "
        "Nothing was changed.",
        f"One after the other: {'; '.join(command('revoke', name) for name in several)}",
    )


def _show(session: Session, found: Triaged) -> None:
    """On stderr, before the plan: stdout is for the report."""
    if session.verbosity >= 0 or session.can_ask:
        from nhi_revoke.render.block import BLANK
        from nhi_revoke.render.triage import triage_screen

        session.streams.show([*triage_screen(found, then=False), BLANK], session.streams.err)


def _with_left(result: Result, found: Triaged, left: Sequence[Problem]) -> Result:
    """The run's own exit code tells of its plan; what no plan covers counts, too."""
    if result.exit_code == ExitCode.INTERRUPTED:
        return result
    alive = any(each.liveness.state == "alive" and (each.owner is None or each.absent) for each in found.suspects)
    unseen = left or found.strange or found.unasked
    code = worst(result.exit_code, ExitCode.OPEN if alive else 0, ExitCode.UNSEEN if unseen else 0)

    def screen() -> list[Block]:
        return [*result.screen(), *(block for problem in left for block in _told(problem))]

    return with_changes(result, screen=screen, exit_code=code, problems=(*result.problems, *left))
