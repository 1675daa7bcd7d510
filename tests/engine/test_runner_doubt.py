"""The runner in doubt: lost answers, crashes, lag, what is taken back, Ctrl-C, a broken journal."""

from __future__ import annotations

import threading

import pytest

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.doubt import abandon
from nhi_revoke.engine.logs import Acted
from nhi_revoke.engine.runner import ATTEMPTS, UNTIL_SEEN, Runner
from nhi_revoke.model.change import Already, Done, Failed, Lost, Skipped
from nhi_revoke.model.line import Resulted
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.fault import Denied, NoAnswer, Unavailable
from tests.engine.cloud import LOST, Bot, Cloud, bot
from tests.engine.running import DISABLE, Make, key, undone
from tests.engine.story import cut, seal, step
from tests.engine.tick import after


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
    change = run.of("a").change
    assert isinstance(change, Lost), "and the report says why"
    assert "503" in change.why


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
    assert cloud.clock.waits[:4] == [0.5, 1.0, 2.0, 2.0]


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


def test_whose_cuts_and_ends_were_seen_is_told_while_others_are_not_seen_yet(bench: Make, cloud: Cloud) -> None:
    """And before any seal: containment does not wait for the logs, nor they for it."""
    cloud.bots["other"] = Bot()
    run = bench(step("a"), cut("b"), cut("c", on=bot("other")), seal("d", after=("a", "b")))
    seen: list[tuple[Acted, bool]] = []
    cloud.tell(f"seen {DISABLE}", *[Failed("not shown")] * 3)
    runner = run.runner()
    runner._on_acted = lambda acted: seen.append((acted, run.of("d").asked))
    runner.run(run.steps)
    ci, other = bot("ci"), bot("other")
    apart = [acted for acted, _ in seen if acted[other]]
    assert apart[0] == {ci: False, other: True}
    assert apart[-1] == {ci: True, other: True}
    assert next(sealing for acted, sealing in seen if all(acted.values())) is False


def test_a_change_that_does_not_show_is_looked_at_every_two_seconds_then_every_eight(bench: Make, cloud: Cloud) -> None:
    cloud.tell(f"seen {DISABLE}", *[Failed("not shown")] * 99)
    bench(step("a")).run()
    soon = [0.5, 1.0, *[2.0] * 7]
    assert sum(soon[:-1]) < 15 < sum(soon)
    assert cloud.clock.waits == [*soon, *[8.0] * 6]
    assert len(cloud.called(f"seen {DISABLE}")) == len(cloud.clock.waits) + 1


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
