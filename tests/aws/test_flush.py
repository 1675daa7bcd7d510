"""What still trusts an old credential: caches that are emptied, consumers that begin anew; said, seen, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.proof import Proof
from nhi_revoke.provider.fault import Denied, NoAnswer
from nhi_revoke_aws.flush.apigateway import RestApi
from nhi_revoke_aws.sandbox.doors import Refused
from nhi_revoke_aws.sandbox.own.api_gateway import HttpApis, RestApis, knock
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT

from .conftest import Bench
from .flush_bench import FLUSHES, HOME, OTHER, client, do, function, own, proven, seen, step, wrong

URI = (
    f"arn:aws:apigateway:{HOME}:lambda:path/2015-03-31/functions/arn:aws:lambda:{HOME}:{ACCOUNT}:function:a/invocations"
)


def rest_api(bench: Bench, *stages: str, region: str = HOME, cached: tuple[str, ...] = (), ttl: int = 3600) -> str:
    gateway = client(bench, "apigateway", region)
    api = str(gateway.create_rest_api(name="payments")["id"])
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    for stage in stages:
        deployment = gateway.create_deployment(restApiId=api)["id"]
        gateway.create_stage(
            restApiId=api, stageName=stage, deploymentId=deployment, cacheClusterEnabled=stage in cached
        )
    gateway.create_authorizer(
        restApiId=api, name="a", type="TOKEN", authorizerUri=URI, authorizerResultTtlInSeconds=ttl,
        identitySource="method.request.header.Authorization",
    )  # fmt: skip
    return api


def http_api(bench: Bench, *stages: str, protocol: str = "HTTP") -> str:
    gateway = client(bench, "apigatewayv2", HOME)
    more = {"RouteSelectionExpression": "$request.body.action"} if protocol == "WEBSOCKET" else {}
    api = str(gateway.create_api(Name="payments", ProtocolType=protocol, **more)["ApiId"])
    for stage in stages:
        gateway.create_stage(ApiId=api, StageName=stage)
    gateway.create_authorizer(
        ApiId=api, Name="a", AuthorizerType="REQUEST", AuthorizerUri=URI, IdentitySource=["$request.header.Auth"],
        AuthorizerResultTtlInSeconds=3600, AuthorizerPayloadFormatVersion="2.0",
    )  # fmt: skip
    return api


def token(bench: Bench) -> str:
    """What the bot sends to its API: the leaked key."""
    key = bench.sandbox.loot().key
    return f"{key.key_id}:{key.secret}"


def opens(bench: Bench, service_name: str, api: str, stage: str) -> bool:
    try:
        knock(bench.sandbox._intruder._burglar, service_name, ACCOUNT, HOME, api, stage, token(bench))  # type: ignore[union-attr]  # seeded, so it is there
    except Refused:
        return False
    return True


def kill_key(bench: Bench) -> None:
    key_id = bench.sandbox.loot().key.key_id
    bench.sandbox.admin("iam").update_access_key(UserName="payments-bot", AccessKeyId=key_id, Status="Inactive")


# -- REST APIs -----------------------------------------------------------------------------------------------------


def test_a_cached_decision_outlives_the_key_until_it_is_flushed(bench: Bench) -> None:
    api = rest_api(bench, "prod", "test")
    assert opens(bench, "api-gateway", api, "prod")
    assert opens(bench, "api-gateway", api, "test")
    kill_key(bench)
    assert opens(bench, "api-gateway", api, "prod"), "the key is dead, and its cached decision is not"
    bench.sandbox.forget_calls()
    one = step("aws-apigateway", api=api, what="authorizers")
    assert seen(bench, one) is None
    change = do(bench, one)
    assert isinstance(change, Done)
    assert change.left["flushed"] == [f"authorizers of prod ({HOME})", f"authorizers of test ({HOME})"]
    assert seen(bench, one) == change.left
    assert not opens(bench, "api-gateway", api, "prod")
    assert not opens(bench, "api-gateway", api, "test"), "all stages"
    assert bench.writes() == ["apigateway:FlushStageAuthorizersCache"] * 2
    assert {c.permission for c in bench.sandbox.calls() if c.by == "operator" and "apigateway" in c.name} == set(
        RestApi.permissions
    )


def test_a_decision_passes_by_itself_after_its_time(bench: Bench) -> None:
    api = rest_api(bench, "prod", ttl=300)
    assert opens(bench, "api-gateway", api, "prod")
    kill_key(bench)
    assert opens(bench, "api-gateway", api, "prod")
    bench.sandbox.advance(300)
    assert not opens(bench, "api-gateway", api, "prod")


def test_one_named_stage_leaves_the_others(bench: Bench) -> None:
    api = rest_api(bench, "prod", "test")
    assert opens(bench, "api-gateway", api, "prod")
    assert opens(bench, "api-gateway", api, "test")
    kill_key(bench)
    do(bench, step("aws-apigateway", api=api, stages=["prod"], what="authorizers"))
    assert (opens(bench, "api-gateway", api, "prod"), opens(bench, "api-gateway", api, "test")) == (False, True)


def test_responses_are_flushed_where_a_stage_has_a_cache_and_nowhere_else(bench: Bench) -> None:
    api = rest_api(bench, "prod", "test", cached=("prod",))
    change = do(bench, step("aws-apigateway", api=api))
    assert own(bench, RestApis).flushed == [f"{api}/prod"], "AWS does not tell what it answers for the other"
    assert change.left["flushed"] == [
        f"authorizers of prod ({HOME})", f"responses of prod ({HOME})", f"authorizers of test ({HOME})",
    ]  # fmt: skip
    nothing = step("aws-apigateway", api=rest_api(bench, "test"), what="responses")
    assert isinstance(do(bench, nothing), Already)
    assert seen(bench, nothing) is not None
    assert proven(bench, nothing).proof is Proof.RECORDED


def test_a_flush_of_responses_that_is_under_way_is_not_seen_yet(bench: Bench) -> None:
    from moto.apigateway.models import apigateway_backends

    api = rest_api(bench, "prod", cached=("prod",))
    one = step("aws-apigateway", api=api)
    do(bench, one)
    stage = apigateway_backends[ACCOUNT][HOME].apis[api].stages["prod"]
    stage.cache_cluster_status = "FLUSH_IN_PROGRESS"
    assert seen(bench, one) is None
    stage.cache_cluster_status = "AVAILABLE"
    assert seen(bench, one) is not None


def test_a_flush_is_never_called_more_than_requested(bench: Bench) -> None:
    """Nothing at AWS shows what a cache of decisions holds."""
    one = step("aws-apigateway", api=rest_api(bench, "prod"))
    do(bench, one)
    told = proven(bench, one)
    assert told.proof is Proof.REQUESTED
    assert not told.proof.proves
    assert "AWS accepted the flush of authorizers of prod" in told.how


def test_a_canary_with_a_cache_of_its_own_is_told_as_unknown() -> None:
    from nhi_revoke_aws.flush.apigateway import _canary

    assert _canary({}) == ""
    assert _canary({"canarySettings": {"percentTraffic": 5.0, "useStageCache": True}}) == ""
    assert "not documented" in _canary({"canarySettings": {"percentTraffic": 5.0, "useStageCache": False}})


def test_every_region_that_is_named_is_flushed(bench: Bench) -> None:
    near = rest_api(bench, "prod")
    far = rest_api(bench, "prod", region=OTHER)
    told = wrong(bench, "aws-apigateway", api=near, regions=[HOME, OTHER])
    assert f"no REST API {near} in {OTHER}" in told.why
    assert f"--region {OTHER}" in told.manual
    change = do(bench, step("aws-apigateway", api=far, region=OTHER))
    assert change.left["flushed"] == [f"authorizers of prod ({OTHER})"]


def test_all_the_regions_of_a_list_are_flushed(bench: Bench) -> None:
    from moto.apigateway.models import apigateway_backends

    api = rest_api(bench, "prod")
    apigateway_backends[ACCOUNT][OTHER].apis[api] = apigateway_backends[ACCOUNT][HOME].apis[api]
    change = do(bench, step("aws-apigateway", api=api, regions=[HOME, OTHER]))
    assert change.left["flushed"] == [f"authorizers of prod ({region})" for region in (HOME, OTHER)]
    function(bench, "pay")
    function(bench, "pay", region=OTHER)
    change = do(bench, step("aws-lambda", function="pay", regions=[HOME, OTHER]))
    assert change.left["marked"] == {f"pay ({HOME})": True, f"pay ({OTHER})": True}


def test_a_denied_flush_names_the_action_in_aws_words(bench: Bench) -> None:
    one = step("aws-apigateway", api=rest_api(bench, "prod"))
    bench.sandbox.allow_only(["apigateway:GET"])
    with pytest.raises(Denied) as told:
        do(bench, one)
    assert told.value.needs == "apigateway:DELETE"
    bench.sandbox.allow_only([])
    with pytest.raises(Denied) as told:
        FLUSHES["aws-apigateway"].check(bench.conn, one)
    assert told.value.needs == "apigateway:GET"


def test_one_stage_that_fails_is_named_beside_those_that_did_not(bench: Bench) -> None:
    api = rest_api(bench, "prod", "test")
    bench.sandbox.fault("apigateway:FlushStageAuthorizersCache", "denied", times=1)
    change = do(bench, step("aws-apigateway", api=api))
    assert isinstance(change, Failed)
    assert change.needs == "apigateway:DELETE"
    assert change.why.count(f"({HOME})") == 2
    assert "done: authorizers of" in change.why


def test_a_lost_answer_is_asked_again_and_never_claimed(bench: Bench) -> None:
    one = step("aws-apigateway", api=rest_api(bench, "prod"))
    bench.sandbox.fault("apigateway:FlushStageAuthorizersCache", "lost")
    assert isinstance(do(bench, one), Done), "a flush may happen twice"
    bench.run.lefts.clear()
    bench.sandbox.fault("apigateway:FlushStageAuthorizersCache", "lost", times=9)
    with pytest.raises(NoAnswer):
        do(bench, one)
    assert seen(bench, one) is None


# -- HTTP APIs -----------------------------------------------------------------------------------------------------


def test_an_http_api_forgets_on_every_stage(bench: Bench) -> None:
    api = http_api(bench, "$default", "beta")
    assert opens(bench, "api-gateway-v2", api, "$default")
    kill_key(bench)
    assert opens(bench, "api-gateway-v2", api, "$default")
    one = step("aws-apigatewayv2", api=api)
    change = do(bench, one)
    assert sorted(change.left["flushed"]) == [f"$default ({HOME})", f"beta ({HOME})"]
    assert seen(bench, one) == change.left
    assert proven(bench, one).proof is Proof.REQUESTED
    assert not opens(bench, "api-gateway-v2", api, "$default")
    assert own(bench, HttpApis).decisions.of((ACCOUNT, HOME, api, "$default")) == 0


def test_every_page_of_stages_is_read(bench: Bench) -> None:
    api = http_api(bench, "$default", "beta")
    call = bench.conn.call

    def paged(service_name: str, operation: str, /, **params: Any) -> Any:
        token = params.pop("NextToken", None)
        answer = call(service_name, operation, **params)
        if operation != "GetStages":
            return answer
        rows = answer["Items"]
        return {"Items": rows[1:]} if token else {"Items": rows[:1], "NextToken": "more"}

    bench.conn.call = paged  # type: ignore[method-assign]  # moto has no pages here
    assert len(do(bench, step("aws-apigatewayv2", api=api)).left["flushed"]) == 2


def test_what_is_no_http_api_is_said_before(bench: Bench) -> None:
    assert "there is no HTTP API nope" in wrong(bench, "aws-apigatewayv2", api="nope").why
    socket = http_api(bench, "prod", protocol="WEBSOCKET")
    assert "WEBSOCKET" in wrong(bench, "aws-apigatewayv2", api=socket).why
    told = wrong(bench, "aws-apigatewayv2", api=http_api(bench, "$default", "beta"), stages=["betta"])
    assert "no stage betta" in told.why
    assert 'Did you mean "beta"?' in told.manual
