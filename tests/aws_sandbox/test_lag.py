"""Propagation: what was written is shown at once, and obeyed later (measured at the vendor: 3 to 4 s)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow

Code = Callable[[Callable[[], Any]], str]


@pytest.fixture
def bot(aws: AwsSandbox) -> Held:
    iam = aws.admin("iam")
    iam.create_user(UserName="bot")
    iam.put_user_policy(UserName="bot", PolicyName="all", PolicyDocument=allow("*"))
    key = iam.create_access_key(UserName="bot")["AccessKey"]
    aws.lag(4, 300)
    return Held(key["AccessKeyId"], key["SecretAccessKey"])


def test_a_disabled_key_works_until_the_lag_has_passed(aws: AwsSandbox, bot: Held, code: Code) -> None:
    iam = aws.client("iam")
    iam.update_access_key(UserName="bot", AccessKeyId=bot.key_id, Status="Inactive")
    assert iam.list_access_keys(UserName="bot")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    assert code(aws.client("sts", bot).get_caller_identity) == "ok"
    aws.advance(4)
    assert code(aws.client("sts", bot).get_caller_identity) == "InvalidClientTokenId"


def test_a_deny_is_obeyed_when_the_lag_has_passed(aws: AwsSandbox, bot: Held, code: Code) -> None:
    deny = allow("*").replace("Allow", "Deny")
    aws.client("iam").put_user_policy(UserName="bot", PolicyName="stop", PolicyDocument=deny)
    assert aws.client("iam").list_user_policies(UserName="bot")["PolicyNames"] == ["all", "stop"]
    assert code(aws.client("s3", bot).list_buckets) == "ok"
    aws.advance(4)
    assert code(aws.client("s3", bot).list_buckets) == "AccessDenied"


def test_the_intruder_can_make_a_key_in_the_gap(aws: AwsSandbox, bot: Held, code: Code) -> None:
    aws.client("iam").update_access_key(UserName="bot", AccessKeyId=bot.key_id, Status="Inactive")
    assert code(lambda: aws.client("iam", bot).create_access_key(UserName="bot")) == "ok"
    assert len(aws.client("iam").list_access_keys(UserName="bot")["AccessKeyMetadata"]) == 2


def test_a_new_key_is_unknown_until_the_lag_has_passed(aws: AwsSandbox, bot: Held, code: Code) -> None:
    made = aws.client("iam").create_access_key(UserName="bot")["AccessKey"]
    new = Held(made["AccessKeyId"], made["SecretAccessKey"])
    assert code(aws.client("sts", new).get_caller_identity) == "InvalidClientTokenId"
    aws.advance(4)
    assert code(aws.client("sts", new).get_caller_identity) == "ok"


def test_each_write_has_its_own_lag(aws: AwsSandbox, bot: Held, code: Code) -> None:
    iam = aws.client("iam")
    iam.update_access_key(UserName="bot", AccessKeyId=bot.key_id, Status="Inactive")
    aws.advance(3)
    iam.update_access_key(UserName="bot", AccessKeyId=bot.key_id, Status="Active")
    aws.advance(1.5)
    assert code(aws.client("sts", bot).get_caller_identity) == "InvalidClientTokenId"
    aws.advance(3)
    assert code(aws.client("sts", bot).get_caller_identity) == "ok"


def test_setting_up_is_obeyed_at_once(aws: AwsSandbox, bot: Held, code: Code) -> None:
    aws.admin("iam").update_access_key(UserName="bot", AccessKeyId=bot.key_id, Status="Inactive")
    assert code(aws.client("sts", bot).get_caller_identity) == "InvalidClientTokenId"
