"""What IAM refuses to store and moto accepts: quotas, protected roles, malformed documents (AWS docs: iam-quotas)."""

from __future__ import annotations

from typing import Any

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.asked import Asked
from nhi_revoke_aws.sandbox.policy import Malformed, parse

INLINE = {"PutUserPolicy": ("UserName", "user", 2048), "PutRolePolicy": ("RoleName", "role", 10_240)}
"""Aggregate of all inline policies, white space not counted."""
MANAGED = 6144
CHANGES_ROLE = frozenset(
    {
        "AttachRolePolicy",
        "DeleteRole",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "UpdateAssumeRolePolicy",
        "UpdateRole",
        "UpdateRoleDescription",
    }
)
PROTECTED_PATHS = ("/aws-service-role/", "/aws-reserved/sso.amazonaws.com/")
ATTACHED = 10


def check(asked: Asked, iam: Any) -> None:
    """Raises Refusal. `iam` is moto's backend of the account."""
    _protected(asked, iam)
    document = asked.params.get("PolicyDocument") or asked.params.get("AssumeRolePolicyDocument")
    if document is not None:
        try:
            parse(str(document))
        except Malformed as error:
            raise Refusal("MalformedPolicyDocument", str(error)) from error
    if asked.operation in INLINE:
        _inline(asked, iam)
    elif asked.operation in ("CreatePolicy", "CreatePolicyVersion") and size(str(document)) > MANAGED:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for PolicySize: {MANAGED}", 409)
    elif asked.operation == "AttachUserPolicy":
        _attach(asked, iam)
    elif asked.operation == "DeleteUser":
        _delete(asked, iam)


def size(document: str) -> int:
    """Characters that are not white space."""
    return sum(not c.isspace() for c in document)


def _inline(asked: Asked, iam: Any) -> None:
    param, kind, quota = INLINE[asked.operation]
    name = str(asked.params.get(param, ""))
    holder = iam.users.get(name) if kind == "user" else _role(iam, name)
    if holder is None:
        return  # moto says NoSuchEntity
    others = sum(size(d) for n, d in holder.policies.items() if n != asked.params.get("PolicyName"))
    if others + size(str(asked.params["PolicyDocument"])) > quota:
        raise Refusal("LimitExceeded", f"Maximum policy size of {quota} bytes exceeded for {kind} {name}", 409)


def _attach(asked: Asked, iam: Any) -> None:
    user = iam.users.get(str(asked.params.get("UserName", "")))
    arn = asked.params.get("PolicyArn")
    if user is not None and arn not in user.managed_policies and len(user.managed_policies) >= ATTACHED:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for PoliciesPerUser: {ATTACHED}", 409)


def _delete(asked: Asked, iam: Any) -> None:
    """A user goes last: "must delete items attached to the user first" (AWS docs: IAM API_DeleteUser)."""
    user = iam.users.get(str(asked.params.get("UserName", "")))
    if user is None:
        return
    left = {
        "access keys": user.access_keys,
        "login profile": user.password,
        "policies": user.policies or user.managed_policies,
        "groups": any(user in group.users for group in iam.groups.values()),
        "MFA devices": user.mfa_devices,
        "signing certificates": user.signing_certificates,
        "SSH public keys": user.ssh_public_keys,
        "service-specific credentials": getattr(user, "service_specific_credentials", None),
    }
    for what, some in left.items():
        if some:
            raise Refusal("DeleteConflict", f"Cannot delete entity, must delete {what} first.", 409)


def _protected(asked: Asked, iam: Any) -> None:
    if asked.operation not in CHANGES_ROLE:
        return
    role = _role(iam, str(asked.params.get("RoleName", "")))
    if role is not None and role.path.startswith(PROTECTED_PATHS):
        message = (
            f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS"
        )
        raise Refusal("UnmodifiableEntity", message)


def _role(iam: Any, name: str) -> Any:
    return next((r for r in iam.roles.values() if r.name == name), None)
