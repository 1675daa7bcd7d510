"""Microsoft Graph's errors in the contract's words.

facts entra.md 2: `{"error": {"code", "message", "innerError"}}`; 429 with Retry-After in seconds, and without it for
Identity Protection and Conditional Access: the engine's own pause holds then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from nhi_revoke.provider.http import Refusal, Vendor

NOT_FOUND = "Request_ResourceNotFound"
A_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Graph(Vendor):
    title: ClassVar[str] = "Microsoft Graph"
    login: ClassVar[str] = (
        "The operator's app was refused: AZURE_CLIENT_ID with AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH, or "
        "client_id with client_secret_file or certificate_file in [entra] of nhi.toml; or another sign_in there."
    )

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        """The code alone: the message is free text."""
        error = body.get("error") if isinstance(body, dict) else None
        code = str(error.get("code") or "") if isinstance(error, dict) else ""
        return Refusal(code)

    def bucket(self, path: str) -> str:
        """Graph counts by app and tenant; it tells no window, so that one bucket does."""
        return A_GUID.sub("*", path)
