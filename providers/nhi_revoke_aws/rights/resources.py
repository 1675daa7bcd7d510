"""Which resources an action of this tool is about, where that narrows a policy and costs it nothing.

AWS docs: service authorization reference. Users, roles and keys are whoever the intruder has, so that they cannot be
named; what this tool makes for itself can, by its name, and what replacements are delivered to is named by whoever
delivers. `arn:*` fits every partition, as policies of AWS's own have it.
"""

from __future__ import annotations

from typing import NamedTuple

from nhi_revoke_aws.policy import NAME


class Narrow(NamedTuple):
    """Actions on resources of one form."""

    sid: str
    actions: tuple[str, ...]
    resource: str
    """A pattern, for the policy."""
    sample: str
    """One that the pattern fits, for the simulator; `{partition}`, `{region}` and `{account}` are filled in."""
    of_one: bool
    """Whoever delivers names the very one, so that the sample being denied says nothing of it."""


NARROW = (
    Narrow(
        "OwnPolicies",
        ("iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion"),
        f"arn:*:iam::*:policy/{NAME}-*",
        f"arn:{{partition}}:iam::{{account}}:policy/{NAME}-check",
        of_one=False,
    ),
    Narrow(
        "Secrets",
        (
            "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:ListSecretVersionIds",
            "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage",
        ),
        "arn:*:secretsmanager:*:*:secret:*",
        "arn:{partition}:secretsmanager:{region}:{account}:secret:nhi-revoke-check",
        of_one=True,
    ),
    Narrow(
        "Parameters",
        ("ssm:DeleteParameter", "ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter"),
        "arn:*:ssm:*:*:parameter/*",
        "arn:{partition}:ssm:{region}:{account}:parameter/nhi-revoke-check",
        of_one=True,
    ),
)  # fmt: skip
"""Each action stands here once at most; every other one is asked for on `*`."""


def narrowed(action: str) -> Narrow | None:
    """None: on every resource."""
    return next((each for each in NARROW if action in each.actions), None)
