"""One look-up by a user's name tells of all that acts as the user: LookupEvents answers two questions a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nhi_revoke.model.found import Found
from nhi_revoke.provider.fault import Denied
from nhi_revoke_aws import lineage
from nhi_revoke_aws.connection import AwsConnection

from .conftest import USER, Bench
from .test_lineage import blinds, observed, sessions


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Attribute and value of each look-up."""
    found: list[tuple[str, str]] = []
    real = AwsConnection.call

    def call(self: AwsConnection, service: str, operation: str, **params: Any) -> Any:
        if operation == "LookupEvents":
            (by,) = params["LookupAttributes"]
            found.append((by["AttributeKey"], by["AttributeValue"]))
        return real(self, service, operation, **params)

    monkeypatch.setattr(AwsConnection, "call", call)
    return found


def by_name_fails(monkeypatch: pytest.MonkeyPatch, when: Callable[[dict[str, Any]], bool]) -> None:
    real = AwsConnection.call

    def call(self: AwsConnection, service: str, operation: str, **params: Any) -> Any:
        by: dict[str, str] = next(iter(params.get("LookupAttributes") or ()), {})
        if by.get("AttributeKey") == "Username" and when(params):
            raise Denied("denied", needs="cloudtrail:LookupEvents", code="AccessDenied")
        return real(self, service, operation, **params)

    monkeypatch.setattr(AwsConnection, "call", call)


def told(found: list[Found]) -> set[str]:
    return {str(each) for each in found if not hasattr(each, "covered_by")}


def test_what_acts_as_the_user_is_looked_up_once_by_its_name(bench: Bench, asked: list[tuple[str, str]]) -> None:
    bench.sandbox.lag(0, 0)
    bench.doors()
    loot = bench.sandbox.loot()
    found = sessions(observed(bench, USER))
    assert {loot.session_token.key_id, loot.federation_token.key_id, loot.console.key_id, loot.worker.key_id} <= {
        access.door for access in found.values()
    }
    assert asked.count(("Username", "payments-bot")) == 1
    by_key = {value for attribute, value in asked if attribute == "AccessKeyId"}
    assert not by_key & {loot.key.key_id, loot.session_token.key_id, loot.console.key_id}
    assert not any(value.startswith("AKIA") for value in by_key)
    assert {loot.worker.key_id, loot.federation_token.key_id, loot.ledger.key_id} <= by_key, "they have other names"


def test_what_its_name_tells_counts_for_no_limit_of_look_ups(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "MOST", 0)
    bench.sandbox.lag(0, 0)
    key = bench.sandbox.loot().key
    made = [bench.sandbox.client("sts", key).get_session_token()["Credentials"]["AccessKeyId"] for _ in range(3)]
    bench.doors()
    found = observed(bench, USER)
    assert {f"aws:user-session/{each}" for each in made} <= set(sessions(found))
    assert f"aws:user-session/{bench.sandbox.loot().console.key_id}" in sessions(found)
    (spot,) = blinds(found)
    assert "more than 0 keys and sessions" in spot.why, "sessions of other names were not followed"


@pytest.mark.parametrize("when", [lambda _: True, lambda params: "NextToken" in params], ids=["all", "in the middle"])
def test_where_the_name_was_not_read_to_its_end_each_key_is_looked_up(
    bench: Bench, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, when: Callable[[dict[str, Any]], bool]
) -> None:
    bench.sandbox.lag(0, 0)
    bench.doors()
    loot = bench.sandbox.loot()
    bench.sandbox.page_size(1)
    whole = sessions(observed(bench, USER))
    asked.clear()
    by_name_fails(monkeypatch, when)
    found = observed(bench, USER)
    assert {("AccessKeyId", loot.key.key_id), ("AccessKeyId", loot.session_token.key_id)} <= set(asked)
    signed_in = {key for key, access in whole.items() if str(access.parent).endswith("/*")}
    assert set(sessions(found)) >= set(whole) - signed_in
    assert f"aws:user-session/{loot.console.key_id}" in signed_in, "no event hands its key out"
    (blind,) = blinds(found)
    assert blind.needs == "cloudtrail:LookupEvents"


def test_what_was_planted_is_told_alike(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.sandbox.lag(0, 0)
    bench.doors()
    by_name = told(observed(bench, USER))
    by_name_fails(monkeypatch, lambda _: True)
    by_key = told(observed(bench, USER))
    assert by_key <= by_name, "by the name alone are console sessions seen"
    assert len(by_key) > 3
