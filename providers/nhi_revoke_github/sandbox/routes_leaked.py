"""Tokens that somebody found and reports; and what any token may ask about itself.

OpenAPI: credentials/revoke (202 for whatever has the form; when it happens is documented nowhere), rate-limit/get (it
counts against no limit).
"""

from __future__ import annotations

import re

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_github.sandbox.gate import LIMIT, Here
from nhi_revoke_github.sandbox.routes_keys import DIES_WITH, gone_with
from nhi_revoke_github.sandbox.routes_tokens import A_JOB

TABLE = Table()
MOST = 1000
TAKEN = re.compile(r"(ghp|github_pat|gho|ghu|ghr)_[0-9A-Za-z_]{20,255}")
"""Not `ghs_`: an installation's token."""


@TABLE.route("POST", "/credentials/revoke", "-", mutates=True)
def revoke(at: Here) -> Reply:
    if "authorization" in at.asked.headers:
        raise Turned(403, "denied", "Authenticated requests are not allowed")
    values = at.asked.json.get("credentials")
    if not isinstance(values, list) or not 1 <= len(values) <= MOST or not all(isinstance(v, str) for v in values):
        raise Turned(422, "invalid", "Validation Failed")
    hub = at.gate.hub
    for value in values:
        token = hub.by_value(value) if TAKEN.fullmatch(value) else None
        if token is None or token.status.shown == "gone":
            continue
        token.status.set("gone", at.now, hub.write_lag + A_JOB.total_seconds())
        if token.kind in DIES_WITH:
            gone_with(hub, token.id, at.now)
        hub.log("credential.revoke", at.now, token.owner, user=token.owner)
    return Reply(202, {})


@TABLE.route("GET", "/rate_limit", "")
def rate_limit(at: Here) -> Reply:
    limit = {"limit": LIMIT, "remaining": LIMIT, "reset": int(at.now.timestamp()) + 3600, "used": 0}
    return Reply(200, {"resources": {"core": limit, "search": limit}, "rate": limit})
