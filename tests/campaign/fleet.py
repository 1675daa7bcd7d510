"""A sandbox with many bots, campaigns over them, and what became of each: in the database and at the sandbox itself."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from nhi_revoke.campaign import control
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Blast, Course, Entry, Header, Item, Tenant, run_id
from nhi_revoke.campaign.journals import DatabaseJournals
from nhi_revoke.campaign.tables import CAMPAIGNS, ITEMS, LOCKS, WORKERS
from nhi_revoke.config import load_config
from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.event import SaysEvent
from nhi_revoke.engine.service import Consent, Engine
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.report import Report
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.testing.conformance import toml
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_example import provider
from nhi_revoke_example.sandbox import ExampleSandbox
from nhi_revoke_example.sandbox.cloud import Refusal, Token
from tests.campaign.process import Order, nothing_goes_on, worker_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
INTENT = Intent(rotate="no")
YES = Consent("apply", allow_irreversible=True)


class Fleet:
    """`with` starts the sandbox. Each bot has one token; tenants take turns."""

    def __init__(self, folder: Path, bots: int, *, tenants: int = 2) -> None:
        self.folder = folder
        self.names = tuple(f"bot-{n:03}" for n in range(bots))
        self.clock = MovableClock(NOON)
        self.sandbox = ExampleSandbox()
        self.cloud = self.sandbox.cloud
        self._tenants = tenants
        self.more = ""
        """Of nhi.toml, besides the provider's table."""
        self.tokens: dict[str, Token] = {}
        self.changes: Counter[str] = Counter()
        """By bot: how often one of its tokens came into another state."""

    def __enter__(self) -> Fleet:
        self.sandbox.start(self.clock)
        for name in ("responder", "bystander", *self.names):
            self.cloud.add_bot(name, NOON)
            self.tokens[name] = self.cloud.create_token(name, "ci", NOON, lag=0)
        change = self.cloud.set_token

        def counted(name: str, token_id: str, state: str, now: datetime) -> str:
            was = change(name, token_id, state, now)
            self.changes[name.lower()] += was != state
            return was

        self.cloud.set_token = counted  # type: ignore[method-assign]  # what is changed is counted where it is
        return self

    def __exit__(self, *exc: object) -> None:
        self.sandbox.close()

    # -- what is done ----------------------------------------------------------------------------------------------

    @property
    def settings(self) -> str:
        tables = {provider.name: self.sandbox.settings(), "sandbox": {"control": self.sandbox.control}}
        return "\n".join([*(toml.table(name, table) for name, table in tables.items()), self.more])

    def order(self, url: str, worker: str, **more: Any) -> Order:
        state = self.folder / (worker if url else "state")
        state.mkdir(exist_ok=True)
        return Order(url, str(state), {"": self.settings}, **more)

    def engine(self, journals: DatabaseJournals | None = None) -> Engine:
        """In this process, with a state folder of its own."""
        state = self.folder / "mine"
        state.mkdir(exist_ok=True)
        (state / "nhi.toml").write_text(self.settings)
        registry = Registry([Loaded(provider.name, provider)])
        read = load_config(str(state / "nhi.toml"), {"NHI_REVOKE_STATE": str(state)}, state, providers=registry.known())
        return Engine(registry, read, lambda _: None, clock=SandboxClock(self.clock), journals=journals)

    def items(self, names: Sequence[str] = (), config: str = "") -> list[Item]:
        """Planned now, in this order."""
        out: list[Item] = []
        with self.engine() as engine:
            for number, name in enumerate(names or self.names):
                plan = engine.plan(
                    engine.inventory(engine.resolve([f"example:bot/{name}"]), INTENT, logs=False), INTENT
                )
                tenant = Tenant("example", f"org-{number % self._tenants}")
                out.append(Item(number, Entry(name, config=config), plan, "", (tenant,), Blast(breaks=1)))
        return out

    def start(self, database: Database, items: Sequence[Item], **course: int) -> str:
        header = Header(NOON, INTENT, ("example:bot/responder",), "fleet.csv", len(items), "0" * 64)
        return control.start(database, header, items, Course(**{"canary": 0, "wave": 0, **course}), YES)

    def work(self, database: Database, line: Callable[[int], None] = lambda _: None, **more: Any) -> list[str]:
        """A worker in this process, until nothing goes on; what it told. `line`: called before each journal line."""
        said: list[str] = []

        def tell(event: object) -> None:
            said.append(event.says if isinstance(event, SaysEvent) else "")

        stop, until = more.pop("stop", threading.Event()), more.pop("until", nothing_goes_on(database))
        worker_of(database, self.order("", "mine", **more), tell, line).run(stop, until)
        return said

    # -- what became of it -----------------------------------------------------------------------------------------

    def works(self, name: str) -> bool:
        """Whether its token still opens anything, once everything is obeyed."""
        try:
            self.cloud.sign_in(self.tokens[name].secret, self.sandbox.now())
        except Refusal:
            return False
        return True

    def ended_once(self, names: Sequence[str]) -> None:
        """Each of them exactly once in effect, and nothing else anywhere."""
        self.clock.advance(60)
        assert dict(self.changes) == dict.fromkeys(names, 1)
        assert [n for n in self.tokens if not self.works(n)] == sorted(names)
        assert {t.id for t in self.cloud.tokens.values()} == {t.id for t in self.tokens.values()}
        changed = {call.target.lower() for call in self.sandbox.calls() if call.mutates and call.by == "operator"}
        assert changed == set(names)


def states(database: Database, campaign: str) -> list[str]:
    """Of its items, in their order."""
    with database.read() as conn:
        wanted = select(ITEMS.c.state).where(ITEMS.c.campaign == campaign).order_by(ITEMS.c.number)
        return list(conn.execute(wanted).scalars())


def told(database: Database, campaign: str) -> tuple[str, str]:
    """The campaign's state, and why it is paused."""
    with database.read() as conn:
        row = conn.execute(select(CAMPAIGNS.c.state, CAMPAIGNS.c.why).where(CAMPAIGNS.c.id == campaign)).one()
    return row.state, row.why


def column(database: Database, campaign: str, name: str) -> list[Any]:
    """One column of its items, in their order."""
    with database.read() as conn:
        wanted = select(ITEMS.c[name]).where(ITEMS.c.campaign == campaign).order_by(ITEMS.c.number)
        return list(conn.execute(wanted).scalars())


def whole(fleet: Fleet, database: Database, campaign: str) -> list[Report]:
    """The report of each run that was begun: its journal reads, holds together and is closed; nobody holds anything."""
    journals = DatabaseJournals(database)
    with database.read() as conn:
        assert not conn.execute(select(LOCKS)).all()
        assert not conn.execute(select(WORKERS)).all()
    runs = [run for run in journals.runs() if run.startswith(campaign)]
    with fleet.engine(journals) as engine:
        reports = [engine.report(run) for run in runs]
    assert all(report.state != "interrupted" for report in reports)
    begun = [n for n, count in enumerate(column(database, campaign, "begun")) if count]
    assert set(runs) <= {run_id(campaign, number) for number in begun}
    return reports
