"""`python -m benchmarks.aws_reach`: one identity's inventory in an account of 5,000 users and 2,000 roles.

50 ms are added to each request. Prints requests and seconds of the whole list without logs, and of the reach alone:
with the account's details as one listing, and with iam:ListRoles where that is denied.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import tomli_w

from nhi_revoke.config import load_config
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.access.reach import KIND, READS
from nhi_revoke_aws.estate import DETAILS
from nhi_revoke_aws.sandbox.own.other_account import OtherAccount
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow, role, trust_of
from tests.figures.delay_proxy import DelayProxy, Passed, depth

USERS, ROLES = 5000, 2000
TRUSTING_ALL = 10
"""Every tenth role trusts the whole account; the others trust one user each."""
CHAIN = 5
"""Roles that lead from one to the next, beginning with the worker's."""
DELAY = 0.05
NAMES = ("aws:user/payments-bot", "aws:role/payments-worker")
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Seen:
    """What one look asked for, and what it brought."""

    seconds: float
    passed: list[Passed] = field(repr=False)
    leads: int
    unseen: int

    @property
    def requests(self) -> Counter[str]:
        return Counter(p.name for p in self.passed)

    def figures(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "seconds": round(self.seconds, 2),
            "requests": len(self.passed),
            "one after another": depth(self.passed),
            "leads": self.leads,
            "unseen": self.unseen,
            "by name": dict(sorted(self.requests.items())),
        }


def fill(sandbox: AwsSandbox, users: int, roles: int) -> None:
    """`roles`: with those that are there. Straight into moto: through the front door each write would be a snapshot of
    the whole account.
    """
    world = sandbox.world
    iam = world.moto.iam(world.account)
    everyone = trust_of({"AWS": f"arn:{world.partition}:iam::{world.account}:root"})
    for number in range(users):
        iam.create_user(world.region, f"user-{number}")
    for number in range(roles - CHAIN - len(iam.roles)):
        one = trust_of({"AWS": f"arn:{world.partition}:iam::{world.account}:user/user-{number % max(users, 1)}"})
        role(iam, f"role-{number}", "/", one if number % TRUSTING_ALL else everyone, allow("s3:Get*"))
    before = f"arn:{world.partition}:iam::{world.account}:role/payments-ledger"
    for number in range(CHAIN):
        before = str(role(iam, f"chain-{number}", "/", trust_of({"AWS": before}), allow("s3:Get*")).arn)
    world.settle()


@contextmanager
def account(folder: Path, users: int, roles: int) -> Iterator[AwsSandbox]:
    """The demo's identity among many; of what the sandbox plants besides, the other account's role alone."""
    sandbox = AwsSandbox(entropy=7, planted=(OtherAccount.name,))
    sandbox.start(MovableClock(START))
    try:
        sandbox.seed(str(folder))
        fill(sandbox, users, roles)
        yield sandbox
    finally:
        sandbox.close()


def listed(sandbox: AwsSandbox, folder: Path, delay: float) -> Seen:
    """`list --no-logs` of the demo's identity, without the start of a process."""
    with DelayProxy(sandbox.endpoint, delay) as proxy, _engine(sandbox, folder, proxy.url) as engine:
        began = time.monotonic()
        found = engine.inventory(engine.resolve(NAMES), Intent(), logs=False)
        seconds = time.monotonic() - began
    return Seen(seconds, proxy.passed, len(found.leads), sum(b.counts for b in found.blind))


def reach(sandbox: AwsSandbox, folder: Path, delay: float) -> Seen:
    """The reach of the user alone."""
    with DelayProxy(sandbox.endpoint, delay) as proxy, _engine(sandbox, folder, proxy.url) as engine:
        ref = engine.resolve(NAMES[:1]).principals[0]
        conn = engine.connections.of_ref(ref)
        io = EngineIo(engine.clock)
        began = time.monotonic()
        found = list(engine.registry.kind(KIND).collect(conn, ref, io))
        seconds = time.monotonic() - began
        io.close()
    leads = sum(isinstance(f, Lead) for f in found)
    return Seen(seconds, proxy.passed, leads, sum(isinstance(f, BlindSpot) and f.counts for f in found))


def _engine(sandbox: AwsSandbox, folder: Path, url: str) -> Engine:
    settings = {**sandbox.settings(), "endpoint_url": url}
    path = folder / "nhi.toml"
    path.write_text(tomli_w.dumps({"aws": settings, "sandbox": {"control": sandbox.control}}))
    return Engine(
        Registry.installed({}), load_config(str(path), {"NHI_REVOKE_STATE": str(folder)}, folder), lambda _: None
    )


def measure() -> dict[str, dict[str, object]]:
    """Both ways to list the roles."""
    with tempfile.TemporaryDirectory() as name, account(Path(name), USERS, ROLES) as sandbox:
        folder = Path(name)
        whole = listed(sandbox, folder, DELAY)
        alone = reach(sandbox, folder, DELAY)
        sandbox.allow_only(["sts:*", *(read for read in READS if read != DETAILS)])
        without = reach(sandbox, folder, DELAY)
    return {
        "list --no-logs": whole.figures(),
        "reach of the user": alone.figures(),
        "reach, iam:GetAccountAuthorizationDetails denied": without.figures(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(), indent=2) + "\n")
