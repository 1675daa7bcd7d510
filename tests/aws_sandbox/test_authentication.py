"""Who is let in: what moto gets wrong in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow, trust_of

Code = Callable[[Callable[[], Any]], str]


@pytest.fixture
def bot(aws: AwsSandbox) -> Held:
    iam = aws.admin("iam")
    iam.create_user(UserName="bot", Path="/ci/")
    iam.put_user_policy(UserName="bot", PolicyName="all", PolicyDocument=allow("*"))
    key = iam.create_access_key(UserName="bot")["AccessKey"]
    return Held(key["AccessKeyId"], key["SecretAccessKey"])


def session_of(aws: AwsSandbox, held: Held) -> Held:
    given = aws.client("sts", held).get_session_token()["Credentials"]
    return Held(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def test_a_good_key_is_who_it_is(aws: AwsSandbox, bot: Held) -> None:
    who = aws.client("sts", bot).get_caller_identity()
    assert who["Arn"] == "arn:aws:iam::111122223333:user/ci/bot"
    assert who["Account"] == "111122223333"
    assert who["UserId"].startswith("AIDA")
    assert aws.client("s3", bot).list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    ("service", "call", "wanted"),
    [
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("iam", "list_users", "InvalidClientTokenId"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("secretsmanager", "list_secrets", "UnrecognizedClientException"),
        ("cloudtrail", "lookup_events", "UnrecognizedClientException"),
    ],
)
def test_an_inactive_key_is_refused_everywhere(
    aws: AwsSandbox, bot: Held, code: Code, service: str, call: str, wanted: str
) -> None:
    assert code(getattr(aws.client(service, bot), call)) == "ok"
    aws.client("iam").update_access_key(UserName="bot", AccessKeyId=bot.key_id, Status="Inactive")
    assert code(getattr(aws.client(service, bot), call)) == wanted
    aws.client("iam").update_access_key(UserName="bot", AccessKeyId=bot.key_id, Status="Active")
    assert code(getattr(aws.client(service, bot), call)) == "ok"


def test_a_deleted_key_is_refused(aws: AwsSandbox, bot: Held, code: Code) -> None:
    aws.client("iam").delete_access_key(UserName="bot", AccessKeyId=bot.key_id)
    assert code(aws.client("sts", bot).get_caller_identity) == "InvalidClientTokenId"


def test_an_unknown_key_and_a_wrong_secret_are_told_apart(aws: AwsSandbox, bot: Held, code: Code) -> None:
    unknown = Held("AKIAIOSFODNN7EXAMPLE", "x" * 40)
    assert code(aws.client("sts", unknown).get_caller_identity) == "InvalidClientTokenId"
    wrong = Held(bot.key_id, "x" * 40)
    assert code(aws.client("sts", wrong).get_caller_identity) == "SignatureDoesNotMatch"
    assert code(aws.client("s3", wrong).list_buckets) == "SignatureDoesNotMatch"
    assert code(aws.client("secretsmanager", wrong).list_secrets) == "InvalidSignatureException"


def test_a_session_needs_its_token(aws: AwsSandbox, bot: Held, code: Code) -> None:
    session = session_of(aws, bot)
    assert session.key_id.startswith("ASIA")
    assert code(aws.client("s3", session).list_buckets) == "ok"
    assert code(aws.client("s3", Held(session.key_id, session.secret)).list_buckets) == "InvalidAccessKeyId"
    bogus = Held(session.key_id, session.secret, "bogus")
    assert code(aws.client("sts", bogus).get_caller_identity) == "InvalidClientTokenId"
    wrong = Held(session.key_id, "x" * 40, session.token)
    assert code(aws.client("sts", wrong).get_caller_identity) == "SignatureDoesNotMatch"


def test_a_long_term_key_with_a_token_is_refused(aws: AwsSandbox, bot: Held, code: Code) -> None:
    assert code(aws.client("sts", Held(bot.key_id, bot.secret, "t")).get_caller_identity) == "InvalidClientTokenId"


def test_an_expired_session_is_refused_by_the_vendors_clock(aws: AwsSandbox, bot: Held, code: Code) -> None:
    given = aws.client("sts", bot).get_session_token(DurationSeconds=900)["Credentials"]
    session = Held(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    aws.advance(890)
    assert code(aws.client("s3", session).list_buckets) == "ok"
    aws.skew(20)
    assert code(aws.client("s3", session).list_buckets) == "ExpiredToken"
    assert code(aws.client("sts", session).get_caller_identity) == "ExpiredToken"


def test_a_session_outlives_its_key_and_dies_with_its_user(aws: AwsSandbox, bot: Held, code: Code) -> None:
    session = session_of(aws, bot)
    iam = aws.client("iam")
    iam.update_access_key(UserName="bot", AccessKeyId=bot.key_id, Status="Inactive")
    assert code(aws.client("s3", session).list_buckets) == "ok"
    iam.delete_access_key(UserName="bot", AccessKeyId=bot.key_id)
    assert code(aws.client("s3", session).list_buckets) == "ok"
    iam.delete_user_policy(UserName="bot", PolicyName="all")
    iam.delete_user(UserName="bot")
    assert code(aws.client("s3", session).list_buckets) == "InvalidAccessKeyId"
    iam.create_user(UserName="bot", Path="/ci/")
    iam.put_user_policy(UserName="bot", PolicyName="all", PolicyDocument=allow("*"))
    assert code(aws.client("s3", session).list_buckets) == "InvalidAccessKeyId"


def test_a_role_session_dies_with_its_role_and_not_with_its_namesake(aws: AwsSandbox, bot: Held, code: Code) -> None:
    iam = aws.admin("iam")
    trust = trust_of({"AWS": "arn:aws:iam::111122223333:user/ci/bot"})
    iam.create_role(RoleName="bot", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="bot", PolicyName="all", PolicyDocument=allow("*"))
    arn = "arn:aws:iam::111122223333:role/bot"
    given = aws.client("sts", bot).assume_role(RoleArn=arn, RoleSessionName="s1")["Credentials"]
    session = Held(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert code(aws.client("s3", session).list_buckets) == "ok"
    iam.delete_role_policy(RoleName="bot", PolicyName="all")
    iam.delete_role(RoleName="bot")
    iam.create_role(RoleName="bot", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="bot", PolicyName="all", PolicyDocument=allow("*"))
    assert code(aws.client("s3", session).list_buckets) == "InvalidAccessKeyId"


def test_an_unsigned_request_is_refused(aws: AwsSandbox) -> None:
    answer = httpx.post(aws.endpoint, data={"Action": "GetCallerIdentity", "Version": "2011-06-15"})
    assert (answer.status_code, "MissingAuthenticationToken" in answer.text) == (403, True)


def test_the_signature_covers_the_body(aws: AwsSandbox, bot: Held) -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", aws.endpoint + "/", headers=form, data="Action=ListUsers&Version=2010-05-08")
    SigV4Auth(Credentials(bot.key_id, bot.secret), "iam", "us-east-1").add_auth(request)
    headers = dict(request.headers)
    good = httpx.post(aws.endpoint + "/", headers=headers, content=b"Action=ListUsers&Version=2010-05-08")
    assert good.status_code == 200
    forged = httpx.post(aws.endpoint + "/", headers=headers, content=b"Action=ListRoles&Version=2010-05-08")
    assert (forged.status_code, "SignatureDoesNotMatch" in forged.text) == (403, True)


def test_the_account_cannot_be_chosen_by_a_header(aws: AwsSandbox, bot: Held) -> None:
    iam = aws.client("iam", bot)
    iam.meta.events.register(
        "before-sign.iam", lambda request, **_: request.headers.add_header("x-moto-account-id", "444455556666")
    )
    assert [u["UserName"] for u in iam.list_users()["Users"]] == ["incident-responder", "bot"]


def test_what_is_not_there_is_said_loudly(aws: AwsSandbox, code: Code) -> None:
    assert code(aws.client("iam").list_organizations_features) == "NotImplemented"


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "code"),
    [
        ("/", {}, b"Action=&Version=2011-06-15", 400, "InvalidAction"),
        ("/nowhere/at/all", {"X-Amz-Target": ""}, b"", 404, "InvalidAction"),
        ("/v1/token", {"Content-Type": "application/json"}, b'{"grantType": "refresh_token"}', 403, "AccessDenied"),
    ],
)
def test_odd_requests_are_refused_in_the_vendors_shape(
    aws: AwsSandbox, path: str, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    answer = httpx.post(aws.endpoint + path, headers=headers, content=body)
    assert (answer.status_code, code in answer.text) == (status, True)


def test_an_operation_of_sts_that_is_missing_is_said_loudly(aws: AwsSandbox, code: Code) -> None:
    decode = aws.client("sts").decode_authorization_message
    assert code(lambda: decode(EncodedMessage="x")) == "NotImplemented"


def test_nobody_signs_in_with_a_wrong_password(seeded: AwsSandbox) -> None:
    form = {"account": "111122223333", "user": "payments-bot", "password": "wrong"}
    assert httpx.post(seeded.endpoint + "/_signin/console", data=form).status_code == 403
    form["user"] = "nobody"
    assert httpx.post(seeded.endpoint + "/_signin/console", data=form).status_code == 403


def test_root_cannot_assume_roles_and_gets_no_session_token(aws: AwsSandbox, code: Code) -> None:
    sts = aws.admin("sts")
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:root"
    role = "arn:aws:iam::444455556666:role/IncidentResponder"
    assert code(lambda: sts.assume_role(RoleArn=role, RoleSessionName="s1")) == "AccessDenied"
