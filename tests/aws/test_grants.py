"""What policies say of sts:AssumeRole, and the answers of the simulator in every shape that AWS documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nhi_revoke_aws.allowed import Decision, decisions
from nhi_revoke_aws.grants import grants_of, wildcard
from nhi_revoke_aws.policy import Deny

HERE, THERE = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{HERE}:role/bots/worker"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({}, True),
        ({"Action": ["s3:*", "STS:assumerole"]}, True),
        ({"Action": "sts:*"}, True),
        ({"Action": "*"}, True),
        ({"Action": "sts:Assume?ole"}, True),
        ({"Action": "sts:AssumeRoleWithSAML"}, False),
        ({"Action": "s3:*"}, False),
        ({"Resource": "*"}, True),
        ({"Resource": [f"arn:aws:iam::{HERE}:role/bots/*"]}, True),
        ({"Resource": "arn:aws:iam::*:role/${aws:PrincipalTag/team}/worker"}, True),
        ({"Resource": f"arn:aws:iam::{HERE}:role/worker"}, False),
        ({"Resource": ROLE.upper()}, False),
        ({"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}, True),
        ({"Effect": "Deny"}, False),
    ],
)
def test_what_may_be_allowed(change: dict[str, Any], may: bool) -> None:
    assert grants_of([document({**ALLOW, **change})]).may(ROLE) is may


def test_not_action_and_not_resource() -> None:
    without: dict[str, Any] = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    assert grants_of([document(without)]).may(ROLE)
    assert not grants_of([document({**without, "NotAction": ["iam:*", "sts:*"]})]).may(ROLE)
    others = {"Effect": "Allow", "Action": "*", "NotResource": ROLE}
    assert not grants_of([document(others)]).may(ROLE)
    assert grants_of([document(others)]).may(f"{ROLE}-2")


def test_a_deny_stops_where_it_has_no_condition() -> None:
    deny = {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}
    assert grants_of([document(ALLOW), document(deny)]).stopped(ROLE)
    assert grants_of([document(ALLOW, {**deny, "Condition": {"Null": {"aws:x": "true"}}})]).may(ROLE)


def test_our_own_denies_are_left_out() -> None:
    for ours in (Deny("run1"), Deny("run1", "2026-11-23T12:00:02Z", "2026-11-24T00:00:02Z")):
        assert grants_of([document(ALLOW), ours.document()]).may(ROLE)
    someone_elses = document({"Effect": "Deny", "Action": "*", "Resource": ["*"]})
    assert not grants_of([document(ALLOW), someone_elses]).may(ROLE)


def test_what_was_not_read_may_allow_anything() -> None:
    assert grants_of([], whole=False).may(ROLE)
    assert not grants_of([document({**ALLOW, "Effect": "Deny"})], whole=False).may(ROLE)
    assert not grants_of([]).may(ROLE)


@pytest.mark.parametrize("broken", [None, "", "no json", "{}", [], {"Statement": "x"}, {"Statement": [1, {}]}])
def test_what_is_no_policy_grants_nothing(broken: Any) -> None:
    assert not grants_of([broken]).rules


def test_one_statement_need_not_be_a_list_and_may_be_url_encoded() -> None:
    assert grants_of([{"Statement": ALLOW}]).may(ROLE)
    assert grants_of(["%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22"
                      "%3A%22%2A%22%7D%7D"]).may(ROLE)  # fmt: skip


def test_brackets_are_no_wildcards() -> None:
    assert not wildcard("role/[ab]", "role/a")
    assert wildcard("role/[ab]", "role/[ab]")


@pytest.mark.parametrize(
    ("resource", "pattern", "account"),
    [
        (f"arn:aws:iam::{THERE}:role/x", f"arn:aws:iam::{THERE}:role/x", THERE),
        (f"arn:aws:iam::{THERE}:*", f"arn:aws:iam::{THERE}:role/*", THERE),
        (f"arn:aws:iam::{THERE}:role*", f"arn:aws:iam::{THERE}:role/*", THERE),
        ("arn:aws:iam:*", "arn:aws:iam::*:role/*", "*"),
        ("arn:aws*:iam::4?4455556666:role/x", "arn:aws:iam::4?4455556666:role/x", "4?4455556666"),
        ("*", "arn:aws:iam::*:role/*", "*"),
    ],
)
def test_roles_of_other_accounts(resource: str, pattern: str, account: str) -> None:
    (one,) = grants_of([document({**ALLOW, "Resource": resource})]).elsewhere("aws", HERE)
    assert (one.pattern, one.account) == (pattern, account)
    assert one.any_account == (account == "*")
    assert one.one == (resource == pattern and "?" not in pattern)


@pytest.mark.parametrize(
    "resource", [ROLE, f"arn:aws-cn:iam::{THERE}:role/x", f"arn:aws:iam::{THERE}:user/x", "arn:aws:s3:::x", "nonsense"]
)
def test_what_is_no_role_of_another_account(resource: str) -> None:
    assert not grants_of([document({**ALLOW, "Resource": resource})]).elsewhere("aws", HERE)


# -- the simulator's answers -------------------------------------------------------------------------------------------


class Told:
    """A connection that answers with given rows."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = rows
        self.asked: dict[str, Any] = {}

    def pages(self, service: str, operation: str, field: str, **params: Any) -> Iterator[Any]:
        assert (service, operation, field) == ("iam", "SimulatePrincipalPolicy", "EvaluationResults")
        self.asked = params
        yield from self.rows


def told(resources: list[str], *rows: dict[str, Any]) -> dict[tuple[str, str], Decision]:
    conn: Any = Told(*rows)
    return decisions(conn, "arn:aws:iam::111122223333:user/bot", ["sts:AssumeRole"], resources)


def test_each_resource_has_its_own_result() -> None:
    inside = [
        {"EvalResourceName": "a", "EvalResourceDecision": "allowed"},
        {"EvalResourceName": "b", "EvalResourceDecision": "implicitDeny", "MissingContextValues": ["aws:SourceIp"]},
    ]
    row = {"EvalActionName": "sts:AssumeRole", "EvalResourceName": "*", "EvalDecision": "implicitDeny"}
    found = told(["a", "b"], {**row, "ResourceSpecificResults": inside})
    assert found["sts:AssumeRole", "a"].allowed
    assert not found["sts:AssumeRole", "b"].final


def test_or_a_result_for_each_pair() -> None:
    row = {"EvalActionName": "STS:assumerole", "EvalDecision": "allowed"}
    found = told(["a", "b"], {**row, "EvalResourceName": "a"}, {**row, "EvalResourceName": "arn:${Partition}:…"})
    assert list(found) == [("sts:AssumeRole", "a")]
    assert list(told(["a"], {**row, "EvalResourceName": "arn:${Partition}:…"})) == [("sts:AssumeRole", "a")]


def test_whose_deny_it_is() -> None:
    row = {"EvalActionName": "sts:AssumeRole", "EvalResourceName": "*", "EvalDecision": "explicitDeny"}
    matched = {"MatchedStatements": [{"SourcePolicyId": "user_bot_NHIRevoke"}]}
    assert told([], {**row, **matched})["sts:AssumeRole", "*"] == Decision("explicitDeny", by_us=True)
    assert told([], row)["sts:AssumeRole", "*"] == Decision("explicitDeny")
