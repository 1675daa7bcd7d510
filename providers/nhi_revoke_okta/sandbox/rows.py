"""Rows as Okta's management API shows them (shapes: the vendor's OpenAPI description, held by contract tests)."""

from __future__ import annotations

from typing import Any

from nhi_revoke_okta.sandbox.state import App, User, stamp


def app_row(app: App, base: str) -> dict[str, Any]:
    return {
        "id": app.id,
        "name": app.name,
        "label": app.label,
        "status": app.status.shown,
        "created": stamp(app.created),
        "lastUpdated": stamp(app.created),
        "signOnMode": "OPENID_CONNECT",
        "features": [],
        "credentials": {
            "oauthClient": {
                "client_id": app.client_id,
                "token_endpoint_auth_method": app.auth_method,
                "autoKeyRotation": True,
            }
        },
        "settings": {
            "oauthClient": {
                "application_type": app.application_type,
                "grant_types": list(app.grant_types),
                "response_types": ["token"],
                **({"jwks_uri": app.jwks_uri} if app.jwks_uri else {}),
            }
        },
        **({"universalLogout": app.universal_logout} if app.universal_logout else {}),
        "_links": {"self": {"href": f"{base}/api/v1/apps/{app.id}"}},
    }


def user_row(user: User, base: str) -> dict[str, Any]:
    return {
        "id": user.id,
        "status": user.status.shown,
        "created": stamp(user.created),
        "activated": stamp(user.created),
        "profile": {"login": user.login, "email": user.login, "firstName": "Payments", "lastName": "Bot"},
        "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
        "_links": {"self": {"href": f"{base}/api/v1/users/{user.id}"}},
    }
