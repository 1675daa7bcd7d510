"""Universal Logout, and the sessions that apps keep by themselves.

OpenAPI: globalTokenRevocation (204 says that it was begun). Okta docs: universal-logout-settings: an app with partial
support revokes the user's refresh tokens, and leaves its sessions alone.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.routes_sessions import end_sessions, end_tokens
from nhi_revoke_okta.sandbox.routes_users import as_target
from nhi_revoke_okta.sandbox.state import Refusal


@route("POST", "/oauth2/v1/global-token-revocation", "okta.universalLogout.manage")
def global_token_revocation(at: Context) -> Reply:
    sub: Any = at.asked.json.get("sub_id")
    user = None
    if isinstance(sub, dict) and sub.get("format") == "opaque":
        user = at.org.users.get(str(sub.get("id")))
    if user is None:
        raise Refusal(400, "invalid_request", "The 'sub_id' parameter is missing or invalid.")
    end_sessions(at, user)
    end_tokens(at, user)
    for session in at.org.app_sessions:
        told = at.org.apps[session.app].universal_logout
        if session.user == user.id and (told.get("status"), told.get("supportType")) == ("ENABLED", "FULL"):
            session.ended.set(True, at.now, at.org.write_lag)
    at.org.log("user.authentication.universal_logout", at.now, at.by, as_target(user))
    return Reply(204)


@route("GET", "/_app/<app>/session", "-")
def app_session(at: Context, app: str) -> Reply:
    """The app itself, which asks nobody once the user is signed in."""
    cookie = at.asked.headers.get("cookie", "").removeprefix("app=")
    for session in at.org.app_sessions:
        if session.app == app and session.cookie == cookie and not session.ended.obeyed(at.now):
            return Reply(200, {"served": True})
    raise Refusal(401, "login_required", "not signed in")
