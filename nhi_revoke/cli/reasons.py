"""What `--reason` picks: defaults of the scope and of rotation, and what is proposed for cutting. Never the order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from nhi_revoke.model.intent import Reason
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.step import Notice


class Defaults(NamedTuple):
    scope: str
    rotate: Literal["wait", "no"]
    proposes: bool
    """Trusts and grants are proposed for cutting."""
    says: str


DEFAULTS: dict[Reason, Defaults] = {
    Reason.LEAKED: Defaults("all", "wait", False, "a credential is in the wrong hands"),
    Reason.TOKEN_REUSE: Defaults(
        "sessions", "wait", False, "a refresh token or session was used twice; keys are listed and kept"
    ),
    Reason.RECOVERY_CHANGE: Defaults(
        "sessions", "wait", False, "a console login or recovery factor was changed; factors are listed"
    ),
    Reason.VENDOR_BREACH: Defaults("all", "wait", True, "a vendor that holds access was breached"),
    Reason.RUNNER_COMPROMISE: Defaults("all", "wait", True, "a build runner was taken: its trusts and secrets"),
    Reason.OFFBOARDING: Defaults("all", "no", True, "the identity goes for good: nothing is replaced"),
}


def proposals(plan: Plan) -> Iterator[Notice]:
    """For reasons that propose it: each live trust or grant that this plan leaves, with the option that cuts it."""
    if not DEFAULTS[plan.intent.reason].proposes:
        return
    ended = {access for step in plan.steps for access in step.ends}
    for access in plan.accesses:
        left = access.id not in ended and access.id not in plan.intent.keep_trust
        if access.family in ("trust", "grant") and access.state == "live" and access.opens and left:
            what = access.label or access.id
            yield Notice(access.on, f"proposed for cutting: {what}   --cut-trust {access.id}", "warning")
