"""Okta's errors and limits in the contract's words.

Okta docs: error-codes, oauth2-error-codes; rate-limits (X-Rate-Limit-Reset is UTC epoch seconds; a limit of 0 is the
concurrency limit).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from nhi_revoke.provider.fault import Denied, Fault, Missing, Rejected, Throttled, Unauthenticated
from nhi_revoke.provider.http import Refusal, Vendor
from nhi_revoke.provider.retry import RateHeaders

AN_ID = re.compile(r"(?<=/)(?=[^/]*[0-9])[0-9A-Za-z_-]{16,}(?=/|$)")
FAULTS: dict[str, type[Fault]] = {
    "E0000004": Unauthenticated,
    "E0000006": Denied,
    "E0000007": Missing,
    # The path itself is unknown: nothing is said of what was asked for.
    "E0000008": Rejected,
    "E0000011": Unauthenticated,
    # "You do not have permission to access the feature": sent with 401.
    "E0000015": Denied,
    "E0000026": Rejected,
    "E0000047": Throttled,
    # of the token endpoint
    "invalid_client": Unauthenticated,
    "invalid_scope": Denied,
    "access_denied": Denied,
}
DENIALS = frozenset({"E0000005", "E0000006", "E0000015", "E0000057", "E0000058", "E0000085", "E0000092"})
"""What 403 says of the caller; with any other code it says that the thing's state forbids it."""


class Okta(Vendor):
    title: ClassVar[str] = "Okta"
    rates: ClassVar[RateHeaders] = RateHeaders("x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset")
    login: ClassVar[str] = (
        "The token is revoked or expired, or the service app's key is not the registered one: OKTA_CLIENT_TOKEN, or "
        "client_id and private_key_file in [okta] of nhi.toml."
    )

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        """`errorCode` of the management API, `error` of the OAuth endpoints."""
        if not isinstance(body, dict):
            return Refusal()
        code = str(body.get("errorCode") or body.get("error") or "")
        forbidden = status == 403 and code.startswith("E0") and code not in DENIALS
        return Refusal(code, fault=Rejected if forbidden else FAULTS.get(code))

    def bucket(self, path: str) -> str:
        """Okta counts by endpoint: what differs by an id alone is one."""
        return AN_ID.sub("*", path)
