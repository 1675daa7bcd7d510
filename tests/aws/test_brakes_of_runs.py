"""The brake on a user, and what another run's is worth."""

from __future__ import annotations

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.step import Notice, Phase
from nhi_revoke_aws.policy import Deny, compact, stamp

from .conftest import USER, Bench, Notes
from .narrowed import narrowed

CUT, SEAL = "aws:user-session/deny-all", "aws:user-session/seal"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    return narrowed(bench)


def test_the_brake_stays_until_released(bench: Bench) -> None:
    steps = bench.steps(USER, brake="on")
    assert steps[CUT].brake
    assert SEAL not in steps
    cut = bench.do(steps[CUT])
    assert cut.left["denies"] == "everything"
    doer = bench.doer(CUT)
    assert doer.released_by == "aws:user-session/release"
    bench.settle()
    assert not any(v for k, v in bench.doors().items() if k in ("active-key", "get-session-token", "aws-login"))

    release = msgspec.structs.replace(
        steps[CUT], id="release", does=doer.released_by, phase=Phase.RELEASE, replaces=steps[CUT].id
    )
    left = bench.do(release).left
    bench.settle()
    doors = bench.doors()
    assert doors["active-key"]
    assert not doors["get-session-token"]
    assert not doors["aws-login"], "the password that the plan named still counts"
    assert bench.seen(release) == left
    assert isinstance(bench.undo(release), Done)
    assert bench.state("payments-bot")["inline"]["NHIRevoke"] == cut.left["doc"], "the brake is back on"


def test_another_runs_brake_is_left_and_said(bench: Bench) -> None:
    first = bench.steps(USER, brake="on")
    brake = bench.do(first[CUT]).left
    bench.run = Notes("run2")
    drafts = bench.draft(USER)
    assert any(isinstance(d, Notice) and "20261123T120000Z7f3a" in d.says for d in drafts)
    steps = bench.steps(USER)
    assert SEAL not in steps
    assert isinstance(bench.do(steps[CUT]), Already)
    assert bench.state("payments-bot")["inline"]["NHIRevoke"] == brake["doc"]
    assert isinstance(bench.undo(steps[CUT]), Already)
    assert bench.state("payments-bot")["inline"]["NHIRevoke"] == brake["doc"]


@pytest.mark.parametrize("foreign", [False, True])
def test_another_runs_brake_that_was_taken_off_since_is_not_relied_on(bench: Bench, *, foreign: bool) -> None:
    """Anybody can write a deny-all of our shape, and take it off again once we rely on it."""
    iam, theirs = bench.sandbox.admin("iam"), compact(Deny("somebody").document())
    before = bench.state("payments-bot")
    iam.put_user_policy(UserName="payments-bot", PolicyName="NHIRevoke", PolicyDocument=theirs)
    step = bench.steps(USER)[CUT]
    assert isinstance(bench.do(step), Already)
    iam.delete_user_policy(UserName="payments-bot", PolicyName="NHIRevoke")
    if foreign:
        bench.sandbox.meddle("foreign-policy")
        before = bench.state("payments-bot")
    assert bench.seen(step) is None, "taken back"
    change = bench.do(step)
    assert isinstance(change, Done)
    assert change.left["policy"] == (f"NHIRevoke-{bench.run.id}" if foreign else "NHIRevoke")
    bench.run.lefts[step.id] = bench.seen(step)
    assert bench.run.lefts[step.id] == change.left
    bench.settle()
    assert not bench.doors()["active-key"]
    assert isinstance(bench.undo(step), Done)
    assert bench.state("payments-bot") == before, "what was taken off by somebody else is not put back"


def test_another_runs_brake_that_its_run_released_is_not_put_back(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    iam.put_user_policy(
        UserName="payments-bot", PolicyName="NHIRevoke", PolicyDocument=compact(Deny("somebody").document())
    )
    step = bench.steps(USER)[CUT]
    released = compact(Deny("somebody", stamp(bench.sandbox.now())).document())
    iam.put_user_policy(UserName="payments-bot", PolicyName="NHIRevoke", PolicyDocument=released)
    before = bench.state("payments-bot")
    assert isinstance(bench.do(step), Already)
    assert bench.seen(step) is None, "told as taken back, and left to people"
    assert bench.state("payments-bot") == before
