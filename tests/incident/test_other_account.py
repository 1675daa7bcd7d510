"""What the identity may become, in its account and in another, from the list to the report that tells which is open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tomli_w

from nhi_revoke.config import load_config
from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.engine.service import Consent, Engine
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.report import Report
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.own.other_account import OtherAccount
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT, AwsSandbox
from tests.incident.conftest import LEDGER_REF, START

NAMES = ("aws:user/payments-bot", "aws:role/payments-worker")
THERE = f"aws:arn:aws:iam::{OTHER_ACCOUNT}:role/shop-reporting"
MakeEngine = Callable[[], Engine]


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[AwsSandbox]:
    sandbox = AwsSandbox(entropy=7, planted=(OtherAccount.name,))
    sandbox.start(MovableClock(START))
    sandbox.seed(str(tmp_path))
    yield sandbox
    sandbox.close()


@pytest.fixture
def engine(aws: AwsSandbox, tmp_path: Path) -> MakeEngine:
    path = tmp_path / "nhi.toml"
    path.write_text(tomli_w.dumps({"aws": aws.settings(), "sandbox": {"control": aws.control}}))

    def make() -> Engine:
        config = load_config(str(path), {"NHI_REVOKE_STATE": str(tmp_path / "state")}, tmp_path)
        return Engine(Registry.installed({}), config, lambda _: None)

    return make


def revoked(engine: MakeEngine, *, late: bool) -> Report:
    intent = Intent(rotate="no")
    with engine() as made:
        found = made.inventory(made.resolve(NAMES), intent, logs=False, late=late)
        return made.run(made.plan(found, intent), "revoke", Consent("--yes", allow_irreversible=True))


def test_a_list_and_a_plan_show_what_can_be_reached(engine: MakeEngine, aws: AwsSandbox) -> None:
    with engine() as made:
        found = made.inventory(made.resolve(NAMES), Intent(), logs=False)
        plan = made.plan(found, Intent())
    assert {str(lead.to) for lead in found.leads} == {LEDGER_REF, THERE}
    assert {str(lead.of) for lead in found.leads} == {str(p.ref) for p in found.principals}
    assert [door.access for door in plan.open] == [THERE]
    assert f"with credentials of account {OTHER_ACCOUNT}: nhi-revoke revoke {THERE}" in plan.open[0].next
    assert not [c.name for c in aws.calls() if c.by == "operator" and c.mutates]


@pytest.mark.parametrize("late", [True, False], ids=["asked", "unasked"])
def test_the_report_tells_which_doors_stay_open(engine: MakeEngine, aws: AwsSandbox, late: bool) -> None:
    """Without a prompt the reach is read beneath our own deny-all, and is the same."""
    report = revoked(engine, late=late)
    told = {door.kind: (predicted_open(report, door.access), door.open()) for door in aws.doors()}
    assert [kind for kind, (said, found) in told.items() if said != found] == []
    assert {kind for kind, (_, found) in told.items() if found} == {"cross-account", "chained"}
    assert THERE in {door.access for door in report.open}
    reach = {(str(lead.of), str(lead.to)) for lead in report.leads if not lead.session}
    user, worker = (
        f"aws:arn:aws:iam::{ACCOUNT}:{name}" for name in ("user/bots/payments-bot", "role/bots/payments-worker")
    )
    assert reach == {(user, LEDGER_REF), (user, THERE), (worker, LEDGER_REF)}
    assert report.exit_code == 8
