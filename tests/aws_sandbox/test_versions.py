"""Versions of secrets and parameters as AWS documents them: what is listed, on how many pages, how labels move."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

NAME = "payments/aws"


def listed(secrets: Any, **more: Any) -> dict[str, list[str]]:
    rows = secrets.list_secret_version_ids(SecretId=NAME, **more)["Versions"]
    return {row["VersionId"]: row.get("VersionStages", []) for row in rows}


def moved(secrets: Any, **params: str) -> str:
    """AWS's refusal, or nothing."""
    try:
        secrets.update_secret_version_stage(SecretId=NAME, **params)
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return ""


@pytest.fixture
def secrets(aws: AwsSandbox) -> Any:
    client = aws.admin("secretsmanager")
    client.create_secret(Name=NAME, SecretString='{"v": 1}')
    client.put_secret_value(SecretId=NAME, SecretString='{"v": 2}')
    client.put_secret_value(SecretId=NAME, SecretString='{"v": 3}')
    return client


def test_versions_without_a_label_are_listed_only_where_they_are_asked_for(secrets: Any) -> None:
    assert sorted(listed(secrets).values()) == [["AWSCURRENT"], ["AWSPREVIOUS"]]
    everything = listed(secrets, IncludeDeprecated=True)
    assert sorted(everything.values()) == [[], ["AWSCURRENT"], ["AWSPREVIOUS"]]
    told = secrets.describe_secret(SecretId=NAME)["VersionIdsToStages"]
    assert sorted(told.values()) == [["AWSCURRENT"], ["AWSPREVIOUS"]]
    bare = next(version for version, labels in everything.items() if not labels)
    assert secrets.get_secret_value(SecretId=NAME, VersionId=bare)["SecretString"] == '{"v": 1}', "its id reads it"


def test_versions_come_in_pages(aws: AwsSandbox, secrets: Any) -> None:
    aws.page_size(1)
    found: list[str] = []
    token: dict[str, str] = {}
    for _ in range(3):
        page = secrets.list_secret_version_ids(SecretId=NAME, IncludeDeprecated=True, **token)
        found += [row["VersionId"] for row in page["Versions"]]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert len(set(found)) == len(found) == 3
    assert token == {}, "that was the last"
    with pytest.raises(ClientError, match="NextToken"):
        secrets.list_secret_version_ids(SecretId=NAME, NextToken="made up")


def test_a_label_moves_only_from_the_version_that_is_named(secrets: Any) -> None:
    current, previous = (
        next(v for v, labels in listed(secrets).items() if label in labels) for label in ("AWSCURRENT", "AWSPREVIOUS")
    )
    assert moved(secrets, VersionStage="MINE", MoveToVersionId=previous) == ""
    assert moved(secrets, VersionStage="MINE", MoveToVersionId=previous) == "", "it is there by then"
    assert moved(secrets, VersionStage="MINE", MoveToVersionId=current) == "InvalidParameterException"
    assert moved(secrets, VersionStage="MINE", RemoveFromVersionId=current) == "InvalidParameterException"
    assert listed(secrets)[previous].count("MINE") == 1
    assert moved(secrets, VersionStage="MINE", MoveToVersionId=current, RemoveFromVersionId=previous) == ""
    assert listed(secrets)[current] == ["AWSCURRENT", "MINE"]
    assert listed(secrets)[previous] == ["AWSPREVIOUS"]


def test_awscurrent_takes_awsprevious_along_and_is_what_is_read_without_a_stage(secrets: Any) -> None:
    current, previous = (
        next(v for v, labels in listed(secrets).items() if label in labels) for label in ("AWSCURRENT", "AWSPREVIOUS")
    )
    assert moved(secrets, VersionStage="AWSCURRENT", MoveToVersionId=previous, RemoveFromVersionId=current) == ""
    assert listed(secrets) == {previous: ["AWSCURRENT"], current: ["AWSPREVIOUS"]}
    assert secrets.get_secret_value(SecretId=NAME)["SecretString"] == '{"v": 2}'


def test_a_secret_that_is_not_there(secrets: Any) -> None:
    for call in (secrets.describe_secret, secrets.list_secret_version_ids):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            call(SecretId="nowhere")


def test_a_history_has_pages_labels_and_a_right_of_its_own(aws: AwsSandbox) -> None:
    ssm = aws.admin("ssm")
    for number in range(3):
        ssm.put_parameter(Name="/a", Value=f"v{number}", Type="SecureString", Overwrite=True)
    ssm.label_parameter_version(Name="/a", ParameterVersion=1, Labels=["old"])
    rows = ssm.get_parameter_history(Name="/a", WithDecryption=True)["Parameters"]
    assert [(row["Version"], row["Value"], row["Labels"]) for row in rows] == [
        (1, "v0", ["old"]), (2, "v1", []), (3, "v2", []),
    ]  # fmt: skip
    closed = ssm.get_parameter_history(Name="/a")["Parameters"]
    assert not {row["Value"] for row in closed} & {"v0", "v1", "v2"}, "encrypted unless it is asked for"
    assert ssm.get_parameter(Name="/a:old", WithDecryption=True)["Parameter"]["Value"] == "v0"
    aws.page_size(2)
    pages = ssm.get_paginator("get_parameter_history").paginate(Name="/a")
    assert [[row["Version"] for row in page["Parameters"]] for page in pages] == [[1, 2], [3]]
    with pytest.raises(ClientError, match="ParameterNotFound"):
        ssm.get_parameter_history(Name="/b")


def test_a_labelled_oldest_version_hinders_the_hundred_and_first(aws: AwsSandbox) -> None:
    ssm = aws.admin("ssm")
    for number in range(100):
        ssm.put_parameter(Name="/a", Value=f"v{number}", Type="String", Overwrite=True)
    ssm.label_parameter_version(Name="/a", ParameterVersion=1, Labels=["old"])
    with pytest.raises(ClientError, match="ParameterMaxVersionLimitExceeded"):
        ssm.put_parameter(Name="/a", Value="one more", Type="String", Overwrite=True)
    ssm.unlabel_parameter_version(Name="/a", ParameterVersion=1, Labels=["old"])
    ssm.put_parameter(Name="/a", Value="one more", Type="String", Overwrite=True)
    with pytest.raises(ClientError, match="ParameterVersionNotFound"):
        ssm.get_parameter(Name="/a:1")
