"""Kubernetes' refusals in the contract's words: the HTTP status, and the `reason` of a Status object.

Kubernetes docs: reference/kubernetes-api/common-definitions/status. Its `message` is never told: of an object that is
not valid it may quote a value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nhi_revoke.provider.fault import (
    Conflict,
    Denied,
    Fault,
    Missing,
    NoAnswer,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from nhi_revoke.provider.http import A_CODE

ALREADY_EXISTS = "AlreadyExists"
"""A 409, too: another object has the name."""
LOGIN = "The login is expired or of another cluster: kubectl auth whoami shows it."


def fault_of(status: int, body: Any, headers: Mapping[str, str], *, what: str, needs: str, mutates: bool) -> Fault:
    """`what`: the call, in words. `mutates`: where an answer is lost, it may have happened."""
    code = _reason(body)
    told = f"{status} {code}".strip()
    if status == 429:
        return Throttled(f"Kubernetes throttles {what} ({told})", retry_after=_seconds(headers), code=code)
    if 300 <= status < 400:
        return Rejected(f"Kubernetes sends {what} elsewhere ({status}): it was not followed")
    if status >= 500:
        if mutates:
            return NoAnswer(f"Kubernetes failed at {what} ({told}): it may have happened", code=code)
        return Unavailable(f"Kubernetes cannot answer {what} now ({told})", code=code)
    if status == 401:
        return Unauthenticated(f"Kubernetes does not accept the operator's login for {what} ({told})", hint=LOGIN)
    if status == 403:
        return Denied(f"{what} is denied ({told})", needs=needs, code=code)
    if status in (404, 410):
        return Missing(f"{what}: there is none ({told})", code=code)
    if status == 409:
        return Conflict(f"Kubernetes refused {what} ({told}): somebody else changed it", code=code)
    return Rejected(f"Kubernetes refused {what} ({told}): nothing was changed", code=code)


def _reason(body: Any) -> str:
    try:
        told = json.loads(body or b"null")
    except (ValueError, TypeError, RecursionError):
        return ""
    reason = told.get("reason") if isinstance(told, dict) and told.get("kind") == "Status" else None
    return reason if isinstance(reason, str) and A_CODE.fullmatch(reason) else ""


def _seconds(headers: Mapping[str, str]) -> float | None:
    said = (headers or {}).get("Retry-After") or ""
    return float(said) if said.isdigit() else None
