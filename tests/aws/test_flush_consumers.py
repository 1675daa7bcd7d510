"""Consumers that begin anew: Lambda functions and ECS services; bad settings; what the plan says."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.proof import Proof
from nhi_revoke.provider.fault import Conflict, Denied
from nhi_revoke_aws.flush.function import MARK
from nhi_revoke_aws.sandbox.doors import Refused
from nhi_revoke_aws.sandbox.own.function import Functions as OwnFunctions
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT

from .conftest import Bench
from .flush_bench import FLUSHES, HOME, OTHER, client, do, function, own, proven, seen, service, step, wrong

# -- Lambda --------------------------------------------------------------------------------------------------------


def environment_lives(bench: Bench, name: str, started: str) -> bool:
    try:
        bench.sandbox._intruder._burglar.knock(  # type: ignore[union-attr]  # seeded, so it is there
            "lambda", account=ACCOUNT, region=HOME, function=name, started=started
        )
    except Refused:
        return False
    return True


def configured(bench: Bench, name: str, region: str = HOME) -> dict[str, Any]:
    found = client(bench, "lambda", region).get_function_configuration(FunctionName=name)
    return {k: found[k] for k in ("Description", "Environment", "Timeout", "MemorySize", "Handler", "Role", "Runtime")}


def test_a_function_begins_anew_and_a_second_flush_leaves_it_as_it_was(bench: Bench) -> None:
    function(bench, "pay")
    was = configured(bench, "pay")
    started = bench.sandbox.world.vendor_now().isoformat()
    bench.sandbox.advance(1)
    assert environment_lives(bench, "pay", started)
    one = step("aws-lambda", function="pay")
    change = do(bench, one)
    assert isinstance(change, Done)
    assert change.left == {"marked": {f"pay ({HOME})": True}}
    assert seen(bench, one) == change.left
    assert not environment_lives(bench, "pay", started), "what it cached is gone"
    now = configured(bench, "pay")
    assert now["Description"] == f"pays [nhi-revoke {bench.run.id}]"
    assert {k for k in now if now[k] != was[k]} == {"Description"}, "environment variables are not touched"
    assert proven(bench, one).proof is Proof.RECORDED
    again = step("aws-lambda", functions=["pay"])
    assert do(bench, again).left == {"marked": {f"pay ({HOME})": False}}
    assert seen(bench, again) is not None
    assert configured(bench, "pay") == was
    assert bench.writes() == ["lambda:UpdateFunctionConfiguration"] * 2


def test_the_mark_is_taken_back(bench: Bench) -> None:
    function(bench, "pay", description="")
    one = step("aws-lambda", function="pay")
    left = do(bench, one).left
    assert configured(bench, "pay")["Description"] == f"[nhi-revoke {bench.run.id}]"
    flush = FLUSHES["aws-lambda"]
    assert isinstance(flush.undo(bench.conn, one, left, bench.run), Done)
    assert configured(bench, "pay")["Description"] == ""
    assert seen(bench, one) is None
    assert isinstance(flush.undo(bench.conn, one, left, bench.run), Already)


def test_an_update_that_takes_its_time_is_seen_at_its_end(bench: Bench) -> None:
    function(bench, "pay")
    own(bench, OwnFunctions).takes = 30.0
    one = step("aws-lambda", function="pay")
    do(bench, one)
    assert seen(bench, one) is None
    with pytest.raises(Conflict):
        do(bench, one)
    bench.sandbox.advance(31)
    assert seen(bench, one) is not None


def test_somebody_elses_change_is_not_overwritten(bench: Bench) -> None:
    function(bench, "pay")
    call = bench.conn.call

    def meddled(service_name: str, operation: str, /, **params: Any) -> Any:
        if operation == "UpdateFunctionConfiguration":
            client(bench, "lambda", HOME).update_function_configuration(FunctionName="pay", Description="theirs")
        return call(service_name, operation, **params)

    bench.conn.call = meddled  # type: ignore[method-assign]  # somebody writes between our read and our write
    with pytest.raises(Conflict):
        do(bench, step("aws-lambda", function="pay"))
    assert configured(bench, "pay")["Description"] == "theirs"


def test_published_versions_are_told_as_untouched(bench: Bench) -> None:
    function(bench, "pay")
    admin = client(bench, "lambda", HOME)
    version = admin.publish_version(FunctionName="pay")["Version"]
    admin.create_alias(FunctionName="pay", Name="live", FunctionVersion=version)
    one = step("aws-lambda", function="pay")
    do(bench, one)
    told = proven(bench, one)
    assert told.proof is Proof.UNPROVEN
    assert f"alias live -> {version}" in told.how


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "it needs function or functions"),
        ({"function": "a", "functions": ["b"]}, "it needs function or functions"),
        ({"function": "pay:PROD"}, "names a version or alias"),
        ({"function": f"arn:aws:lambda:{HOME}:{ACCOUNT}:function:pay:7"}, "names a version or alias"),
        ({"function": "nope"}, f"there is no function nope in {HOME}"),
        ({"function": f"arn:aws:lambda:{OTHER}:444455556666:function:pay"}, "is in account 444455556666"),
        ({"function": "long"}, "has no room for a mark"),
    ],
)
def test_functions_that_cannot_be_restarted_are_said_before(bench: Bench, settings: Any, says: str) -> None:
    function(bench, "long", description="x" * 250)
    told = wrong(bench, "aws-lambda", **settings)
    assert says in told.why
    assert told.manual
    assert bench.writes() == []


def test_an_arn_tells_the_region_of_a_function(bench: Bench) -> None:
    function(bench, "far", region=OTHER)
    arn = f"arn:aws:lambda:{OTHER}:{ACCOUNT}:function:far"
    assert isinstance(do(bench, step("aws-lambda", function=arn)), Done)
    assert MARK.search(configured(bench, "far", OTHER)["Description"])


def test_a_denied_update_says_which_right_is_missing(bench: Bench) -> None:
    function(bench, "pay")
    bench.sandbox.allow_only(["lambda:GetFunctionConfiguration"])
    with pytest.raises(Denied) as told:
        do(bench, step("aws-lambda", function="pay"))
    assert told.value.needs == "lambda:UpdateFunctionConfiguration"


# -- ECS -----------------------------------------------------------------------------------------------------------


def primary(bench: Bench, name: str) -> str:
    told = bench.sandbox.admin("ecs").describe_services(cluster="prod", services=[name])["services"][0]
    return next(str(d["id"]) for d in told["deployments"] if d["status"] == "PRIMARY")


def test_a_service_gets_a_new_deployment(bench: Bench) -> None:
    service(bench, "pay")
    service(bench, "other")
    was, theirs = primary(bench, "pay"), primary(bench, "other")
    one = step("aws-ecs", cluster="prod", service="pay")
    change = do(bench, one)
    assert isinstance(change, Done)
    assert change.left == {"deployments": {f"pay ({HOME})": primary(bench, "pay")}}
    assert primary(bench, "pay") != was
    assert primary(bench, "other") == theirs
    assert seen(bench, one) == change.left
    assert proven(bench, one).proof is Proof.RECORDED
    assert bench.writes() == ["ecs:UpdateService"]
    bench.sandbox.admin("ecs").update_service(cluster="prod", service="pay", forceNewDeployment=True)
    assert seen(bench, one) is None, "somebody else's deployment is not ours"


def test_a_deployment_under_way_is_requested_and_no_more(bench: Bench) -> None:
    service(bench, "pay", tasks=2)
    one = step("aws-ecs", cluster="prod", services=["pay"])
    do(bench, one)
    assert seen(bench, one) is not None
    told = proven(bench, one)
    assert told.proof is Proof.REQUESTED
    assert "rollout IN_PROGRESS" in told.how


@pytest.mark.parametrize(
    ("deployments", "why"),
    [
        ([{"status": "PRIMARY", "rolloutState": "COMPLETED", "runningCount": 2, "desiredCount": 2}], ""),
        ([{"status": "PRIMARY", "runningCount": 2, "desiredCount": 2}], ""),
        ([{"status": "PRIMARY", "runningCount": 1, "desiredCount": 2}], "1 of 2 new tasks run"),
        ([{"status": "PRIMARY", "rolloutState": "FAILED"}], "rollout FAILED"),
        (
            [
                {"status": "PRIMARY", "rolloutState": "COMPLETED", "runningCount": 2, "desiredCount": 2},
                {"status": "ACTIVE", "runningCount": 1},
            ],
            "1 tasks of before still run",
        ),
        ([], "0 of 0 new tasks run"),
    ],
)
def test_when_a_rollout_is_complete(deployments: Any, why: str) -> None:
    from nhi_revoke_aws.flush.service import _unfinished

    assert _unfinished({"deployments": deployments}) == why


def test_services_that_cannot_be_restarted_are_said_before(bench: Bench) -> None:
    service(bench, "pay")
    assert "there is no cluster nope" in wrong(bench, "aws-ecs", cluster="nope", service="pay").why
    assert "there is no active service no" in wrong(bench, "aws-ecs", cluster="prod", service="no").why
    assert "it needs service or services" in wrong(bench, "aws-ecs", cluster="prod").why
    ecs = bench.sandbox.admin("ecs")
    ecs.create_service(
        cluster="prod", serviceName="blue", taskDefinition="t", desiredCount=0,
        deploymentController={"type": "CODE_DEPLOY"},
    )  # fmt: skip
    told = wrong(bench, "aws-ecs", cluster="prod", services=["pay", "blue"])
    assert "deployed by CODE_DEPLOY" in told.why
    assert "create-deployment" in told.manual
    assert bench.writes() == []


# -- settings and the plan -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("use", "settings", "says", "hint"),
    [
        ("aws-apigateway", {"api": "a", "stage": ["x"]}, 'there is no setting "stage"', 'Did you mean "stages"?'),
        ("aws-apigateway", {"api": "a", "zzz": 1}, 'there is no setting "zzz"', "Valid: api, region, regions, stages"),
        ("aws-apigateway", {}, "api", 'Write api = "a1b2c3"'),
        ("aws-apigateway", {"api": "a", "stages": "prod"}, "Expected `array`", 'stages = ["prod"]'),
        ("aws-apigateway", {"api": "a", "what": "all"}, "what", 'what = "both"'),
        ("aws-apigateway", {"api": "a", "region": "x", "regions": ["y"]}, "region and regions", "Write one"),
        ("aws-apigatewayv2", {"apl": "a"}, 'there is no setting "apl"', 'Did you mean "api"?'),
        ("aws-lambda", {"functionname": "a"}, "there is no setting", 'Did you mean "function"?'),
        ("aws-ecs", {"clusters": "a"}, "there is no setting", 'Did you mean "cluster"?'),
    ],
)
def test_bad_settings_say_what_to_write(bench: Bench, use: str, settings: Any, says: str, hint: str) -> None:
    told = wrong(bench, use, **settings)
    assert told.why.startswith(f"{use}: ")
    assert says in told.why
    assert hint in told.manual
    shown, breaks = FLUSHES[use].tells(settings)
    assert says in shown, "the plan says it before"
    assert "will not be done" in shown
    assert breaks == ""
    assert bench.writes() == []


def test_the_plan_names_stages_regions_and_the_blip() -> None:
    said, breaks = FLUSHES["aws-apigateway"].tells({"api": "a1"})
    assert said == (
        "flush the authorisers' and response caches of all stages of REST API a1 in the Region of the operator's "
        "configuration"
    )
    assert "every caller is authorised anew: a burst of calls to the authoriser" in breaks
    said, _ = FLUSHES["aws-apigateway"].tells({"api": "a1", "stages": ["prod", "dr"], "regions": [HOME, OTHER]})
    assert f"of stages prod, dr of REST API a1 in {HOME}, {OTHER}" in said
    said, breaks = FLUSHES["aws-apigatewayv2"].tells({"api": "b2", "region": OTHER})
    assert said == f"reset the authorisers' cache of all stages of HTTP API b2 in {OTHER}"
    assert "burst" in breaks
    said, breaks = FLUSHES["aws-lambda"].tells({"functions": ["a", "b"]})
    assert "Lambda a, b" in said
    assert "cold" in breaks
    said, breaks = FLUSHES["aws-ecs"].tells({"cluster": "prod", "service": "pay"})
    assert "ECS pay in cluster prod" in said
    assert "stopped and started" in breaks
