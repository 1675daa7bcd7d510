"""What of AWS's consumers nobody could see, and how few requests they take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.consumer import Consumer
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.sandbox.own.holders import FunctionLists, plant_function, plant_service
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT
from nhi_revoke_aws.settings import AwsSettings

from .consumers_bench import HOME, KEPT, USER_REF, WORKER_ARN, Yard, counted, yard_of
from .one_kind import own


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with yard_of(tmp_path) as made:
        yield made


# -- what nobody could see ---------------------------------------------------------------------------------------------

ALL = (
    "lambda:ListFunctions", "ecs:ListClusters", "ecs:ListServices", "ecs:DescribeServices", "ecs:ListTasks",
    "ecs:DescribeTasks", "ecs:DescribeTaskDefinition", "secretsmanager:ListSecrets", "ssm:DescribeParameters",
    "iam:GetAccessKeyLastUsed",
)  # fmt: skip


@pytest.mark.parametrize("denied", ALL)
def test_each_denied_listing_is_a_blind_spot(yard: Yard, denied: str) -> None:
    yard.function("export", {"ID": yard.key})
    yard.service("api", {"environment": [{"name": "ID", "value": yard.key}]})
    yard.task("nightly", WORKER_ARN)
    sought = yard.sought(KEPT)
    assert set(ALL) < {*yard.bench.provider.finds}
    yard.bench.sandbox.allow_only(
        [each for each in (*yard.bench.provider.finds, "sts:GetCallerIdentity") if each != denied]
    )
    found = list(yard.bench.provider.consumers(yard.bench.conn, sought))
    spots = counted(found)
    assert {(one.needs, one.counts, str(one.on)) for one in spots} == {(denied, True, f"aws:account/{ACCOUNT}")}
    rest = {one.what.split()[0] for one in found if isinstance(one, Consumer)}
    lost = {"lambda": "Lambda", "secretsmanager": "Secrets", "iam": "Caller"}.get(denied.partition(":")[0])
    assert lost not in rest
    assert rest | {lost} >= {"Lambda", "Secrets", "Caller"}


def test_with_exactly_what_it_declares_it_sees_everything(yard: Yard) -> None:
    yard.service("api", {"environment": [{"name": "ID", "value": yard.key}]})
    sought = yard.sought(KEPT)
    whole = list(yard.bench.provider.consumers(yard.bench.conn, sought))
    yard.bench.sandbox.allow_only([*yard.bench.provider.finds, "sts:GetCallerIdentity"])
    assert list(yard.bench.provider.consumers(yard.bench.conn, sought)) == whole


def test_a_denied_list_of_secrets_hides_no_reference_to_what_is_delivered(yard: Yard) -> None:
    yard.function("api", {"SECRET_NAME": "payments/aws"})
    sought = yard.sought(KEPT)
    yard.bench.sandbox.allow_only(
        [*(p for p in yard.bench.provider.finds if "Secrets" not in p), "sts:GetCallerIdentity"]
    )
    found = list(yard.bench.provider.consumers(yard.bench.conn, sought))
    assert [one.basis for one in found if isinstance(one, Consumer) and "Lambda" in one.what] == ["reference"]


def test_an_environment_that_could_not_be_decrypted_is_unseen(yard: Yard) -> None:
    yard.function("sealed", {"ID": yard.key})
    lists = own(yard.bench.sandbox, "function")
    assert isinstance(lists, FunctionLists)
    lists.sealed.add("sealed")
    [spot] = yard.spots()
    assert (spot.counts, spot.needs) == (True, "kms:Decrypt")
    assert "sealed" in spot.why


def test_what_is_never_looked_at_is_said(yard: Yard) -> None:
    [spot] = [one for one in yard.look() if isinstance(one, BlindSpot)]
    assert not spot.counts
    assert "Not: CodeBuild" in spot.why


def test_files_in_s3_are_unseen(yard: Yard) -> None:
    yard.service("api", {"environmentFiles": [{"value": "arn:aws:s3:::bucket/x.env", "type": "s3"}]})
    [spot] = yard.spots()
    assert (spot.counts, "api in cluster prod" in spot.why) == (True, True)


def test_regions_that_cannot_be_read_are_named(yard: Yard) -> None:
    yard.function("export", {"ID": yard.key})
    yard.bench.sandbox.fault("secretsmanager:ListSecrets", "500", times=6)
    found = yard.look()
    [spot] = counted(found)
    assert spot.why.startswith("secrets of Secrets Manager in us-east-1, eu-central-1: could not be read")
    assert any(isinstance(one, Consumer) and one.basis == "id" for one in found)


def test_regions_that_are_not_read_are_said(yard: Yard) -> None:
    yard.bench.conn = yard.bench.connect(regions=())
    yard.bench.sandbox.allow_only([*(p for p in (*yard.bench.provider.finds, "iam:*") if "Regions" not in p)])
    sought_spots = [
        s for s in yard.bench.provider.consumers(yard.bench.conn, yard.sought()) if isinstance(s, BlindSpot)
    ]
    assert any("read in us-east-1 only" in spot.why and spot.counts for spot in sought_spots)


def test_credentials_of_another_account_look_nowhere(yard: Yard) -> None:
    conn = yard.bench.connect(OTHER_ACCOUNT)
    with pytest.raises(Unauthenticated):
        list(yard.bench.provider.consumers(conn, yard.sought()))


# -- how it is asked ---------------------------------------------------------------------------------------------------


def test_page_size_1_finds_what_page_size_1000_finds(yard: Yard) -> None:
    for number in range(3):
        yard.function(f"f{number}", {"ID": yard.key, "SECRET_NAME": "payments/aws"})
        yard.service(f"s{number}", {"environment": [{"name": "ID", "value": yard.key}]})
        yard.secret(f"s{number}/payments-bot")
        yard.parameter(f"/p{number}/payments-bot")
    whole = yard.consumers(KEPT)
    assert len(whole) == 3 * 5 + 1
    yard.bench.sandbox.page_size(1)
    assert yard.consumers(KEPT) == whole


def test_no_value_is_read_and_nothing_is_asked_for_each_row(yard: Yard) -> None:
    for number in range(4):
        yard.function(f"f{number}", {"ID": yard.key})
        yard.secret(f"s{number}/payments-bot")
    yard.look(KEPT)
    asked = [name for name in yard.bench.reads() if not name.startswith("sts:")]
    assert sorted(asked) == sorted(
        2 * ["lambda:ListFunctions", "ecs:ListClusters", "secretsmanager:ListSecrets", "ssm:DescribeParameters"]
        + 2 * ["iam:GetAccessKeyLastUsed"]
    ), "once in each of two Regions, once for each key"


def listed(yard: Yard, account: str, **more: str) -> AwsConnection:
    """A connection to an account that nhi.toml lists."""
    settings = {**yard.bench.sandbox.settings(), "accounts": [{"id": account, **more}]}
    return yard.bench.provider.connect(account, msgspec.convert(settings, AwsSettings), yard.bench.io)


def test_what_is_in_another_account_is_restarted_by_hand(yard: Yard) -> None:
    """A flush of the map leads to the operator's own account alone; a delivery by its ARN leads everywhere."""
    there: Any = SimpleNamespace(world=SimpleNamespace(account=OTHER_ACCOUNT))
    kept = yard.arn_of("payments/aws")
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/IncidentResponder"
    plant_function(there, HOME, "hook", role, {"SECRET_ARN": kept})
    plant_function(there, HOME, "named", role, {"SECRET_NAME": "payments/aws"})
    plant_service(there, HOME, "prod", "api", role, {"secrets": [{"name": "K", "valueFrom": kept}]})
    admin = yard.bench.sandbox.admin("secretsmanager", OTHER_ACCOUNT)
    arn = str(admin.create_secret(Name="shop/s3", SecretString="{}", Tags=[{"Key": "key", "Value": yard.key}])["ARN"])
    conn = listed(yard, OTHER_ACCOUNT, assume_role=role)
    delivered = Delivery("aws:access-key", f"aws-secretsmanager:{kept}")
    seen = [one for one in yard.look(delivered, conn=conn) if isinstance(one, Consumer)]
    found = {one.what.split()[0]: one for one in seen}
    assert len(seen) == 3, "a name leads to a secret of its own account"
    assert set(found) == {"Lambda", "ECS", "Secrets"}, "the keys are told in their own account"
    assert {one.scope for one in found.values()} == {OTHER_ACCOUNT}
    assert (found["Lambda"].flush, found["ECS"].flush) == ((), ())
    assert found["Lambda"].what == "Lambda function hook in us-east-1"
    assert "no flush of this tool reaches another account" in found["Lambda"].by_hand
    assert "no flush of this tool reaches another account" in found["ECS"].by_hand
    assert found["Secrets"].deliver == (Delivery("aws:access-key", f"aws-secretsmanager:{arn}", str(USER_REF)),)


def test_the_own_account_is_the_own_one_by_whichever_name(yard: Yard) -> None:
    yard.function("hook", {"SECRET_NAME": "payments/aws"})
    own_login = [one for one in yard.look(KEPT) if isinstance(one, Consumer)]
    by_profile = listed(yard, ACCOUNT, profile="sandbox-operator")
    seen = [one for one in yard.look(KEPT, conn=by_profile) if isinstance(one, Consumer)]
    assert seen == own_login
    assert [one for one in seen if one.flush]
