"""Whether a principal could repair itself, or let itself in again: rights over itself, as AWS's own simulator judges.

Asked for are the rights that undo what this tool does: taking our deny off or writing over it, making our managed
policy say something else, a new credential, or an old one active again, a trust that lets somebody begin sessions anew;
and the two that together make another user with a key. Left out are rights that cannot undo a deny
(iam:AttachUserPolicy and its like add allows, and a deny wins), those over named other principals, and ways to become
one (sts:AssumeRole is `aws:reach`; iam:PassRole starts another role's sessions).

AWS docs: API_SimulatePrincipalPolicy, service authorization reference of IAM.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_aws.access.reach import own_arn
from nhi_revoke_aws.allowed import Decision, decisions
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.policy import ISSUED, NAME, NOW
from nhi_revoke_aws.simulate import PERMISSION

KIND = "aws:iam-rights"
OVER_ITSELF = {
    "user": (
        "iam:DeleteUserPolicy", "iam:DetachUserPolicy", "iam:PutUserPolicy", "iam:CreateAccessKey",
        "iam:UpdateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile",
        "iam:CreateServiceSpecificCredential", "iam:UpdateServiceSpecificCredential",
        "iam:ResetServiceSpecificCredential", "iam:UploadSSHPublicKey", "iam:UpdateSSHPublicKey",
        "iam:UploadSigningCertificate", "iam:UpdateSigningCertificate",
    ),
    "role": ("iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"),
}  # fmt: skip
"""By kind of principal, on its own ARN."""
OVER_ANYTHING = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:CreateUser", "iam:CreateAccessKey")
"""On `*`: our managed policy, and a user that is not there yet."""
TOGETHER = {"iam:CreateUser": "iam:CreateAccessKey", "iam:CreateAccessKey": "iam:CreateUser"}
"""One is worth nothing without the other."""
UNTOLD = frozenset({ISSUED.lower(), NOW.lower()})
"""Keys that our own policies ask for."""


class IamRights(AccessKind[AwsConnection]):
    """It lets nobody in by itself: it says how much a cut without a brake is worth."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "rights to repair itself"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("user", "role")
    reads: ClassVar[tuple[str, ...]] = (PERMISSION, "iam:GetUser", "iam:GetRole")
    survives: ClassVar[str] = "rights over other principals, by their names"

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """Nothing where it has none of these rights. Raises Denied where the simulator is."""
        arn = own_arn(conn, ref)
        if arn is None:
            return
        who = str(arn)
        asks = ((OVER_ITSELF[arn.kind], (who,)), (OVER_ANYTHING, ()))
        itself, anything = io.map(lambda ask: _by_action(decisions(conn, who, *ask)), asks)
        rights = [*_allowed(itself), *_beyond_itself(anything)]
        ours = any(d.by_us for d in (*itself.values(), *anything.values()))
        if rights or ours:
            yield _access(ref, arn.kind, tuple(dict.fromkeys(rights)), ours)
        untold = sorted({k for d in itself.values() if not d.allowed for k in d.missing if k.lower() not in UNTOLD})
        if untold and not ours:
            why = f"rights over itself that hang on conditions ({', '.join(untold)}): the simulator was not told them"
            yield BlindSpot(ref, KIND, why, counts=False)


def _by_action(found: dict[tuple[str, str], Decision]) -> dict[str, Decision]:
    return {action: decision for (action, _), decision in found.items()}


def _allowed(found: dict[str, Decision]) -> list[str]:
    return [action for action, decision in found.items() if decision.allowed]


def _beyond_itself(found: dict[str, Decision]) -> list[str]:
    allowed = _allowed(found)
    return [action for action in allowed if TOGETHER.get(action, action) in allowed]


def _access(ref: PrincipalRef, kind: str, rights: tuple[str, ...], ours: bool) -> Access:
    """Beneath our own deny nothing is told: unknown, never "none"."""
    if ours:
        label = f"rights of {kind} {{name}} to repair itself: not told while our own deny stands"
        note = f"a policy named {NAME} denies everything now; what is allowed beneath it is unknown"
    else:
        label = f"{kind} {{name}} could repair itself: {', '.join(rights)}"
        note = "whoever holds it can take our deny off, or make a credential anew"
    return Access(
        id=f"{KIND}/{{scope}}/{kind}/{{name}}",
        on=ref,
        kind=KIND,
        family=IamRights.family,
        state="unknown" if ours else "live",
        label=label,
        evidence=PERMISSION,
        door="{scope}/{name}",
        before={"actions": list(rights)},
        opens=False,
        note=note,
    )
