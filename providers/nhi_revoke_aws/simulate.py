"""AWS's own judge: iam:SimulatePrincipalPolicy. It knows identity policies and boundaries, and no resource's policy.

GetCallerIdentity proves no session dead: it succeeds under an explicit deny (AWS docs: STS API_GetCallerIdentity).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.policy import ISSUED, NAME, stamp

PERMISSION = "iam:SimulatePrincipalPolicy"
ACTIONS = ["iam:GetAccountSummary", "s3:ListAllMyBuckets", "sts:AssumeRole"]
"""Of three services: our policy denies all of them or it does not stand."""


class Verdict(Struct, frozen=True):
    """What the simulator says of one request."""

    denied: bool
    """Explicitly: no other policy can allow it again."""
    by: tuple[str, ...]
    """Policies whose statements matched."""

    @property
    def by_us(self) -> bool:
        return any(NAME in source for source in self.by)


def verdicts(
    conn: AwsConnection, arn: str, issued: datetime | None = None, more: Mapping[str, str] | None = None
) -> list[Verdict]:
    """For a session issued then, or for a long-term key. `more`: condition keys of the request that hold a text.

    Raises Denied and the other faults of the contract.
    """
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in (more or {}).items()
    ]
    if issued is not None:
        context.append({"ContextKeyName": ISSUED, "ContextKeyValues": [stamp(issued)], "ContextKeyType": "date"})
    found = conn.call(
        "iam", "SimulatePrincipalPolicy", PolicySourceArn=arn, ActionNames=ACTIONS, ContextEntries=context
    )["EvaluationResults"]
    return [
        Verdict(
            one["EvalDecision"] == "explicitDeny",
            tuple(str(m.get("SourcePolicyId", "")) for m in one.get("MatchedStatements") or ()),
        )
        for one in found
    ]
