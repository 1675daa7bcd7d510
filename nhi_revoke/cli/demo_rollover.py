"""`demo --scenario rollover`: the identity's credentials are replaced on every provider while it is at work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from nhi_revoke.cli.demo_stage import MOST, Ran, Stage
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.result import Result
from nhi_revoke.demo.clients import ClientData, Worked
from nhi_revoke.model.report import Report
from nhi_revoke.render.block import BLANK, Block, Span, line, table

GRACE = "10m"


class RolloverData(Struct, frozen=True):
    """`demo --scenario rollover`."""

    client: ClientData
    """Calls that were made meanwhile, each with what its store held at that moment."""
    not_replaced: tuple[str, ...]
    """Kinds of credentials in use that this run did not replace."""
    commands: tuple[Ran, ...]
    report: Report


class Rollover(Stage):
    """Fails where a call by a long-term credential did, or where one that is in use was not replaced."""

    def play(self) -> Result:
        from nhi_revoke.demo.clients import EVERY, Client
        from nhi_revoke.demo.world import DemoWorld

        self._say("Starting the sandboxes on this machine. No cloud account is touched.")
        with DemoWorld(self._session.registry, self._folder, datetime.now(UTC)) as world:
            workloads = world.workloads()
            names = ", ".join(name for name, _ in workloads)
            every = f"every {EVERY * 1000:g} ms"
            self._say(f"{world.identity} is at work: {every} it uses what its store for one of {names} holds.")
            with Client(workloads, world.clock) as at_work:
                consent = ("--yes", "--allow-irreversible", "--max-accesses", str(MOST))
                self._run(world, "rotate", world.identity, "--grace", GRACE, *consent)
            report = self._report(world)
            client = at_work.result(report)
        served = {r.kind for r in report.replacements if r.result == "served"}
        missing = tuple(w.kind for w in client.by if w.kind not in served)
        data = RolloverData(client, missing, tuple(self._ran), report)
        code = ExitCode.FAILED if client.failed or client.unclear or missing else ExitCode.DONE
        return Result(data, lambda: verdict(data), int(code))


def verdict(data: RolloverData) -> Sequence[Block]:
    """The last lines."""
    client = data.client
    heads = ["provider", "credential", "calls", "failed", "sessions", "refused", "old one outlived"]
    bad = client.failed + client.unclear
    return [
        BLANK,
        table(heads, [_row(worked) for worked in client.by], keep="provider calls failed", indent=2),
        BLANK,
        line(
            Span(f"{client.calls} calls by long-term credentials: ", "strong"),
            Span(f"{client.failed} failed", "danger" if client.failed else "good"),
            *([Span(f", {client.unclear} without a clear answer", "danger")] if client.unclear else []),
            f"; {client.sessions.calls} by sessions, of which the seal ended {client.sessions.refused} (begun anew)"
            if client.sessions.calls
            else "",
            *([Span("  OUTAGE", "danger")] if bad else [] if data.not_replaced else [Span("  NO OUTAGE", "good")]),
        ),
        *(line(Span(f"not replaced: {kind}", "danger")) for kind in data.not_replaced),
    ]


def _row(worked: Worked) -> list[str | Span]:
    failed = worked.failed + worked.unclear
    outlived = f"{worked.outlived:.0f} s" if worked.outlived is not None else "not replaced"
    return [
        worked.provider,
        worked.kind,
        str(worked.calls),
        Span(str(failed), "danger" if failed else "good"),
        str(worked.sessions.calls or ""),
        str(worked.sessions.refused or ""),
        outlived,
    ]
