"""What `list` and `audit` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.data import Listed
from nhi_revoke.cli.leaked import LeakedOptions, hold_leaked
from nhi_revoke.cli.options import Experimental, Logs
from nhi_revoke.cli.outcome import unreachable_problems
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.spans import moment_of
from nhi_revoke.model.intent import Intent

if TYPE_CHECKING:
    from nhi_revoke.cli.session import Session
    from nhi_revoke.engine.service import Engine
    from nhi_revoke.model.inventory import Inventory
    from nhi_revoke.render.block import Block

LOOK_FORMATS = ("table", "json", "ndjson", "csv")


@dataclass(frozen=True)
class LookOptions:
    """How far to look."""

    logs: Logs = True
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Read logs from then on: 2026-01-31T14:00Z, 2h ago.")
    ] = None
    experimental: Experimental = False


def look(
    session: Session, engine: Engine, names: Sequence[str], options: LookOptions, leaked: LeakedOptions
) -> Inventory:
    """Everything about the identity, logs included unless `--no-logs`."""
    hold_leaked(session, engine, leaked)
    identity = engine.resolve(names)
    since = moment_of(options.since, engine.clock.now(), "--since") if options.since else None
    with session.progress(acting=False):
        return engine.inventory(identity, Intent(since=since, experimental=options.experimental), logs=options.logs)


def listed(inventory: Inventory, screen: Callable[[], Sequence[Block]], exit_code: int) -> Result:
    """The result of a look."""
    from nhi_revoke.render.inventory import counts
    from nhi_revoke.render.rows import INVENTORY_COLUMNS, inventory_rows

    data = Listed(counts(inventory)._asdict(), inventory)
    rows = Rows(INVENTORY_COLUMNS, lambda: inventory_rows(inventory))
    return Result(data, screen, exit_code, unreachable_problems(inventory.unreachable), rows)
