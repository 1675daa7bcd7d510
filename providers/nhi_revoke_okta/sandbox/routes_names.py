"""Apps and users by id, name and search; who the caller is."""

from __future__ import annotations

import re

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.rows import app_row, user_row
from nhi_revoke_okta.sandbox.state import Refusal


@route("GET", "/api/v1/users/me", "")
def me(at: Context) -> Reply:
    if at.by["type"] != "User":
        raise Refusal(404, "E0000007", "Not found: Resource not found: me (User)")
    return Reply(200, user_row(at.org.users[at.by["id"]], at.asked.url))


@route("GET", "/api/v1/users/<user>", "okta.users.read")
def user(at: Context, user: str) -> Reply:
    """A short name is the login before its @, where that is one person's alone (Okta docs: users API)."""
    short = [u for u in at.org.users.values() if u.login.partition("@")[0] == user]
    if len(short) == 1:
        return Reply(200, user_row(short[0], at.asked.url))
    return Reply(200, user_row(at.org.user(user), at.asked.url))


@route("GET", "/api/v1/users", "okta.users.read")
def users(at: Context) -> Reply:
    """`search=profile.login sw|eq "…"`; without it everybody but the deprovisioned."""
    found = list(at.org.users.values())
    if "search" in at.asked.query:
        read = re.fullmatch(r'profile\.login (sw|eq) "((?:[^"\\]|\\.)*)"', at.asked.query["search"])
        if read is None:
            raise Refusal(400, "E0000031", "Invalid search criteria.")
        wanted = re.sub(r"\\(.)", r"\1", read[2])
        found = [u for u in found if (u.login.startswith(wanted) if read[1] == "sw" else u.login == wanted)]
    return Reply(200, [user_row(u, at.asked.url) for u in found], rows=True, default=200)


@route("GET", "/api/v1/apps/<app>", "okta.apps.read")
def app(at: Context, app: str) -> Reply:
    return Reply(200, app_row(at.org.app(app), at.asked.url))


@route("GET", "/api/v1/apps", "okta.apps.read")
def apps(at: Context) -> Reply:
    """`q`: names and labels that begin so. `filter=user.id eq "…"`: those that the user is assigned to."""
    found = [a for a in at.org.apps.values() if a.status.shown != "GONE"]
    if "q" in at.asked.query:
        wanted = at.asked.query["q"].lower()
        found = [a for a in found if a.label.lower().startswith(wanted) or a.name.lower().startswith(wanted)]
    if "filter" in at.asked.query:
        read = re.fullmatch(r'user\.id eq "([^"]+)"', at.asked.query["filter"])
        if read is None:
            raise Refusal(400, "E0000031", "Invalid search criteria.")
        found = [a for a in found if read[1] in a.users]
    return Reply(200, [app_row(a, at.asked.url) for a in found], rows=True, default=20)
