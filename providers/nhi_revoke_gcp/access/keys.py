"""User-managed keys of an account, as the REST interface shows them, and what each change of one leaves.

facts gcp.md 1 (rows 1, 2), 3 and 7 (3, 12, 13): the list has one page; without `keyTypes` it also holds Google's own,
which nobody here ends; why Google disabled a key is told by REST alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.times import later
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.permissions import LIST_KEYS
from nhi_revoke_gcp.stopping import KEY
from nhi_revoke_gcp.universe import IAM

USER_MANAGED = "USER_MANAGED"
GONE: Json = {"state": "gone"}
FOREVER = 9999
"""The year in which a key without an end "ends" (facts gcp.md 4)."""
SETTLE = 120.0
"""Seconds until a change is taken to be obeyed everywhere; the margin is ours."""
TOKENS, SECONDS, BRAKED = "tokens", "seconds", "braked"
"""In a step's `before`: the standing access of what a key minted, how long that lives on, and whether the account is
disabled in the same run, so that it is refused."""


def keys_on(conn: GcpConnection, resource: str) -> dict[str, Mapping[str, Any]]:
    """By key id; none where the account is gone. Raises Denied."""
    try:
        body = conn.get(IAM, f"/v1/{resource}/keys", LIST_KEYS, keyTypes=USER_MANAGED)
    except Missing:
        return {}
    rows = [row for row in body.get("keys") or () if row.get("keyType", USER_MANAGED) == USER_MANAGED]
    return {str(row["name"]).rpartition("/")[2]: row for row in rows}


def access_id(email: str, key: str) -> AccessId:
    return f"{KEY}/{email}/{key}"


def key_of(access: AccessId) -> str:
    """Google's own id of it."""
    return access.rpartition("/")[2]


def key_name(step: Step, access: AccessId) -> str:
    """As the IAM API names it."""
    return f"{step.before['resource']}/keys/{key_of(access)}"


def with_tokens(conn: GcpConnection, step: Step, left: Json) -> Json:
    """And until when tokens live that the key may have minted until now."""
    if TOKENS not in step.before or step.before.get(BRAKED):
        return left
    until = later(conn.now(), timedelta(seconds=float(step.before[SECONDS])))
    return {**left, "residuals": {str(step.before[TOKENS]): until}}
