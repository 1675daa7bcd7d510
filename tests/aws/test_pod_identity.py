"""EKS Pod Identity: pods that begin sessions of a role; the association is removed on request, and made again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied, NoAnswer
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.holding import what_breaks
from nhi_revoke_aws.sandbox.own.pod_identity import Association, PodIdentity
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

from .conftest import START, WORKER, Bench, filled

KIND = "aws:pod-identity"
ARN = "arn:aws:iam::111122223333:role/bots/payments-worker"
LEDGER = "arn:aws:iam::111122223333:role/payments-ledger"
HOME, AWAY = "us-east-1", "eu-central-1"
REMOVE = f"{KIND}/remove"
MINE = f"{KIND}/111122223333/payments-worker/{HOME}/payments/billing/worker"
POLICY = '{"Version":"2012-10-17","Statement":[]}'


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    sandbox = AwsSandbox(entropy=1, planted=("pod-identity",))
    sandbox.start(MovableClock(START))
    try:
        sandbox.lag(0, 0)
        sandbox.seed(str(tmp_path))
        yield Bench(sandbox, sandbox.settings())
    finally:
        sandbox.close()


def service(bench: Bench) -> PodIdentity:
    return next(s for s in bench.sandbox.world.own.services if isinstance(s, PodIdentity))


def plant(bench: Bench, cluster: str, namespace: str, name: str, region: str = HOME, **parts: Any) -> Association:
    made = service(bench).plant(bench.sandbox.world, cluster, namespace, name, region=region, **parts)
    bench.sandbox.world.settle()
    return made


def found(bench: Bench, ref: str = WORKER) -> list[Found]:
    who = bench.resolve(ref)
    return [filled(f, who) for f in bench.kinds[KIND].collect(bench.conn, bench.ref(ref), bench.io)]


def accesses(bench: Bench) -> list[Access]:
    return [f for f in found(bench) if isinstance(f, Access)]


def spots(bench: Bench) -> list[BlindSpot]:
    return [f for f in found(bench) if isinstance(f, BlindSpot)]


def cutting(bench: Bench, access: str = MINE) -> Step:
    return bench.steps(WORKER, cut_trust=(access,))[REMOVE]


def state(bench: Bench) -> list[tuple[Any, ...]]:
    """Everything but the ids, which a new association has anew."""
    return sorted(
        (a.region, a.cluster, a.namespace, a.service_account, str(a.parts)) for a in service(bench).associations
    )


def door(bench: Bench) -> bool:
    return bench.doors()["pod-identity"]


# -- listed ------------------------------------------------------------------------------------------------------------


def test_an_association_is_told_by_its_service_account(bench: Bench) -> None:
    (access,) = accesses(bench)
    assert access.id == MINE
    assert (access.family, access.state, access.exposure, access.opens) == ("trust", "live", "service", True)
    assert access.door == f"{HOME}/payments/billing/worker"
    assert access.label == "pods of service account worker in payments/billing in us-east-1"
    assert access.before == {
        "Region": HOME, "associationId": service(bench).associations[0].id, "clusterName": "payments",
        "namespace": "billing", "serviceAccount": "worker", "roleArn": ARN,
    }  # fmt: skip
    assert bench.writes() == []
    assert "pods of service account worker" in what_breaks(bench.view(WORKER))


def test_the_door_is_equal_when_it_is_made_again(bench: Bench) -> None:
    (before,) = accesses(bench)
    old = service(bench).associations.pop()
    plant(bench, "payments", "billing", "worker", roleArn=ARN)
    (after,) = accesses(bench)
    assert (after.id, after.door) == (before.id, before.door)
    assert after.before["associationId"] != old.id


def test_roles_of_others_and_roles_that_are_gone_on_to(bench: Bench) -> None:
    plant(bench, "payments", "billing", "ledger", roleArn=LEDGER)
    plant(bench, "payments", "billing", "chained", roleArn=LEDGER, targetRoleArn=ARN)
    plant(bench, "payments", "billing", "further", roleArn=ARN, targetRoleArn=LEDGER)
    plant(bench, "payments", "billing", "foreign", roleArn=LEDGER, targetRoleArn=ARN.replace("1111", "4444", 1))
    notes = {a.door.rpartition("/")[2]: a.note for a in accesses(bench)}
    assert set(notes) == {"worker", "chained", "further"}
    assert f"by way of {LEDGER}" in notes["chained"]
    assert f"go on to {LEDGER}" in notes["further"]


def test_an_add_ons_association_is_told(bench: Bench) -> None:
    service(bench).associations[0].parts["ownerArn"] = "arn:aws:eks:us-east-1:111122223333:addon/payments/x/1"
    assert "an EKS add-on owns" in accesses(bench)[0].note


def test_every_region_cluster_and_page(bench: Bench) -> None:
    bench.conn = bench.connect(regions=(HOME, AWAY))
    for cluster in ("a", "b"):
        for name in ("x", "y"):
            plant(bench, cluster, "n", name, AWAY, roleArn=ARN)
    plant(bench, "empty", "n", "other", AWAY, roleArn=LEDGER)
    bench.sandbox.forget_calls()
    doors = [a.door for a in accesses(bench)]
    assert doors == [f"{HOME}/payments/billing/worker", *(f"{AWAY}/{c}/n/{n}" for c in "ab" for n in "xy")]
    reads = bench.reads()
    assert reads.count("eks:ListClusters") == 2
    assert reads.count("eks:ListPodIdentityAssociations") == 4
    assert reads.count("eks:DescribePodIdentityAssociation") == 6, "the roles stand only there"
    bench.sandbox.page_size(1)
    assert [a.door for a in accesses(bench)] == doors


@pytest.mark.parametrize(
    ("permission", "where"),
    [
        ("eks:ListClusters", HOME), ("eks:ListPodIdentityAssociations", f"payments in {HOME}"),
        ("eks:DescribePodIdentityAssociation", f"in {HOME}"),
    ],
)  # fmt: skip
def test_what_is_denied_is_a_spot_that_says_where(bench: Bench, permission: str, where: str) -> None:
    bench.sandbox.allow_only(sorted({*bench.kinds[KIND].reads, "iam:GetRole", "sts:GetCallerIdentity"} - {permission}))
    (spot,) = spots(bench)
    assert spot.needs == permission
    assert where in spot.why
    assert accesses(bench) == []


def test_one_cluster_denied_hides_no_other(bench: Bench) -> None:
    plant(bench, "second", "n", "x", roleArn=ARN)
    bench.sandbox.fault("eks:ListPodIdentityAssociations", "denied")
    seen = found(bench)
    assert len([f for f in seen if isinstance(f, BlindSpot)]) == 1
    assert len([f for f in seen if isinstance(f, Access)]) == 1


def test_a_cluster_or_association_that_is_gone_meanwhile_is_none(bench: Bench) -> None:
    handlers = dict(service(bench).operations())
    real = handlers["ListPodIdentityAssociations"]

    def listed_and_gone(asking: Any) -> Any:
        answer = real(asking)
        service(bench).associations.clear()
        return answer

    bench.sandbox.world.own._by["eks", "ListPodIdentityAssociations"] = (service(bench), listed_and_gone)
    assert found(bench) == []


def test_regions_that_are_off_are_said_once_and_count_for_nothing(bench: Bench) -> None:
    bench.conn = bench.connect(regions=())
    (spot,) = spots(bench)
    assert not spot.counts
    assert "af-south-1" in spot.why


# -- cut ---------------------------------------------------------------------------------------------------------------


def test_nothing_is_drafted_unless_it_is_named(bench: Bench) -> None:
    assert REMOVE not in bench.steps(WORKER)


def test_removed_and_made_again_and_nothing_else(bench: Bench) -> None:
    kept = {"disableSessionTags": True, "policy": POLICY, "tags": {"team": "payments"}}
    service(bench).associations[0].parts |= kept
    plant(bench, "payments", "billing", "beside", roleArn=ARN)
    before, old = state(bench), service(bench).associations[0].id
    assert door(bench)
    step = cutting(bench)
    assert (step.phase, step.reversible, step.rearms) == (Phase.END, True, "always")
    assert step.ends == (MINE,)
    assert "payments-worker" in step.breaks
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == bench.run.left(step.id)
    bench.settle()
    assert not door(bench)
    assert bench.doors()["assume-role"], "sessions are cut by issue time, not by this"
    assert [a.service_account for a in service(bench).associations] == ["beside"]
    assert bench.writes() == ["eks:DeletePodIdentityAssociation"]
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Done)
    bench.settle()
    assert door(bench)
    assert state(bench) == before
    assert old not in {a.id for a in service(bench).associations}, "the id is a new one, as `undone` says"
    assert "id is a new one" in bench.doer(REMOVE).undone
    assert bench.seen(step) is None
    assert isinstance(bench.undo(step), Already)


def test_an_undo_whose_answer_is_lost_makes_no_second_one(bench: Bench) -> None:
    step = cutting(bench)
    bench.do(step)
    bench.sandbox.fault("eks:CreatePodIdentityAssociation", "lost")
    assert isinstance(bench.undo(step), Done), "asked again with the same token"
    assert len(service(bench).associations) == 1
    assert [w for w in bench.writes() if "Create" in w] == ["eks:CreatePodIdentityAssociation"] * 2


def test_a_lost_delete_is_looked_at(bench: Bench) -> None:
    step = cutting(bench)
    bench.sandbox.fault("eks:DeletePodIdentityAssociation", "lost", times=9)
    with pytest.raises(NoAnswer):
        bench.do(step)
    assert bench.seen(step) is not None


def test_another_id_with_the_same_role_is_not_gone(bench: Bench) -> None:
    step = cutting(bench)
    bench.do(step)
    plant(bench, "payments", "billing", "worker", roleArn=ARN)
    assert bench.seen(step) is None, "somebody put it back"
    service(bench).associations.clear()
    plant(bench, "payments", "billing", "worker", roleArn=LEDGER)
    assert bench.seen(step) is not None, "another role: not this one's"


def test_undo_leaves_another_association_there(bench: Bench) -> None:
    step = cutting(bench)
    bench.do(step)
    plant(bench, "payments", "billing", "worker", roleArn=LEDGER)
    before = state(bench)
    bench.sandbox.forget_calls()
    assert isinstance(bench.undo(step), Failed)
    assert state(bench) == before
    assert bench.writes() == []


def test_a_cluster_that_is_gone_takes_its_associations_along(bench: Bench) -> None:
    step = cutting(bench)
    service(bench).clusters.clear()
    assert isinstance(bench.do(step), Already)
    assert bench.seen(step) is not None


def test_a_denied_write_changes_nothing(bench: Bench) -> None:
    before = state(bench)
    step = cutting(bench)
    bench.sandbox.allow_only(["eks:DescribePodIdentityAssociation"])
    with pytest.raises(Denied) as denied:
        bench.do(step)
    assert denied.value.needs == "eks:DeletePodIdentityAssociation"
    assert state(bench) == before


def test_only_who_may_pass_the_role_makes_it_again(bench: Bench) -> None:
    """The responder's own policy, as IAM judges it."""
    from nhi_revoke_aws.sandbox.seed import OPERATOR, allow

    step = cutting(bench)
    bench.do(step)
    rights = [p for p in bench.doer(REMOVE).permissions if p != "iam:PassRole"]
    iam = bench.sandbox.admin("iam")
    iam.put_user_policy(UserName=OPERATOR, PolicyName="incident-response", PolicyDocument=allow(*rights))
    with pytest.raises(Denied):
        bench.undo(step)
    assert service(bench).associations == []
    everything = allow(*bench.doer(REMOVE).permissions)
    iam.put_user_policy(UserName=OPERATOR, PolicyName="incident-response", PolicyDocument=everything)
    assert isinstance(bench.undo(step), Done)
