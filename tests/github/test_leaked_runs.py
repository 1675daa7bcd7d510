"""Whole runs of an operator who was handed what the intruder holds (`--leaked-from`): nothing is claimed too much, at
whatever point a run dies, and whatever GitHub answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.error import Refused
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Report
from nhi_revoke.provider.sandbox.contract import Sandbox
from nhi_revoke.testing.conformance import Killed, kill_at
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_github import provider as github
from nhi_revoke_github.access.leaked_token import KIND
from nhi_revoke_github.sandbox import plant_app
from nhi_revoke_github.sandbox.plant_planted import COLLECTOR
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_github.sandbox.state import Token
from nhi_revoke_local import provider as local

from .conftest import START, USER, Whole

REVOKE = "POST /credentials/revoke"
CLERK = f"github:user/{plant_app.CLERK}"
Values = Callable[[Sandbox], str]


def values(sandbox: Sandbox) -> str:
    """Every token of the intruder's."""
    assert isinstance(sandbox, GithubSandbox)
    with sandbox.lock:
        return "\n".join(sorted(t.value for t in sandbox.hub.tokens.values() if t.value in sandbox.gate.stolen))


def clerks(sandbox: Sandbox) -> str:
    """A token of somebody whom no plan names."""
    assert isinstance(sandbox, GithubSandbox)
    found = next((t for t in sandbox.hub.tokens.values() if t.name == "clerk"), None)
    return (found or sandbox.hub.new_token("ghp", plant_app.CLERK, START, name="clerk")).value


def world_of(folder: Path, leaked: Values) -> Whole:
    return Whole(
        github, folder, beside=(local,), leaked=leaked,
        make_sandbox=lambda: GithubSandbox(entropy=1, deliver=False, handed_over=True),
    )  # fmt: skip


@pytest.fixture
def handed(tmp_path: Path) -> Iterator[Whole]:
    with world_of(tmp_path, values) as world:
        assert isinstance(world, Whole)
        yield world


def mine(report: Report) -> dict[str, tuple[str, Proof | None]]:
    return {o.access.label: (o.fate, o.proof) for o in report.outcomes if o.access.kind == KIND}


def test_they_are_proven_dead_and_their_doors_are_shut(handed: Whole) -> None:
    before = handed.open_doors()
    report = handed.run()
    assert set(mine(report).values()) == {("ended", Proof.ENFORCED)}, "a job's token ended with its job"
    assert len(mine(report)) == 7, "one of them the intruder minted while it tried the doors"
    tokens = {"pat", "sso-token", "classic-token", "user-token", "installation-token"}
    assert tokens <= before - handed.open_doors()
    assert mispredicted(handed, report) == []
    leads = {str(x.to) for x in report.leads if x.session}
    assert leads == {f"github:user/{COLLECTOR}"}, "a user that the intruder made; the app's own token is no lead"
    everything = repr(report) + "".join(f.read_text() for f in handed.state.rglob("*") if f.is_file())
    assert not [v for v in values(handed.sandbox).split() if v in everything]
    assert set(mine(handed.verify(report.run)).values()) == {("ended", Proof.ENFORCED)}


def test_a_plan_changes_nothing_and_tries_each_once(handed: Whole) -> None:
    handed.plan()
    assert handed.mutations() == 0


def test_a_token_of_somebody_else_keeps_the_run_open(tmp_path: Path) -> None:
    with world_of(tmp_path, clerks) as world:
        assert isinstance(world, Whole)
        report = world.run(world.plan(name=USER))
        [lead] = [x for x in report.leads if x.session]
        assert str(lead.to) == CLERK
        assert report.exit_code == 8
        assert lives(world.hub.hub.by_value(clerks(world.sandbox)))


def lives(token: Token | None) -> bool:
    return token is not None and token.status.shown == "active"


