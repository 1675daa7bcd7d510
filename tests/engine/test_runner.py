"""The runner: what waits for what, what a failure stops, and what is asked again."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest

from nhi_revoke.engine.event import CountEvent, WaitEvent
from nhi_revoke.engine.runner import ATTEMPTS, pending
from nhi_revoke.model.change import Already, Failed, Impossible, Skipped
from nhi_revoke.model.error import Usage
from nhi_revoke.model.line import Looked, Resulted
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.fault import Conflict, Denied, Missing, Rejected
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.running import DISABLE, Make, key, order, undone
from tests.engine.story import seal, step
from tests.engine.tick import after


def test_one_step_is_asked_seen_settled_and_seen_again(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"))
    run.run()
    assert run.of("a").settled
    assert [type(line).__name__ for line in run.lines()] == ["Opened", "Intended", "Resulted", "Looked", "Looked"]
    looks = [line for line in run.lines() if isinstance(line, Looked)]
    assert [(line.settled, line.at) for line in looks] == [(False, after(0)), (True, after(10))]
    assert cloud.clock.waits == [10.0]
    assert run.told("a") == ["started", "asked", "seen", "settled"]
    assert any(isinstance(e, WaitEvent) and e.until == after(10) for e in run.heard)
    assert cloud.calls.count(f"apply {DISABLE} fake:bot/ci") == 1


def test_what_is_done_is_not_done_again(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"))
    run.run()
    cloud.calls.clear()
    run.run()
    assert cloud.calls == []
    assert pending(run.steps, run.recorder) == ()


def test_what_was_so_already_is_settled_too(bench: Make, cloud: Cloud) -> None:
    cloud.bots["ci"].keys["old"] = "disabled"
    run = bench(step("a"))
    run.run()
    assert run.of("a").change == Already({"state": "disabled"})
    assert run.of("a").settled


@pytest.mark.parametrize("settle", [0.0, 3.0])
def test_settle_can_be_overridden(bench: Make, cloud: Cloud, settle: float) -> None:
    run = bench(step("a"))
    run.settle = settle
    run.run()
    assert run.of("a").settled
    assert cloud.clock.waits == ([settle] if settle else [])


def test_where_nothing_propagates_the_override_waits_for_nothing(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a", "purge", Phase.FLUSH, to="now"))
    run.settle = 99.0
    run.run()
    assert run.of("a").settled
    assert cloud.clock.waits == []


def test_a_step_waits_until_those_before_it_are_settled(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"), seal("b", after=("a",)))
    run.run()
    assert order(run) == [("intent", "a"), ("settled", "a"), ("intent", "b"), ("settled", "b")]
    assert run.of("b").changed_at == after(10)


@pytest.mark.parametrize(
    ("answer", "change"),
    [
        (Denied("no", needs="keys.update"), Failed("no", "keys.update")),
        (Missing("no key"), Failed("it no longer exists: no key")),
        (Conflict("etag"), Failed("somebody else changed it at the same time: etag")),
        (Rejected("bad"), Failed("bad")),
        (Usage("no-connection", "not logged in", "log in"), Impossible("not logged in", "log in")),
        (Impossible("no API", "in the console"), Impossible("no API", "in the console")),
        (Skipped("no need"), Skipped("no need")),
    ],
)
def test_each_refusal_is_journaled_as_what_it_is_and_not_asked_again(
    bench: Make, cloud: Cloud, answer: Any, change: Any
) -> None:
    cloud.tell(f"apply {DISABLE}", answer)
    run = bench(step("a"))
    run.run()
    assert [line.change for line in run.lines() if isinstance(line, Resulted)] == [change]
    assert len(cloud.called(f"apply {DISABLE}")) == 1
    assert cloud.called("seen") == []


def test_a_doer_whose_preflight_says_no_is_not_asked(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"))
    cloud.preflight = Impossible("the account is managed elsewhere", "ask its owner")
    run.run()
    assert run.of("a").change == cloud.preflight
    assert cloud.called("apply") == []


def test_a_look_without_a_connection_leaves_it_requested(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"seen {DISABLE}", *[Usage("settings", "bad table")] * 99)
    run = bench(step("a"))
    run.run()
    assert run.of("a").accepted
    assert not run.of("a").settled


def test_only_a_mint_mints(bench: Make) -> None:
    run = bench(step("a"))
    with pytest.raises(TypeError, match="mints nothing"):
        run.doing.mint(run.steps[0])


def test_what_depends_on_a_failed_step_is_skipped_and_says_why(bench: Make, cloud: Cloud) -> None:
    cloud.bots["other"] = Bot()
    cloud.tell(f"apply {DISABLE}", Rejected("bad"))
    run = bench(step("a"), seal("b", after=("a",)), seal("c", after=("b",)), seal("d", on=bot("other")))
    run.run()
    assert run.of("a").change == Failed("bad")
    for skipped, blocker in (("b", "a"), ("c", "b")):
        mine = run.of(skipped).change
        assert isinstance(mine, Skipped)
        assert blocker in mine.why
        assert run.told(skipped) == ["skipped"]
    assert run.of("d").settled
    assert cloud.called("apply fake:session/deny-older") == ["apply fake:session/deny-older fake:bot/other"]
    assert run.told("a") == ["started", "failed"]
    counts = [e for e in run.heard if isinstance(e, CountEvent)]
    assert (counts[-1].acted, counts[-1].to_act, counts[-1].sealed, counts[-1].to_seal) == (0, 1, 1, 3)
    assert counts[-1].failed == 1


def test_a_step_of_an_earlier_set_that_did_not_hold_blocks(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"apply {DISABLE}", Rejected("bad"))
    run = bench(step("a"), seal("b", after=("a",)))
    run.run(run.steps[0])
    run.run(run.steps[1])
    assert isinstance(run.of("b").change, Skipped)
    run.run(run.steps[0])
    run.run(run.steps[1])
    assert run.of("b").settled  # skipped is not for ever


def test_a_bug_in_a_provider_stops_one_step_and_not_the_run(bench: Make, cloud: Cloud) -> None:
    """ "A failed step stops only what depends on it: half a containment beats none", a stranger's code included."""
    cloud.bots["other"] = Bot()
    cloud.tell(f"apply {DISABLE}", *[KeyError("a stranger's bug")] * ATTEMPTS)
    run = bench(step("a"), seal("b", after=("a",)), seal("c", on=bot("other")))
    run.run()
    assert not run.of("a").settled
    assert "KeyError" in getattr(run.of("a").change, "why", "")
    assert run.of("c").settled


