"""The evaluator, held against the cases that were judged by an IAM simulator and the vendor's documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke_aws.sandbox.condition import moment, wildcard
from nhi_revoke_aws.sandbox.policy import Effect, Malformed, Policy, decide, parse

CUTOFF = "2026-11-23T12:00:00Z"
ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> Policy:
    return Policy("p", "user_u_p", "user", parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)})))


def deny(operator: str, key: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": {operator: {key: value}}, **more}


def judged(statement: dict[str, Any], action: str = "s3:GetObject", **context: str) -> Effect:
    keys = {k.replace("__", ":").lower(): (v,) for k, v in context.items()}
    return decide([policy(ALLOW), policy(statement)], action, "arn:aws:s3:::b/k", keys).effect


@pytest.mark.parametrize(
    ("cutoff", "issued", "effect"),
    [
        (CUTOFF, "2026-11-23T11:59:59Z", "explicitDeny"),
        (CUTOFF, "2026-11-23T12:00:00Z", "allowed"),
        ("2026-11-23T12:00:00.500Z", "2026-11-23T12:00:00Z", "explicitDeny"),
        (CUTOFF, "2026-11-23T12:00:01Z", "allowed"),
        ("1795435200", "2026-11-23T11:59:59Z", "explicitDeny"),
    ],
)
def test_issue_time_is_compared_strictly(cutoff: str, issued: str, effect: Effect) -> None:
    assert judged(deny("DateLessThan", "aws:TokenIssueTime", cutoff), aws__TokenIssueTime=issued) == effect


def test_a_long_term_key_has_no_issue_time_and_is_spared() -> None:
    assert judged(deny("DateLessThan", "aws:TokenIssueTime", CUTOFF)) == "allowed"


def test_the_wrong_operator_locks_the_long_term_key_too() -> None:
    assert judged(deny("DateLessThanIfExists", "aws:TokenIssueTime", CUTOFF)) == "explicitDeny"
    assert judged(deny("BoolIfExists", "aws:MultiFactorAuthPresent", "false")) == "explicitDeny"
    assert judged(deny("Bool", "aws:MultiFactorAuthPresent", "false")) == "allowed"
    assert judged(deny("Null", "aws:TokenIssueTime", "true")) == "explicitDeny"


def test_an_explicit_deny_wins_over_every_allow_in_any_order() -> None:
    block = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    for order in ([policy(ALLOW), policy(block)], [policy(block), policy(ALLOW)], [policy(ALLOW, block)]):
        assert decide(order, "s3:GetObject", "*", {}).effect == "explicitDeny"
    assert decide([], "s3:GetObject", "*", {}).effect == "implicitDeny"


def test_not_action_leaves_its_actions_alone() -> None:
    statement = {"Effect": "Deny", "NotAction": "sts:*", "Resource": "*"}
    assert judged(statement, "sts:AssumeRole") == "allowed"
    assert judged(statement, "s3:GetObject") == "explicitDeny"


def test_actions_fold_case_and_resources_do_not() -> None:
    assert judged({"Effect": "Deny", "Action": "S3:getobject", "Resource": "*"}) == "explicitDeny"
    assert judged({"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::B/*"}) == "allowed"
    assert judged({"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::?/k"}) == "explicitDeny"
    assert judged({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::b/*"}) == "allowed"


def test_all_conditions_must_hold_and_one_value_of_each_is_enough() -> None:
    both = deny("StringEquals", "aws:userid", ["X", "AROA1:s"])
    both["Condition"]["DateLessThan"] = {"aws:TokenIssueTime": CUTOFF}
    old = "2026-11-23T11:00:00Z"
    assert judged(both, aws__userid="AROA1:s", aws__TokenIssueTime=old) == "explicitDeny"
    assert judged(both, aws__userid="AROA1:other", aws__TokenIssueTime=old) == "allowed"
    assert judged(both, aws__userid="AROA1:s", aws__TokenIssueTime=CUTOFF) == "allowed"


@pytest.mark.parametrize(
    ("operator", "value", "have", "effect"),
    [
        ("StringLike", "AROA1:*", "AROA1:s", "explicitDeny"),
        ("StringLike", "AROA1:*", "AROA2:s", "allowed"),
        ("StringNotEquals", "AROA1:s", "AROA2:s", "explicitDeny"),
        ("StringNotLike", "AROA1:*", "AROA1:s", "allowed"),
        ("StringEqualsIgnoreCase", "aroa1:S", "AROA1:s", "explicitDeny"),
        ("ArnLike", "arn:aws:iam::*:user/x", "arn:aws:iam::1:user/x", "explicitDeny"),
    ],
)
def test_string_operators(operator: str, value: str, have: str, effect: Effect) -> None:
    assert judged(deny(operator, "aws:userid", value), aws__userid=have) == effect


def test_a_negated_operator_holds_where_the_key_is_absent() -> None:
    assert judged(deny("StringNotEquals", "aws:SourceIdentity", "me")) == "explicitDeny"
    assert judged(deny("StringEquals", "aws:SourceIdentity", "me")) == "allowed"


def test_date_greater_than_and_current_time() -> None:
    until = deny("DateLessThan", "aws:CurrentTime", "2026-11-24T00:00:00Z")
    assert judged(until, aws__CurrentTime="2026-11-23T23:59:59.999000Z") == "explicitDeny"
    assert judged(until, aws__CurrentTime="2026-11-24T00:00:00.000000Z") == "allowed"
    since = deny("DateGreaterThan", "aws:CurrentTime", "2026-11-24T00:00:00Z")
    assert judged(since, aws__CurrentTime="2026-11-24T00:00:01Z") == "explicitDeny"


def test_policy_variables_are_filled_from_the_request() -> None:
    own = {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::b/${aws:username}"}
    assert judged(own, aws__username="k") == "explicitDeny"
    assert judged(own, aws__username="other") == "allowed"
    assert judged(own) == "allowed"


def test_what_the_policies_ask_for_and_the_request_lacks_is_named() -> None:
    decision = decide([policy(ALLOW, deny("DateLessThan", "aws:TokenIssueTime", CUTOFF))], "s3:GetObject", "*", {})
    assert (decision.effect, decision.missing) == ("allowed", ("aws:TokenIssueTime",))


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        '{"Version": "2012-10-17"}',
        '{"Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Deny", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Deny", "Action": "*", "NotAction": "*", "Resource": "*"}]}',
        json.dumps({"Statement": deny("DateSmallerThan", "aws:TokenIssueTime", CUTOFF)}),
        json.dumps({"Statement": deny("DateLessThan", "aws:TokenIssueTime", "[policy creation time]")}),
        json.dumps({"Statement": deny("DateLessThan", "aws:TokenIssueTime", "2026-11-23T12:00:00+00:00")}),
        json.dumps({"Statement": deny("DateLessThan", "aws:TokenIssueTime", "2026-11-23T12:00:00")}),
        json.dumps({"Statement": {**ALLOW, "Principal": 7}}),
        json.dumps({"Statement": {**ALLOW, "Condition": []}}),
    ],
)
def test_malformed_documents_are_refused(document: str) -> None:
    with pytest.raises(Malformed):
        parse(document)


def test_wildcards_are_only_star_and_question_mark() -> None:
    assert wildcard("a[b]*", "a[b]c")
    assert not wildcard("a[b]*", "abc")
    assert wildcard("a?c", "abc")
    assert not wildcard("a", "ab")


def test_milliseconds_count() -> None:
    assert moment("2026-11-23T12:00:00.085Z") > moment(CUTOFF)
