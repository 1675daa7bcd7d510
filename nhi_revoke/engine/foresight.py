"""What each flush of a plan would meet now: all asked at once, for a bounded time. Changes and stops nothing."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import msgspec

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import StepId
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Fault

WAIT = 10.0
"""Seconds for all of them together: a cache that does not answer must not hold up a containment."""


def flush_looks(
    plan: Plan, connections: Connections, pool: ThreadPoolExecutor, *, within: float = WAIT
) -> dict[StepId, str]:
    """By step: what its flush would meet, or why nobody could look. Raises Interrupted after Ctrl-C."""
    asked: dict[tuple[str, str, bytes], Future[str]] = {}
    of_step: dict[StepId, Future[str]] = {}
    for step in plan.steps:
        if step.phase is not Phase.FLUSH:
            continue
        doer: Doer[Any] = connections.registry.doer(step.does)
        key = (step.does, step.scope, msgspec.json.encode(step.before, order="deterministic"))
        if key not in asked:
            asked[key] = pool.submit(_look, doer, connections, step)
        of_step[step.id] = asked[key]
    wait(asked.values(), timeout=within)
    slow = f"could not be asked: no answer within {within:g} s"
    told = {step: future.result() if future.done() else slow for step, future in of_step.items()}
    return {step: said for step, said in told.items() if said}


def _look(doer: Doer[Any], connections: Connections, step: Step) -> str:
    try:
        return doer.looks(connections.of_step(step), step.before)
    except (Fault, Trouble) as fault:
        return f"could not be asked: {fault.message}"
    except Interrupted:
        raise
    except Exception as bug:  # noqa: BLE001 - a stranger's bug never stops a plan; its words may hold anything
        return f"could not be asked: {type(bug).__name__} in the provider (a bug: report it)"
