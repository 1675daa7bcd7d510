"""Lists of secrets and parameters page as AWS's do, and hold no value."""

from __future__ import annotations

from datetime import timedelta

from nhi_revoke_aws.sandbox.own.stored_lists import SecretLists
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

from .conftest import Refused


def test_secrets_are_listed_by_the_page(aws: AwsSandbox, code: Refused) -> None:
    secrets, operator = aws.admin("secretsmanager"), aws.client("secretsmanager")
    for number in range(5):
        secrets.create_secret(
            Name=f"s{number}", SecretString="value-1", Description="d", Tags=[{"Key": "k", "Value": "v"}]
        )
    secrets.delete_secret(SecretId="s4", RecoveryWindowInDays=7)
    aws.page_size(3)
    first = operator.list_secrets()
    rest = operator.list_secrets(NextToken=first["NextToken"])
    rows = [*first["SecretList"], *rest["SecretList"]]
    assert [len(first["SecretList"]), len(rest["SecretList"]), "NextToken" in rest] == [3, 1, False]
    assert [row["Name"] for row in rows] == ["s0", "s1", "s2", "s3"], "not what waits for its deletion"
    assert (rows[0]["Description"], rows[0]["Tags"]) == ("d", [{"Key": "k", "Value": "v"}])
    assert "value-1" not in repr(rows)
    assert code(lambda: operator.list_secrets(NextToken="made-up")) == "ValidationException"
    aws.allow_only(["sts:GetCallerIdentity"])
    assert code(operator.list_secrets) == "AccessDeniedException"


def test_a_read_shows_by_its_day_alone(aws: AwsSandbox) -> None:
    aws.admin("secretsmanager").create_secret(Name="s", SecretString="v")
    [row] = aws.client("secretsmanager").list_secrets()["SecretList"]
    assert "LastAccessedDate" not in row
    lists = next(s for s in aws.world.own.services if isinstance(s, SecretLists))
    lists.accessed["s"] = aws.now()
    [row] = aws.client("secretsmanager").list_secrets()["SecretList"]
    assert row["LastAccessedDate"] == aws.now() - timedelta(hours=12)


def test_parameters_are_listed_by_the_page(aws: AwsSandbox, code: Refused) -> None:
    for number in range(4):
        aws.admin("ssm").put_parameter(Name=f"/p/{number}", Value="value-1", Type="SecureString", Description="d")
    aws.page_size(3)
    operator = aws.client("ssm")
    first = operator.describe_parameters()
    rest = operator.describe_parameters(NextToken=first["NextToken"])
    rows = [*first["Parameters"], *rest["Parameters"]]
    assert [row["Name"] for row in rows] == [f"/p/{number}" for number in range(4)]
    assert (rows[0]["Description"], rows[0]["Type"], "Value" in rows[0]) == ("d", "SecureString", False)
    assert "value-1" not in repr(rows)
    aws.allow_only(["sts:GetCallerIdentity"])
    assert code(operator.describe_parameters) == "AccessDeniedException"
