"""An app is stopped and started again. What it has issued lives on here: Okta documents nothing of it, and this is the
worse case for whoever contains.

OpenAPI: deactivateApplication, activateApplication (200 without a body; both may be repeated).
"""

from __future__ import annotations

from nhi_revoke_okta.sandbox.request import Context, Reply, route
from nhi_revoke_okta.sandbox.state import Status


@route("POST", "/api/v1/apps/<app>/lifecycle/deactivate", "okta.apps.manage")
def deactivate(at: Context, app: str) -> Reply:
    return _set(at, app, "INACTIVE", "application.lifecycle.deactivate")


@route("POST", "/api/v1/apps/<app>/lifecycle/activate", "okta.apps.manage")
def activate(at: Context, app: str) -> Reply:
    return _set(at, app, "ACTIVE", "application.lifecycle.activate")


def _set(at: Context, app: str, status: Status, event: str) -> Reply:
    found = at.org.app(app)
    if found.status.shown != status:
        found.status.set(status, at.now, at.org.write_lag)
        target = {"id": found.id, "type": "AppInstance", "alternateId": found.label, "displayName": found.label}
        at.org.log(event, at.now, at.by, target)
    return Reply(200, {})
