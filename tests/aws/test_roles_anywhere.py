"""Roles Anywhere: certificates of an outside CA begin sessions of a role, until the profile is disabled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.own.roles_anywhere import CERTIFICATE, SERIAL, RolesAnywhere
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

from .conftest import START, WORKER, Bench, filled

KIND = "aws:roles-anywhere"
ARN = "arn:aws:iam::111122223333:role/bots/payments-worker"
LEDGER = "arn:aws:iam::111122223333:role/payments-ledger"
HOME, AWAY = "us-east-1", "eu-central-1"
DISABLE = f"{KIND}/disable"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    sandbox = AwsSandbox(entropy=1, planted=("roles-anywhere",))
    sandbox.start(MovableClock(START))
    try:
        sandbox.lag(0, 0)
        sandbox.seed(str(tmp_path))
        yield Bench(sandbox, sandbox.settings())
    finally:
        sandbox.close()


def service(bench: Bench) -> RolesAnywhere:
    return next(s for s in bench.sandbox.world.own.services if isinstance(s, RolesAnywhere))


def plant(bench: Bench, *roles: str, region: str = HOME) -> Any:
    """A profile, and its CA, besides the demo's own."""
    anchor, profile = service(bench).plant(bench.sandbox.world, *roles, region=region)
    bench.sandbox.world.settle()
    return anchor, profile


def found(bench: Bench) -> list[Found]:
    who = bench.resolve(WORKER)
    return [filled(f, who) for f in bench.kinds[KIND].collect(bench.conn, bench.ref(WORKER), bench.io)]


def accesses(bench: Bench) -> list[Access]:
    return [f for f in found(bench) if isinstance(f, Access)]


def spots(bench: Bench) -> list[BlindSpot]:
    return [f for f in found(bench) if isinstance(f, BlindSpot)]


def one(bench: Bench) -> Access:
    (access,) = accesses(bench)
    return access


def cutting(bench: Bench) -> Step:
    return bench.steps(WORKER, cut_trust=(one(bench).id,))[DISABLE]


def things(bench: Bench) -> Any:
    """All that a test may hold against the state of before."""
    rows = {k: [(t.id, t.enabled, dict(t.parts)) for t in ts] for k, ts in service(bench).things.items()}
    role = bench.sandbox.admin("iam").get_role(RoleName="payments-worker")["Role"]
    return json.loads(json.dumps([rows, role["AssumeRolePolicyDocument"]], default=str))


def door(bench: Bench) -> bool:
    return bench.doors()["roles-anywhere"]


# -- listed ------------------------------------------------------------------------------------------------------------


def test_a_live_profile_lets_outsiders_in_and_tells_who(bench: Bench) -> None:
    access = one(bench)
    profile = service(bench).things["profile"][0].id
    assert access.id == f"{KIND}/111122223333/payments-worker/{HOME}/{profile}"
    assert (access.family, access.state, access.exposure, access.opens) == ("trust", "live", "foreign", True)
    assert access.door == f"{HOME}/{profile}"
    for words in (
        "build-ca (CERTIFICATE_BUNDLE, enabled)", f"{CERTIFICATE} (last seen 2026-11-23T09:00Z, enabled)",
        "CRLs: 0, enabled 0", "rolesanywhere:ImportCrl", "revokes single certificates", "aws:SourceArn ArnEquals",
    ):  # fmt: skip
        assert words in access.note
    assert access.before == {"Region": HOME, "profileId": profile, "enabled": True, "roleArns": [ARN]}
    assert bench.writes() == []


def test_lists_of_revoked_certificates_are_counted(bench: Bench) -> None:
    service(bench).add(bench.sandbox.world, "crl", name="old")
    service(bench).add(bench.sandbox.world, "crl", name="off", enabled=False)
    assert "CRLs: 2, enabled 1" in one(bench).note


def test_profiles_of_other_roles_are_not_its_and_nothing_more_is_asked_for_them(bench: Bench) -> None:
    service(bench).things["profile"][0].parts["roleArns"] = [LEDGER, ARN.replace("1111", "4444", 1)]
    bench.sandbox.forget_calls()
    assert accesses(bench) == []
    assert [n for n in bench.reads() if n.startswith("rolesanywhere:")] == ["rolesanywhere:ListProfiles"]


def test_every_region_and_every_page(bench: Bench) -> None:
    bench.conn = bench.connect(regions=(HOME, AWAY))
    plant(bench, LEDGER, ARN, region=AWAY)
    plant(bench, LEDGER, region=AWAY)
    whole = [(a.id, a.note) for a in accesses(bench)]
    assert [HOME in whole[0][0], AWAY in whole[1][0], len(whole)] == [True, True, 2]
    assert "1 more role(s) in the profile" in whole[1][1]
    bench.sandbox.page_size(1)
    assert [(a.id, a.note) for a in accesses(bench)] == whole


def test_what_lets_nobody_in_is_reported_and_not_open(bench: Bench) -> None:
    anchor, profile = service(bench).things["trustAnchor"][0], service(bench).things["profile"][0]
    anchor.enabled = False
    access = one(bench)
    assert (access.exposure, access.opens, access.state) == ("", False, "live")
    assert "no trust anchor" in access.note
    anchor.enabled, profile.enabled = True, False
    access = one(bench)
    assert (access.exposure, access.opens, access.state) == ("", False, "disabled")
    assert "rolesanywhere:EnableProfile" in access.note
    assert DISABLE not in bench.steps(WORKER, cut_trust=(access.id,)), "it is disabled already"
    profile.enabled = True
    user_only = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [user_only]})
    bench.sandbox.admin("iam").update_assume_role_policy(RoleName="payments-worker", PolicyDocument=trust)
    access = one(bench)
    assert (access.exposure, access.opens) == ("", False)
    assert "does not trust rolesanywhere.amazonaws.com" in access.note
    assert not door(bench), "and so it is"


