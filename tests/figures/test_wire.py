"""What benchmarks read off the wire: which calls boto3 is to make again, and in how many waves."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import botocore.session
import pytest
from botocore.serialize import create_serializer

from benchmarks.aws_script import script
from benchmarks.wire import Call, waves
from tests.figures.delay_proxy import Asked, Passed, depth, levels

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261129/us-east-1/iam/aws4_request, SignedHeaders=host"}
CALLS: dict[str, dict[str, Any]] = {
    "TagUser": {"UserName": "bot", "Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}]},
    "SimulatePrincipalPolicy": {
        "PolicySourceArn": "arn:aws:iam::111122223333:user/bot",
        "ActionNames": [f"s3:Get{n}" for n in range(11)],
        "MaxItems": 1000,
        "ContextEntries": [{"ContextKeyName": "aws:x", "ContextKeyValues": ["1"], "ContextKeyType": "string"}],
    },
}


def sent(name: str, began: float, ended: float) -> Passed:
    model = botocore.session.Session().get_service_model("iam").operation_model(name)
    body = create_serializer("query").serialize_to_request(CALLS[name], model)["body"]
    return Passed(name, began, ended, Asked(SIGNED, urlencode(body).encode()))


def test_requests_are_read_back_into_the_calls_that_made_them_in_their_waves() -> None:
    passed = [sent("SimulatePrincipalPolicy", 2, 3), sent("TagUser", 0, 1)]
    assert waves(passed) == [
        [("iam", "TagUser", CALLS["TagUser"])],
        [("iam", "SimulatePrincipalPolicy", CALLS["SimulatePrincipalPolicy"])],
    ]


def test_a_call_that_has_a_path_is_known_by_it() -> None:
    signed = {"Authorization": SIGNED["Authorization"].replace("/iam/", "/eks/")}
    asked = Asked(signed, b"", "GET", "/clusters/shop/pod-identity-associations?maxResults=5")
    called = [[("eks", "ListPodIdentityAssociations", {"clusterName": "shop", "maxResults": 5})]]
    assert waves([Passed("GET /clusters/shop/pod-identity-associations", 0, 1, asked)]) == called


def test_what_boto3_has_no_call_for_is_not_made_up() -> None:
    with pytest.raises(ValueError, match="GET /x is no operation of iam"):
        waves([Passed("GET /x", 0, 1, Asked(SIGNED, b"", "GET", "/x"))])


def test_a_link_of_the_chain_began_when_the_one_before_had_ended() -> None:
    passed = [Passed("c", 2, 4), Passed("a", 0, 1), Passed("beside", 0, 4), Passed("b", 1, 2)]
    assert {one.name: level for level, one in levels(passed)} == {"a": 1, "b": 2, "c": 3, "beside": 1}
    assert depth(passed) == 3
    assert depth([]) == 0


def test_what_came_too_soon_was_asked_again_and_is_one_call() -> None:
    assert len(waves([sent("TagUser", 0, 1)._replace(throttled=True), sent("TagUser", 2, 3)])) == 1


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (254, 0), (1, 1)])
def test_the_script_makes_each_call_in_turn_and_goes_on_where_aws_refuses(tmp_path: Path, code: int, ends: int) -> None:
    aws, seen = tmp_path / "aws", tmp_path / "seen"
    aws.write_text(f'#!/bin/sh\necho "$@" >>{seen}\nexit {code}\n')
    aws.chmod(0o700)
    calls: list[list[Call]] = [[("iam", "ListMFADevices", {"UserName": "bot"})], [("sts", "GetCallerIdentity", {})]]
    command: list[str | Path] = ["sh", script(calls, tmp_path)]
    environ = {"AWS": str(aws), "URL": "http://127.0.0.1:1", "PATH": "/usr/bin:/bin"}
    assert subprocess.run(command, env=environ, check=False).returncode == ends
    words = [line.split() for line in seen.read_text().splitlines()]
    made = ["iam list-mfa-devices", "sts get-caller-identity"]
    assert [" ".join(each[3:5]) for each in words] == made[: 1 if ends else 2]
    assert json.loads(Path(words[0][-1].removeprefix("file://")).read_text()) == {"UserName": "bot"}
