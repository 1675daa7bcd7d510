"""payments-bot's user by itself under the real engine."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from nhi_revoke.engine.verdict import outcome_open
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke.testing.conformance.world import YES as YES

from .conftest import Whole

MINE = ("okta/api-token", "okta/user-", "okta/new-", "okta/app-session")
"""How the doors of the user begin."""


def name(world: Whole) -> str:
    return f"okta:user/{world.okta.scene.user.id}"


def plan(world: Whole, **intent: object) -> Plan:
    return world.plan(msgspec.structs.replace(Intent(rotate="now"), **intent), name=name(world))


def run(
    world: Whole, made: Plan | None = None, *, before_append: Callable[[int], None] | None = None, **intent: object
) -> Report:
    return world.run(made or plan(world, **intent), before_append=before_append)


def wrong(world: Whole, report: Report) -> list[str]:
    """Doors of the user that are not as the report says."""
    return [line for line in mispredicted(world, report) if line.removeprefix("door ").startswith(MINE)]


def still_open(report: Report) -> list[str]:
    """Accesses of the user that are not shown to be shut."""
    return [o.access.id for o in report.outcomes if outcome_open(o)]


def mine(world: Whole) -> dict[str, bool]:
    """The doors of the user, tried now."""
    return {d.removeprefix("okta/"): is_open for d, is_open in world.doors().items() if d.startswith(MINE)}


def writes(world: Whole) -> list[str]:
    """What the operator changed, in order, without what every path begins with."""
    return [
        c.name.replace("/api/v1/users/<user>", "…") for c in world.sandbox.calls() if c.by == "operator" and c.mutates
    ]
