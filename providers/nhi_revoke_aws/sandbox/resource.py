"""Which resource a request is about, as the policies' Resource element names it."""

from __future__ import annotations

from typing import Any

from nhi_revoke_aws.sandbox.asked import Asked
from nhi_revoke_aws.sandbox.caller import Caller
from nhi_revoke_aws.sandbox.moto_world import MotoWorld

PARAMETER = ("Parameter", "ParameterHistory")
"""Operations on one parameter."""


def resource_of(asked: Asked, caller: Caller, moto: MotoWorld) -> str:
    """An ARN, or `*` where the action has none or this sandbox does not tell."""
    if asked.service == "s3" and asked.params.get("Bucket"):
        key = asked.params.get("Key")
        return f"arn:{caller.partition}:s3:::{asked.params['Bucket']}" + (f"/{key}" if key else "")
    if asked.service == "secretsmanager" and (asked.params.get("SecretId") or asked.params.get("Name")):
        name = str(asked.params.get("SecretId") or asked.params["Name"])
        made = f"arn:{caller.partition}:secretsmanager:{asked.region}:{caller.account}:secret:{name}"
        return moto.secret_arn(caller.account, asked.region, name) or (name if name.startswith("arn:") else made)
    if asked.service == "ssm" and asked.operation.endswith(PARAMETER) and asked.params.get("Name"):
        name = str(asked.params["Name"]).partition(":")[0].lstrip("/")
        return f"arn:{caller.partition}:ssm:{asked.region}:{caller.account}:parameter/{name}"
    if asked.service == "iam" and asked.operation == "CreatePolicy":
        return f"arn:{caller.partition}:iam::{caller.account}:policy{_path(asked)}{asked.params.get('PolicyName')}"
    if asked.service == "iam":
        return _principal(asked, caller, moto)
    return "*"


def _principal(asked: Asked, caller: Caller, moto: MotoWorld) -> str:
    backend: Any = moto.iam(caller.account)
    user = backend.users.get(str(asked.params.get("UserName", "")))
    if user is not None:
        return str(user.arn)
    name = asked.params.get("RoleName")
    role = next((r for r in list(backend.roles.values()) if r.name == name), None) if name else None
    if role is not None:
        return str(role.arn)
    return str(asked.params.get("PolicySourceArn") or asked.params.get("PolicyArn") or "*")


def _path(asked: Asked) -> str:
    return str(asked.params.get("Path") or "/")
