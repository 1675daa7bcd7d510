"""IAM Identity Center: what is drafted, the service control policy, and a whole run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.error import Refused
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.step import Manual, Notice, Step
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_aws import provider as aws_provider
from nhi_revoke_aws.sandbox.own.identity_center import BOT, FOREIGN

from .conftest import START, Bench
from .identity_center_bench import REMOVE, SCP, USER, inline
from .identity_center_sandbox import REF, SsoSandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SsoSandbox]:
    made = SsoSandbox()
    made.start(MovableClock(START))
    made.lag(0, 0)
    made.seed(str(tmp_path))
    yield made
    made.close()


@pytest.fixture
def bench(sandbox: SsoSandbox) -> Bench:
    return Bench(sandbox, sandbox.settings())


# -- what is drafted -------------------------------------------------------------------------------------------------


def test_the_portal_session_is_by_hand(bench: Bench) -> None:
    manual = [d for d in bench.draft(USER) if isinstance(d, Manual)]
    assert len(manual) == 1
    assert "Active sessions" in manual[0].what


def test_without_a_brake_nothing_is_denied_and_that_is_said(bench: Bench) -> None:
    drafted = bench.draft(USER, brake="off")
    assert not [d for d in drafted if isinstance(d, Step)]
    assert [d.level for d in drafted if isinstance(d, Notice)] == ["danger"]


def test_who_has_no_permission_set_is_told_of_sessions_that_live_on(bench: Bench, sandbox: SsoSandbox) -> None:
    sandbox.center.assignments.clear()
    drafted = bench.draft(USER)
    assert not [d for d in drafted if isinstance(d, Step)]
    assert any(isinstance(d, Notice) and "live on" in d.says for d in drafted)


def test_offboarding_takes_direct_assignments_away_and_undo_gives_them_back(bench: Bench, sandbox: SsoSandbox) -> None:
    assert not [d for d in bench.draft(USER) if isinstance(d, Step) and d.does == REMOVE]
    drafted = bench.draft(USER, reason=Reason.OFFBOARDING)
    removes = [d for d in drafted if isinstance(d, Step) and d.does == REMOVE]
    assert [s.before["name"] for s in removes] == ["Deploy", "Deploy"]
    assert any(isinstance(d, Manual) and "through group deployers" in d.what for d in drafted)
    step = msgspec.structs.replace(removes[0], id="r0")
    had = sorted(a.account for a in sandbox.center.assignments)
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) is None
    sandbox.advance(6)
    assert bench.seen(step)
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Done)
    sandbox.advance(6)
    assert bench.seen(step) is None
    now = sandbox.now()
    assert sorted(a.account for a in sandbox.center.assignments if a.holds(now)) == had


# -- the service control policy --------------------------------------------------------------------------------------


def scp(bench: Bench) -> Step:
    return next(
        msgspec.structs.replace(d, id="scp")
        for d in bench.draft(USER, brake="on")
        if isinstance(d, Step) and d.does == SCP
    )


def test_brake_on_also_denies_by_a_service_control_policy(bench: Bench, sandbox: SsoSandbox) -> None:
    assert not [d for d in bench.draft(USER) if isinstance(d, Step) and d.does == SCP]
    step, had = scp(bench), dict(sandbox.organization.policies)
    assert step.ends == ()
    assert bench.doer(SCP).check(bench.conn, step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step)
    assert bench.doors() == {"sso-session": False, "sso-portal": True}, "it does not bind the management account"
    assert isinstance(bench.do(step), Done), "asked again, it makes no second one"
    assert len(sandbox.organization.policies) == 2
    assert isinstance(bench.undo(step), Done)
    assert sandbox.organization.policies == had
    assert isinstance(bench.undo(step), Already)
    assert bench.doors()["sso-session"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"management": "999999999999"}, "not the organisation's management account"),
        ({"features": "CONSOLIDATED_BILLING"}, "consolidated billing"),
        ({"enabled": False}, "not enabled"),
    ],
)
def test_where_there_can_be_no_such_policy(bench: Bench, sandbox: SsoSandbox, change: dict[str, Any], why: str) -> None:
    for name, value in change.items():
        setattr(sandbox.organization, name, value)
    told = bench.doer(SCP).check(bench.conn, scp(bench))
    assert told is not None
    assert why in told.why
    assert bench.writes() == []


# -- the whole -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("brake", ["auto", "on"])
def test_a_whole_run_shuts_the_doors_and_undo_opens_them(tmp_path: Path, brake: Any) -> None:
    with World(
        aws_provider, tmp_path, make_sandbox=SsoSandbox, intent=Intent(rotate="no", brake=brake)
    ) as world:  # fmt: skip
        sandbox = world.sandbox
        assert isinstance(sandbox, SsoSandbox)
        before, had = world.doors(), inline(sandbox)
        assert all(before.values())
        report = world.run()
        assert not any(world.doors().values())
        assert mispredicted(world, report) == []
        assert {o.fate for o in report.outcomes} == {"ended"}
        assert (report.state, report.exit_code) == ("held", 8), "the portal session is by hand"
        kept = json.loads(inline(sandbox)["Deploy"])["Statement"]
        assert kept[:-1] == json.loads(FOREIGN)["Statement"]
        with pytest.raises(Refused, match="safe after"):
            world.undo(report.run)
        world.clock.advance(13 * 3600)
        world.undo(report.run)
        assert inline(sandbox) == had
        assert len(sandbox.organization.policies) == 1
        user = next(iter(sandbox.center.users))
        for arn, account in {(a.permission_set, a.account) for a in sandbox.center.assignments}:
            present = sandbox.center.present(arn, account, sandbox.now())
            assert present is not None
            assert user not in present


def test_a_plan_that_was_read_for_a_minute_still_knows_the_permission_sets(tmp_path: Path) -> None:
    with World(aws_provider, tmp_path, make_sandbox=SsoSandbox, intent=Intent(rotate="no")) as world:
        plan = world.plan()
        world.clock.advance(60)
        report = world.run(plan)
        assert [s.result for s in report.steps] == ["done", "done"]
        assert not any(world.doors().values())
        assert mispredicted(world, report) == []


def test_the_operators_own_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nhi_revoke_aws.connection import AwsConnection
    from nhi_revoke_aws.naming import signed_in_as

    role = f"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/{BOT}"
    me = signed_in_as(role)
    assert me is not None
    monkeypatch.setattr(AwsConnection, "whoami", lambda _: (me,))
    with World(aws_provider, tmp_path, make_sandbox=SsoSandbox, intent=Intent(rotate="no")) as world:
        with pytest.raises(Refused) as told:
            world.run()
        assert told.value.code == "own-principal"
        assert world.mutations() == 0
        assert world.name == BOT
        assert REF.endswith(BOT)
