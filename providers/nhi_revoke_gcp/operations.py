"""Long-running operations of Google's APIs: whether one is over, and why it failed (google.longrunning.Operation)."""

from __future__ import annotations

from typing import Any

from nhi_revoke.provider.fault import Rejected

CODES = {3: "INVALID_ARGUMENT", 5: "NOT_FOUND", 6: "ALREADY_EXISTS", 7: "PERMISSION_DENIED", 9: "FAILED_PRECONDITION"}
"""Of google.rpc.Code, as an operation tells what went wrong."""


def under_way(operation: Any) -> str:
    """The operation's name; empty once it is done. Raises Rejected where it failed."""
    if not isinstance(operation, dict):
        return ""
    if isinstance(error := operation.get("error"), dict):
        broken = [str(v.get("type")) for d in error.get("details") or () for v in d.get("violations") or ()]
        code = next(iter(broken), "") or CODES.get(error.get("code", 0), "")
        raise Rejected(f"Google Cloud began it and gave it up ({code or 'no reason told'})", code=code)
    return "" if operation.get("done") else str(operation.get("name") or "")
