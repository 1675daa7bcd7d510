"""Caches, functions and parameters of the sandbox, as AWS documents them, by real clients."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from nhi_revoke_aws.sandbox.own.api_gateway import HttpApis, RestApis
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, AwsSandbox

from .conftest import Refused

HOME = "us-east-1"


def rest(aws: AwsSandbox, ttl: int | None = 3600) -> str:
    admin = aws.admin("apigateway")
    api = str(admin.create_rest_api(name="x")["id"])
    root = admin.get_resources(restApiId=api)["items"][0]["id"]
    admin.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    admin.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    admin.create_deployment(restApiId=api, stageName="prod")
    more = {} if ttl is None else {"authorizerResultTtlInSeconds": ttl}
    admin.create_authorizer(
        restApiId=api, name="a", type="TOKEN", authorizerUri="arn:aws:apigateway:us-east-1:lambda:path/x",
        identitySource="method.request.header.Authorization", **more,
    )  # fmt: skip
    return api


def http(aws: AwsSandbox) -> str:
    admin = aws.admin("apigatewayv2")
    api = str(admin.create_api(Name="x", ProtocolType="HTTP")["ApiId"])
    admin.create_stage(ApiId=api, StageName="$default")
    return api


def used(aws: AwsSandbox, service: str, api: str, stage: str = "prod") -> bool:
    key = aws.loot().key
    form = {"account": ACCOUNT, "region": HOME, "api": api, "stage": stage, "token": f"{key.key_id}:{key.secret}"}
    answer = httpx.post(f"{aws.endpoint}/_use/{service}", data=form, trust_env=False)
    assert answer.status_code in (200, 403)
    return answer.status_code == 200


def disable(aws: AwsSandbox) -> None:
    key_id = aws.loot().key.key_id
    aws.admin("iam").update_access_key(UserName="payments-bot", AccessKeyId=key_id, Status="Inactive")


def test_both_models_are_signed_for_by_one_name_and_told_apart_by_their_paths(aws: AwsSandbox) -> None:
    old, new = rest(aws), http(aws)
    one, two = aws.client("apigateway"), aws.client("apigatewayv2")
    assert [s["stageName"] for s in one.get_stages(restApiId=old)["item"]] == ["prod"]
    assert [s["StageName"] for s in two.get_stages(ApiId=new)["Items"]] == ["$default"]
    for call in (one.flush_stage_authorizers_cache, one.flush_stage_cache):
        assert call(restApiId=old, stageName="prod")["ResponseMetadata"]["HTTPStatusCode"] == 202
    answer = two.reset_authorizers_cache(ApiId=new, StageName="$default")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_its_rights_are_http_verbs(aws: AwsSandbox, code: Refused) -> None:
    old, new = rest(aws), http(aws)
    one, two = aws.client("apigateway"), aws.client("apigatewayv2")
    aws.allow_only(["apigateway:GET"])
    one.get_stages(restApiId=old)
    two.get_stages(ApiId=new)
    assert code(lambda: one.flush_stage_cache(restApiId=old, stageName="prod")) == "AccessDeniedException"
    assert code(lambda: two.reset_authorizers_cache(ApiId=new, StageName="$default")) == "AccessDeniedException"
    aws.allow_only(["apigateway:DELETE"])
    one.flush_stage_cache(restApiId=old, stageName="prod")
    assert code(lambda: one.get_stages(restApiId=old)) == "AccessDeniedException"
    calls = {c.name: (c.permission, c.mutates) for c in aws.calls()}
    assert calls["apigateway:FlushStageCache"] == ("apigateway:DELETE", True)
    assert calls["apigateway:GetStages"] == ("apigateway:GET", False)


def test_a_policy_on_one_stages_cache(seeded: AwsSandbox, code: Refused) -> None:
    """The resource that policies are judged by is the path (AWS docs: arn-format-reference of API Gateway)."""
    api = rest(seeded)
    statement = {
        "Effect": "Allow",
        "Action": "apigateway:DELETE",
        "Resource": f"arn:aws:apigateway:{HOME}::/restapis/{api}/stages/prod/cache/authorizers",
    }
    seeded.admin("iam").put_user_policy(
        UserName="payments-bot", PolicyName="flush",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )  # fmt: skip
    bot = seeded.client("apigateway", seeded.loot().key)
    assert code(lambda: bot.flush_stage_authorizers_cache(restApiId=api, stageName="prod")) == "ok"
    assert code(lambda: bot.flush_stage_cache(restApiId=api, stageName="prod")) == "AccessDeniedException"


def test_what_is_not_there(aws: AwsSandbox, code: Refused) -> None:
    one, two, api = aws.client("apigateway"), aws.client("apigatewayv2"), rest(aws)
    assert code(lambda: one.flush_stage_cache(restApiId="zz", stageName="prod")) == "NotFoundException"
    assert code(lambda: one.flush_stage_authorizers_cache(restApiId=api, stageName="zz")) == "NotFoundException"
    assert code(lambda: two.reset_authorizers_cache(ApiId="zz", StageName="prod")) == "NotFoundException"


@pytest.mark.parametrize(("ttl", "lives"), [(3600, 3600), (60, 60), (None, 300), (0, 0)])
def test_a_decision_lives_as_long_as_its_authoriser_says(seeded: AwsSandbox, ttl: int | None, lives: int) -> None:
    api = rest(seeded, ttl)
    assert used(seeded, "api-gateway", api)
    disable(seeded)
    assert used(seeded, "api-gateway", api) is (lives > 0)
    seeded.advance(max(0, lives - 30))  # the clock also goes by itself: a slow machine must not reach the end
    assert used(seeded, "api-gateway", api) is (lives > 0)
    seeded.advance(30)
    assert not used(seeded, "api-gateway", api)


def test_a_flush_is_of_one_stage_and_for_everybody_on_it(seeded: AwsSandbox) -> None:
    first, second = rest(seeded), rest(seeded)
    assert used(seeded, "api-gateway", first)
    assert used(seeded, "api-gateway", second)
    disable(seeded)
    seeded.client("apigateway").flush_stage_authorizers_cache(restApiId=first, stageName="prod")
    assert not used(seeded, "api-gateway", first)
    assert used(seeded, "api-gateway", second)


def test_a_reset_sandbox_has_no_decisions(seeded: AwsSandbox) -> None:
    api = rest(seeded)
    assert used(seeded, "api-gateway", api)
    rests = next(s for s in seeded.world.own.services if isinstance(s, RestApis))
    assert rests.decisions.of((ACCOUNT, HOME, api, "prod")) == 1
    seeded.reset()
    assert all(s.decisions.of((ACCOUNT, HOME, api, "prod")) == 0 for s in (rests, *_https(seeded)))


def _https(aws: AwsSandbox) -> list[HttpApis]:
    return [s for s in aws.world.own.services if isinstance(s, HttpApis)]


# -- Parameter Store -------------------------------------------------------------------------------------------------


def test_a_parameter_without_a_key_gets_the_default_one(aws: AwsSandbox) -> None:
    ssm = aws.client("ssm")

    def key() -> Any:
        return ssm.describe_parameters()["Parameters"][0].get("KeyId")

    ssm.put_parameter(Name="/a", Value="1", Type="SecureString", KeyId="alias/mine")
    assert key() == "alias/mine"
    ssm.put_parameter(Name="/a", Value="2", Overwrite=True)
    assert key() == "alias/aws/ssm", "AWS docs: the default key where none is named"
    ssm.put_parameter(Name="/a", Value="3", Overwrite=True, KeyId="alias/mine")
    assert key() == "alias/mine"
    history = ssm.get_parameter_history(Name="/a", WithDecryption=True)["Parameters"]
    assert [(p["Version"], p["Value"]) for p in history] == [(1, "1"), (2, "2"), (3, "3")]
    assert ssm.get_parameter(Name="/a:1", WithDecryption=True)["Parameter"]["Value"] == "1"


def test_what_aws_refuses_of_a_parameter(aws: AwsSandbox, code: Refused) -> None:
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/a", Value="1", Type="String", Tier="Advanced")
    assert code(lambda: ssm.put_parameter(Name="/a", Value="2", Type="String")) == "ValidationException"
    again = {"Name": "/a", "Value": "2", "Type": "String", "Tier": "Advanced"}
    assert code(lambda: ssm.put_parameter(**again)) == "ParameterAlreadyExists"
    assert code(lambda: ssm.put_parameter(Name="/b", Value="2")) == "ValidationException"
    assert code(lambda: ssm.get_parameter(Name="/a:9")) == "ParameterVersionNotFound"
    assert ssm.get_parameter(Name="/a")["Parameter"]["Value"] == "1"
