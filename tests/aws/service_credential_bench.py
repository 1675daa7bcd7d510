"""What the tests of service-specific credentials share."""

from __future__ import annotations

from typing import Any

from nhi_revoke.model.found import Access
from nhi_revoke.model.step import Step
from nhi_revoke.testing.conformance.world import World

from .conftest import USER, Bench

KIND = "aws:service-credential"


BOT = "payments-bot"


CODECOMMIT, BEDROCK = "codecommit.amazonaws.com", "bedrock.amazonaws.com"


REPLACE: dict[str, Any] = {"replace": (KIND,)}


def listed(bench: Bench) -> dict[str, str]:
    """Id -> status."""
    iam = bench.sandbox.admin("iam")
    rows = iam.list_service_specific_credentials(UserName=BOT)["ServiceSpecificCredentials"]
    return {r["ServiceSpecificCredentialId"]: r["Status"] for r in rows}


def found(bench: Bench) -> dict[str, Access]:
    """By service; of the demo's one each."""
    all_of = list(bench.kinds[KIND].collect(bench.conn, bench.ref(USER), bench.io))
    return {str(a.before["ServiceName"]): a for a in all_of if isinstance(a, Access)}


def step_for(bench: Bench, service: str, doer: str = "disable", **intent: Any) -> Step:
    access = found(bench)[service]
    steps = bench.steps(USER, scope=access.id, **intent)
    return steps[f"{KIND}/{doer}"]


MINE = ("git-credential", "bedrock-api-key", "ssh-key", "signing-certificate")


def mine(world: World) -> dict[str, bool]:
    return {d.kind: d.open() for d in world.sandbox.doors() if d.kind in MINE}
