"""Sessions of a role: cut by issue time at once; braked, released, and left alone where AWS owns the role."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from nhi_revoke.model.change import Already, Impossible
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.step import Notice, OpenDoor, Phase
from nhi_revoke_aws.policy import moment

from .conftest import WORKER, Bench, Notes
from .narrowed import narrowed
from .one_kind import bench_of

ROLE_OLDER = "aws:role-session/deny-older"
ROLE_ALL = "aws:role-session/deny-all"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    return narrowed(bench)


def test_role_is_cut_by_issue_time_at_once_and_sealed_only_where_minted(bench: Bench) -> None:
    steps = bench.steps(WORKER)
    cut, seal = steps[ROLE_OLDER], steps[f"{ROLE_OLDER}@seal"]
    assert (cut.phase, cut.when, seal.phase, seal.when) == ("cut", "always", "seal", "minted")
    assert "6 hours" in cut.breaks
    first = bench.do(cut).left
    bench.settle()
    doors = bench.doors()
    assert not doors["assume-role"]
    assert doors["assume-role-again"], "whoever holds its source begins a new session"
    bench.sandbox.advance(5)
    second = bench.do(seal).left
    assert moment(second["cutoff"]) > moment(first["cutoff"])
    assert bench.seen(cut) is not None, "the later cut holds what the earlier one was for"


def test_after_a_crash_an_earlier_cut_is_not_taken_for_the_seal(bench: Bench) -> None:
    steps = bench.steps(WORKER)
    bench.do(steps[ROLE_OLDER])
    assert bench.seen(steps[f"{ROLE_OLDER}@seal"]) is None


def test_protected_roles_are_left_to_the_engine_and_impossible_when_asked(bench: Bench) -> None:
    bench.sandbox.admin("iam").create_role(
        RoleName="AWSReservedSSO_Admin",
        Path="/aws-reserved/sso.amazonaws.com/",
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
        ),
    )
    who = bench.resolve("role/AWSReservedSSO_Admin")
    assert who.untouchable
    assert "permission set" in who.untouchable
    assert bench.collect("role/AWSReservedSSO_Admin"), "listed all the same"
    assert not bench.draft("role/AWSReservedSSO_Admin")
    step = msgspec.structs.replace(bench.steps(WORKER)[ROLE_OLDER], on=who.ref)
    assert isinstance(bench.do(step), Impossible)


def test_a_roles_brake_stops_it_until_released(bench: Bench) -> None:
    steps = bench.steps(WORKER, brake="on")
    assert list(steps) == [ROLE_ALL]
    assert steps[ROLE_ALL].brake
    bench.do(steps[ROLE_ALL])
    bench.settle()
    doors = bench.doors()
    assert not doors["assume-role"]
    assert not doors["assume-role-again"], "a new session is denied, too, while the brake is on"
    release = msgspec.structs.replace(
        steps[ROLE_ALL], id="r", does="aws:role-session/release", phase=Phase.RELEASE, replaces=steps[ROLE_ALL].id
    )
    assert bench.doer(ROLE_ALL).released_by == release.does
    left = bench.do(release).left
    assert len(left["doc"]["Statement"]) == 1, "a role has no `aws login`"
    bench.settle()
    doors = bench.doors()
    assert not doors["assume-role"]
    assert doors["assume-role-again"]

    bench.run = Notes("run2")
    bench.do(bench.steps(WORKER, brake="on")[ROLE_ALL])
    bench.run = Notes("run3")
    drafts = bench.draft(WORKER)
    assert any(isinstance(d, Notice) and "run2" in d.says for d in drafts), "another run's brake is said"
    assert isinstance(bench.do(bench.steps(WORKER)[ROLE_OLDER]), Already)


def test_a_foreign_policy_on_a_role_is_told_and_kept(bench: Bench) -> None:
    bench.sandbox.meddle("foreign-policy")
    assert [d for d in bench.draft(WORKER) if isinstance(d, OpenDoor)]
    left = bench.do(bench.steps(WORKER)[ROLE_OLDER]).left
    iam = bench.sandbox.admin("iam")
    assert left["policy"] == "NHIRevoke-2"
    kept = iam.get_role_policy(RoleName="payments-worker", PolicyName="NHIRevoke")["PolicyDocument"]
    assert kept["Statement"][0]["Effect"] == "Allow"


def test_the_consoles_cutoff_is_said(bench: Bench) -> None:
    condition = {"DateLessThan": {"aws:TokenIssueTime": "2026-11-01T00:00:00.123Z"}}
    statement = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": condition}
    bench.sandbox.admin("iam").put_role_policy(
        RoleName="payments-worker",
        PolicyName="AWSRevokeOlderSessions",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    assert any(isinstance(d, Notice) and "2026-11-01T00:00:01Z" in d.says for d in bench.draft(WORKER))


@pytest.mark.parametrize("service", ["rolesanywhere.amazonaws.com", "pods.eks.amazonaws.com"])
def test_sessions_of_services_whose_events_are_not_read_are_said(tmp_path: Path, service: str) -> None:
    """What they began elsewhere is a blind spot, with no time at which it would pass by itself."""
    with bench_of(tmp_path) as bench:
        kind = bench.kinds["aws:role-session"]

        def spots() -> list[BlindSpot]:
            view = bench.view(WORKER)
            seen = kind.observe(bench.conn, view.who, view.accesses, bench.sandbox.now(), bench.io)
            return [f for f in seen if isinstance(f, BlindSpot) and "not followed" in f.why]

        assert spots() == []
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        bench.sandbox.admin("iam").update_assume_role_policy(RoleName="payments-worker", PolicyDocument=document)
        [spot] = spots()
        assert spot.counts
        assert spot.until is None
