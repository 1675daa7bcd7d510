"""Reads all journals of a campaign, one after the other, into one report. What grows with the items goes to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Row, select

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.figures import Progress
from nhi_revoke.campaign.item import Entry, Tenant, run_id
from nhi_revoke.campaign.merged import ItemRow, Left, Merged, added, left_of
from nhi_revoke.campaign.progress import progress
from nhi_revoke.campaign.tables import CAMPAIGNS, ITEMS, JOURNALS
from nhi_revoke.engine.consent import Consent
from nhi_revoke.model.building import decoded
from nhi_revoke.model.error import Refused
from nhi_revoke.model.report import Report

PAGE = 100
"""Items that are read at once."""


class _Entry(Struct, frozen=True):
    """Of an item only this: its plan is skipped."""

    entry: Entry
    why: str = ""


class Merging:
    """One use. `reports` goes through the journals once; `rows` and `merged` go through them where nobody did."""

    def __init__(self, database: Database, campaign: str, report_of: Callable[[str], Report]) -> None:
        """`report_of`: the report of a run, from its journal. Raises NotFound for an unknown campaign."""
        self._database, self._campaign, self._report_of = database, campaign, report_of
        self._figures = progress(database, campaign)
        self._spool = TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._left = added(())
        self._tampered = 0
        self.whole = False
        """Whether all journals were read."""

    def __enter__(self) -> Merging:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.close()

    @property
    def figures(self) -> Progress:
        """How far the campaign has come."""
        return self._figures

    def reports(self) -> Iterator[tuple[ItemRow, Report | None]]:
        """Every item in the order of their numbers, with the report of its run where it has one."""
        self._spool.seek(0)
        self._spool.truncate()
        self._left, self._tampered = added(()), 0
        for row in self._items():
            made, report = self._one(row)
            self._left += made.left
            self._spool.write(msgspec.json.encode(made) + b"\n")
            yield made, report
        self.whole = True

    def rows(self) -> Iterator[ItemRow]:
        """The same without the reports."""
        self._once()
        decoder = msgspec.json.Decoder(ItemRow)
        place = 0
        while True:
            self._spool.seek(place)  # others may read it at the same time
            line = self._spool.readline()
            place = self._spool.tell()
            if not line:
                return
            yield decoder.decode(line)

    def merged(self, next_commands: tuple[str, ...] = (), *, with_rows: bool = False) -> Merged:
        """The whole. `with_rows`: with a row for each item, which then are in memory."""
        self._once()
        found = self._figures
        with self._database.read() as conn:
            row = conn.execute(select(CAMPAIGNS).where(CAMPAIGNS.c.id == self._campaign)).one()
        approval = decoded(row.consent, Consent).approval
        return Merged(
            found.campaign,
            found.state,
            found.why,
            row.digest,
            found.operator,
            found.items,
            found.tenants,
            self._left,
            self._tampered,
            approval.break_glass if approval else "",
            self._left.residual_until,
            next_commands,
            tuple(self.rows()) if with_rows else (),
            tuple(f"{each.name} ({each.key})" for each in approval.signers) if approval else (),
        )

    def _once(self) -> None:
        if not self.whole:
            for _ in self.reports():
                pass

    def _items(self) -> Iterator[Row[Any]]:
        last = -1
        wanted = select(ITEMS).where(ITEMS.c.campaign == self._campaign).order_by(ITEMS.c.number).limit(PAGE)
        while True:
            with self._database.read() as conn:
                page = conn.execute(wanted.where(ITEMS.c.number > last)).all()
            if not page:
                return
            last = page[-1].number
            yield from page

    def _one(self, row: Row[Any]) -> tuple[ItemRow, Report | None]:
        run = run_id(self._campaign, row.number)
        report: Report | None = None
        why = row.why
        with self._database.read() as conn:
            begun = conn.execute(select(JOURNALS.c.number).where(JOURNALS.c.run == run).limit(1)).first() is not None
        if begun:
            try:
                report = self._report_of(run)
            except Refused as wrong:
                self._tampered += 1
                why = wrong.message
        item = decoded(row.item, _Entry)
        made = ItemRow(
            row.number,
            row.wave,
            row.name,
            report.owner if report else item.entry.owner,
            tuple(map(str, decoded(row.tenants, tuple[Tenant, ...]))),
            row.state,
            report.exit_code if report and row.exit_code is None else row.exit_code,
            report.headline if report else row.headline,
            why or item.why,
            left_of(report) if report else Left(),
            run if begun else "",
            report.journal_sha256 if report else "",
        )
        return made, report
