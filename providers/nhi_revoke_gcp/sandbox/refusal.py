"""How Google says no: one error for both doors, with its details.

facts gcp.md 4: `{"error": {"code", "status", "message", "details"}}` over REST; the same status with the same details
over gRPC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nhi_revoke.provider.sandbox.rest import Turned

STATUS = {
    "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404, "ABORTED": 409, "ALREADY_EXISTS": 409, "RESOURCE_EXHAUSTED": 429, "INTERNAL": 500,
    "UNAVAILABLE": 503,
}  # fmt: skip
"""Statuses of gRPC in HTTP's numbers."""


class Refused(Turned):
    """`code`: a status of gRPC. `details`: messages of google.rpc."""

    def __init__(self, code: str, says: str, details: Sequence[Any] = ()) -> None:
        super().__init__(STATUS[code], code, says)
        self.details = tuple(details)

    def body(self) -> dict[str, Any]:
        """Over REST."""
        from google.protobuf import json_format

        error: dict[str, Any] = {"code": self.status, "message": self.says, "status": self.code}
        if self.details:
            error["details"] = [json_format.MessageToDict(packed(each)) for each in self.details]
        return {"error": error}


class StorageRefused(Turned):
    """Cloud Storage has no status of gRPC: a reason instead (Google Cloud docs: json_api/v1/status-codes)."""

    def body(self) -> dict[str, Any]:
        told = {"domain": "global", "reason": self.code, "message": self.says}
        return {"error": {"code": self.status, "message": self.says, "errors": [told]}}


def packed(detail: Any) -> Any:
    """As an Any."""
    from google.protobuf import any_pb2

    out = any_pb2.Any()
    out.Pack(detail)
    return out


def no_account(project: str, named: str) -> Refused:
    """Of a project that is not named one that is not there reads as a denial (facts gcp.md 7, 7)."""
    if project == "-":
        return Refused("PERMISSION_DENIED", f"Permission denied on resource (or it may not exist): {named}.")
    return Refused("NOT_FOUND", f"Unknown service account: {named}")


def is_off(service: str) -> Refused:
    """The API is not enabled (facts gcp.md 7, 20)."""
    from google.rpc import error_details_pb2

    info = error_details_pb2.ErrorInfo(
        reason="SERVICE_DISABLED", domain="googleapis.com", metadata={"service": f"{service}.googleapis.com"}
    )
    return Refused("PERMISSION_DENIED", f"{service} API has not been used or is disabled.", [info])


def because(code: str, reason: str, service: str, says: str) -> Refused:
    """With a reason (google.api.ErrorReason)."""
    from google.rpc import error_details_pb2

    info = error_details_pb2.ErrorInfo(reason=reason, domain="googleapis.com", metadata={"service": service})
    return Refused(code, says, [info])


def forbidden_by(constraint: str, project: str) -> Refused:
    """The organisation's policy (facts gcp.md 4)."""
    from google.rpc import error_details_pb2

    broken = error_details_pb2.PreconditionFailure.Violation(
        type=f"constraints/{constraint}", subject=f"projects/{project}?configvalue=", description=constraint
    )
    failure = error_details_pb2.PreconditionFailure(violations=[broken])
    return Refused("FAILED_PRECONDITION", "Key creation is not allowed on this service account.", [failure])


def full(told_as: str) -> Refused:
    """Ten keys, in both forms (facts gcp.md 4)."""
    from google.protobuf import duration_pb2
    from google.rpc import error_details_pb2

    if told_as == "FAILED_PRECONDITION":
        return Refused("FAILED_PRECONDITION", "Precondition check failed.")
    later = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=86401))
    return Refused("RESOURCE_EXHAUSTED", "Maximum number of keys on account reached.", [later])
