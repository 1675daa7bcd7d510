"""Who may assume a role: its trust policy, held against the caller (AWS docs: id_roles_create_for-user)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from nhi_revoke_aws.sandbox.caller import Caller
from nhi_revoke_aws.sandbox.condition import Context
from nhi_revoke_aws.sandbox.policy import Statement
from nhi_revoke_aws.sandbox.state import Role

Trusted = Literal["named", "account", "no"]
"""`named`: the trust alone suffices in the same account; `account`: the caller needs sts:AssumeRole as well."""


def trusted(role: Role, caller: Caller, asked: Mapping[str, str], now: datetime) -> Trusted:
    """What the trust says of this caller. An explicit deny wins."""
    context: dict[str, tuple[str, ...]] = dict(caller.context(now))
    if asked.get("ExternalId"):
        context["sts:externalid"] = (asked["ExternalId"],)
    context["sts:rolesessionname"] = (asked.get("RoleSessionName", ""),)
    best: Trusted = "no"
    for statement in role.trust:
        how = _says(statement, role, caller, context)
        if how == "no":
            continue
        if not statement.allow:
            return "no"
        best = "named" if "named" in (best, how) else how
    return best


def _says(statement: Statement, role: Role, caller: Caller, context: Context) -> Trusted:
    if not statement.covers("sts:AssumeRole", role.arn, context):
        return "no"
    hits = {_names(kind, value, caller) for kind, value in statement.principals}
    return "named" if "named" in hits else "account" if "account" in hits else "no"


def _names(kind: str, value: str, caller: Caller) -> Trusted:
    if kind not in ("AWS", "*"):
        return "no"  # services and federations do not sign with keys of ours
    if value in (caller.arn, caller.governs.arn if caller.governs else ""):
        return "named"
    account_root = f"arn:{caller.partition}:iam::{caller.account}:root"
    return "account" if value in ("*", caller.account, account_root) else "no"
