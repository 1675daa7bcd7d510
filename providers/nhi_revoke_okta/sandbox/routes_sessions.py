"""IdP sessions: cleared by user, read by id or by cookie; none is listed (OpenAPI: revokeUserSessions, getSession).

`oauthTokens` is false unless it is asked for, and sessions that apps keep by themselves live on.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.routes_oauth import end_refresh_token
from nhi_revoke_okta.sandbox.routes_users import as_target, tokens_of
from nhi_revoke_okta.sandbox.state import Refusal, Session, User, stamp

NO_SESSION = Refusal(404, "E0000007", "Not found: Resource not found: me (Session)")


@route("DELETE", "/api/v1/users/<user>/sessions", "okta.users.manage")
def clear_sessions(at: Context, user: str) -> Reply:
    whose = at.org.user(user)
    tokens = _flag(at, "oauthTokens", default=False)
    _flag(at, "forgetDevices", default=True)
    end_sessions(at, whose)
    if tokens:
        end_tokens(at, whose)
    at.org.log("user.session.clear", at.now, at.by, as_target(whose))
    return Reply(204)


@route("GET", "/api/v1/sessions/me", "-")
def my_session(at: Context) -> Reply:
    """Of the cookie `sid` alone (Okta docs: sessions API)."""
    cookies = dict(part.strip().partition("=")[::2] for part in at.asked.headers.get("cookie", "").split(";"))
    session = next((s for s in at.org.sessions.values() if s.cookie == cookies.get("sid")), None)
    if session is None or not _lives(at, session):
        raise NO_SESSION
    return Reply(200, _row(at, session))


@route("GET", "/api/v1/sessions/<session>", "okta.sessions.read")
def session(at: Context, session: str) -> Reply:
    found = at.org.sessions.get(session)
    if found is None or not _lives(at, found):
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {session} (Session)")
    return Reply(200, _row(at, found))


def end_sessions(at: Context, user: User) -> None:
    """Those that there are now: one that begins a moment later lives."""
    for session in at.org.sessions.values():
        if session.user == user.id and not session.ended.shown:
            session.ended.set(True, at.now, at.org.write_lag)


def end_tokens(at: Context, user: User) -> None:
    """Refresh tokens, and access tokens with and without one. Whoever validates locally does not hear of it."""
    for held in tokens_of(at, user):
        end_refresh_token(at, held)
    for token in at.org.access_tokens.values():
        if token.user == user.id and token.revoked:
            token.revoked.set(True, at.now, at.org.write_lag)


def _lives(at: Context, session: Session) -> bool:
    """A suspended user's session lives on: the documents do not agree, and this is the worse case."""
    gone = at.org.users[session.user].status.obeyed(at.now) == "DEPROVISIONED"
    return session.created <= at.now < session.expires and not session.ended.obeyed(at.now) and not gone


def _flag(at: Context, name: str, *, default: bool) -> bool:
    text = at.asked.query.get(name, "true" if default else "false")
    if text not in ("true", "false"):
        raise Refusal(400, "E0000001", f"Api validation failed: {name}")
    return text == "true"


def _row(at: Context, session: Session) -> dict[str, Any]:
    user = at.org.users[session.user]
    return {
        "id": session.id,
        "login": user.login,
        "userId": user.id,
        "createdAt": stamp(session.created),
        "expiresAt": stamp(session.expires),
        "status": "ACTIVE",
        "amr": ["pwd"],
        "idp": {"id": "00o1", "type": "OKTA"},
    }
