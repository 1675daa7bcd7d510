"""API tokens (SSWS): metadata of the active ones, without the value (OpenAPI: listApiTokens takes no parameters).

Okta docs: create-an-api-token (30 days without use and it expires; deactivating its creator deprovisions it). Of
suspension nothing is documented: here a token survives it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.state import ApiToken, Refusal, stamp

UNUSED = timedelta(days=30)


@route("GET", "/api/v1/api-tokens", "okta.apiTokens.read")
def api_tokens(at: Context) -> Reply:
    return Reply(200, [_row(at, t) for t in at.org.api_tokens.values() if t.status.shown == "ACTIVE"])


@route("GET", "/api/v1/api-tokens/<token>", "okta.apiTokens.read")
def api_token(at: Context, token: str) -> Reply:
    return Reply(200, _row(at, _active(at, token)))


@route("DELETE", "/api/v1/api-tokens/<token>", "okta.apiTokens.manage")
def delete_api_token(at: Context, token: str) -> Reply:
    held = _active(at, token)
    held.status.set("GONE", at.now, at.org.write_lag)
    at.org.log("system.api_token.revoke", at.now, at.by, {"id": held.id, "type": "Token", "displayName": held.name})
    return Reply(204)


def _active(at: Context, token: str) -> ApiToken:
    held = at.org.api_tokens.get(token)
    if held is None or held.status.shown != "ACTIVE":
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {token} (ApiToken)")
    return held


def _row(at: Context, token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "userId": token.user,
        "clientName": token.client,
        "tokenWindow": "P30D",
        "network": {"connection": "ANYWHERE"},
        "created": stamp(token.created),
        "lastUpdated": stamp(token.used),
        "expiresAt": stamp(token.used + UNUSED),
        "_link": {"self": {"href": f"{at.asked.url}/api/v1/api-tokens/{token.id}"}},
    }
