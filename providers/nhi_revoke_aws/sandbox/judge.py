"""What the caller may do: identity policies, boundary, session policy, and the limits of each kind of session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.asked import Asked
from nhi_revoke_aws.sandbox.caller import Caller
from nhi_revoke_aws.sandbox.condition import Context
from nhi_revoke_aws.sandbox.policy import Decision, Policy, decide

STS_OF_SESSIONS = {
    "GetSessionToken": frozenset({"sts:AssumeRole", "sts:GetCallerIdentity"}),
    "GetFederationToken": frozenset({"sts:GetCallerIdentity"}),
}
"""What such a session may ask of STS; of IAM it may ask nothing without MFA (AWS docs: STS API_GetSessionToken,
API_GetFederationToken)."""


def require(caller: Caller, asked: Asked, resource: str, now: datetime) -> None:
    """Raises Refusal AccessDenied. Nobody can be kept from GetCallerIdentity (AWS docs: STS API_GetCallerIdentity)."""
    if caller.root or not asked.permission:
        return
    if outside_session(caller, asked):
        raise denied(caller, asked.permission, resource, "no session policy allows it")
    decision = judged(caller, asked.permission, resource, caller.context(now))
    if not decision.allowed:
        raise refused(caller, asked.permission, resource, decision)


def outside_session(caller: Caller, asked: Asked) -> bool:
    if caller.session is None:
        return False
    sts = STS_OF_SESSIONS.get(caller.session.via)
    return sts is not None and (asked.service == "iam" or (asked.service == "sts" and asked.name not in sts))


def judged(caller: Caller, action: str, resource: str, context: Context) -> Decision:
    """Explicit denies of any layer win; an allow must be in every layer that there is."""
    assert caller.governs is not None
    layers: list[Sequence[Policy]] = [caller.governs.policies]
    if caller.governs.boundary is not None:
        layers.append(caller.governs.boundary)
    if caller.session is not None and caller.session.policy is not None:
        layers.append((Policy("session", "session", "none", caller.session.policy),))
    elif caller.session is not None and caller.session.via == "GetFederationToken":
        layers.append(())  # without a session policy such a session may do nothing
    return weakest(decide(layer, action, resource, context) for layer in layers)


def weakest(decisions: Iterable[Decision]) -> Decision:
    """The decision of all layers together."""
    all_of = tuple(decisions)
    for effect in ("explicitDeny", "implicitDeny"):
        for decision in all_of:
            if decision.effect == effect:
                return decision
    return all_of[0]


def refused(caller: Caller, action: str, resource: str, decision: Decision) -> Refusal:
    if decision.effect == "explicitDeny":
        return denied(caller, action, resource, "with an explicit deny in an identity-based policy")
    return denied(caller, action, resource, f"because no identity-based policy allows the {action} action")


def denied(caller: Caller, action: str, resource: str, why: str) -> Refusal:
    """In the vendor's words, which name the principal and the action."""
    on = "" if resource == "*" else f" on resource: {resource}"
    return Refusal("AccessDenied", f"User: {caller.arn} is not authorized to perform: {action}{on} {why}", 403)
