"""AWS's own judge, asked about one principal and many resources: iam:SimulatePrincipalPolicy.

It knows identity policies, boundaries and organisation policies. It was told nothing of the request, so a decision that
hangs on a condition is none: the key is among the missing ones (AWS docs: API_SimulatePrincipalPolicy,
API_ResourceSpecificResult).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.policy import NAME

A_PAGE = 1000


class Decision(Struct, frozen=True):
    """What the simulator says of one action on one resource."""

    effect: str
    """`allowed`, `explicitDeny` or `implicitDeny`."""
    by_us: bool = False
    """Our own deny is what matched: what stands beneath it is not told."""
    missing: tuple[str, ...] = ()
    """Condition keys that policies ask for and nobody told."""

    @property
    def allowed(self) -> bool:
        return self.effect == "allowed"

    @property
    def final(self) -> bool:
        """Whether no condition, and no release of ours, can turn a denial over."""
        return self.allowed or not (self.by_us or self.missing)


def decisions(
    conn: AwsConnection, arn: str, actions: Sequence[str], resources: Sequence[str] = ()
) -> dict[tuple[str, str], Decision]:
    """By action and resource (`*` where none is given); what AWS gave no answer to is not among them.

    Raises Denied and the other faults of the contract.
    """
    asked = {"ResourceArns": list(resources)} if resources else {}
    found: dict[tuple[str, str], Decision] = {}
    rows = conn.pages(
        "iam", "SimulatePrincipalPolicy", "EvaluationResults",
        PolicySourceArn=arn, ActionNames=list(actions), MaxItems=A_PAGE, **asked,
    )  # fmt: skip
    wanted = {action.lower(): action for action in actions}
    for row in rows:
        action = wanted.get(str(row.get("EvalActionName")).lower(), "")
        for resource, decision in _of(row, resources):
            found[action, resource] = decision
    return found


def _of(row: dict[str, Any], resources: Sequence[str]) -> Iterable[tuple[str, Decision]]:
    """The result of an action names its resource itself only where there are no results for each of them."""
    each = row.get("ResourceSpecificResults") or ()
    for one in each:
        yield str(one.get("EvalResourceName")), _decision(one, "EvalResourceDecision")
    if each:
        return
    if len(resources) < 2:
        yield (resources[0] if resources else "*"), _decision(row, "EvalDecision")
    elif row.get("EvalResourceName") in resources:
        yield str(row["EvalResourceName"]), _decision(row, "EvalDecision")


def _decision(row: dict[str, Any], field: str) -> Decision:
    sources = [str(m.get("SourcePolicyId", "")) for m in row.get("MatchedStatements") or ()]
    effect = str(row.get(field))
    ours = effect == "explicitDeny" and any(NAME in source for source in sources)
    return Decision(effect, ours, tuple(map(str, row.get("MissingContextValues") or ())))
