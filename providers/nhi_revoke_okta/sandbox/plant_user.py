"""What the intruder holds of payments-bot's user: its API token, a session's cookie, a refresh token of a client."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.state import (
    HOST,
    ORG_SERVER,
    ApiToken,
    App,
    AppSession,
    Org,
    RefreshToken,
    Session,
    User,
    stamp,
)

if TYPE_CHECKING:
    from nhi_revoke_okta.sandbox.scene import Scene

CLIENT = "Payments Desk"
"""A native app with federation broker mode: nobody is assigned to it, and it keeps no session of its own."""
A_DAY = timedelta(days=1)


def plant(scene: Scene) -> None:
    """Two doors that outlive the user's suspension, and a session. Meddlings: `new-api-token`, `new-session`,
    `unsuspend`.
    """
    org, user, now = scene.org, scene.user, scene.now()
    seed.add_role(org, user.roles, "APP_ADMIN", seed.long_ago(now))
    token = seed.new_api_token(org, user, "nightly export", seed.long_ago(now))
    token.used = now - A_DAY
    session = begin_session(org, user, now - timedelta(hours=1))
    app = desk(org, seed.long_ago(now))
    refresh = add_refresh_token(org, app, user, now - A_DAY)
    for scope in ("openid", "offline_access"):
        consent(org, app, user, scope, now - A_DAY)
    user.factors += [factor(org, "token:software:totp", "GOOGLE", seed.long_ago(now))]
    scene.steal(token.value, session.cookie, refresh.value)
    scene.door(
        "api-token", "ssws-token", "the user's API token, copied from the export job's settings",
        f"okta:api-token/{token.id}", lambda: [use_token(scene.url, token)],
    )  # fmt: skip
    scene.door(
        "user-session", "idp-session", "the cookie of a session that the user began an hour ago",
        standing(scene, "user-session"), lambda: [use_session(scene.url, session)],
    )  # fmt: skip
    scene.door(
        "user-refresh-token", "user-refresh-token", f"a refresh token of the user, taken from {CLIENT}",
        f"okta:user-token/{user.id}/{app.client_id}/{refresh.id}", lambda: [use_refresh(scene.url, app, refresh)],
    )  # fmt: skip
    scene.meddlings["new-api-token"] = lambda: _new_api_token(scene)
    scene.meddlings["new-session"] = lambda: _new_session(scene)
    scene.meddlings["unsuspend"] = lambda: _unsuspend(scene)


def standing(scene: Scene, kind: str) -> str:
    """The id of the standing access of the user's sessions."""
    return f"okta:{kind}/{scene.url.partition('://')[2]}/{scene.user.login}/*"


# -- making --------------------------------------------------------------------------------------------------------


def desk(org: Org, at: datetime) -> App:
    return seed.new_app(
        org, CLIENT, at, application_type="native", auth_method="none",
        grant_types=("authorization_code", "refresh_token"),
    )  # fmt: skip


def begin_session(org: Org, user: User, at: datetime, lives: timedelta = timedelta(hours=12)) -> Session:
    """A sign-in, as the System Log shows it."""
    session = Session(org.new_id("102"), org.new_secret("102", 40), user.id, at, at + lives, Lagged(False, at))
    org.sessions[session.id] = session
    actor = {"id": user.id, "type": "User", "alternateId": user.login, "displayName": user.login}
    org.log("user.session.start", at, actor, actor)
    return session


def add_refresh_token(org: Org, app: App, user: User, at: datetime, server: str = ORG_SERVER) -> RefreshToken:
    token = RefreshToken(
        org.new_id("oar"), org.new_secret("", 43), app.id, user.id, server, ("openid", "offline_access"), at,
        at + timedelta(days=90), org.new_status(at),
    )  # fmt: skip
    org.refresh_tokens[token.id] = token
    return token


def consent(org: Org, app: App, user: User, scope: str, at: datetime) -> str:
    """Its id."""
    grant = org.new_id("oag")
    user.grants[grant] = {
        "clientId": app.client_id, "scopeId": scope, "issuer": f"https://{HOST}", "created": stamp(at),
    }  # fmt: skip
    return grant


def factor(org: Org, kind: str, provider: str, at: datetime, status: str = "ACTIVE") -> dict[str, object]:
    """A row, in the shape of the OpenAPI description (UserFactor)."""
    return {
        "id": org.new_id("ost"), "factorType": kind, "provider": provider, "vendorName": provider, "status": status,
        "created": stamp(at), "lastUpdated": stamp(at), "profile": {},
    }  # fmt: skip


def begin_app_session(org: Org, app: App, user: User, at: datetime) -> AppSession:
    """The user is assigned to the app, too."""
    app.users.add(user.id)
    session = AppSession(org.new_secret("app", 40), user.id, app.id, at, Lagged(False, at))
    org.app_sessions.append(session)
    return session


# -- trying --------------------------------------------------------------------------------------------------------


def use_token(url: str, token: ApiToken) -> dict[str, object]:
    headers = {"Authorization": f"SSWS {token.value}"}
    return {"method": "GET", "url": f"{url}/api/v1/users/me", "headers": headers}


def use_session(url: str, session: Session) -> dict[str, object]:
    headers = {"Cookie": f"sid={session.cookie}"}
    return {"method": "GET", "url": f"{url}/api/v1/sessions/me", "headers": headers}


def use_refresh(url: str, app: App, token: RefreshToken) -> dict[str, object]:
    server = "" if token.server == ORG_SERVER else f"/{token.server}"
    data = {"grant_type": "refresh_token", "client_id": app.client_id, "refresh_token": token.value}
    return {"method": "POST", "url": f"{url}/oauth2{server}/v1/token", "data": data}


def use_app_session(url: str, session: AppSession) -> dict[str, object]:
    headers = {"Cookie": f"app={session.cookie}"}
    return {"method": "GET", "url": f"{url}/_app/{session.app}/session", "headers": headers}


# -- meddling ------------------------------------------------------------------------------------------------------


def _new_api_token(scene: Scene) -> None:
    token = seed.new_api_token(scene.org, scene.user, "backup", scene.now())
    scene.steal(token.value)
    scene.door(
        "new-api-token", "ssws-token", "an API token that the intruder made meanwhile",
        f"okta:api-token/{token.id}", lambda: [use_token(scene.url, token)],
    )  # fmt: skip


def _new_session(scene: Scene) -> None:
    """With the password: a suspended user begins none."""
    if scene.user.status.obeyed(scene.now()) != "ACTIVE":
        return
    session = begin_session(scene.org, scene.user, scene.now())
    scene.steal(session.cookie)
    scene.door(
        "new-session", "idp-session", "a session that the intruder began meanwhile",
        standing(scene, "user-session"), lambda: [use_session(scene.url, session)],
    )  # fmt: skip


def _unsuspend(scene: Scene) -> None:
    """By an administrator whom the intruder holds, too."""
    scene.user.status.set("ACTIVE", scene.now(), scene.org.write_lag)
