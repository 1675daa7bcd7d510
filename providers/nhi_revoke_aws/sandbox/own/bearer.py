"""A long-term credential of a user that is no access key: its user's policies decide, and no issue time is in it."""

from __future__ import annotations

from collections.abc import Sequence

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.caller import Caller
from nhi_revoke_aws.sandbox.judge import judged, refused
from nhi_revoke_aws.sandbox.own.service import Scene, Used
from nhi_revoke_aws.sandbox.seed import allow

GROUP = "payments-builders"
GIT, BEDROCK, SIGNED = (
    "codecommit:GitPull",
    ("bedrock:CallWithBearerToken", "bedrock:InvokeModel"),
    "ec2:DescribeImages",
)
"""What the demo's user may do with each of them: by a group, since its own inline policies have little room."""


def unknown(what: str) -> Refusal:
    """No such credential, or a wrong secret: the answer does not tell which."""
    return Refusal("AccessDenied", f"{what} is not valid", 403)


def admit(used: Used, account: str, user: str, unique_id: str, credential: str, actions: Sequence[str]) -> None:
    """Raises Refusal where the user is gone, or its policies and boundary do not allow all of that."""
    governs = used.obeyed(account).users.get(user)
    if governs is None or governs.id != unique_id:
        raise unknown(credential)
    caller = Caller(account, governs.arn.split(":")[1], credential, governs)
    for action in actions:
        decision = judged(caller, action, "*", caller.context(used.now))
        if not decision.allowed:
            raise refused(caller, action, "*", decision)


def enrol(scene: Scene) -> None:
    """The demo's user is in a group with the rights for all of these credentials. Safe to repeat."""
    iam = scene.world.moto.iam(scene.world.account)
    if GROUP not in iam.groups:
        iam.create_group(GROUP, "/")
        iam.put_group_policy(GROUP, "builders", allow(GIT, *BEDROCK, SIGNED))
    iam.add_user_to_group(GROUP, scene.user)