def test_a_bug_in_a_look_leaves_it_requested(bench: Make, cloud: Cloud) -> None:
    cloud.bots["other"] = Bot()
    cloud.tell(f"seen {DISABLE}", *[KeyError("a stranger's bug")] * 99)
    run = bench(step("a"), seal("c", on=bot("other")))
    run.run()
    assert run.of("a").accepted
    assert not run.of("a").settled
    assert run.of("c").settled


def test_the_same_lock_is_never_held_side_by_side(bench: Make, cloud: Cloud) -> None:
    busy: set[str] = set()
    seen_both: list[str] = []
    lock = threading.Lock()

    def enter() -> None:
        with lock:
            if busy:
                seen_both.append("together")
            busy.add("one")

    def leave() -> None:
        with lock:
            busy.clear()

    cloud.tell(f"apply {DISABLE}", *[enter] * 6)
    cloud.tell(f"seen {DISABLE}", *[leave] * 12)
    for name in "abcdef":
        cloud.bots[name] = Bot()
    run = bench(*(key(name, name, lock="full replace") for name in "abcdef"))
    run.settle = 0.0
    run.run()
    assert all(run.of(name).settled for name in "abcdef")
    assert seen_both == []


def test_different_locks_go_side_by_side(bench: Make, cloud: Cloud) -> None:
    meet = threading.Barrier(3, timeout=10)
    cloud.tell(f"apply {DISABLE}", *[meet.wait] * 3)
    for name in "abc":
        cloud.bots[name] = Bot()
    run = bench(*(key(name, name, lock=name) for name in "abc"))
    run.run()
    assert all(run.of(name).settled for name in "abc")


def test_a_lock_holds_while_something_is_done_again(bench: Make, cloud: Cloud) -> None:
    """`a` is taken back while it settles, and `b` of the same lock is not seen yet: `a` waits for it."""
    cloud.bots["other"] = Bot()
    hidden = [Failed("not shown")] * 7
    cloud.tell(f"seen {DISABLE}", None, *hidden, undone(cloud))
    times: list[datetime] = []
    cloud.tell(f"apply {DISABLE}", None, None, lambda: times.append(cloud.clock.now()))
    run = bench(step("a", lock="one"), key("b", "other", lock="one"))
    run.run()
    assert [c.rpartition("/")[2] for c in cloud.called(f"apply {DISABLE}")] == ["ci", "other", "ci"]
    seen = next(line.at for line in run.lines() if isinstance(line, Looked) and line.step == "b")
    assert times == [seen] == [after(11.5)]
    assert run.of("a").settled
    assert run.of("b").settled
