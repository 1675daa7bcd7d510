"""What `list` and `audit` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.data import Listed
from nhi_revoke.cli.leaked import LeakedOptions, hold_leaked
from nhi_revoke.cli.options import Experimental, Logs
from nhi_revoke.cli.outcome import unreachable_problems
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.spans import moment_of
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.intent import Intent

if TYPE_CHECKING:
    from nhi_revoke.cli.session import Session
    from nhi_revoke.engine.service import Engine
    from nhi_revoke.model.inventory import Inventory
    from nhi_revoke.render.block import Block

LOOK_FORMATS = ("table", "json", "ndjson", "csv")
AT_ONCE = 8
"""Identities looked at side by side; their calls share the engine's threads and each vendor's pace."""


@dataclass(frozen=True)
class LookOptions:
    """How far to look."""

    logs: Logs = True
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Read logs from then on: 2026-01-31T14:00Z, 2h ago.")
    ] = None
    experimental: Experimental = False


def look(
    session: Session,
    engine: Engine,
    names: Sequence[str],
    options: LookOptions,
    leaked: LeakedOptions,
    *,
    last_use: bool = False,
) -> Inventory:
    """Everything about the identity, logs included unless `--no-logs`. `last_use`: wanted without logs, too."""
    hold_leaked(session, engine, leaked)
    identity = engine.resolve(names)
    intent = intent_of(engine, options)
    with session.progress(acting=False):
        return engine.inventory(identity, intent, logs=options.logs, enrich=True if last_use else None)


def look_at_each(
    session: Session, engine: Engine, names: Sequence[str], options: LookOptions, *, last_use: bool = False
) -> Iterator[Inventory | Trouble]:
    """Several identities side by side, in the order named; what kept one from being looked at hides no other."""
    intent = intent_of(engine, options)

    def one(name: str) -> Inventory | Trouble:
        try:
            identity = engine.resolve([name])
            return engine.inventory(identity, intent, logs=options.logs, enrich=True if last_use else None)
        except Trouble as trouble:
            return trouble

    # Not the engine's own pool: each of these waits for calls that run there.
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="identity")
    with session.progress(acting=False):
        try:
            yield from pool.map(one, names)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # nothing runs any more, or Ctrl-C waits for no vendor


def intent_of(engine: Engine, options: LookOptions) -> Intent:
    """What a look takes from its options. Raises Usage."""
    since = moment_of(options.since, engine.clock.now(), "--since") if options.since else None
    return Intent(since=since, experimental=options.experimental)


def listed(inventory: Inventory, screen: Callable[[], Sequence[Block]], exit_code: int) -> Result:
    """The result of a look."""
    from nhi_revoke.render.inventory import counts
    from nhi_revoke.render.rows import INVENTORY_COLUMNS, inventory_rows

    data = Listed(counts(inventory)._asdict(), inventory)
    rows = Rows(INVENTORY_COLUMNS, lambda: inventory_rows(inventory))
    return Result(data, screen, exit_code, unreachable_problems(inventory.unreachable), rows)
