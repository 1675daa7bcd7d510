"""What lets nobody in by itself: reported, never called open; MFA devices and boundaries are never touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.step import Notice, Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.testing.conformance.world import YES, World
from nhi_revoke_aws import provider as aws_provider
from nhi_revoke_aws.sandbox.own.bearer import GROUP
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow

from .conftest import USER, WORKER, Bench

BOT = "payments-bot"
MFA, GROUPS, BOUNDARY = "aws:mfa-device", "aws:group", "aws:boundary"
SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/{BOT}"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.kinds = {name: kind for name, kind in bench.kinds.items() if name in (MFA, GROUPS, BOUNDARY)}
    return bench


def accesses(bench: Bench, kind: str, who: str = USER) -> list[Access]:
    return [a for a in bench.collect(who) if isinstance(a, Access) and a.kind == kind]


def groups(bench: Bench) -> list[str]:
    found = bench.sandbox.admin("iam").list_groups_for_user(UserName=BOT)["Groups"]
    return [str(g["GroupName"]) for g in found]


def another_device(bench: Bench, name: str = "second") -> str:
    iam = bench.sandbox.admin("iam")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    iam.enable_mfa_device(
        UserName=BOT, SerialNumber=made["SerialNumber"], AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    return str(made["SerialNumber"])


# -- MFA devices -------------------------------------------------------------------------------------------------------


def test_a_device_is_told_with_its_date(bench: Bench) -> None:
    bench.sandbox.forget_calls()
    [device] = [a for a in bench.kinds[MFA].collect(bench.conn, bench.ref(USER), bench.io) if isinstance(a, Access)]
    assert bench.reads() == ["iam:ListMFADevices"]
    assert (device.family, device.opens, device.state) == ("factor", False, "live")
    assert device.door == SERIAL
    assert device.created == datetime(2026, 1, 27, 12, tzinfo=UTC)
    assert device.note.startswith("enabled 2026-01-27T12:00:00Z")
    assert [a.id for a in accesses(bench, MFA)] == [f"{MFA}/{ACCOUNT}/{BOT}/mfa/{BOT}"]


def test_the_date_is_utc_wherever_this_machine_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        [device] = accesses(bench, MFA)
        assert device.note.startswith("enabled 2026-01-27T12:00:00Z")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_no_remedy_ever_touches_a_device(bench: Bench) -> None:
    another_device(bench)
    kind = bench.kinds[MFA]
    assert list(kind.remedies) == []
    assert kind.mint is None
    for reason in Reason:
        drafts = list(kind.draft(bench.view(USER), Intent(reason=reason, since=bench.sandbox.now() - timedelta(1))))
        assert not [d for d in drafts if isinstance(d, Step)]


@pytest.mark.parametrize(
    ("before_now", "warned"), [(timedelta(days=365), 2), (timedelta(days=1), 1), (None, 0)], ids=["all", "new", "none"]
)
def test_a_device_enabled_since_the_incident_is_warned_of(
    bench: Bench, before_now: timedelta | None, warned: int
) -> None:
    serial = another_device(bench)
    since = bench.sandbox.now() - before_now if before_now else None
    notices = [d for d in bench.draft(USER, since=since) if isinstance(d, Notice)]
    suspect = [n for n in notices if "an intruder may have added it" in n.says]
    assert len(suspect) == warned
    assert all(n.level == "warning" for n in suspect)
    assert all(f"--user-name {BOT} --serial-number" in n.says for n in suspect)
    assert not warned or any(serial in n.says for n in suspect)
    [several] = [n for n in notices if "2 MFA devices" in n.says]
    assert "second" in several.says


def test_exactly_at_the_beginning_counts(bench: Bench) -> None:
    at = datetime(2026, 1, 27, 12, tzinfo=UTC)
    assert len(bench.draft(USER, since=at)) == 1
    assert bench.draft(USER, since=at + timedelta(seconds=1)) == []


def test_a_single_old_device_needs_no_words(bench: Bench) -> None:
    assert bench.draft(USER) == []


def test_every_page_of_devices_and_groups_is_read(bench: Bench) -> None:
    another_device(bench)
    iam = bench.sandbox.admin("iam")
    iam.create_group(GroupName="auditors")
    iam.add_user_to_group(GroupName="auditors", UserName=BOT)
    bench.sandbox.page_size(1)
    assert len(accesses(bench, MFA)) == 2
    assert {a.before["GroupName"] for a in accesses(bench, GROUPS)} == {GROUP, "auditors"}


@pytest.mark.parametrize("kind", [MFA, GROUPS])
def test_a_denied_list_is_never_none(bench: Bench, kind: str) -> None:
    bench.sandbox.allow_only(["iam:GetUser"])
    with pytest.raises(Denied):
        list(bench.kinds[kind].collect(bench.conn, bench.ref(USER), bench.io))


# -- groups ------------------------------------------------------------------------------------------------------------


def test_a_membership_is_reported_and_left(bench: Bench) -> None:
    [group] = accesses(bench, GROUPS)
    assert (group.id, group.opens, group.family) == (f"{GROUPS}/{ACCOUNT}/{BOT}/{GROUP}", False, "grant")
    for reason in Reason:
        steps = bench.steps(USER, reason=reason)
        assert bool(steps) is (reason is Reason.OFFBOARDING), reason


def test_offboarding_leaves_it_and_undo_joins_again(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    iam.create_group(GroupName="auditors")
    iam.add_user_to_group(GroupName="auditors", UserName=BOT)
    state = bench.state(BOT)
    step = next(s for s in bench.steps(USER, reason=Reason.OFFBOARDING).values() if s.before["GroupName"] == GROUP)
    assert (step.phase, step.reversible, step.rearms) == (Phase.END, True, "no")
    assert bench.seen(step) is None
    bench.sandbox.forget_calls()
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == ["iam:RemoveUserFromGroup"]
    assert groups(bench) == ["auditors"]
    assert bench.seen(step) == bench.run.left(step.id)
    assert bench.state(BOT) == state
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Done)
    assert set(groups(bench)) == {GROUP, "auditors"}
    assert isinstance(bench.undo(step), Already)


def test_undo_of_a_leave_that_was_not_done(bench: Bench) -> None:
    step = next(iter(bench.steps(USER, reason=Reason.OFFBOARDING).values()))
    bench.sandbox.admin("iam").remove_user_from_group(GroupName=GROUP, UserName=BOT)
    assert isinstance(bench.doer(step.does).undo(bench.conn, step, {}, bench.run), Failed)
    assert groups(bench) == []


def test_leaving_needs_what_it_says(bench: Bench) -> None:
    step = next(iter(bench.steps(USER, reason=Reason.OFFBOARDING).values()))
    bench.sandbox.allow_only(bench.doer(step.does).permissions)
    bench.do(step)
    assert bench.seen(step) is not None
    assert isinstance(bench.undo(step), Done)


# -- boundaries --------------------------------------------------------------------------------------------------------


def bounded(bench: Bench) -> str:
    """Both the user and the role get a boundary; its ARN."""
    iam = bench.sandbox.admin("iam")
    arn = iam.create_policy(PolicyName="limit", Path="/teams/", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=BOT, PermissionsBoundary=arn)
    iam.put_role_permissions_boundary(RoleName="payments-worker", PermissionsBoundary=arn)
    return str(arn)


def test_without_a_boundary_there_is_none(bench: Bench) -> None:
    assert accesses(bench, BOUNDARY) == accesses(bench, BOUNDARY, WORKER) == []


@pytest.mark.parametrize(
    ("who", "read", "tail"),
    [(USER, "iam:GetUser", f"user/{BOT}"), (WORKER, "iam:GetRole", "role/payments-worker")],
)
def test_a_boundary_is_told_and_has_no_remedy(bench: Bench, who: str, read: str, tail: str) -> None:
    arn = bounded(bench)
    bench.sandbox.forget_calls()
    kind = bench.kinds[BOUNDARY]
    list(kind.collect(bench.conn, bench.ref(who), bench.io))
    assert bench.reads() == [read]
    [access] = accesses(bench, BOUNDARY, who)
    assert (access.id, access.door, access.opens) == (f"{BOUNDARY}/{ACCOUNT}/{tail}", arn, False)
    assert access.label == "permissions boundary teams/limit"
    assert "never replaced" in access.note
    assert list(kind.remedies) == []
    assert not [d for r in Reason for d in kind.draft(bench.view(who), Intent(reason=r))]


def test_a_bare_name_is_read_as_both(bench: Bench) -> None:
    arn = bounded(bench)
    bench.sandbox.forget_calls()
    [access] = list(bench.kinds[BOUNDARY].collect(bench.conn, bench.ref(BOT), bench.io))
    assert isinstance(access, Access)
    assert access.door == arn
    assert bench.reads() == ["iam:GetRole", "iam:GetUser"]


def test_a_denied_read_is_never_none(bench: Bench) -> None:
    bounded(bench)
    bench.sandbox.allow_only(["iam:GetRole"])
    with pytest.raises(Denied):
        list(bench.kinds[BOUNDARY].collect(bench.conn, bench.ref(USER), bench.io))


# -- through the engine ------------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    def sandbox() -> AwsSandbox:
        return AwsSandbox(entropy=5, planted=("signing-certificate",))

    with World(aws_provider, tmp_path, make_sandbox=sandbox) as world:
        yield world


@pytest.mark.parametrize("reason", [Reason.LEAKED, Reason.OFFBOARDING])
def test_a_run_keeps_factors_and_boundaries_and_leaves_groups_at_offboarding(world: World, reason: Reason) -> None:
    assert isinstance(world.sandbox, AwsSandbox)
    iam: Any = world.sandbox.admin("iam")
    arn = iam.create_policy(PolicyName="limit", PolicyDocument=allow("*"))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=BOT, PermissionsBoundary=arn)
    report = world.run(world.plan(Intent(reason=reason, rotate="no")))
    fates = {o.access.kind: (o.fate, o.how) for o in report.outcomes}
    assert fates[MFA][0] == fates[BOUNDARY][0] == "kept"
    assert fates[GROUPS][0] == ("ended" if reason is Reason.OFFBOARDING else "kept")
    assert not [d for d in report.open if str(d.access).startswith((MFA, GROUPS, BOUNDARY))]
    assert [d["SerialNumber"] for d in iam.list_mfa_devices(UserName=BOT)["MFADevices"]] == [SERIAL]
    assert iam.get_user(UserName=BOT)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    joined = [g["GroupName"] for g in iam.list_groups_for_user(UserName=BOT)["Groups"]]
    assert joined == ([] if reason is Reason.OFFBOARDING else [GROUP])
    if reason is Reason.OFFBOARDING:
        world.clock.advance(37 * 3600)
        group = f"{GROUPS}/{ACCOUNT}/{BOT}/{GROUP}"
        with world.engine() as engine:
            engine.act(report.run, "undo", engine.plan_undo(report.run, (group,), ()), YES)
        assert [g["GroupName"] for g in iam.list_groups_for_user(UserName=BOT)["Groups"]] == [GROUP]
