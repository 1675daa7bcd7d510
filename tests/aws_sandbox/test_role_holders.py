"""What holds a role and begins its sessions, as AWS documents it: instances, functions, tasks, pods, certificates."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.own.holders import Holding, Instances, plant_function
from nhi_revoke_aws.sandbox.own.pod_identity import PodIdentity
from nhi_revoke_aws.sandbox.own.roles_anywhere import SERIAL, RolesAnywhere
from nhi_revoke_aws.sandbox.own.service import Scene
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow

from .conftest import START

Code = Callable[[Callable[[], Any]], str]
ARN = "arn:aws:iam::111122223333:role/bots/payments-worker"
HOLDERS = ("instance", "function", "task", "pod-identity", "roles-anywhere", "issuer")
BEGINS = ("roles-anywhere", "pod-identity")


@pytest.fixture
def held(tmp_path: Path) -> Iterator[AwsSandbox]:
    """payments-worker with all that holds it, without lag."""
    sandbox = AwsSandbox(entropy=1, planted=HOLDERS)
    sandbox.start(MovableClock(START))
    try:
        sandbox.lag(0, 0)
        sandbox.seed(str(tmp_path))
        yield sandbox
    finally:
        sandbox.close()


def own(aws: AwsSandbox, kind: type[Any]) -> Any:
    return next(s for s in aws.world.own.services if isinstance(s, kind))


def opened(aws: AwsSandbox, kind: str) -> bool:
    return next(d for d in aws.doors() if d.kind == kind).open()


def trust(aws: AwsSandbox) -> dict[str, Any]:
    found: dict[str, Any] = aws.admin("iam").get_role(RoleName="payments-worker")["Role"]["AssumeRolePolicyDocument"]
    return found


def set_trust(aws: AwsSandbox, document: dict[str, Any]) -> None:
    iam = aws.admin("iam")
    iam.update_assume_role_policy(RoleName="payments-worker", PolicyDocument=json.dumps(document))


def cut_sessions(aws: AwsSandbox) -> None:
    """As AWS's console does it."""
    older = {"DateLessThan": {"aws:TokenIssueTime": f"{aws.now():%Y-%m-%dT%H:%M:%SZ}"}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": older}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    aws.admin("iam").put_role_policy(RoleName="payments-worker", PolicyName="cut", PolicyDocument=document)


# -- what is planted ---------------------------------------------------------------------------------------------------


def test_the_users_trust_stays_and_each_service_has_its_own(held: AwsSandbox) -> None:
    statements = trust(held)["Statement"]
    assert statements[0]["Principal"] == {"AWS": "arn:aws:iam::111122223333:user/bots/payments-bot"}
    services = [s["Principal"]["Service"] for s in statements if "Service" in s["Principal"]]
    assert services == [
        "ec2.amazonaws.com", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "pods.eks.amazonaws.com",
        "rolesanywhere.amazonaws.com",
    ]  # fmt: skip
    assert [s["Action"] for s in statements if "Federated" in s["Principal"]] == [["sts:AssumeRoleWithWebIdentity"]]


def test_only_what_is_chosen_is_planted(tmp_path: Path) -> None:
    sandbox = AwsSandbox(entropy=1, planted=())
    sandbox.start(MovableClock(START))
    try:
        sandbox.seed(str(tmp_path))
        assert len(trust(sandbox)["Statement"]) == 1
        assert not {d.kind for d in sandbox.doors()} & {*BEGINS, "instance-metadata"}
        assert sandbox.client("eks").list_clusters()["clusters"] == []
    finally:
        sandbox.close()


@pytest.mark.parametrize("kind", [*BEGINS, "instance-metadata"])
def test_every_way_in_is_open_at_first(held: AwsSandbox, kind: str) -> None:
    assert opened(held, kind)


def test_a_new_life_has_nothing_of_the_old(held: AwsSandbox, tmp_path: Path) -> None:
    held.reset()
    for service, call, field in (
        ("eks", "list_clusters", "clusters"), ("rolesanywhere", "list_profiles", "profiles"),
        ("ecs", "list_clusters", "clusterArns"), ("lambda", "list_functions", "Functions"),
        ("ec2", "describe_iam_instance_profile_associations", "IamInstanceProfileAssociations"),
    ):  # fmt: skip
        assert getattr(held.client(service), call)()[field] == []
    held.seed(str(tmp_path))
    assert len(trust(held)["Statement"]) == 7
    assert all(opened(held, kind) for kind in BEGINS)


# -- lists -------------------------------------------------------------------------------------------------------------


def test_associations_are_filtered_as_ec2_does(held: AwsSandbox, code: Code) -> None:
    service, ec2 = own(held, Instances), held.client("ec2")
    first = service.holdings[0]
    service.holdings.append(
        Holding(first.account, first.region, "i-2", "arn:x", "AIPAX", first.since, "disassociating")
    )
    service.holdings.append(Holding(first.account, "eu-central-1", "i-3", "arn:x", "AIPAX", first.since))

    def listed(**params: Any) -> list[str]:
        rows = ec2.describe_iam_instance_profile_associations(**params)["IamInstanceProfileAssociations"]
        return [row["InstanceId"] for row in rows]

    assert listed() == [first.instance, "i-2"]
    assert listed(Filters=[{"Name": "state", "Values": ["associated"]}]) == [first.instance]
    assert listed(Filters=[{"Name": "instance-id", "Values": ["i-2"]}]) == ["i-2"]
    wrong = [{"Name": "iam-instance-profile.arn", "Values": ["x"]}]
    assert code(lambda: listed(Filters=wrong)) == "InvalidParameterValue"
    (row, _) = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    assert row["IamInstanceProfile"]["Arn"] == "arn:aws:iam::111122223333:instance-profile/payments-node"
    assert row["Timestamp"].tzinfo is not None


def test_ec2_says_no_in_its_own_words(held: AwsSandbox, code: Code) -> None:
    held.allow_only(["iam:GetRole"])
    listing = held.client("ec2").describe_iam_instance_profile_associations
    assert code(listing) == "UnauthorizedOperation"


def test_every_list_pages(held: AwsSandbox) -> None:
    scene = Scene(held.world, None, None, "payments-bot", "payments-worker")  # type: ignore[arg-type]  # nobody breaks in here
    plant_function(scene, "us-east-1", "second", ARN)
    own(held, PodIdentity).plant(held.world, "second", "n", "x", roleArn=ARN)
    own(held, PodIdentity).plant(held.world, "second", "n", "y", roleArn=ARN)
    own(held, RolesAnywhere).plant(held.world, ARN)
    service = own(held, Instances)
    first = service.holdings[0]
    service.holdings.append(Holding(first.account, first.region, "i-2", "arn:x", "AIPAX", first.since))
    held.page_size(1)
    wanted: list[tuple[str, str, str, dict[str, str]]] = [
        ("lambda", "list_functions", "Functions", {}), ("eks", "list_clusters", "clusters", {}),
        ("eks", "list_pod_identity_associations", "associations", {"clusterName": "second"}),
        ("rolesanywhere", "list_profiles", "profiles", {}), ("rolesanywhere", "list_trust_anchors", "trustAnchors", {}),
        ("rolesanywhere", "list_subjects", "subjects", {}),
        ("ec2", "describe_iam_instance_profile_associations", "IamInstanceProfileAssociations", {}),
    ]  # fmt: skip
    for name, call, field, params in wanted:
        pages = [p[field] for p in held.client(name).get_paginator(call).paginate(**params)]
        assert [len(p) for p in pages] == [1, 1], call
        assert pages[0] != pages[1], call


def test_a_page_of_functions_holds_fifty_at_most(held: AwsSandbox) -> None:
    scene = Scene(held.world, None, None, "payments-bot", "payments-worker")  # type: ignore[arg-type]  # nobody breaks in here
    for number in range(50):
        plant_function(scene, "us-east-1", f"f{number}", ARN)
    first = held.client("lambda").list_functions(MaxItems=10000)
    assert len(first["Functions"]) == 50
    assert len(held.client("lambda").list_functions(Marker=first["NextMarker"])["Functions"]) == 1


def test_ecs_lists_ten_services_unless_asked_for_more(held: AwsSandbox, code: Code) -> None:
    ecs = held.client("ecs")
    for number in range(10):
        held.admin("ecs").create_service(
            cluster="payments", serviceName=f"s{number}", taskDefinition="payments-api", desiredCount=1
        )
    assert len(ecs.list_services(cluster="payments")["serviceArns"]) == 10
    assert len(ecs.list_services(cluster="payments", maxResults=100)["serviceArns"]) == 11
    assert code(lambda: ecs.list_services(cluster="none")) == "ClusterNotFoundException"
    (task,) = ecs.list_tasks(cluster="payments")["taskArns"]
    for _ in range(5):
        (row,) = ecs.describe_tasks(cluster="payments", tasks=[task])["tasks"]
        assert row["lastStatus"] == "RUNNING", "looking at it does not end it"


# -- certificates ------------------------------------------------------------------------------------------------------


def test_a_cut_by_issue_time_leaves_the_certificate_and_the_pod_their_way_back(held: AwsSandbox) -> None:
    held.advance(5)
    cut_sessions(held)
    held.advance(5)
    assert not opened(held, "instance-metadata"), "what was copied is dead"
    assert all(opened(held, kind) for kind in BEGINS), "they begin new ones"


def test_a_session_by_certificate_is_judged_by_the_roles_policies(held: AwsSandbox) -> None:
    before = {s.id for s in held.world.sessions.all()}
    assert opened(held, "roles-anywhere")
    (made,) = [s for s in held.world.sessions.all() if s.id not in before]
    assert (made.name, made.via, made.session_name) == ("payments-worker", "AssumeRole", SERIAL)
    assert (made.expires - made.issued).total_seconds() == 3600
    assert {made.secret, made.token} <= set(held.canaries())


@pytest.mark.parametrize("part", ["profile", "trustAnchor"])
def test_disabled_it_gives_no_session(held: AwsSandbox, part: str) -> None:
    thing = own(held, RolesAnywhere).things[part][0]
    thing.enabled = False
    held.world.settle()
    assert not opened(held, "roles-anywhere")
    thing.enabled = True
    held.world.settle()
    assert opened(held, "roles-anywhere")


def test_a_revocation_list_shuts_out_its_certificates_alone(held: AwsSandbox) -> None:
    service = own(held, RolesAnywhere)
    crl = service.add(held.world, "crl", name="ca")
    service.revoked[crl.id] = frozenset({"another"})
    held.world.settle()
    assert opened(held, "roles-anywhere")
    service.revoked[crl.id] = frozenset({SERIAL})
    held.world.settle()
    assert not opened(held, "roles-anywhere")
    crl.enabled = False
    held.world.settle()
    assert opened(held, "roles-anywhere"), "a disabled list is not asked"


@pytest.mark.parametrize("kind", BEGINS)
def test_the_roles_trust_decides(held: AwsSandbox, kind: str) -> None:
    document = trust(held)
    mine = {"roles-anywhere": "rolesanywhere", "pod-identity": "pods.eks"}[kind] + ".amazonaws.com"
    others = [s for s in document["Statement"] if s["Principal"].get("Service") != mine]
    set_trust(held, {**document, "Statement": others})
    assert not opened(held, kind)
    set_trust(held, document)
    assert opened(held, kind)
    deny = {"Effect": "Deny", "Principal": {"Service": mine}, "Action": "sts:AssumeRole"}
    set_trust(held, {**document, "Statement": [*document["Statement"], deny]})
    assert not opened(held, kind), "a deny wins"


def test_the_trust_may_ask_for_one_anchor(held: AwsSandbox) -> None:
    service = own(held, RolesAnywhere)
    anchor = service.add(held.world, "trustAnchor", name="another-ca")
    held.world.settle()
    service.certificates[SERIAL] = anchor.id
    assert not opened(held, "roles-anywhere"), "aws:SourceArn is the first one's"


def test_disabling_is_obeyed_after_the_lag(held: AwsSandbox) -> None:
    held.lag(4, 0)
    profile = own(held, RolesAnywhere).things["profile"][0].id
    held.client("rolesanywhere").disable_profile(profileId=profile)
    assert held.client("rolesanywhere").get_profile(profileId=profile)["profile"]["enabled"] is False
    assert opened(held, "roles-anywhere")
    held.advance(5)
    assert not opened(held, "roles-anywhere")
    held.client("rolesanywhere").enable_profile(profileId=profile)
    held.advance(5)
    assert opened(held, "roles-anywhere")


def test_profiles_are_named_by_id_or_arn_and_else_missing(held: AwsSandbox, code: Code) -> None:
    client, away = held.client("rolesanywhere"), held.client("rolesanywhere", region="eu-central-1")
    profile = client.list_profiles()["profiles"][0]
    assert client.get_profile(profileId=profile["profileArn"])["profile"] == profile
    assert profile["profileArn"].startswith("arn:aws:rolesanywhere:us-east-1:111122223333:profile/")
    assert code(lambda: client.get_profile(profileId="0" * 36)) == "ResourceNotFoundException"
    assert code(lambda: away.get_profile(profileId=profile["profileId"])) == "ResourceNotFoundException"


@pytest.mark.parametrize(("partition", "region"), [("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")])
def test_other_partitions_have_their_own_names(tmp_path: Path, partition: str, region: str) -> None:
    sandbox = AwsSandbox(entropy=1, partition=partition, planted=BEGINS)
    sandbox.start(MovableClock(START))
    try:
        sandbox.lag(0, 0)
        sandbox.seed(str(tmp_path))
        (profile,) = sandbox.client("rolesanywhere").list_profiles()["profiles"]
        assert profile["profileArn"].startswith(f"arn:{partition}:rolesanywhere:{region}:")
        (row,) = sandbox.client("eks").list_pod_identity_associations(clusterName="payments")["associations"]
        assert row["associationArn"].startswith(f"arn:{partition}:eks:{region}:")
        assert all(opened(sandbox, kind) for kind in BEGINS)
    finally:
        sandbox.close()


# -- pods --------------------------------------------------------------------------------------------------------------


def test_the_roles_stand_in_describe_alone(held: AwsSandbox) -> None:
    eks = held.client("eks")
    (row,) = eks.list_pod_identity_associations(clusterName="payments")["associations"]
    assert "roleArn" not in row
    whole = eks.describe_pod_identity_association(clusterName="payments", associationId=row["associationId"])
    assert whole["association"]["roleArn"] == ARN
    assert whole["association"]["disableSessionTags"] is False


def test_pods_lose_their_sessions_source_with_the_association(held: AwsSandbox, code: Code) -> None:
    held.lag(4, 0)
    eks = held.client("eks")
    association = own(held, PodIdentity).associations[0].id
    slot = {"clusterName": "payments", "associationId": association}
    assert eks.delete_pod_identity_association(**slot)["association"]["roleArn"] == ARN
    assert opened(held, "pod-identity"), "several seconds until it is obeyed"
    held.advance(5)
    assert not opened(held, "pod-identity")
    assert code(lambda: eks.delete_pod_identity_association(**slot)) == "ResourceNotFoundException"
    again = {"clusterName": "payments", "namespace": "billing", "serviceAccount": "worker", "roleArn": ARN}
    made = eks.create_pod_identity_association(clientRequestToken="one", **again)["association"]
    assert made["associationId"] != association
    assert eks.create_pod_identity_association(clientRequestToken="one", **again)["association"] == made
    assert code(lambda: eks.create_pod_identity_association(**again)) == "ResourceInUseException"
    held.advance(5)
    assert opened(held, "pod-identity")


def test_a_role_must_be_passed(held: AwsSandbox, code: Code) -> None:
    user = held.admin("iam")
    user.create_user(UserName="dev")
    key = user.create_access_key(UserName="dev")["AccessKey"]
    user.put_user_policy(UserName="dev", PolicyName="p", PolicyDocument=allow("eks:*"))
    from nhi_revoke_aws.sandbox.clients import Held

    eks = held.client("eks", Held(key["AccessKeyId"], key["SecretAccessKey"]))
    wanted = {"clusterName": "payments", "namespace": "n", "serviceAccount": "x", "roleArn": ARN}
    assert code(lambda: eks.create_pod_identity_association(**wanted)) == "AccessDeniedException"
    user.put_user_policy(UserName="dev", PolicyName="p", PolicyDocument=allow("eks:*", "iam:PassRole"))
    assert code(lambda: eks.create_pod_identity_association(**wanted)) == "ok"


def test_lists_filter_by_service_account(held: AwsSandbox, code: Code) -> None:
    own(held, PodIdentity).plant(held.world, "payments", "billing", "other", roleArn=ARN)
    eks = held.client("eks")

    def names(**only: str) -> list[str]:
        rows = eks.list_pod_identity_associations(clusterName="payments", **only)["associations"]
        return [row["serviceAccount"] for row in rows]

    assert names() == ["worker", "other"]
    assert names(serviceAccount="other") == ["other"]
    assert names(namespace="none") == []
    assert code(lambda: eks.list_pod_identity_associations(clusterName="none")) == "ResourceNotFoundException"
