"""Google's errors in the contract's words, over REST and over gRPC.

`{"error": {"code", "status", "message", "details": [{"@type": "…/google.rpc.ErrorInfo", "reason", "metadata"}]}}`
(facts gcp.md 4); Cloud Storage has `errors`, each with a reason, instead of a status. SERVICE_DISABLED says that an API
is off: nothing was seen, which is not "none" (7, 20).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nhi_revoke.provider.http import A_CODE, Refusal, Vendor

TITLE = "Google Cloud"
OFF = "SERVICE_DISABLED"
WAYS = (
    "credentials_file in [gcp] of nhi.toml, GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`."
)
SIGN_IN = f"The operator's credentials were refused: {WAYS}"


class Google(Vendor):
    """Any of Google's APIs over REST."""

    title: ClassVar[str] = TITLE
    login: ClassVar[str] = SIGN_IN

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        """Status and reason alone: the message is free text."""
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, dict):
            return Refusal(str(error or ""))
        details = [each for each in error.get("details") or () if isinstance(each, dict)]
        reason = next((str(each["reason"]) for each in details if each.get("reason")), "")
        service = next((str((each.get("metadata") or {}).get("service") or "") for each in details), "")
        reason = reason or next((str(e["reason"]) for e in error.get("errors") or () if e.get("reason")), "")
        broken = [str(v.get("type") or "") for each in details for v in each.get("violations") or ()]
        code = next(filter(None, broken), "") or reason or str(error.get("status") or "")
        if reason == OFF:
            return Refusal(code, needs=api(service), hint=off_hint(service))
        return Refusal(code)


def api(service: str) -> str:
    """What is missing where an API is off; without its name where the answer does not tell that in plain letters."""
    return f"{service} (an API that is off)" if A_CODE.fullmatch(service) else "an API that is off"


def off_hint(service: str) -> str:
    """The way to see what it hides."""
    named = service if A_CODE.fullmatch(service) else "THE_API"
    return f"gcloud services enable {named}, in the project that requests are counted for: until then nothing was seen."
