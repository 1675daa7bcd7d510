"""Whether the operator may what a stage needs: iam:SimulatePrincipalPolicy on the operator's own user or role.

It judges identity policies, boundaries and organisation policies without what they ask of a request. A resource's own
policy, the policy of a session, and conditions are not judged (AWS docs: API_SimulatePrincipalPolicy).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.model.right import Holding
from nhi_revoke_aws.allowed import Decision, decisions
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import parse_arn
from nhi_revoke_aws.rights.resources import NARROW, Narrow, narrowed

CHECK = (
    "iam:SimulatePrincipalPolicy on yourself: resources' own policies, session policies and conditions of organisation "
    "policies are not looked at"
)
A_BATCH = 50
"""Actions of one request."""
BY_STAR = "denied on *; a policy that names resources may allow it on some"
OF_ONE = "denied on any resource; of the one that you deliver to a policy may allow it, and this check does not know it"


def holds(conn: AwsConnection, permissions: Sequence[str]) -> Iterable[Holding]:
    """Raises Denied where the simulator may not be asked, and the other faults of the contract."""
    me = _myself(conn)
    if not me:
        why = f"the simulator knows users and roles, and you are {conn.caller().arn}"
        yield from (Holding(each, "unknown", CHECK, why) for each in permissions)
        return
    for narrow in (None, *NARROW):
        actions = [each for each in permissions if narrowed(each) is narrow]
        resources = [_sample(conn, narrow)] if narrow is not None else []
        for start in range(0, len(actions), A_BATCH):
            batch = actions[start : start + A_BATCH]
            told = decisions(conn, me, batch, resources)
            at = resources[0] if resources else "*"
            yield from (_holding(each, told.get((each, at)), narrow) for each in batch)


def _myself(conn: AwsConnection) -> str:
    """The user or role that a policy is attached to; empty for root and federated users."""
    chain = [str(ref).removeprefix("aws:") for ref in conn.whoami()]
    first = parse_arn(chain[0]) if chain else None
    return chain[0] if first is not None and first.kind in ("user", "role") else ""


def _sample(conn: AwsConnection, narrow: Narrow) -> str:
    arn = parse_arn(conn.caller().arn)
    partition = arn.partition if arn is not None else "aws"
    return narrow.sample.format(partition=partition, region=conn.region(), account=conn.account())


def _holding(action: str, decision: Decision | None, narrow: Narrow | None) -> Holding:
    if decision is None:
        return Holding(action, "unknown", CHECK, "the simulator gave no decision on it")
    if decision.allowed:
        return Holding(action, "held", CHECK)
    if decision.effect == "explicitDeny":
        return Holding(action, "missing", CHECK, "a policy denies it explicitly")
    if decision.missing:
        keys = ", ".join(decision.missing)  # of every policy: which of them is about this action is not told
        return Holding(action, "unknown", CHECK, f"denied without {keys} of the request, which a policy asks for")
    if narrow is not None and narrow.of_one:
        return Holding(action, "unknown", CHECK, OF_ONE)
    return Holding(action, "missing", CHECK, "" if narrow is not None else BY_STAR)
