"""What AWS itself says of leaked credentials, tried by themselves alone, against its sandbox; and which partition."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.liveness import Liveness
from nhi_revoke.provider.fault import NoAnswer, Unauthenticated
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws import provider
from nhi_revoke_aws.connection import AwsConnection, Caller
from nhi_revoke_aws.naming import account_in_key_id
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, AwsSandbox
from nhi_revoke_aws.settings import AwsSettings
from tests.aws.conftest import START, PlainIo
from tests.triage.sample import Sample
from tests.triage.samples_aws import OLD, SAMPLES, key_id, secret, token

BOT = f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsSandbox]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("AWS_")]:
            patch.delenv(name)
        nowhere: Path = tmp_path_factory.mktemp("aws")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", str(nowhere / "no-config"))
        # The operator's profile is one that does not exist: nothing of it is needed, or used.
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "no-credentials"))
        sandbox = AwsSandbox(entropy=7, planted=())
        sandbox.start(MovableClock(START))
        try:
            sandbox.seed(str(nowhere))
            yield sandbox
        finally:
            sandbox.close()


def asked(aws: AwsSandbox, text: str) -> Liveness:
    [found] = provider.recognise(text)
    given = aws.settings()
    settings = AwsSettings(**{k: v for k, v in given.items() if k in ("endpoint_url", "endpoint_urls", "region")})
    return provider.alive(found, settings, PlainIo(lambda: START))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)
def test_made_up_ones(aws: AwsSandbox, sample: Sample) -> None:
    told = asked(aws, sample.text)
    assert told.state == sample.state, told.how
    assert sample.value == "" or sample.value not in str(told)
    assert told.owner is None


def test_a_live_key_is_alive_and_whose_it_is(aws: AwsSandbox) -> None:
    key, before = aws.loot().key, len(aws.calls())
    told = asked(aws, f"{key.key_id}:{key.secret}")
    assert (told.state, str(told.owner), told.scope) == ("alive", f"aws:{BOT}", f"account {ACCOUNT}")
    assert "even under a deny, and tells nothing of what the key may do" in told.how
    made = aws.calls()[before:]
    assert [call.name.lower().replace(":", ".") for call in made] == ["sts.getcalleridentity"]
    assert "operator" not in {call.by for call in made}, "the operator's own credentials were used"


def test_a_session_is_alive_with_its_token_and_unknown_with_another(aws: AwsSandbox) -> None:
    sts = aws.client("sts", aws.loot().key)
    got = sts.get_session_token(DurationSeconds=900)["Credentials"]
    text = f"AWS_ACCESS_KEY_ID={got['AccessKeyId']}\nAWS_SECRET_ACCESS_KEY={got['SecretAccessKey']}\nAWS_SESSION_TOKEN="
    told = asked(aws, text + got["SessionToken"])
    assert (told.state, str(told.owner)) == ("alive", f"aws:{BOT}")
    other = asked(aws, text + token(1))
    assert (other.state, other.owner) == ("unknown", None)


def test_a_wrong_secret_beside_a_known_key_is_not_dead(aws: AwsSandbox) -> None:
    told = asked(aws, f"{aws.loot().key.key_id}:{secret(99)}")
    assert told.state == "unknown"
    assert "is not its secret (SignatureDoesNotMatch)" in told.how


def test_an_inactive_key_is_dead(aws: AwsSandbox) -> None:
    iam = aws.admin("iam")
    iam.create_user(UserName="spare")
    made = iam.create_access_key(UserName="spare")["AccessKey"]
    iam.update_access_key(UserName="spare", AccessKeyId=made["AccessKeyId"], Status="Inactive")
    aws.world.settle()
    told = asked(aws, f"{made['AccessKeyId']}:{made['SecretAccessKey']}")
    assert (told.state, told.owner) == ("dead", None)
    assert "InvalidClientTokenId" in told.how


# -- partitions ----------------------------------------------------------------------------------------------------


class Atlas:
    """Answers of STS by region; what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
        self.asked: list[str] = []
        atlas = self

        def identify(conn: AwsConnection, *key: str) -> Caller:
            region = conn.settings.region
            atlas.asked.append(region)
            assert not conn.settings.profile
            answer = answers[region.replace("-", "_")]
            if isinstance(answer, Exception):
                raise answer
            assert isinstance(answer, Caller)
            return answer

        monkeypatch.setattr(AwsConnection, "identify", identify)

    def told(self, **settings: Any) -> Liveness:
        [found] = provider.recognise(f"{key_id(1)}:{secret(1)}")
        return provider.alive(found, AwsSettings(profile="mine", **settings), PlainIo(lambda: START))


