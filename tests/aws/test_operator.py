"""Who the operator is: profile, source profiles, assumed roles, and what of that cannot be had."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.login import profile_chain
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.settings import Account

from .conftest import START, Bench

# -- the operator's chain ----------------------------------------------------------------------------------------------


def test_profile_chain_ends_where_it_closes() -> None:
    profiles = {
        "a": {"role_arn": "arn:1", "source_profile": "b"},
        "b": {"role_arn": "arn:2", "source_profile": "c"},
        "c": {"aws_access_key_id": "AKIA"},
        "self": {"role_arn": "arn:3", "source_profile": "self"},
    }
    assert profile_chain(profiles, "a") == (("arn:1", "arn:2"), "c")
    assert profile_chain(profiles, "self") == (("arn:3",), "self")
    assert profile_chain(profiles, "none") == ((), "none")


def by_profile(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AwsConnection:
    """The operator's own profile assumes a role in the other account; botocore does that by itself."""
    other = "444455556666"
    config = tmp_path / "config"
    operator = bench.sandbox.operator()
    config.write_text(
        f"[profile ir]\nrole_arn = arn:aws:iam::{other}:role/IncidentResponder\n"
        "source_profile = base\nregion = us-east-1\n"
        f"[profile base]\naws_access_key_id = {operator.key_id}\naws_secret_access_key = {operator.secret}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL", bench.sandbox.endpoint)
    return bench.connect(profile="ir")


def test_whoami_tells_role_and_where_its_profile_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = AwsSandbox(entropy=1)
    sandbox.start(MovableClock(datetime.now(UTC)))  # botocore asks this machine's clock whether credentials expired
    try:
        sandbox.lag(0, 0)
        sandbox.seed(str(tmp_path))
        conn = by_profile(Bench(sandbox, sandbox.settings()), tmp_path, monkeypatch)
        assert {str(r) for r in conn.whoami()} == {
            "aws:arn:aws:iam::444455556666:role/IncidentResponder",
            "aws:arn:aws:iam::111122223333:user/incident-responder",
        }
        assert conn.scope == "444455556666"
    finally:
        sandbox.close()


def test_a_profiles_role_that_expires_at_once_tells_of_the_clock(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.sandbox.skew((datetime(2000, 1, 1, tzinfo=UTC) - START).total_seconds())
    with pytest.raises(Unauthenticated, match="as soon as they come") as told:
        by_profile(bench, tmp_path, monkeypatch).call("iam", "GetUser", UserName="bot")
    assert told.value.hint


def test_a_profiles_role_that_cannot_be_assumed_is_no_login(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = by_profile(bench, tmp_path, monkeypatch)
    bench.sandbox.allow_only([])
    with pytest.raises(Unauthenticated, match="could not be assumed"):
        conn.call("iam", "GetUser", UserName="bot")


def test_a_listed_accounts_own_profile(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = bench.settings
    conn = bench.connect(
        "111122223333", accounts=(Account("111122223333", profile=settings.profile),), profile="nobody"
    )
    assert conn.account() == "111122223333"


def test_an_operator_who_may_not_read_roles_is_known_by_name(bench: Bench) -> None:
    role = "arn:aws:iam::{account}:role/IncidentResponder"
    conn = bench.connect("444455556666", accounts=(Account("444455556666"),), assume_role=role)
    conn.caller()
    bench.sandbox.fault("iam:GetRole", "denied")
    assert "aws:arn:aws:iam::444455556666:role/IncidentResponder" in [str(r) for r in conn.whoami()]
