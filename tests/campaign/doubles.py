"""Stand-ins for what carries campaigns out: they write the same tables, and ask no vendor."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Course, Header, Item, run_id, waves
from nhi_revoke.campaign.tables import CAMPAIGNS, ITEMS, JOURNALS
from nhi_revoke.engine.consent import Consent
from nhi_revoke.engine.event import Tell
from nhi_revoke.engine.lock import Locking
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.error import NotFound
from nhi_revoke.model.intent import Intent

NAMED = "c20260131T120000Z-abc123"
HEADER = Header(datetime(2026, 1, 31, 12, tzinfo=UTC), Intent(), (), "bots.csv", 0, "d")


class Control:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.consent: Consent | None = None
        self.course: Course | None = None
        self.again = False
        self.undone: tuple[int | None, tuple[str, ...]] | None = None

    def start(self, database: Database, header: Header, items: Iterable[Item], course: Course, consent: Consent) -> str:
        self.consent, self.course = consent, course
        insert_campaign(database, NAMED, digest=header.digest, operator=header.operator)
        told = {"header": header, "consent": consent}
        set_campaign(database, NAMED, **{name: msgspec.json.encode(each).decode() for name, each in told.items()})
        listed = list(items)
        for item, wave in zip(listed, waves(len(listed), course), strict=True):
            insert_item(database, item.number, wave=wave, item=item, state="waiting" if item.plan else "refused")
        return NAMED

    def said(self) -> str:
        """Why nobody was waited for."""
        approval = self.consent.approval if self.consent else None
        return approval.break_glass if approval else ""

    def pause(self, database: Database, campaign: str, why: str) -> None:
        set_campaign(database, campaign, state="paused", why=why)

    def go_on(self, database: Database, campaign: str, *, again: bool = False) -> None:
        self.again = again
        set_campaign(database, campaign, state="running", why="")

    def take_back(self, database: Database, campaign: str, wave: int | None, rearm: Sequence[str]) -> None:
        self.undone = wave, tuple(rearm)
        set_campaign(database, campaign, state="undoing")

    def find(self, database: Database, text: str) -> str:
        with database.read() as conn:
            known = list(conn.execute(select(CAMPAIGNS.c.id)).scalars())
        if text == "@last" and known:
            return str(known[-1])
        for each in known:
            if each.startswith(text):
                return str(each)
        raise NotFound("no-such-campaign", f"there is no campaign {text!r}", "")


class Worker:
    """Carries out each waiting item by the engine that its entry names; the codes of `ends` stand for their reports."""

    made: tuple[int, ...] = ()
    ends: dict[str, int] = {}  # noqa: RUF012 - set by a test
    runs = True

    def __init__(
        self, database: Database, engines: Callable[..., Engine], tell: Tell, *, local: Locking, at_once: int = 1
    ) -> None:
        self._database, self._engines, self._local = database, engines, local
        Worker.made = (*Worker.made, at_once)

    def run(self, stop: threading.Event, until: Callable[[], bool]) -> None:
        with self._database.read() as conn:
            rows = conn.execute(select(ITEMS).where(ITEMS.c.state == "waiting").order_by(ITEMS.c.number)).all()
        for row in rows:
            self._one(row, msgspec.json.decode(row.item, type=Item))
        with self._database.write() as conn:
            conn.execute(update(CAMPAIGNS).values(state="over", ended=CAMPAIGNS.c.created + 60))
        assert until(), "nothing goes on any more"

    def _one(self, row: Any, item: Item) -> None:
        assert item.plan is not None
        code, headline = self.ends.get(item.entry.name, 0), "OUT"
        if self.runs:
            run = run_id(row.campaign, row.number)
            consent = Consent("apply", allow_irreversible=True, force=True)
            journals = DatabaseJournals(self._database)
            with self._engines(item.entry.config, journals=journals, locks=self._local) as engine:
                report = engine.run(item.plan, "apply", consent, run=run)
            code, headline = report.exit_code, report.headline
        state = {0: "done", 6: "done", 8: "open", 9: "open", 7: "refused"}.get(code, "failed")
        with self._database.write() as conn:
            mine = (ITEMS.c.campaign == row.campaign) & (ITEMS.c.number == row.number)
            conn.execute(update(ITEMS).where(mine).values(state=state, exit_code=code, headline=headline, begun=1))


class DatabaseJournals:
    """As simply as it goes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, run: str, line: bytes) -> None:
        with self._database.write() as conn:
            number = len(conn.execute(select(JOURNALS.c.number).where(JOURNALS.c.run == run)).all())
            conn.execute(JOURNALS.insert().values(run=run, number=number, line=line))

    def read(self, run: str) -> bytes:
        with self._database.read() as conn:
            lines = conn.execute(select(JOURNALS.c.line).where(JOURNALS.c.run == run).order_by(JOURNALS.c.number))
            return b"".join(lines.scalars())

    def runs(self) -> tuple[str, ...]:
        with self._database.read() as conn:
            return tuple(conn.execute(select(JOURNALS.c.run).distinct().order_by(JOURNALS.c.run)).scalars())

    def close(self) -> None:
        """Nothing is open."""


def install(monkeypatch: pytest.MonkeyPatch) -> Control:
    """In place of the modules."""
    control = Control()
    for name, parts in (
        ("control", {each: getattr(control, each) for each in ("start", "pause", "go_on", "take_back", "find")}),
        ("worker", {"Worker": Worker}),
        ("journals", {"DatabaseJournals": DatabaseJournals}),
    ):
        module = ModuleType(name)
        for key, value in parts.items():
            setattr(module, key, value)
        monkeypatch.setitem(sys.modules, f"nhi_revoke.campaign.{name}", module)
    monkeypatch.setattr(Worker, "made", ())
    monkeypatch.setattr(Worker, "ends", {})
    monkeypatch.setattr(Worker, "runs", True)
    return control


def insert_campaign(
    database: Database,
    campaign: str,
    *,
    state: str = "running",
    digest: str = "d",
    operator: Sequence[str] = (),
    created: float | None = None,
) -> None:
    """`created`: seconds before now."""
    with database.write() as conn:
        now = database.now(conn)
        conn.execute(
            CAMPAIGNS.insert().values(
                id=campaign,
                version="1",
                header=msgspec.json.encode(HEADER).decode(),
                since=now,
                digest=digest,
                course=msgspec.json.encode(Course()).decode(),
                operator=", ".join(operator),
                consent=msgspec.json.encode(Consent("apply")).decode(),
                state=state,
                why="",
                created=now - (created or 0.0),
            )
        )


def insert_item(
    database: Database, number: int, *, item: Item, campaign: str = NAMED, wave: int = 0, **values: Any
) -> None:
    """Times are seconds before now."""
    with database.write() as conn:
        now = database.now(conn)
        for name in ("started", "ended"):
            if name in values:
                values[name] = now - values[name]
        conn.execute(
            ITEMS.insert().values(
                campaign=campaign,
                number=number,
                wave=wave,
                name=item.entry.name,
                tenants=msgspec.json.encode(item.tenants).decode(),
                item=msgspec.json.encode(item),
                **{"state": "waiting", "begun": 0, **values},
            )
        )


def set_campaign(database: Database, campaign: str, **values: Any) -> None:
    with database.write() as conn:
        conn.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign).values(**values))
