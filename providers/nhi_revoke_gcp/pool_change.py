"""Switching a pool, or one of its providers, off and on: one field, by a long-running operation.

facts gcp.md 2; discovery document iam.v1 (patch, `updateMask=disabled`). The answer is an operation that may still run:
whoever asks looks at the thing itself until it shows the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.http import A_CODE
from nhi_revoke_gcp.universe import IAM

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection


def switch(conn: GcpConnection, name: str, needs: str, *, disabled: bool) -> None:
    """Safe to repeat. `name`: of the pool or the provider, whole. Raises Rejected where the operation failed at once,
    Denied, Missing.
    """
    query, body = {"updateMask": "disabled"}, {"disabled": disabled}
    answer = conn.api(IAM).call("PATCH", f"/v1/{name}", needs=needs, query=query, body=body, again=True).body
    error = answer.get("error") if isinstance(answer, Mapping) else None
    if error:
        raise Rejected(f"Google Cloud's operation on {name} failed ({_code(error)}): nothing was changed")


def _code(error: Any) -> str:
    """A number of google.rpc.Code: its message is free text."""
    code = str(error.get("code") if isinstance(error, Mapping) else "")
    return code if A_CODE.fullmatch(code) else "without a code"
