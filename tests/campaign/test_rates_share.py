"""Workers share what a tenant may be asked, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import select

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Tenant
from nhi_revoke.campaign.limits import Ask, Lease, Limits, Pressure, Row
from nhi_revoke.campaign.rates import Rates
from nhi_revoke.campaign.share import LONGEST, PATIENCE, DatabaseShare
from nhi_revoke.campaign.slots import SLACK, SLACK_SHARE
from nhi_revoke.campaign.tables import TENANT_NAMES
from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.sharing import Wish
from nhi_revoke.provider.fault import Unavailable
from nhi_revoke.provider.rate import Rate
from tests.campaign.sharing import Time, window, wish
from tests.campaign.test_rates_slots import fullest

GO = threading.Event()
"""Nobody pressed Ctrl-C."""
TENANT = Tenant("cloud", "t")


def rates(requests: int, seconds: float, share: float = 1.0) -> Rates:
    return Rates({TENANT: Rate(requests, seconds)}, share)


def taken(share: DatabaseShare, time: Time, asked: Wish) -> float:
    """When it was let go."""
    share.take(asked, GO)
    share.answered(asked, None, 0.0)
    return time.passed


def rows(database: Database) -> dict[str, Row]:
    return {row.tenant: row for row in Limits(database, 1.0).rows()}


def test_two_workers_together_keep_a_tenants_limit_and_use_it(database: Database) -> None:
    time = Time()
    workers = [time.worker(database, rates(20, 1.0), since=since) for since in (0.0, 5000.0)]
    sent = [
        (taken(workers[n % 2], time, wish(count=5 if n % 10 == 0 else 1)), 5 if n % 10 == 0 else 1) for n in range(60)
    ]
    assert fullest(sent, 1.0) <= 20
    plain = [taken(workers[n % 2], time, wish()) for n in range(60)]
    assert (plain[-1] - plain[19]) <= 40 / 20 * (1 + SLACK_SHARE) + 0.01  # 95 % of the limit
    assert rows(database)[str(TENANT)].sent == 60 + 6 * 4 + 60
    assert [worker.expired for worker in workers] == [0, 0]


def test_another_tenant_is_another_limit(database: Database) -> None:
    time = Time()
    one, other = time.worker(database, rates(1, 60.0)), time.worker(database, rates(1, 60.0))
    assert taken(one, time, wish()) == 0
    assert taken(other, time, wish("elsewhere")) == 0
    assert taken(other, time, wish()) == pytest.approx(60 + SLACK, abs=0.01)


def test_two_names_of_one_tenant_share_its_limit(database: Database) -> None:
    """What was asked before the name was known is counted, and later runs of the worker know it from the start."""
    time = Time()
    limited = Rates({Tenant("cloud", ""): Rate(1, 10.0)}, 1.0)
    one, other = time.worker(database, limited), time.worker(database, limited)
    assert one.take(wish("", settings="shop"), GO) == ""
    assert one.take(wish("t", settings="shop", owed=1, was_unknown=True), GO) == "t"
    assert time.passed == pytest.approx(10 + SLACK, abs=0.01)  # the one before counted for the tenant
    assert one.take(wish("", settings="shop"), GO) == "t"
    assert time.passed == pytest.approx(20 + 2 * SLACK, abs=0.01)
    assert other.take(wish("t", settings="whatever"), GO) == "t"
    assert time.passed == pytest.approx(30 + 3 * SLACK, abs=0.01)
    assert {name: row.sent for name, row in rows(database).items()} == {"cloud shop": 1, "cloud t": 4}


def test_where_no_limit_is_known_nothing_waits_and_nothing_is_written_twice(database: Database) -> None:
    time = Time()
    worker = time.worker(database)
    assert [taken(worker, time, wish(bucket="list")) for _ in range(50)] == [0.0] * 50
    assert {name: row.sent for name, row in rows(database).items()} == {"cloud t": 1, "cloud t\tlist": 1}


def test_what_plans_call_a_tenant_is_kept_where_the_vendor_counts_for_another_name(database: Database) -> None:
    time = Time()
    workers = [time.worker(database, rates(20, 1.0)) for _ in range(2)]
    for worker in workers * 2:
        worker.take(wish(named="t.example"), GO)
        worker.take(wish("t", named="t"), GO)
        worker.take(wish("t", settings="shop"), GO)
    with database.read() as conn:
        told = {row.named: row.tenant for row in conn.execute(select(TENANT_NAMES))}
    assert told == {"cloud t.example": str(TENANT), "cloud shop": str(TENANT)}


def test_a_documented_rate_holds_until_the_operator_says_otherwise(database: Database) -> None:
    time = Time()
    documented = wish(rate=Rate(1, 10.0))
    worker = time.worker(database, Rates(share=0.5))
    assert [taken(worker, time, documented) for _ in range(2)] == [0.0, pytest.approx(20, abs=0.01)]
    told = time.worker(database, rates(1, 1.0))
    began = taken(told, time, documented)
    assert taken(told, time, documented) - began == pytest.approx(1.05, abs=0.01)


def test_the_vendors_headers_stop_both_workers_until_its_window_ends(database: Database) -> None:
    time = Time()
    one, other = time.worker(database, Rates(share=0.9)), time.worker(database, Rates(share=0.9))
    first = wish(bucket="list")
    one.take(first, GO)
    one.answered(first, window(20, 5), 30.0)  # 5 left, 2 of them the tenant's own
    moments = [taken(each, time, first) for each in (one, other, one, other)]
    assert moments == [0.0, 0.0, 0.0, pytest.approx(31.0, abs=0.01)]
    assert taken(other, time, wish(bucket="other")) == moments[-1]  # its own count
    other.close()
    assert rows(database)["cloud t"].waited == pytest.approx(31.0, abs=0.01)


def test_what_ends_something_uses_what_reads_spare(database: Database) -> None:
    time = Time()
    worker = time.worker(database, Rates(share=0.9))
    first = wish(bucket="list")
    worker.take(first, GO)
    worker.answered(first, window(20, 2), 30.0)
    assert taken(worker, time, wish(bucket="list", reads=False)) == 0.0
    assert taken(worker, time, first) == pytest.approx(31.0, abs=0.01)


def test_a_window_with_plenty_left_is_counted_by_the_vendor_alone(database: Database) -> None:
    time = Time()
    worker, asked = time.worker(database, Rates(share=0.9)), wish(bucket="core")
    for left in range(4999, 4900, -1):
        worker.take(asked, GO)
        worker.answered(asked, window(5000, left), 3000.0)
    row = rows(database)["cloud t\tcore"]
    assert (row.sent, row.told_left) == (1, 4999)
    worker.take(asked, GO)
    worker.answered(asked, window(5000, 1400), 3000.0)  # others used it
    assert rows(database)["cloud t\tcore"].told_left == 1400
    worker.take(asked, GO)
    assert rows(database)["cloud t\tcore"].told_left == 1399


def test_the_lower_of_a_documented_limit_and_the_told_one_holds(database: Database) -> None:
    time = Time()
    worker, asked = time.worker(database, rates(1000, 1.0)), wish()
    worker.take(asked, GO)
    worker.answered(asked, window(10, 2), 30.0)
    moments = [taken(worker, time, asked) for _ in range(3)]
    assert moments[1] < 0.1
    assert moments[2] == pytest.approx(31.0, abs=0.1)


def test_a_refusal_blocks_every_worker_until_its_time(database: Database) -> None:
    time = Time()
    one, other = time.worker(database), time.worker(database, since=77.0)
    assert taken(other, time, wish()) == 0.0
    one.refused(wish(), 40.0)
    time.passed += 1.0  # as long as it takes until the other one looks
    assert taken(other, time, wish()) == pytest.approx(40.0)
    assert taken(one, time, wish()) == pytest.approx(40.2625)  # gently: four a second
    assert taken(one, time, wish("elsewhere")) == pytest.approx(40.2625)
    other.close()
    one.close()
    (told,) = Limits(database, 1.0, time.database).pressures()
    assert told == Pressure("cloud t", "", sent=3, waited=told.waited, refused=1, blocked_for=0.0)
    assert told.waited == pytest.approx(39.2625)


def test_after_a_refusal_nobody_knows_a_limit_and_all_begin_gently(database: Database) -> None:
    time = Time()
    workers = [time.worker(database), time.worker(database, since=77.0)]
    for worker in workers:
        taken(worker, time, wish())
    workers[0].refused(wish(), 40.0)
    time.passed += 1.0
    at = [taken(workers[n % 2], time, wish()) for n in range(800)]
    assert at[0] == pytest.approx(40.0)
    for since, until, most in ((40, 50, 4), (50, 70, 8), (70, 100, 16)):
        some = [(moment, 1) for moment in at if since <= moment < until]
        assert most * (until - since) * 0.9 < len(some) <= most * (until - since) + most
        assert fullest(some, 1.0) <= most
    assert len([moment for moment in at if moment >= 100]) > 50
    assert at[-1] < 101.0, "as before"


def test_where_a_limit_is_known_it_holds_after_a_refusal(database: Database) -> None:
    time = Time()
    worker = time.worker(database, rates(1, 10.0))
    worker.refused(wish(), 40.0)
    first, second = (taken(worker, time, wish()) for _ in range(2))
    assert first == pytest.approx(40.0)
    assert second - first == pytest.approx(10.0 + SLACK)


def test_a_refusal_holds_what_had_its_slot_already(database: Database) -> None:
    time = Time()
    worker = time.worker(database, rates(1, 10.0))
    worker.take(wish(), GO)
    time.on_wait = lambda _seconds, _stop: refuse()

    def refuse() -> None:
        time.on_wait = lambda _seconds, _stop: None
        worker.refused(wish(), 60.0)

    assert taken(worker, time, wish()) >= 60.0
    assert worker.expired == 0


def test_what_ends_something_goes_before_reads_of_the_same_worker(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    time, leases = Time(), list[list[bool]]()
    waits, go_on = threading.Semaphore(0), threading.Event()
    worker = time.worker(database, rates(1, 10.0))
    worker.take(wish(), GO)
    lease = Limits.lease

    def noted(self: Limits, asks: Sequence[Ask], waited: Mapping[str, float] | None = None) -> Lease:
        leases.append([ask.reads for ask in asks])
        return lease(self, asks, waited)

    def hold(_seconds: float, _stop: threading.Event) -> None:
        waits.release()
        assert go_on.wait(30)

    time.on_wait = hold
    monkeypatch.setattr(Limits, "lease", noted)
    threads = [threading.Thread(target=worker.take, args=(wish(reads=reads), GO)) for reads in (True, True, False)]
    for thread in threads:
        thread.start()
        assert waits.acquire(timeout=30)  # it waits: the first one has a slot, the others have none yet
    time.passed += 10.0
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert leases[0] == [True]
    assert leases[1][0] is False
    assert True in leases[1]


def test_a_refusal_that_names_no_time_blocks_nobody(database: Database) -> None:
    time = Time()
    one = time.worker(database)
    one.refused(wish(), None)
    assert taken(one, time, wish()) == 0.0
    assert rows(database)["cloud t"].refused == 1


def test_ctrl_c_ends_every_kind_of_wait_and_takes_nothing_more(database: Database) -> None:
    time = Time()
    worker = time.worker(database, rates(1, 60.0))
    worker.take(wish(), GO)
    worker.refused(wish("blocked"), 60.0)
    time.on_wait = lambda _seconds, stop: stop.set()
    for asked in (wish(), wish("blocked")):
        with pytest.raises(Interrupted):
            worker.take(asked, threading.Event())
    assert time.passed == 0.0
    time.on_wait = lambda _seconds, _stop: None
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(Interrupted):
        worker.take(wish("free"), stopped)
    # the slot of the interrupted one is lost
    assert taken(worker, time, wish()) == pytest.approx(120 + 2 * SLACK, abs=0.01)
    assert "cloud free" not in rows(database) or rows(database)["cloud free"].sent <= 1


def test_a_slot_that_was_slept_through_is_lost(database: Database) -> None:
    time = Time()
    worker = time.worker(database, rates(10, 1.0))
    worker.take(wish(), GO)
    oversleep = iter([0.5])

    def late(_seconds: float, _stop: threading.Event) -> None:
        time.passed += next(oversleep, 0.0)

    time.on_wait = late
    assert taken(worker, time, wish()) > 0.5
    assert worker.expired == 1
    assert rows(database)["cloud t"].sent == 3


def test_what_a_provider_paces_itself_is_paced_for_all_workers(database: Database) -> None:
    time = Time()
    one, other = time.worker(database), time.worker(database)
    paced = wish(bucket="logs", rate=Rate(5, 10.0))
    moments = list[float]()
    for worker in (one, other, one):
        worker.pace(paced, GO)
        moments.append(time.passed)
    assert moments == [0.0, pytest.approx(2.1, abs=0.01), pytest.approx(4.2, abs=0.01)]
    assert taken(one, time, wish()) == moments[-1]


def test_a_database_that_stays_away_is_a_fault_after_a_minute(database: Database) -> None:
    time = Time()
    worker = time.worker(database, rates(10, 1.0))
    worker.take(wish(), GO)
    with database.write() as conn:
        conn.exec_driver_sql("DROP TABLE nhi_rates")
    began = time.passed
    with pytest.raises(Unavailable) as failed:
        worker.take(wish(), GO)
    assert PATIENCE < time.passed - began < PATIENCE + LONGEST
    assert "nhi_rates" not in failed.value.message
    worker.answered(wish(), window(10, 1), 5.0)
    worker.refused(wish(), 1.0)
    assert worker._waiting == []


def test_a_database_that_comes_back_is_waited_for(database: Database) -> None:
    time = Time()
    worker = time.worker(database, rates(10, 1.0))
    worker.take(wish(), GO)
    with database.write() as conn:
        conn.exec_driver_sql("ALTER TABLE nhi_rates RENAME TO elsewhere")
    began = time.passed

    def back(_seconds: float, _stop: threading.Event) -> None:
        if time.passed - began > PATIENCE / 2:
            time.on_wait = lambda *_: None
            with database.write() as conn:
                conn.exec_driver_sql("ALTER TABLE elsewhere RENAME TO nhi_rates")

    time.on_wait = back
    worker.take(wish(), GO)
    assert PATIENCE / 2 < time.passed - began < PATIENCE
    assert rows(database)[str(TENANT)].sent == 2


def test_ctrl_c_ends_the_wait_for_a_database(database: Database) -> None:
    time, stop = Time(), threading.Event()
    worker = time.worker(database, rates(10, 1.0))
    with database.write() as conn:
        conn.exec_driver_sql("DROP TABLE nhi_rates")
    time.on_wait = lambda _seconds, _stop: stop.set()
    with pytest.raises(Interrupted):
        worker.take(wish(), stop)
