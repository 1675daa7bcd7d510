"""What uses a credential of AWS: by its id, by a reference, by a use and by a name; and what nobody could see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.consumer import Consumer, Mark
from nhi_revoke.model.identity import Delivery, FlushTarget
from nhi_revoke_aws.sandbox.own.stored_lists import SecretLists
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT

from .consumers_bench import AWAY, HOME, KEPT, OTHER_ROLE, USER_ARN, USER_REF, WORKER_ARN, WORKER_REF, Yard, yard_of
from .one_kind import own


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with yard_of(tmp_path) as made:
        yield made


def restart(function: str, region: str = HOME) -> FlushTarget:
    return FlushTarget("aws-lambda", {"function": function, "region": region})


def redeploy(service: str, region: str = HOME) -> FlushTarget:
    return FlushTarget("aws-ecs", {"cluster": "prod", "service": service, "region": region})


# -- marks -------------------------------------------------------------------------------------------------------------


def test_what_tells_a_user_and_a_role(yard: Yard) -> None:
    iam = yard.client("iam")
    made = iam.create_service_specific_credential(UserName="payments-bot", ServiceName="codecommit.amazonaws.com")
    told = made["ServiceSpecificCredential"]
    name = f"aws:service-credential/{told['ServiceSpecificCredentialId']}"
    assert set(yard.marks()) == {
        Mark(yard.key, USER_REF, f"aws:access-key/{yard.key}", "aws:access-key", "AccessKeyId"),
        Mark(yard.spare, USER_REF, f"aws:access-key/{yard.spare}", "aws:access-key", "AccessKeyId"),
        Mark(told["ServiceUserName"], USER_REF, name, "aws:service-credential"),
        Mark(USER_ARN, USER_REF),
        Mark(WORKER_ARN, WORKER_REF),
    }
    assert told["ServicePassword"] not in repr(yard.marks())


# -- by its id ---------------------------------------------------------------------------------------------------------


def test_an_environment_that_holds_the_key(yard: Yard) -> None:
    yard.function("export", {"AWS_ACCESS_KEY_ID": yard.key}, AWAY)
    yard.function("quiet", {"AWS_ACCESS_KEY_ID": f"{yard.key}X", "STAGE": "prod"})
    yard.service("api", {"environment": [{"name": "KEY", "value": f'{{"id": "{yard.spare}"}}'}]})
    function, service = yard.consumers()
    assert (function.what, function.scope, function.basis, function.of) == (
        "Lambda function export in eu-central-1", ACCOUNT, "id", (USER_REF,),
    )  # fmt: skip
    assert function.why == f"its environment holds {yard.key} (AWS_ACCESS_KEY_ID)"
    assert function.flush == (), "a restart changes nothing: the environment is as it was written"
    assert function.by_hand.startswith("put the replacement into its environment (AWS_ACCESS_KEY_ID, and the secret")
    assert service.what == "ECS service api in cluster prod in us-east-1"
    assert service.why == f"its environment holds {yard.spare} (prod-api: KEY)"
    assert "register a new revision" in service.by_hand
    assert (function.evidence, service.evidence) == ("lambda:ListFunctions", "ecs:DescribeTaskDefinition")


def test_the_arn_of_a_principal_is_no_credential_to_replace(yard: Yard) -> None:
    yard.function("assumes", {"ROLE": WORKER_ARN})
    [one] = yard.consumers()
    assert (one.basis, one.of, one.by_hand, one.flush) == ("id", (WORKER_REF,), "", ())


def test_what_runs_with_a_role_caches_its_sessions(yard: Yard) -> None:
    yard.function("hook", {}, role=WORKER_ARN)
    yard.service("api", {}, role=WORKER_ARN)
    yard.task("nightly", WORKER_ARN)
    hook, *tasks = sorted(yard.consumers(), key=lambda one: one.what, reverse=True)
    assert hook.why == f"it runs with {WORKER_ARN} (execution role), whose sessions it caches"
    assert (hook.flush, hook.of) == ((restart("hook"),), (WORKER_REF,))
    alone, service = tasks
    assert alone.what == "ECS tasks of nightly:1 in cluster prod in us-east-1"
    assert (alone.flush, alone.by_hand) == (
        (),
        "no service runs them: stop them, and let whatever started them start new ones",
    )
    assert service.flush == (redeploy("api"),)
    assert "task role" in service.why


def test_a_published_version_keeps_its_environment(yard: Yard) -> None:
    made = yard.function("export", {"ID": yard.key})
    yard.client("lambda").publish_version(FunctionName="export")
    made.environment_vars = {}
    [one] = yard.consumers()
    assert one.why == f"published version 1: its environment holds {yard.key} (ID)"
    assert "publish one with the replacement and move its aliases" in one.by_hand
    assert one.flush == ()


@pytest.mark.parametrize("where", ["tags", "about"])
def test_a_secret_that_says_what_it_holds(yard: Yard, where: str) -> None:
    text: Any = {"holds": yard.key} if where == "tags" else f"holds {yard.key} of finance"
    arn = yard.secret("shop/s3", AWAY, **{where: text})
    [one] = yard.consumers()
    assert (one.what, one.basis) == ("Secrets Manager secret shop/s3 in eu-central-1", "id")
    named = 'tag "holds"' if where == "tags" else "description"
    assert one.why.startswith(f"its {named} holds {yard.key}; changed on ")
    assert one.deliver == (Delivery("aws:access-key", f"aws-secretsmanager:{arn}", str(USER_REF)),), "another Region"
    assert one.evidence == "secretsmanager:ListSecrets"


def test_a_parameter_that_says_what_it_holds(yard: Yard) -> None:
    yard.parameter("/shop/key", about=f"of {USER_ARN}")
    [one] = yard.consumers()
    assert (one.what, one.basis) == ("Parameter Store parameter /shop/key in us-east-1", "id")
    assert one.deliver == (Delivery("aws:access-key", "aws-ssm:/shop/key", str(USER_REF)),)


# -- by a reference ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [
        ("SECRET_ARN", "{arn}", True),
        ("SECRET_ARN", "{partial}", True),
        ("X", "{arn}:AccessKeyId:AWSCURRENT:", True),
        ("SECRET_NAME", "payments/aws", True),
        ("CONFIG", '{{"secret": "payments/aws"}}', True),
        ("X", "{{{{resolve:secretsmanager:payments/aws:SecretString:key}}}}", True),
        ("X", "/aws/reference/secretsmanager/payments/aws", True),
        ("SECRET_NAME", "prod/payments/aws", False),
        ("SECRET_NAME", "payments/aws2", False),
        ("SECRET_ARN", "arn:aws:secretsmanager:us-east-1:111122223333:secret:payments/aws2-abcdef", False),
        ("SECRET_ARN", "arn:aws:secretsmanager:us-east-1:444455556666:secret:payments/aws", False),
        ("SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:payments/aws", False),
    ],
)
def test_a_function_that_reads_what_is_delivered(yard: Yard, variable: str, value: str, found: bool) -> None:
    arn = yard.arn_of("payments/aws")
    yard.function("api", {variable: value.format(arn=arn, partial=arn[:-7])})
    functions = [one for one in yard.consumers(KEPT) if "Lambda" in one.what]
    assert bool(functions) == found
    for one in functions:
        assert (one.basis, one.flush, one.of) == ("reference", (restart("api"),), (USER_REF,))
        assert one.why == (
            f"its environment refers to secret payments/aws ({variable}), where nhi.toml delivers aws:access-key"
        )


def test_a_replica_is_another_way_to_the_same_secret(yard: Yard) -> None:
    client = yard.client("secretsmanager")
    client.replicate_secret_to_regions(SecretId="payments/aws", AddReplicaRegions=[{"Region": AWAY}])
    yard.function("api", {"X": yard.arn_of("payments/aws").replace(HOME, AWAY)}, AWAY)
    found = yard.consumers(KEPT)
    assert [(one.what, one.basis) for one in found] == [
        ("Secrets Manager secret payments/aws in us-east-1", "reference"),
        ("Lambda function api in eu-central-1", "reference"),
    ], "a replica takes no delivery"


def test_what_ecs_injects(yard: Yard) -> None:
    arn = yard.arn_of("payments/aws")
    yard.parameter("payments-key")
    yard.service("api", {"secrets": [{"name": "AWS", "valueFrom": f"{arn}:SecretAccessKey::"}]})
    yard.service(
        "logs", {"logConfiguration": {"logDriver": "splunk", "secretOptions": [{"name": "t", "valueFrom": arn}]}}
    )
    yard.service("pull", {"repositoryCredentials": {"credentialsParameter": arn}})
    yard.service("plain", {"secrets": [{"name": "K", "valueFrom": "payments-key"}]})
    yard.service("other", {"secrets": [{"name": "K", "valueFrom": "payments-key2"}]})
    found = yard.consumers(KEPT, Delivery("aws:access-key", "aws-ssm:payments-key"))
    services = {one.what.split()[2]: one for one in found if one.what.startswith("ECS service")}
    assert set(services) == {"api", "logs", "pull", "plain"}
    assert {name: one.flush for name, one in services.items()} == {name: (redeploy(name),) for name in services}
    assert "SSM parameter payments-key (prod-plain: secret K)" in services["plain"].why


def test_a_short_name_is_a_reference_only_where_its_variable_says_so(yard: Yard) -> None:
    yard.secret("payments")
    kept = Delivery("aws:access-key", "aws-secretsmanager:payments")
    yard.function("staged", {"STAGE": "payments"})
    assert [one for one in yard.consumers(kept) if "Lambda" in one.what] == []
    yard.function("reads", {"SECRET_ID": "payments"})
    assert [one.what for one in yard.consumers(kept) if "Lambda" in one.what] == ["Lambda function reads in us-east-1"]


def test_a_name_of_another_region_proves_nothing(yard: Yard) -> None:
    yard.function("api", {"SECRET_NAME": "payments/aws"}, AWAY)
    [one] = [one for one in yard.consumers(KEPT) if "Lambda" in one.what]
    assert (one.basis, one.flush) == ("name", (restart("api", AWAY),))
    assert "which lies in us-east-1" in one.why


def test_a_path_of_parameters_is_a_reference(yard: Yard) -> None:
    yard.parameter("/payments/prod/key")
    yard.function("api", {"PARAMETERS": "/payments/prod/", "OTHER": "/pay"})
    [one] = [
        one for one in yard.consumers(Delivery("aws:access-key", "aws-ssm:/payments/prod/key")) if "Lambda" in one.what
    ]
    assert (one.basis, one.why.count("(PARAMETERS)")) == ("reference", 1)


def test_what_the_map_delivers_to_is_told_as_the_map_has_it(yard: Yard) -> None:
    own(yard.bench.sandbox, "secret-list").accessed["payments/aws"] = yard.bench.sandbox.now()
    for kept in (
        KEPT,
        Delivery("aws:access-key", "aws-secretsmanager:payments/aws#SecretAccessKey"),
        Delivery("aws:access-key", f"aws-secretsmanager:{yard.arn_of('payments/aws')}"),
    ):
        [one] = yard.consumers(kept)
        assert (one.basis, one.deliver, one.of) == ("reference", (kept,), (USER_REF,))
        assert one.why.startswith("nhi.toml delivers aws:access-key; last read on 2026-11-23, changed on ")
    assert isinstance(own(yard.bench.sandbox, "secret-list"), SecretLists)


def test_an_arn_without_its_end_is_the_secret(yard: Yard) -> None:
    """Six letters after a hyphen look like the end that AWS adds."""
    arn = yard.secret("my-secret")
    kept = Delivery("aws:access-key", f"aws-secretsmanager:{arn[:-7]}")
    yard.function("api", {"SECRET": "my-secret"})
    yard.function("other", {"SECRET": "my"})
    assert [(one.what, one.deliver) for one in yard.consumers(kept)] == [
        ("Secrets Manager secret my-secret in us-east-1", (kept,)),
        ("Lambda function api in us-east-1", ()),
    ]


def test_a_delivery_elsewhere_is_found_by_its_arn_alone(yard: Yard) -> None:
    """In another account, which this login does not list."""
    arn = f"arn:aws:secretsmanager:us-east-1:{OTHER_ACCOUNT}:secret:payments/aws-AbCdEf"
    yard.function("api", {"X": arn})
    yard.function("named", {"SECRET_NAME": "payments/aws"})
    found = yard.consumers(Delivery("aws:access-key", f"aws-secretsmanager:{arn}"))
    assert [(one.what, one.basis) for one in found] == [("Lambda function api in us-east-1", "reference")]


def test_what_refers_to_a_place_is_no_surer_than_the_place(yard: Yard) -> None:
    yard.secret("keys/payments-bot")
    held = yard.secret("shop/s3", tags={"key": yard.key})
    yard.function("reads", {"SECRET_NAME": "keys/payments-bot"})
    yard.function("surer", {"SECRET": held})
    found = {one.what: one for one in yard.consumers()}
    weak, strong = found["Lambda function reads in us-east-1"], found["Lambda function surer in us-east-1"]
    assert (weak.basis, weak.of, weak.flush) == ("name", (), (restart("reads"),))
    assert weak.why.endswith("(SECRET_NAME), which is called like payments-bot")
    assert (strong.basis, strong.of) == ("reference", (USER_REF,))
    assert f'whose tag "key" holds {yard.key}' in strong.why


def test_who_rotates_it_is_told(yard: Yard) -> None:
    yard.function("rotator", {})
    client = yard.client("secretsmanager")
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:rotator"
    secret = yard.bench.sandbox.world.moto._secrets.secretsmanager_backends[ACCOUNT][HOME].secrets["payments/aws"]
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn, secret.auto_rotate_after_days = arn, 30
    assert client.describe_secret(SecretId="payments/aws")["RotationLambdaARN"] == arn
    [one] = [one for one in yard.consumers(KEPT) if "Lambda" in one.what]
    assert one.why == "Secrets Manager has it rotate secret payments/aws, where nhi.toml delivers aws:access-key"
    assert (one.basis, one.by_hand) == ("reference", "agree on who rotates secret payments/aws: it writes there, too")
    secret.rotation_enabled = False
    assert [one for one in yard.consumers(KEPT) if "Lambda" in one.what] == []


# -- by a use, and by a name -------------------------------------------------------------------------------------------


def test_what_a_key_was_last_used_for(yard: Yard) -> None:
    [one] = [one for one in yard.look() if isinstance(one, Consumer) and one.basis == "use"]
    assert (one.what, one.of, one.evidence) == ("Caller of sts in us-east-1", (USER_REF,), "iam:GetAccessKeyLastUsed")
    assert one.why == f"{yard.key} signed its call, last at 2026-11-23 11:20 UTC"
    assert yard.bench.reads().count("iam:GetAccessKeyLastUsed") == 2, "the spare was never used"


def test_what_is_called_like_it_proves_nothing(yard: Yard) -> None:
    yard.secret("legacy/payments-bot")
    yard.secret("tagged", tags={"app": "payments-bot"})
    yard.secret("payments-bottle")
    yard.parameter("/prod/payments_bot/key")
    yard.function("payments-bot-export", {})
    yard.task("payments-bot", OTHER_ROLE)
    found = yard.consumers()
    assert {(one.what, one.basis, one.of) for one in found} == {
        ("Secrets Manager secret legacy/payments-bot in us-east-1", "name", ()),
        ("Secrets Manager secret tagged in us-east-1", "name", ()),
        ("Parameter Store parameter /prod/payments_bot/key in us-east-1", "name", ()),
        ("Lambda function payments-bot-export in us-east-1", "name", ()),
        ("ECS tasks of payments-bot:1 in cluster prod in us-east-1", "name", ()),
    }
    deliver = [one.deliver for one in found if one.deliver]
    assert (Delivery("aws:access-key", "aws-secretsmanager:legacy/payments-bot"),) in deliver
    assert (Delivery("aws:access-key", "aws-ssm:/prod/payments_bot/key"),) in deliver


def test_what_a_name_cannot_tell_is_left_to_the_operator(yard: Yard) -> None:
    """With two sorts of credentials, nobody can tell which one a secret of this name holds."""
    yard.client("iam").create_service_specific_credential(
        UserName="payments-bot", ServiceName="codecommit.amazonaws.com"
    )
    yard.secret("legacy/payments-bot")
    [one] = yard.consumers()
    assert one.deliver == ()
    assert one.by_hand.startswith("see what it holds (this tool reads no value)")


def test_what_another_service_keeps_is_not_proposed(yard: Yard) -> None:
    yard.secret("keys/payments-bot")
    secret = yard.bench.sandbox.world.moto._secrets.secretsmanager_backends[ACCOUNT][HOME].secrets["keys/payments-bot"]
    assert len(yard.consumers()) == 1
    secret.tags = [{"Key": "aws:secretsmanager:owningService", "Value": "redshift"}]
    assert yard.consumers() == []


def test_nothing_is_nobody(yard: Yard) -> None:
    yard.function("unrelated", {"AWS_ACCESS_KEY_ID": "AKIAABCDEFGHIJKLMNOP"})
    yard.service("web", {"environment": [{"name": "ROLE", "value": OTHER_ROLE}]})
    assert yard.consumers() == []
