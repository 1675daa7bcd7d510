"""Session Manager sessions: found in every Region by owner, terminated, and proven by the list alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Done, Impossible
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_aws.access.ssm_session import KIND

from .conftest import USER, WORKER, Bench
from .one_kind import accesses, asked, bench_of, listed, own, steps, world_of

ACCOUNT = "111122223333"
BOT = f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"
ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/payments-worker"
HOME, AWAY = "us-east-1", "eu-central-1"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_of(tmp_path) as made:
        yield made


def shell(bench: Bench, owner: str, region: str = HOME, account: str = ACCOUNT, status: str = "Connected") -> Any:
    made = own(bench.sandbox, "ssm-session").open(account, region, owner, "i-0123456789abcdef0", bench.sandbox.now())
    made.status = status
    return made


def alive(bench: Bench) -> dict[str, str]:
    return {s.id: s.status for s in own(bench.sandbox, "ssm-session").shells.values()}


def test_sessions_of_the_user_and_of_any_session_of_the_role(bench: Bench) -> None:
    mine = shell(bench, BOT)
    weird = shell(bench, BOT.removeprefix("arn:"))  # as in AWS's own example
    role = [shell(bench, f"{ROLE}/{name}") for name in ("nightly", "i-0abc")]
    for other in (
        f"arn:aws:iam::{ACCOUNT}:user/payments-bot-2",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/payments-worker-2/nightly",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/payments-bot/nightly",
        "arn:aws:iam::444455556666:user/bots/payments-bot",
        "payments-bot",
    ):
        shell(bench, other)
    shell(bench, BOT, account="444455556666")
    shell(bench, BOT, status="Terminated")
    assert {a.id for a in accesses(bench, KIND, USER)} == {f"{KIND}/{s.id}" for s in (mine, weird)}
    found = accesses(bench, KIND, WORKER)
    assert {a.id for a in found} == {f"{KIND}/{s.id}" for s in role}
    assert {(a.state, a.family) for a in found} == {("live", "session")}
    assert found[0].before == {"Region": HOME, "Target": "i-0123456789abcdef0", "Owner": f"{ROLE}/nightly"}


def test_a_disconnected_one_can_be_resumed_and_is_live(bench: Bench) -> None:
    made = shell(bench, BOT, status="Disconnected")
    [one] = accesses(bench, KIND, USER)
    assert (one.id, one.state) == (f"{KIND}/{made.id}", "live")


@pytest.mark.parametrize("size", [1, 1000])
def test_every_page_of_every_region_is_read(bench: Bench, size: int) -> None:
    made = [shell(bench, BOT, region) for region in (HOME, AWAY, AWAY, AWAY)]
    bench.sandbox.page_size(size)
    conn = bench.connect(regions=())
    found = listed(bench, KIND, USER, conn)
    assert {f.id for f in found if not isinstance(f, BlindSpot)} == {f"{KIND}/{s.id}" for s in made}  # type: ignore[union-attr]  # the others are accesses
    [off] = [f for f in found if isinstance(f, BlindSpot)]
    assert not off.counts, "Regions that are switched off hide nothing"
    assert "af-south-1" in off.why


def test_with_regions_set_it_is_one_request_in_each(bench: Bench) -> None:
    conn = bench.connect(regions=(HOME, AWAY))
    conn.regions()
    kind, ref = bench.kinds[KIND], bench.ref(USER)
    assert asked(bench, lambda: list(kind.collect(conn, ref, bench.io))) == ["ssm:DescribeSessions"] * 2
    assert kind.late


def test_what_is_denied_or_not_read_is_a_blind_spot(bench: Bench) -> None:
    shell(bench, BOT)
    bench.sandbox.allow_only(["iam:GetUser"])
    [denied] = listed(bench, KIND, USER)
    assert isinstance(denied, BlindSpot)
    assert denied.needs == "ssm:DescribeSessions"
    bench.sandbox.allow_only(["iam:GetUser", "ssm:DescribeSessions"])  # the Regions cannot be asked for
    found = listed(bench, KIND, USER, bench.connect(regions=()))
    assert [f.counts for f in found if isinstance(f, BlindSpot)] == [True]
    assert len(found) == 2


def test_terminate_closes_that_shell_and_no_other(bench: Bench) -> None:
    mine, other = shell(bench, BOT, AWAY), shell(bench, f"{ROLE}/nightly", AWAY)
    bench.conn = bench.connect(regions=(HOME, AWAY))
    [step] = steps(bench, KIND, USER)
    assert not step.reversible
    assert bench.seen(step) is None
    bench.sandbox.forget_calls()
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == ["ssm:TerminateSession"]
    assert bench.seen(step) == {"Status": "Terminated"}
    assert alive(bench) == {mine.id: "Terminated", other.id: "Connected"}
    assert isinstance(bench.undo(step), Impossible)
    assert accesses(bench, KIND, USER) == []


def test_a_good_answer_proves_nothing(bench: Bench) -> None:
    """In the wrong Region AWS answers as well as in the right one: only the list tells."""
    made = shell(bench, BOT)
    [step] = steps(bench, KIND, USER)
    wrong = replace(step, before={**step.before, "Region": AWAY})
    assert isinstance(bench.do(wrong), Done)
    assert alive(bench) == {made.id: "Connected"}
    assert bench.seen(step) is None


def test_a_lost_answer_is_asked_again_since_it_may_happen_twice(bench: Bench) -> None:
    made = shell(bench, BOT)
    [step] = steps(bench, KIND, USER)
    bench.sandbox.fault("ssm:TerminateSession", "lost", times=3)
    with pytest.raises(NoAnswer):
        bench.do(step)
    assert bench.seen(step) == {"Status": "Terminated"}
    assert alive(bench) == {made.id: "Terminated"}


# -- through the engine ------------------------------------------------------------------------------------------------


def test_a_run_ends_the_shell_that_every_other_cut_leaves_open(tmp_path: Path) -> None:
    with world_of(tmp_path, "ssm-session") as world:
        report = world.run(world.plan(replace(world.intent, scope="keys")))
        assert world.doors()["aws/ssm-session"], "a key's end closes no shell"
        assert [o.fate for o in report.outcomes if o.access.kind == KIND] == ["left"]
        assert not mispredicted(world, report)
        world.restart()
        [shell] = own(world.sandbox, "ssm-session").shells.values()
        report = world.run()
        [outcome] = [o for o in report.outcomes if o.access.kind == KIND]
        assert (outcome.access.id, outcome.fate) == (f"{KIND}/{shell.id}", "ended")
        assert outcome.proof is not None
        assert outcome.proof.proves
        assert not world.doors()["aws/ssm-session"]
        assert not mispredicted(world, report)
        assert report.exit_code == 8, "a session of another role lives: that is the next plan's"


def test_found_late_it_is_ended_in_a_round(tmp_path: Path) -> None:
    """Containment waits for no Region."""
    with world_of(tmp_path, "ssm-session") as world:
        with world.engine() as engine:
            seen = engine.inventory(engine.resolve([world.name]), world.intent, logs=False, late=False)
            plan = engine.plan(seen, world.intent)
            assert not [a for a in plan.accesses if a.kind == KIND]
            report = engine.run(plan, "revoke", YES)
        [outcome] = [o for o in report.outcomes if o.access.kind == KIND]
        assert outcome.fate == "ended"
        assert not outcome.appeared, "it was there before: nobody had looked"
        assert not world.doors()["aws/ssm-session"]
        assert not mispredicted(world, report)