@pytest.mark.parametrize(
    ("permission", "words"),
    [
        ("rolesanywhere:ListTrustAnchors", "trust anchors"), ("rolesanywhere:ListSubjects", "subjects"),
        ("rolesanywhere:ListCrls", "CRLs"), ("iam:GetRole", "whether the role trusts"),
    ],
)  # fmt: skip
def test_a_part_that_is_denied_is_a_spot_and_taken_for_open(bench: Bench, permission: str, words: str) -> None:
    who = bench.resolve(WORKER)
    bench.sandbox.allow_only(sorted({*bench.kinds[KIND].reads, "sts:GetCallerIdentity"} - {permission}))
    seen = [filled(f, who) for f in bench.kinds[KIND].collect(bench.conn, bench.ref(WORKER), bench.io)]
    (spot,) = [f for f in seen if isinstance(f, BlindSpot)]
    assert spot.needs == permission
    assert words in spot.why
    (access,) = [f for f in seen if isinstance(f, Access)]
    assert access.exposure == "foreign"


def test_denied_profiles_are_unseen_with_their_regions(bench: Bench) -> None:
    bench.conn = bench.connect(regions=(HOME, AWAY))
    bench.sandbox.allow_only(["iam:GetRole", "sts:GetCallerIdentity"])
    (spot,) = spots(bench)
    assert spot.needs == "rolesanywhere:ListProfiles"
    assert HOME in spot.why
    assert AWAY in spot.why
    assert accesses(bench) == []


def test_regions_that_are_off_are_said_once_and_count_for_nothing(bench: Bench) -> None:
    bench.conn = bench.connect(regions=())
    (spot,) = spots(bench)
    assert not spot.counts
    assert "me-central-1" in spot.why


# -- cut ---------------------------------------------------------------------------------------------------------------


def test_nothing_is_drafted_unless_it_is_named(bench: Bench) -> None:
    assert DISABLE not in bench.steps(WORKER)
    assert DISABLE not in bench.steps(WORKER, keep_trust=(one(bench).id,))


def test_disabled_and_enabled_again_and_nothing_else(bench: Bench) -> None:
    assert door(bench)
    before = things(bench)
    step = cutting(bench)
    assert (step.phase, step.reversible, step.rearms) == (Phase.END, True, "always")
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == bench.run.left(step.id) == {"enabled": False, "roleArns": [ARN]}
    bench.settle()
    assert not door(bench)
    assert bench.doors()["assume-role"], "sessions are cut by issue time, not by this"
    assert bench.writes() == ["rolesanywhere:DisableProfile"]
    assert isinstance(bench.do(step), Done), "AWS disables a disabled one again"
    assert isinstance(bench.undo(step), Done)
    bench.settle()
    assert door(bench)
    after = things(bench)
    for state in (before, after):
        state[0]["profile"][0][2].pop("updatedAt", None)
    assert after == before
    assert isinstance(bench.undo(step), Already)


def test_the_roles_that_it_breaks_besides_are_named_and_share_a_lock(bench: Bench) -> None:
    service(bench).things["profile"][0].parts["roleArns"] += [LEDGER, "arn:aws:iam::111122223333:role/x/reports"]
    step = cutting(bench)
    assert "payments-ledger, reports" in step.breaks
    assert "every certificate" in step.breaks
    ledger = bench.kinds[KIND].collect(bench.conn, bench.ref("role/payments-ledger"), bench.io)
    (theirs,) = [f for f in ledger if isinstance(f, Access)]
    assert theirs.door == one(bench).door, "one profile"
    assert step.lock == f"{KIND}/111122223333/{theirs.door}"


def test_gone_is_ended_and_undo_says_so(bench: Bench) -> None:
    step = cutting(bench)
    bench.do(step)
    profile = service(bench).things["profile"].pop()
    assert isinstance(bench.do(step), Already)
    assert bench.seen(step) == {"profile": "gone"}
    assert isinstance(bench.undo(step), Failed)
    assert profile.id in step.ends[0]


def test_undo_leaves_a_profile_that_names_other_roles_now(bench: Bench) -> None:
    step = cutting(bench)
    bench.do(step)
    service(bench).things["profile"][0].parts["roleArns"].append(LEDGER)
    bench.sandbox.forget_calls()
    assert isinstance(bench.undo(step), Failed)
    assert bench.writes() == []
    assert bench.seen(step) is not None, "it is still disabled"


def test_somebody_who_enables_it_is_seen(bench: Bench) -> None:
    step = cutting(bench)
    bench.do(step)
    service(bench).things["profile"][0].enabled = True
    assert bench.seen(step) is None


def test_a_denied_write_changes_nothing(bench: Bench) -> None:
    before = things(bench)
    step = cutting(bench)
    bench.sandbox.allow_only(["rolesanywhere:GetProfile"])
    with pytest.raises(Denied) as denied:
        bench.do(step)
    assert denied.value.needs == "rolesanywhere:DisableProfile"
    bench.sandbox.allow_only(None)
    assert things(bench) == before


def test_no_secret_stands_in_what_is_told(bench: Bench) -> None:
    said = repr(found(bench)) + repr(cutting(bench))
    assert SERIAL not in said, "serials are nobody's business here"
    assert not [s for s in bench.sandbox.canaries() if s in said]