@pytest.mark.parametrize("fault", ["429", "500", "timeout", "lost"])
@pytest.mark.parametrize("call", [REVOKE, "DELETE /installation/token", "DELETE /applications/<client_id>/grant"])
def test_a_passing_fault_changes_nothing(handed: Whole, call: str, fault: Any) -> None:
    handed.sandbox.fault(call, fault, times=1)
    report = handed.run()
    assert {fate for fate, _ in mine(report).values()} == {"ended"}
    assert mispredicted(handed, report) == []


@pytest.mark.parametrize("also", ["", "GET /user"])
@pytest.mark.parametrize("fault", ["denied", "down"])
def test_a_lasting_fault_is_never_called_done(handed: Whole, fault: Any, also: str) -> None:
    """With and without a way to try them afterwards."""
    plan = handed.plan()
    handed.sandbox.fault(REVOKE, fault, times=10_000)
    if also:
        handed.sandbox.fault(also, fault, times=10_000)
    report = handed.run(plan)
    assert report.exit_code == 5
    told = mine(report)
    assert {told[label][0] for label in told if "classic" in label} <= {"failed", "open"}
    assert mispredicted(handed, report, only_claims=True) == []


def lines_of(world: Whole) -> int:
    lines = len(world.lines(world.run().run))
    world.restart()
    return lines


def test_killed_and_resumed_with_the_same_values(handed: Whole) -> None:
    lines = lines_of(handed)
    for line in sorted({round(n * (lines - 1) / 5) for n in range(1, 6)}):
        with pytest.raises(Killed):
            handed.run(before_append=kill_at(line))
        report = handed.resume(handed.runs()[0])
        assert {fate for fate, _ in mine(report).values()} == {"ended"}, line
        assert mispredicted(handed, report) == [], line
        handed.restart()


def test_resumed_without_them_it_says_what_is_missing(handed: Whole) -> None:
    with pytest.raises(Killed):  # before any of them was ended, in whatever order the steps run
        handed.run(before_append=kill_at(3))
    run, handed.leaked = handed.runs()[0], None
    report = handed.resume(run)
    told = [s for s in report.steps if s.does.startswith(KIND) and s.result not in ("done", "already")]
    assert report.exit_code == 5
    assert told
    assert not [s for s in told if "not held" not in s.detail], told
    assert mispredicted(handed, report, only_claims=True) == []
    handed.leaked = values
    again = handed.resume(run)
    assert {fate for fate, _ in mine(again).values()} == {"ended"}


def test_a_saved_plan_is_refused_without_them_and_not_called_stale(handed: Whole) -> None:
    plan = handed.plan()
    handed.leaked = None
    with handed.engine() as engine, pytest.raises(Refused) as said:
        engine.refresh(plan, stale="drop")
    assert said.value.code == "values-not-held"
    assert "--leaked-from" in said.value.hint
    assert handed.mutations() == 0
    handed.leaked = values
    with handed.engine() as engine:
        kept = {s.does for s in engine.refresh(plan, stale="drop").steps if s.does.startswith(KIND)}
    assert kept == {s.does for s in plan.steps if s.does.startswith(KIND)}


@pytest.mark.parametrize(
    ("kind", "principal"),
    [("ghp", "github:app/payments-bot"), ("gho", "github:app/payments-bot"), ("ghs", USER), ("ghr", USER)],
)
def test_what_no_principal_of_the_plan_can_have_is_unseen_and_never_passed_over(
    tmp_path: Path, kind: str, principal: str
) -> None:
    def one(sandbox: Sandbox) -> str:
        assert isinstance(sandbox, GithubSandbox)
        found = next((t for t in sandbox.hub.tokens.values() if t.name == "other"), None)
        return (found or sandbox.hub.new_token(kind, plant_app.CLERK, START, name="other")).value

    with world_of(tmp_path, one) as world:
        assert isinstance(world, Whole)
        report = world.run(world.plan(name=principal))
        [spot] = [b for b in report.blind if "of no principal of this plan" in b.why]
        assert spot.counts
        assert report.exit_code in (8, 9)
        assert lives(world.hub.hub.by_value(one(world.sandbox)))
