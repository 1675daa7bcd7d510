"""`audit`: the list, judged by the exit code. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.data import Audited, Judged
from nhi_revoke.cli.exit_code import ExitCode, worst
from nhi_revoke.cli.group import application
from nhi_revoke.cli.leaked import LeakedOptions
from nhi_revoke.cli.looking import LOOK_FORMATS, LookOptions, look
from nhi_revoke.cli.options import Names
from nhi_revoke.cli.outcome import unreachable_problems
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import Usage

if TYPE_CHECKING:
    from nhi_revoke.model.inventory import Inventory
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("verdict", "id", "what", "reason")

Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept", metavar="ID=REASON", help="Known and wanted: an access, a lead, or KIND of what is unseen."
    ),
]


@app.command()
@spread
def audit(session: Session, names: Names, options: LookOptions, leaked: LeakedOptions, accept: Accept = None) -> Result:
    """Exit 0 only where nothing is live and nothing is unseen; 8 live, open or planted; 9 unseen.

    nhi-revoke audit payments-bot --accept ID='used by the release job'
    """
    check_format(session, LOOK_FORMATS)
    accepted = _checked(accept or ())
    with session.engine() as engine:
        inventory = look(session, engine, names, options, leaked)
    findings = tuple(judge(inventory, accepted))
    return _result(inventory, findings)


def judge(inventory: Inventory, accepted: Sequence[str]) -> Iterator[Judged]:
    """Everything that keeps an audit from exit 0, with what was accepted of it."""
    from nhi_revoke.render.inventory import is_open, lets_in

    seen = [
        *(
            (a.id, a.label or a.kind, "open" if is_open(a) else "live")
            for a in inventory.accesses
            if a.state == "live" and lets_in(a)
        ),
        *(
            (a.id, "may be live; no list shows it", "unseen")
            for a in inventory.accesses
            if a.state == "unknown" and lets_in(a)
        ),
        *((str(x.to), x.why, "planted") for x in inventory.leads if x.how == "planted"),
        *((str(x.to), x.why, "open") for x in inventory.leads if x.beyond and x.how == "reach"),
        *((b.kind, b.why, "unseen") for b in inventory.blind if b.counts),
        *((str(u.ref), u.why, "unseen") for u in inventory.unreachable),
    ]
    for what, why, verdict in seen:
        reason = _reason(what, accepted)
        yield Judged(what, why, verdict) if reason is None else Judged(what, why, "accepted", reason)


def verdict_code(findings: Sequence[Judged]) -> int:
    """8 before 9, 0 where everything was accepted."""
    verdicts = {each.verdict for each in findings}
    return worst(
        ExitCode.OPEN if verdicts & {"live", "open", "planted"} else 0, ExitCode.UNSEEN if "unseen" in verdicts else 0
    )


def _checked(words: Sequence[str]) -> Sequence[str]:
    """Raises Usage, before anything is looked at, for words that have no id or no reason."""
    for word in words:
        what, equals, reason = word.partition("=")
        if not (what and equals and reason.strip()):
            raise Usage("bad-accept", f"--accept {word!r} does not have the form ID=REASON. Nothing was done.")
    return words


def _reason(what: str, accepted: Sequence[str]) -> str | None:
    """An id may itself hold "=", so the whole id is compared."""
    return next((word[len(what) + 1 :].strip() for word in accepted if word.startswith(f"{what}=")), None)


def _result(inventory: Inventory, findings: Sequence[Judged]) -> Result:
    from nhi_revoke.render.inventory import counts

    code = verdict_code(findings)

    def screen() -> list[Block]:
        from nhi_revoke.render.audit import audit_screen

        rows = [(each.verdict, each.id, each.what, each.reason) for each in findings]
        return audit_screen(inventory, rows, passed=code == 0)

    def rows() -> list[dict[str, str]]:
        return [{"verdict": f.verdict, "id": f.id, "what": f.what, "reason": f.reason} for f in findings]

    data = Audited(counts(inventory)._asdict(), inventory, tuple(findings))
    return Result(data, screen, code, unreachable_problems(inventory.unreachable), Rows(COLUMNS, rows))
