"""The runner: what waits for what, what a failure stops, and what is asked again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.doubt import abandon
from nhi_revoke.engine.event import CountEvent, WaitEvent
from nhi_revoke.engine.runner import ATTEMPTS, UNTIL_SEEN, Runner, pending
from nhi_revoke.model.change import Already, Done, Failed, Impossible, Lost, Skipped
from nhi_revoke.model.error import Usage
from nhi_revoke.model.line import Intended, Looked, Resulted
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Conflict, Denied, Missing, NoAnswer, Rejected, Unavailable
from tests.engine.bench import Bench
from tests.engine.cloud import LOST, Bot, Cloud, bot
from tests.engine.story import cut, seal, step
from tests.engine.tick import after

Make = Callable[..., Bench]
DISABLE = "fake:key/disable"


@pytest.fixture
def bench(cloud: Cloud, tmp_path: Path) -> Iterator[Make]:
    made: list[Bench] = []

    def make(*steps: Step, **more: Any) -> Bench:
        made.append(Bench(cloud, tmp_path, *(replace(s, scope=s.scope) for s in steps), **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def key(id_: str, name: str, **more: Any) -> Step:
    """Disables the old key of another bot."""
    return step(id_, on=bot(name), ends=(f"fake:key/{name}/old",), **more)


def order(bench: Bench) -> list[tuple[str, str]]:
    """The journal: `intent` or `settled`, and the step."""
    out = []
    for line in bench.lines():
        if isinstance(line, Intended):
            out.append(("intent", line.step))
        elif isinstance(line, Looked) and line.settled:
            out.append(("settled", line.step))
    return out


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
    hidden = [Failed("not shown")] * 5
    cloud.tell(f"seen {DISABLE}", None, *hidden, undone(cloud))
    times: list[datetime] = []
    cloud.tell(f"apply {DISABLE}", None, None, lambda: times.append(cloud.clock.now()))
    run = bench(step("a", lock="one"), key("b", "other", lock="one"))
    run.run()
    assert [c.rpartition("/")[2] for c in cloud.called(f"apply {DISABLE}")] == ["ci", "other", "ci"]
    seen = next(line.at for line in run.lines() if isinstance(line, Looked) and line.step == "b")
    assert times == [seen] == [after(15.5)]
    assert run.of("a").settled
    assert run.of("b").settled


def test_a_lost_answer_is_looked_at_before_it_is_asked_again(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"apply {DISABLE}", LOST)
    run = bench(step("a"))
    run.run()
    assert run.of("a").settled
    assert len(cloud.called(f"apply {DISABLE}")) == 1  # it had happened: the look showed it
    assert run.of("a").change == Already({"state": "disabled"})
    changes = [line.change for line in run.lines() if isinstance(line, Resulted)]
    assert changes == [Lost("the answer never came"), Already({"state": "disabled"})]


def test_a_lost_question_is_asked_again_after_the_look(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"apply {DISABLE}", NoAnswer("gone"))
    run = bench(step("a"))
    run.run()
    assert run.of("a").settled
    calls = [c.split()[0] for c in cloud.calls]
    assert calls[:4] == ["apply", "seen", "apply", "seen"]


def test_it_is_not_asked_for_ever(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"apply {DISABLE}", *[NoAnswer("gone")] * 99)
    run = bench(step("a"))
    run.run()
    assert len(cloud.called(f"apply {DISABLE}")) == ATTEMPTS
    assert isinstance(run.of("a").change, Lost)
    assert run.told("a")[-1] == "lost"


def test_what_a_crash_left_in_doubt_is_looked_at_first(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"))
    run.recorder.intend("a")
    cloud.bots["ci"].keys["old"] = "disabled"
    run.run()
    assert cloud.called(f"apply {DISABLE}") == []
    assert run.of("a").settled


def test_what_was_accepted_before_a_crash_is_only_looked_at(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"), cut("b"))
    for one in ("a", "b"):
        run.recorder.intend(one)
        run.recorder.result(one, Done({}, after(0)))
    run.recorder.looked("b", {"denies": "everything"}, after(0), settled=False)
    cloud.bots["ci"].keys["old"] = "disabled"
    cloud.bots["ci"].denied = True
    cloud.clock.wait(3, threading.Event())
    cloud.clock.waits.clear()
    run.run()
    assert cloud.called("apply") == []
    assert run.of("a").settled
    assert run.of("b").settled
    assert run.of("b").settled_at == after(5)  # the time before the crash counts


def test_when_the_doubt_cannot_be_read_nothing_is_asked_again(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"))
    run.recorder.intend("a")
    cloud.tell(f"seen {DISABLE}", Unavailable("503"))
    run.run()
    assert cloud.called(f"apply {DISABLE}") == []
    assert not run.of("a").settled


def test_accepted_but_not_seen_stays_requested(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"seen {DISABLE}", *[Failed("not shown")] * 99)
    run = bench(step("a"), seal("b", after=("a",)))
    run.run()
    assert run.of("a").accepted
    assert run.of("a").seen_at is None
    assert isinstance(run.of("b").change, Skipped)
    assert (cloud.clock.now() - after(0)).total_seconds() >= UNTIL_SEEN
    assert sum(cloud.clock.waits) < UNTIL_SEEN + 10
    assert len(cloud.called(f"apply {DISABLE}")) == 1


def test_lag_is_waited_for(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"seen {DISABLE}", *[Failed("not shown")] * 4)
    run = bench(step("a"))
    run.run()
    assert run.of("a").settled
    assert cloud.clock.waits[:4] == [0.5, 1.0, 2.0, 4.0]


def test_a_denied_look_leaves_it_requested_at_once(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"seen {DISABLE}", Denied("not yours", needs="keys.list"))
    run = bench(step("a"))
    run.run()
    assert run.of("a").accepted
    assert not run.of("a").settled
    assert cloud.clock.waits == []
    assert run.told("a")[-1] == "failed"


def test_a_look_that_fails_is_tried_again(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"seen {DISABLE}", Unavailable("503"), None, Unavailable("503"), Unavailable("503"))
    run = bench(step("a"))
    run.run()
    assert run.of("a").settled


def test_a_second_look_that_never_works_leaves_it_seen_once(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"seen {DISABLE}", None, *[Unavailable("503")] * 99)
    run = bench(step("a"))
    run.run()
    assert run.of("a").seen_at is not None
    assert not run.of("a").settled
    assert run.told("a")[-1] == "failed"


def undone(cloud: Cloud) -> Callable[[], None]:
    def back() -> None:
        cloud.bots["ci"].keys["old"] = "live"

    return back


def test_what_is_taken_back_while_it_settles_is_done_again(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"seen {DISABLE}", None, undone(cloud))
    run = bench(step("a"))
    run.run()
    assert run.of("a").settled
    assert run.of("a").vanished == 1
    assert len(cloud.called(f"apply {DISABLE}")) == 2


def test_somebody_who_keeps_taking_it_back_is_told_as_open(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"seen {DISABLE}", *[None, undone(cloud)] * 9)
    run = bench(step("a"))
    run.run()
    assert not run.of("a").settled
    assert run.of("a").vanished == ATTEMPTS
    assert len(cloud.called(f"apply {DISABLE}")) <= ATTEMPTS + 1
    assert run.told("a")[-1] == "failed"


def test_logs_are_started_once_when_every_cut_and_end_was_seen(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"), cut("b"), seal("c", after=("a", "b")))
    runner = run.runner()
    seals_then: list[bool] = []

    def acted() -> None:
        run.acted.append("x")
        seals_then.append(run.of("c").asked)

    runner._on_acted = acted
    runner.run(run.steps)
    runner.run(run.steps)
    assert run.acted == ["x"]
    assert seals_then == [False]


def test_after_ctrl_c_nothing_more_is_started(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"), seal("b", after=("a",)))
    cloud.tell(f"apply {DISABLE}", run.io.stop.set)
    with pytest.raises(Interrupted):
        run.run()
    assert run.of("a").accepted  # what was under way has ended and is journaled
    assert run.of("b").change is None
    assert run.of("b").attempts == 0
    assert cloud.called("apply") == [f"apply {DISABLE} fake:bot/ci"]


def test_ctrl_c_while_waiting(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"))
    cloud.clock.at(4, run.io.stop.set)
    with pytest.raises(Interrupted):
        run.run()
    assert run.of("a").seen_at is not None
    assert not run.of("a").settled


def test_what_vanishes_after_ctrl_c_is_not_asked_again(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"))

    def both() -> None:
        undone(cloud)()
        run.io.stop.set()

    cloud.tell(f"seen {DISABLE}", None, both)
    with pytest.raises(Interrupted):
        run.run()
    assert len(cloud.called(f"apply {DISABLE}")) == 1
    assert run.of("a").gone


def test_a_call_that_is_interrupted_changes_nothing(bench: Make, cloud: Cloud) -> None:
    run = bench(step("a"))
    cloud.tell(f"apply {DISABLE}", Interrupted())
    run.run()
    assert isinstance(run.of("a").change, Skipped)
    cloud.tell(f"seen {DISABLE}", Interrupted())
    run.run()
    assert run.of("a").accepted
    assert not run.of("a").settled


def test_a_journal_that_cannot_be_written_stops_everything(bench: Make, cloud: Cloud) -> None:
    """What cannot be journaled is not started; what is under way ends, and nothing follows it."""
    for name in "bcd":
        cloud.bots[name] = Bot()
    meet = threading.Barrier(2, timeout=10)
    run = bench(step("a"), key("b", "b"), key("c", "c", after=("a",)), key("d", "d", lock="x", after=("b",)))

    def full() -> None:
        meet.wait()
        run.store.full = True
        meet.wait()

    cloud.tell(f"apply {DISABLE}", full, full)
    with pytest.raises(OSError, match="No space"):
        run.run()
    assert len(cloud.called("apply")) == 2
    assert cloud.called("seen") == []
    assert run.of("a").asked
    assert run.of("b").asked
    assert run.of("c").attempts == run.of("d").attempts == 0
    assert run.acted == []


def test_what_ends_after_the_journal_broke_is_followed_by_nothing(bench: Make, cloud: Cloud) -> None:
    cloud.bots["b"] = Bot()
    broken = threading.Event()
    once = [3]  # the line after Opened and two intents: the first result

    def hook(number: int) -> None:
        if number in once:
            once.clear()
            raise OSError(28, "No space left on device")

    run = bench(step("a"), key("b", "b"), before=hook)

    class Watched(Runner):
        def _loop(self) -> None:
            try:
                super()._loop()
            finally:
                broken.set()

    meet = threading.Barrier(2, timeout=10)
    cloud.tell(f"apply {DISABLE}", meet.wait, lambda: (meet.wait(), broken.wait(10)))
    runner = Watched(run.doing, run.recorder, run.io, run.pool, run.heard.append, None)
    with pytest.raises(OSError, match="No space"):
        runner.run(run.steps)
    assert sorted(run.of(i).accepted for i in "ab") == [False, True]  # the other one is journaled as it ended
    assert cloud.called("seen") == []
    assert len(cloud.called("apply")) == 2


def test_a_proof_without_the_secret_fails_and_says_why(bench: Make, cloud: Cloud) -> None:
    run = bench(
        step("m", "fake:key/create", Phase.MINT, ends=()), step("p", "fake:key/prove", Phase.PROVE, ends=(), takes="m")
    )
    assert run.doing.ask(run.steps[1]) == Failed(
        "the new secret is no longer in this process and no store gave it back"
    )
    abandon(run.doing, run.recorder, run.steps[0], run.steps[1:])  # never asked for: there is nothing to abandon
    assert cloud.calls == []
    assert len(run.lines()) == 1
