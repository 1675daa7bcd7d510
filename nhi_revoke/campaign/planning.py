"""Every entry's plan, side by side on a few threads; the worst first. No more than a few plans are in memory at once.

Plans go to a file as they are ready, and from there, through an index, to the saved campaign in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.campaign.blast import Counted, blast_of, counted, least_requests, tenants_of
from nhi_revoke.campaign.item import Blast, Entry, Item, Tenant
from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.model.error import Refused, Trouble
from nhi_revoke.model.plan import Plan, plan_digest
from nhi_revoke.model.ref import PrincipalRef

Drafting = Callable[[Entry], Plan]
"""Resolves, looks, plans and guards one entry. Raises Trouble where that cannot be."""
Heard = Callable[[int, int], None]
"""How many of how many are ready."""
AHEAD = 2
"""Entries in work or waiting for a thread, for each thread: more would be plans in memory."""


class Row(Struct, frozen=True):
    """What is remembered of one item: short, since there are many."""

    entry: Entry
    blast: Blast
    counted: Counted
    tenants: tuple[Tenant, ...]
    why: str = ""
    exit_code: int = 0
    """What the same would have ended with alone, where it has no plan."""
    digest: str = ""
    requests: dict[Tenant, int] = {}
    """At the very least, by tenant."""
    principals: tuple[str, ...] = ()
    """Canonical, with their tenants: who is named twice shows only now."""
    operator: tuple[PrincipalRef, ...] = ()
    start: int = 0
    """Where its plan lies in the file, and how long it is."""
    length: int = 0


class Planned:
    """All rows, the worst first, and their items. Made by `planned`."""

    def __init__(self, rows: Sequence[Row], spool: BinaryIO) -> None:
        self.rows = rows
        self._spool = spool

    def items(self) -> Iterator[Item]:
        """In order, one at a time."""
        decoder = msgspec.json.Decoder(Plan)
        for number, row in enumerate(self.rows):
            plan: Plan | None = None
            if row.length:
                self._spool.seek(row.start)
                plan = decoder.decode(self._spool.read(row.length))
            yield Item(number, row.entry, plan, row.why, row.tenants, row.blast)


@contextmanager
def planned(entries: Sequence[Entry], draft: Drafting, *, at_once: int, heard: Heard) -> Iterator[Planned]:
    """`at_once`: threads. An entry that cannot be planned becomes an item that says why, and blocks no other.

    Raises Interrupted.
    """
    with TemporaryFile() as spool:  # 0600, and without a name
        rows = _without_twins(_rows(entries, draft, at_once, heard, spool))
        yield Planned(worst_first(rows), spool)


def worst_first(rows: Sequence[Row]) -> list[Row]:
    """By their blast, and in their own order where that is equal; what cannot be planned last."""
    return sorted(rows, key=_rank)


def _rank(row: Row) -> tuple[bool, int, int, int, int]:
    blast = row.blast
    return bool(row.why), -blast.irreversible, -blast.breaks, -blast.reach, -blast.live


def _rows(entries: Sequence[Entry], draft: Drafting, at_once: int, heard: Heard, spool: BinaryIO) -> list[Row]:
    """In the order of the entries; those of one settings file are planned one after the other."""
    rows: list[Row | None] = [None] * len(entries)
    queue = iter(sorted(range(len(entries)), key=lambda number: entries[number].config))
    running: dict[Future[tuple[Row, bytes]], int] = {}
    done = 0
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="planning")
    try:
        while True:
            while len(running) < at_once * AHEAD and (number := next(queue, None)) is not None:
                running[pool.submit(_one, entries[number], draft)] = number
            if not running:
                break
            for ready in wait(running, return_when=FIRST_COMPLETED).done:
                row, plan = ready.result()
                rows[running.pop(ready)] = replace(row, start=spool.tell(), length=len(plan))
                spool.write(plan)
                done += 1
                heard(done, len(entries))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [row for row in rows if row is not None]


def _one(entry: Entry, draft: Drafting) -> tuple[Row, bytes]:
    try:
        plan = draft(entry)
    except Interrupted:
        raise
    except Trouble as wrong:
        return _unplanned(entry, wrong.message, wrong.exit_code), b""
    except Exception as wrong:  # noqa: BLE001 - one entry's fault is told and never blocks the others
        return _unplanned(entry, f"this is a bug: {type(wrong).__name__}", Trouble.exit_code), b""
    row = Row(
        entry,
        blast_of(plan),
        counted(plan),
        tenants_of(plan, entry.config),
        digest=plan_digest(plan),
        requests=least_requests(plan, entry.config),
        principals=tuple(f"{each.scope or entry.config}\t{each.ref}" for each in plan.principals),
        operator=plan.operator,
    )
    return row, msgspec.json.encode(plan)


def _unplanned(entry: Entry, why: str, exit_code: int) -> Row:
    said = why.removesuffix(" Nothing was looked at.").removesuffix(" Nothing was changed.")
    return Row(entry, Blast(), Counted(1), (), said, exit_code)


def _without_twins(rows: Sequence[Row]) -> list[Row]:
    """One principal under two names: the entry that stands first keeps it, and the other one is told."""
    first: dict[str, Entry] = {}
    kept: list[Row] = []
    for row in rows:
        twin = next((first[each] for each in row.principals if each in first), None)
        if twin is None:
            first.update(dict.fromkeys(row.principals, row.entry))
            kept.append(row)
        else:
            same = next(each for each in row.principals if each in first).partition("\t")[2]
            where = f" of line {twin.line}" if twin.line else ""
            why = f"{same} is ended with {twin.name}{where}: one identity ends once."
            kept.append(_unplanned(row.entry, why, Refused.exit_code))
    return kept
