"""The plan: what a person consents to, and what `apply` holds the world against."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Unreachable
from nhi_revoke.model.ref import AccessId, PrincipalRef, StepId, Utc
from nhi_revoke.model.step import Manual, Notice, OpenDoor, Residual, Step


class Plan(Struct, frozen=True):
    identity: Identity
    intent: Intent
    at: Utc
    principals: tuple[Principal, ...]
    accesses: tuple[Access, ...]
    steps: tuple[Step, ...] = ()
    residuals: tuple[Residual, ...] = ()
    manual: tuple[Manual, ...] = ()
    open: tuple[OpenDoor, ...] = ()
    notices: tuple[Notice, ...] = ()
    blind: tuple[BlindSpot, ...] = ()
    leads: tuple[Lead, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()
    operator: tuple[PrincipalRef, ...] = ()
    unordered: tuple[PrincipalRef, ...] = ()
    """Principals that can mint sessions for each other, as far as anybody saw: no order of their seals is right, so
    what is sealed there is never called ended unless everything is denied."""
    targets: dict[AccessId, str] = {}
    """Digest of every access that a step ends, as it was when the plan was made."""
    looks: dict[StepId, str] = {}
    """What a flush would meet, as it was when the plan was made: shown beside its step, and no part of the consent."""
    schema_version: int = 1

    @property
    def irreversible(self) -> tuple[Step, ...]:
        return tuple(s for s in self.steps if not s.reversible)

    def told(self, step: Step) -> str:
        """The step's sentence, with what it would meet."""
        met = self.looks.get(step.id)
        return f"{step.says} ({met})" if met else step.says

    def step(self, step_id: StepId) -> Step:
        """Raises KeyError for an unknown id."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)


def access_digest(access: Access) -> str:
    """What makes a step stale when it changes: id, kind, state and before; never last use, never logs."""
    facts = {"id": access.id, "kind": access.kind, "state": access.state, "before": access.before}
    return hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).hexdigest()


def plan_digest(plan: Plan) -> str:
    """What consent covers: the steps, the targets and the settings. Times of reading do not count."""
    body = {
        "identity": plan.identity.name,
        "principals": [str(p.ref) for p in plan.principals],
        "intent": plan.intent,
        "steps": plan.steps,
        "targets": plan.targets,
    }
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()
