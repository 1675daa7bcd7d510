"""Working on campaigns in this process: engines, the live view, Ctrl-C, and the result."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nhi_revoke.cli.campaign_rates import kept_while_working
from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.result import Result, Rows

if TYPE_CHECKING:
    from nhi_revoke.campaign.database import Database
    from nhi_revoke.campaign.figures import Progress
    from nhi_revoke.campaign.live import View
    from nhi_revoke.cli.session import Session
    from nhi_revoke.render.block import Block

FORMATS = ("table", "json", "ndjson", "csv")
COLUMNS = (
    "tenant",
    "done",
    "open",
    "failed",
    "refused",
    "undone",
    "kept",
    "running",
    "waiting",
    "requests",
    "rate",
    "throttled",
    "eta",
)
_STDERR = 2


def work(
    session: Session,
    database: Database,
    folder: Path | None,
    at_once: int,
    look: Callable[[], Progress | None],
    until: Callable[[], bool],
) -> None:
    """Until `until` says so, or Ctrl-C: then what is under way ends. `folder`: of the entries' settings files."""
    from nhi_revoke.campaign.live import Watch
    from nhi_revoke.cli.campaign_parts import worker
    from nhi_revoke.cli.engines import Engines

    shown = view(session)
    with (
        stopping(session) as stop,
        session.showing(shown, acting=True),
        Engines(session, folder, session.tell) as engines,
        Watch(look, shown.show),
        kept_while_working(session, database, until) as until_then,
    ):
        worker(session, database, engines, at_once).run(stop, until_then)


def view(session: Session) -> View:
    """Drawn over on a terminal, a line now and then elsewhere; always on stderr."""
    from nhi_revoke.campaign.live import LiveView, PlainView

    streams = session.streams
    if streams.terminal(streams.err) and session.verbosity >= 0:
        width, height = streams.width(streams.err), streams.height(streams.err)
        return LiveView(streams.err, session.verbosity, width=width, height=height, color=streams.color(streams.err))
    return PlainView(streams.err, session.verbosity)


@contextmanager
def stopping(session: Session) -> Iterator[threading.Event]:
    """Set at the first Ctrl-C (exit 130), and when the machine ends the process (SIGTERM); a second one leaves."""
    stop = threading.Event()

    def asked(number: int, _frame: Any) -> None:
        if stop.is_set():
            os._exit(ExitCode.INTERRUPTED)
        session.interrupted = number == signal.SIGINT
        stop.set()
        os.write(_STDERR, b"\nStopping: what is under way ends and is journaled; again to leave at once.\n")

    before = {each: signal.signal(each, asked) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def progress_result(session: Session, database: Database, campaign: str, more: Sequence[str]) -> Result:
    """A campaign as it stands. `more`: words that the next command needs, too."""
    from msgspec.structs import replace

    from nhi_revoke.campaign.progress import progress
    from nhi_revoke.campaign.verdict import exit_code, next_commands

    found = progress(database, campaign)
    found = replace(found, next=next_commands(found, *more))
    code = ExitCode.INTERRUPTED if session.interrupted else exit_code(found)

    def screen() -> Sequence[Block]:
        from nhi_revoke.campaign.progress_screen import progress_screen

        return progress_screen(found)

    return Result(found, screen, int(code), _problems(found), Rows(COLUMNS, lambda: _rows(found)))


def _problems(found: Progress) -> tuple[Problem, ...]:
    """What keeps it from being well."""
    items = found.items
    said = (
        ("items-failed", items.failed, "failed"),
        ("items-refused", items.refused, "were refused: nothing of them was changed"),
        ("items-open", items.open, "ended with something open or unseen"),
        ("items-kept", items.kept, "could not be taken back"),
        ("items-left", items.left if found.state == "paused" else 0, f"are left: it is paused ({found.why})"),
    )
    hint = found.next[0] if found.next else ""
    return tuple(Problem(code, f"{many} of {items.all} identities {what}.", hint) for code, many, what in said if many)


def _rows(found: Progress) -> Iterator[dict[str, str]]:
    for each in found.tenants:
        counts = {state: str(getattr(each.items, state)) for state in COLUMNS[1:9]}
        yield {
            "tenant": each.name,
            **counts,
            "requests": str(each.requests),
            "rate": "" if each.rate is None else f"{each.rate:.2f}",
            "throttled": f"{each.throttled:.1f}",
            "eta": "" if each.eta is None else f"{each.eta:.0f}",
        }
