"""What google.api_core raises, in the contract's words.

facts gcp.md 4: exceptions hold the decoded details (PreconditionFailure, RetryInfo, ErrorInfo). Their texts are free
text: messages name the call and codes alone.
"""

from __future__ import annotations

from typing import Any

from google.api_core import exceptions

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
from nhi_revoke_gcp.words import OFF, SIGN_IN, TITLE, api, off_hint

TOO_LONG = 3600.0
"""Seconds: a pause that Google asks for beyond it is no "slower", but a "no" (facts gcp.md 4: 86401 s at the limit)."""


def fault_of(error: exceptions.GoogleAPICallError, named: str, needs: str, *, reads: bool) -> Fault:
    """`named`: the call in words. `needs`: its permission. `reads`: it changes nothing."""
    code = code_of(error)
    told = " ".join(filter(None, (str(int(error.code or 0) or ""), code)))
    if isinstance(error, exceptions.Unauthenticated):
        return Unauthenticated(f"{TITLE} does not accept the operator's credentials for {named} ({told})", hint=SIGN_IN)
    if isinstance(error, exceptions.Forbidden):
        off = error.reason == OFF
        service = str((error.metadata or {}).get("service") or "")
        return Denied(
            f"{named} is denied ({told})",
            needs=api(service) if off else needs,
            code=code,
            hint=off_hint(service) if off else "",
        )
    if isinstance(error, exceptions.NotFound):
        return Missing(f"{named}: there is none ({told})", code=code)
    if isinstance(error, exceptions.ResourceExhausted | exceptions.TooManyRequests):
        wait = retry_after(error)
        if wait is not None and wait > TOO_LONG:
            return Rejected(f"{TITLE} refused {named} ({told}): nothing was changed", code=code)
        return Throttled(f"{TITLE} throttles {named} ({told})", retry_after=wait, code=code)
    if isinstance(error, exceptions.Conflict):
        return Conflict(f"{TITLE} refused {named} ({told}): somebody else changed it", code=code)
    if isinstance(error, exceptions.DeadlineExceeded | exceptions.GatewayTimeout | exceptions.Cancelled):
        may = "" if reads else ": it may have happened"
        return NoAnswer(f"no answer from {TITLE} to {named} ({told}){may}", code=code)
    if isinstance(error, exceptions.ServerError):
        if reads:
            return Unavailable(f"{TITLE} cannot answer {named} now ({told})", code=code)
        return NoAnswer(f"{TITLE} failed at {named} ({told}): it may have happened", code=code)
    return Rejected(f"{TITLE} refused {named} ({told}): nothing was changed", code=code)


def code_of(error: exceptions.GoogleAPICallError) -> str:
    """The constraint that forbids it, else the reason, else the status; empty for what is no code."""
    broken = [str(v.type) for each in error.details or () for v in _violations(each)]
    status = getattr(error.grpc_status_code, "name", "") if error.grpc_status_code is not None else ""
    code = next(filter(None, broken), "") or str(error.reason or "") or str(status)
    return code if A_CODE.fullmatch(code) else ""


def retry_after(error: exceptions.GoogleAPICallError) -> float | None:
    """Seconds by RetryInfo, where there is one."""
    for each in error.details or ():
        delay = getattr(each, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds)
    return None


def _violations(detail: Any) -> list[Any]:
    """Of a PreconditionFailure; none of anything else."""
    found = getattr(detail, "violations", None)
    return [each for each in found or () if hasattr(each, "type") and isinstance(each.type, str)]