def refused(code: str = "InvalidClientTokenId") -> Unauthenticated:
    return Unauthenticated("no", code=code)


def test_a_key_of_another_partition_is_not_called_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    china = Caller("arn:aws-cn:iam::111122223333:user/bot", "111122223333", "AIDA")
    atlas = Atlas(monkeypatch, us_east_1=refused(), cn_north_1=china, us_gov_west_1=refused())
    told = atlas.told()
    assert (told.state, str(told.owner)) == ("alive", "aws:arn:aws-cn:iam::111122223333:user/bot")
    assert atlas.asked == ["us-east-1", "cn-north-1"]


def test_one_that_every_partition_refuses_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    atlas = Atlas(monkeypatch, cn_north_1=refused(), us_east_1=refused(), us_gov_west_1=refused())
    told = atlas.told(region="cn-north-1")
    assert told.state == "dead"
    assert "in cn-north-1, us-east-1, us-gov-west-1" in told.how


def test_where_a_partition_gave_no_answer_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Atlas(monkeypatch, us_east_1=refused(), cn_north_1=NoAnswer("no"), us_gov_west_1=refused()).told()
    assert (told.state, told.how) == (
        "unknown",
        "refused in us-east-1 (InvalidClientTokenId); no clear answer in cn-north-1",
    )
    with pytest.raises(NoAnswer):
        Atlas(monkeypatch, us_east_1=NoAnswer("no")).told()


@pytest.mark.parametrize(
    ("code", "state"), [("ExpiredToken", "dead"), ("SignatureDoesNotMatch", "unknown"), ("ProfileNotFound", "unknown")]
)
def test_other_refusals(monkeypatch: pytest.MonkeyPatch, code: str, state: str) -> None:
    atlas = Atlas(monkeypatch, us_east_1=refused(code))
    assert atlas.told().state == state
    assert atlas.asked == ["us-east-1"]


def test_an_endpoint_of_the_operators_own_is_asked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    atlas = Atlas(monkeypatch, us_east_1=refused())
    assert atlas.told(endpoint_urls={"sts": "https://sts.example"}).state == "dead"
    assert atlas.asked == ["us-east-1"]


# -- accounts in ids -----------------------------------------------------------------------------------------------


def test_an_id_of_the_old_generation_tells_no_account() -> None:
    assert account_in_key_id(key_id(1)) == "111122223333"
    assert account_in_key_id(OLD) == ""
    assert account_in_key_id("AKIAIOSFODNN7EXAMPLE") == ""
    assert account_in_key_id("AKIA" + "7" * 16) == "", "no account has so many digits"
    [found] = provider.recognise(OLD)
    assert found.leak.note == f"access key {OLD}"
    [newer] = provider.recognise(key_id(1))
    assert "of account 111122223333, as its id encodes" in newer.leak.note


def test_a_sessions_token_is_as_secret_as_its_key() -> None:
    [found] = provider.recognise(f"{key_id(1, 'ASIA')}\n{secret(1)}\n{token(1)}\n")
    assert isinstance(found, Recognised)
    assert found.value is not None
    assert set(found.value.fields()) == {"AccessKeyId", "SecretAccessKey", "SessionToken"}
    assert token(1) not in f"{found!r}{found.value!r}"
