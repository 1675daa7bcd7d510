"""How far a campaign has come is told by the tables alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.figures import Counts, Progress, TenantProgress
from nhi_revoke.campaign.item import Entry, Item, Tenant
from nhi_revoke.campaign.live import LiveView, PlainView, Watch
from nhi_revoke.campaign.progress import Meter, progress
from nhi_revoke.campaign.progress_screen import progress_screen, slowest_first
from nhi_revoke.campaign.started import campaigns, idle, newest_of_digest, resting
from nhi_revoke.campaign.tables import RATES, TENANT_NAMES, WORKERS
from nhi_revoke.campaign.verdict import exit_code, next_commands
from nhi_revoke.engine.event import SaysEvent
from nhi_revoke.model.error import NotFound
from nhi_revoke.render.plain import plain_text
from tests.campaign.doubles import NAMED, insert_campaign, insert_item, set_campaign

ONE, TWO = Tenant("x", "org-1"), Tenant("y", "org-2")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    made = Database.open(tmp_path)
    yield made
    made.close()


def fill(database: Database) -> None:
    """Half over: one tenant alone, and one shared."""
    insert_campaign(database, NAMED, operator=("x:user/me",), created=100.0)
    states = [
        ("done", 0, 0, (ONE,)),
        ("done", 0, 6, (ONE,)),
        ("open", 1, 8, (ONE, TWO)),
        ("failed", 1, 5, (TWO,)),
        ("running", 1, None, (ONE,)),
        ("waiting", 2, None, (ONE,)),
        ("waiting", 2, None, (TWO,)),
        ("refused", 2, 7, ()),
    ]
    for number, (state, wave, code, tenants) in enumerate(states):
        times: dict[str, Any] = {"started": 80.0} if state not in ("waiting", "refused") else {}
        item = Item(number, Entry(f"bot-{number}"), tenants=tenants)
        insert_item(database, number, item=item, wave=wave, state=state, exit_code=code, outage=number == 3, **times)
    with database.write() as conn:
        now = database.now(conn)
        for key, many in (("x org-1", 200), ("x org-1\tlogs", 50), ("x org-1\t=ours", 70)):
            conn.execute(RATES.insert().values(tenant=key, sent=many, waited=1.0))
        for name, ago in (("alive", 2.0), ("gone", 4000.0)):
            conn.execute(WORKERS.insert().values(id=name, host="h", pid=7, version="1", started=0.0, beat=now - ago))


def test_what_a_vendor_counts_for_by_another_name_is_shown_beside_the_plans_name(database: Database) -> None:
    fill(database)
    with database.write() as conn:
        conn.execute(RATES.insert().values(tenant="y guid-2", sent=40, waited=2.0))
        conn.execute(RATES.insert().values(tenant="y org-2", sent=3, waited=0.0))  # counted before the other was known
        conn.execute(TENANT_NAMES.insert().values(named="y org-2", tenant="y guid-2"))
    one, two = progress(database, NAMED).tenants
    assert (one.name, one.requests) == ("x org-1", 200)
    assert (two.name, two.requests, two.throttled) == ("y org-2", 40, 2.0)


def test_counts_rates_waves_and_workers(database: Database) -> None:
    fill(database)
    found = progress(database, NAMED)
    assert found.items == Counts(waiting=2, running=1, done=2, open=1, failed=1, refused=1)
    assert (found.items.left, found.items.over, found.items.all) == (3, 5, 8)
    assert found.codes == {0: 1, 5: 1, 6: 1, 7: 1, 8: 1}
    one, two = found.tenants
    assert (one.name, one.items) == ("x org-1", Counts(waiting=1, running=1, done=2, open=1))
    assert (two.name, two.items) == ("y org-2", Counts(waiting=1, open=1, failed=1))
    assert (one.requests, one.throttled) == (200, 3.0)
    assert one.rate == pytest.approx(2.0, rel=0.1)
    assert two.rate is None
    assert one.eta == pytest.approx(2 * 80.0 / 3, rel=0.1)
    assert found.eta == pytest.approx(3 * 80.0 / 4, rel=0.1), "what is refused takes no time"
    assert [(wave.number, wave.items.left, wave.items.all) for wave in found.waves] == [(0, 0, 2), (1, 1, 3), (2, 2, 3)]
    assert [each.id for each in found.workers] == ["alive"]
    assert (found.outage, found.operator) == (1, ("x:user/me",))
    assert found.elapsed == pytest.approx(100.0, rel=0.1)
    with pytest.raises(NotFound):
        progress(database, "c-other")


def test_a_later_campaign_claims_no_requests_of_an_earlier_one(sqlite: Database) -> None:
    fill(sqlite)
    later = "c20260201T000000Z-000000"
    insert_campaign(sqlite, later, created=10.0)
    insert_item(sqlite, 0, campaign=later, item=Item(0, Entry("a"), tenants=(ONE,)))
    assert progress(sqlite, later).tenants[0].rate is None
    assert progress(sqlite, NAMED).tenants[0].rate is not None
    assert campaigns(sqlite) == (NAMED, later)
    assert newest_of_digest(sqlite, "d") == later
    assert newest_of_digest(sqlite, "e") == ""


def test_the_last_minute_is_what_counts_while_it_is_watched() -> None:
    meter = Meter(60.0)
    assert meter.rates(0.0, {"x": 100}) == {}
    assert meter.rates(0.0, {"x": 100}) == {}
    assert meter.rates(10.0, {"x": 150}) == {"x": 5.0}
    assert meter.rates(50.0, {"x": 150, "y": 10}) == {"x": 1.0, "y": 0.2}
    assert meter.rates(110.0, {"x": 750}) == {"x": 10.0}, "what came before the last minute does not"


def test_when_nothing_goes_on(sqlite: Database) -> None:
    fill(sqlite)
    assert not resting(sqlite, NAMED)
    assert not idle(sqlite)
    set_campaign(sqlite, NAMED, state="paused", why="3 failed")
    assert not resting(sqlite, NAMED), "one is still under way"
    assert idle(sqlite)
    assert progress(sqlite, NAMED).eta is None
    set_campaign(sqlite, NAMED, state="over")
    assert resting(sqlite, NAMED)
    set_campaign(sqlite, NAMED, state="undoing")
    assert not idle(sqlite)


WELL = Progress(NAMED, "over", "", (), Counts(done=9), {0: 9}, (), (), (), 0, 60.0, None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"items": Counts(done=9), "codes": {0: 5, 6: 4}}, 0),
        ({"items": Counts(done=8, failed=1, open=1), "codes": {8: 1, 5: 1}}, 5),
        ({"items": Counts(done=8, waiting=1), "state": "paused"}, 5),
        ({"items": Counts(done=8, waiting=1), "state": "running"}, 0),
        ({"items": Counts(done=7, open=2), "codes": {0: 7, 8: 1, 9: 1}}, 8),
        ({"items": Counts(done=8, open=1, refused=1), "codes": {0: 8, 9: 1, 7: 1}}, 9),
        ({"items": Counts(done=8, refused=1)}, 7),
        ({"items": Counts(undone=8, kept=1), "codes": {0: 9}}, 8),
    ],
)
def test_exit_codes(changes: dict[str, object], code: int) -> None:
    assert exit_code(replace(WELL, **changes)) == code


def test_what_to_type_next() -> None:
    more = ("--database", "postgresql://db/x")
    assert next_commands(WELL, *more) == (f"nhi-revoke campaign report {NAMED} --database postgresql://db/x",)
    assert next_commands(replace(WELL, state="paused"))[0] == f"nhi-revoke campaign resume {NAMED}"
    assert next_commands(replace(WELL, state="running"))[0] == "nhi-revoke worker"


def many(count: int) -> tuple[TenantProgress, ...]:
    return tuple(
        TenantProgress("x", f"org-{n:02}", Counts(waiting=n % 4, done=1), 1, 1.0, 2.0, float(n % 4 * 60) or None)
        for n in range(count)
    )


def test_with_many_tenants_the_slowest_stand_first_and_the_rest_is_summed() -> None:
    shown, rest = slowest_first(many(40), 30)
    assert (len(shown), len(rest)) == (30, 10)
    assert all(each.items.left for each in shown)
    assert not any(each.items.left for each in rest)
    assert [each.eta for each in shown] == sorted((each.eta for each in shown), key=lambda eta: -(eta or 0))
    found = replace(WELL, state="running", tenants=many(40), items=Counts(waiting=60, done=40))
    text = plain_text(progress_screen(found))
    assert "and 10 more" in text
    assert text.count("org-") == 30
    assert slowest_first(many(3), 30) == (list(many(3)), [])


def test_the_view_is_cut_to_the_screen() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    err = Terminal()
    view = LiveView(err, 0, width=80, height=20, color=False)
    view.start()
    view.show(replace(WELL, state="running", tenants=many(40), items=Counts(waiting=60, done=40)))
    view.tell(SaysEvent("all is well"))
    view.tell(SaysEvent("the journal cannot be written", "danger"))
    view.stop()
    view.show(WELL)
    lines = {each for each in err.getvalue().splitlines() if "x org-" in each}
    assert len(lines) == 4
    assert "and 36 more" in err.getvalue()
    assert max(map(len, lines)) <= 80
    assert "the journal cannot be written" in err.getvalue()
    assert "all is well" not in err.getvalue()


def test_a_pipe_gets_a_line_now_and_then() -> None:
    err = io.StringIO()
    view = PlainView(err, 0)
    for done in range(21):
        view.show(replace(WELL, items=Counts(done=done // 10 * 10)))
    view.tell(SaysEvent("one failed", "danger"))
    assert err.getvalue().splitlines() == [
        "over  DONE 0  OPEN 0  FAILED 0  LEFT 0",
        "over  DONE 10  OPEN 0  FAILED 0  LEFT 0",
        "over  DONE 20  OPEN 0  FAILED 0  LEFT 0",
        "one failed",
    ]


def test_a_look_that_fails_ends_no_work() -> None:
    shown: list[Progress] = []

    def look() -> Progress:
        if not shown:
            shown.append(WELL)
            raise OSError
        return WELL

    with Watch(look, shown.append, every=0.001) as watch:
        while len(shown) < 2:
            pass
    assert watch is not None
