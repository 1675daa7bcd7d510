"""Every change over gRPC, with its entry in the Admin Activity log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from nhi_revoke_gcp.sandbox.audit import changed_account, created, signed_by
from nhi_revoke_gcp.sandbox.gate import GcpGate
from nhi_revoke_gcp.sandbox.grpc_calls import NAME, Call

METHODS = {"SetIamPolicy": "SetIAMPolicy"}
"""Where the log has another name (Google Cloud docs: iam/docs/audit-logging)."""


def audited(
    gate: GcpGate,
    name: str,
    call: Call,
    request: Any,
    headers: Mapping[str, str],
    now: datetime,
    serve: Callable[[], Any],
) -> Any:
    """What `serve` answers. Raises what it raises: what was refused is in no log here."""
    found = NAME.fullmatch(call.target(request)) if call.mutates else None
    account = gate.cloud.account(found["project"], found["account"]) if found else None
    token = gate.bearing(headers.get("authorization", ""), now).token
    assert token is not None, "it was let in"
    if name == "CreateServiceAccount":
        answer = serve()
        created(gate.cloud, now, gate.cloud.accounts[answer.email], signed_by(gate.cloud, token))
        return answer
    if account is None:
        return serve()
    before = account.policy.shown
    answer = serve()
    more: dict[str, Any] = {"request": {"name": call.target(request)}}
    if name == "CreateServiceAccountKey":
        more["response"] = {"name": str(answer.name)}
    if name == "SetIamPolicy":
        more["deltas"] = list(_differences(before, request.policy))
    changed_account(gate.cloud, now, METHODS.get(name, name), account, signed_by(gate.cloud, token), **more)
    return answer


def _differences(before: Any, after: Any) -> Iterable[dict[str, str]]:
    old, new = ({(b.role, m) for b in policy.bindings for m in b.members} for policy in (before, after))
    for action, pairs in (("ADD", new - old), ("REMOVE", old - new)):
        for role, member in sorted(pairs):
            yield {"action": action, "role": role, "member": member}
