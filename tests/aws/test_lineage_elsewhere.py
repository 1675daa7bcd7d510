"""Sessions in other accounts, and the same in other partitions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.found import Lead
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.settings import Account

from .conftest import START, USER, Bench
from .one_kind import bench_of
from .test_lineage import blinds, observed, sessions

FAR = "arn:aws:iam::444455556666:role/shop-reporting"


def test_a_session_in_an_account_without_a_login_is_for_that_accounts_responder(tmp_path: Path) -> None:
    with bench_of(tmp_path, "other-account") as bench:
        found = observed(bench, USER)
        [lead] = [f for f in found if isinstance(f, Lead)]
        assert lead.to.id == FAR
        assert lead.beyond
        assert lead.session
        assert lead.session not in sessions(found)
        assert (
            lead.why
            == f"session reports of role shop-reporting, begun with aws:access-key/{bench.sandbox.loot().key.key_id}"
        )
        assert lead.at
        assert lead.until
        assert lead.until > bench.sandbox.now() + timedelta(hours=11)
        since = f"{lead.at:%Y-%m-%dT%H:%M:%SZ}"
        assert lead.next == f"with credentials of account 444455556666: nhi-revoke revoke aws:{FAR} --since {since}"
        asked = [c for c in bench.sandbox.calls() if c.name == "cloudtrail:LookupEvents"]
        whole = len(asked)
        assert str(lead.session).rpartition("/")[2] not in {c.target for c in asked}, whole


@pytest.mark.parametrize(
    "reached",
    [
        {"accounts": (Account("444455556666", profile="shop"),)},
        {"assume_role": "arn:aws:iam::{account}:role/IncidentResponder"},
    ],
)
def test_a_session_in_an_account_with_a_login_is_left_to_the_next_plan(tmp_path: Path, reached: dict[str, Any]) -> None:
    with bench_of(tmp_path, "other-account") as bench:
        found = observed(bench, USER, **reached)
        assert not [f for f in found if isinstance(f, Lead)]
        assert FAR in {a.on.id for a in sessions(found).values()}, "the engine makes it a lead"


@pytest.mark.parametrize(("partition", "home"), [("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")])
def test_other_partitions_have_their_own_home_and_arns(tmp_path: Path, partition: str, home: str) -> None:
    sandbox = AwsSandbox(entropy=1, partition=partition, planted=("planted", "other-account"))
    sandbox.start(MovableClock(START))
    sandbox.lag(0, 0)
    try:
        sandbox.seed(str(tmp_path))
        bench = Bench(sandbox, {**sandbox.settings(), "regions": []})
        assert bench.conn.regions().on == (home,)
        found = observed(bench, USER)
        leads = {lead.to.id: lead for lead in found if isinstance(lead, Lead)}
        assert set(leads) == {
            f"arn:{partition}:iam::111122223333:user/support-sync",
            f"arn:{partition}:iam::444455556666:role/shop-reporting",
        }
        assert all(a.on.id.startswith(f"arn:{partition}:") for a in sessions(found).values())
        assert {a.evidence for a in sessions(found).values()} == {f"cloudtrail:LookupEvents {home}"}
        assert not blinds(found)
        assert "arn:aws:" not in repr(found)
        key = bench.provider.resolve(bench.conn, bench.ref(sandbox.loot().key.key_id))
        assert key.ref.id == f"arn:{partition}:iam::111122223333:user/bots/payments-bot"
    finally:
        sandbox.close()


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_a_key_of_another_account_is_told_with_what_to_add(tmp_path: Path, partition: str) -> None:
    sandbox = AwsSandbox(entropy=1, partition=partition, planted=())
    sandbox.start(MovableClock(START))
    try:
        sandbox.seed(str(tmp_path))
        bench = Bench(sandbox, sandbox.settings())
        # The sandbox's answer knows every account; AWS's denies what is not in one's own.
        sandbox.fault("iam:GetAccessKeyLastUsed", "denied", times=9)
        there = sandbox.admin("iam", "444455556666")
        there.create_user(UserName="far")
        key = there.create_access_key(UserName="far")["AccessKey"]["AccessKeyId"]
        with pytest.raises(Missing, match="belongs to account 444455556666") as said:
            bench.provider.resolve(bench.conn, bench.ref(key))
        assert 'id = "444455556666"' in said.value.hint
    finally:
        sandbox.close()
