"""The demo's identity in one org: a service app, a service user, and who else is there."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_okta.sandbox.state import (
    ApiToken,
    App,
    ClientKey,
    ClientSecret,
    Org,
    RoleAssignment,
    ScopeGrant,
    Server,
    User,
)

IDENTITY = "payments-bot"
LABEL = "Payments Bot"
LOGIN = "payments-bot@example.com"
CONSOLE = "Okta Admin Console"
OPERATOR_LOGIN = "responder@example.com"
MAP = """
[identity.payments-bot]
owner = "payments team"
principals = {principals}

[[identity.payments-bot.deliver]]
from = "okta:client-secret"
to = "file:{folder}/payments-okta.json"
principal = "okta:app/{app}"
"""


def operator(org: Org, at: datetime) -> ApiToken:
    """A super admin with an API token; beside him the app of the admin console, which is Okta's own."""
    new_app(org, CONSOLE, at, name="saasure", application_type="web")
    user = new_user(org, OPERATOR_LOGIN, at)
    add_role(org, user.roles, "SUPER_ADMIN", at)
    return new_api_token(org, user, "incident response", at)


def new_user(org: Org, login: str, at: datetime, status: str = "ACTIVE") -> User:
    user = User(org.new_id("00u"), login, at, Lagged(status, at))
    org.users[user.id] = user
    return user


def new_app(org: Org, label: str, at: datetime, **more: Any) -> App:
    """Its client id is its id, as it is unless somebody chose another."""
    unique = org.new_id("0oa")
    app = App(unique, more.pop("client_id", unique), label, at, org.new_status(at), **more)
    org.apps[app.id] = app
    return app


def new_api_token(org: Org, user: User, name: str, at: datetime) -> ApiToken:
    token = ApiToken(org.new_id("00T"), org.new_secret("00", 40), name, user.id, at, at, org.new_status(at))
    org.api_tokens[token.id] = token
    return token


def add_secret(org: Org, app: App, at: datetime, status: Any = "ACTIVE") -> ClientSecret:
    secret = ClientSecret(org.new_id("ocs"), org.new_secret(), at, org.new_status(at, status))
    app.secrets[secret.id] = secret
    return secret


def add_key(org: Org, app: App, at: datetime, kid: str = "") -> tuple[ClientKey, Any]:
    """The registered public key, and the private one (a `cryptography` object)."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from jwt.algorithms import ECAlgorithm

    private = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(ECAlgorithm(ECAlgorithm.SHA256).to_jwk(private.public_key()))
    named = kid or org.new_id("kid")
    key = ClientKey(
        org.new_id("pks"), named, {**jwk, "kid": named, "use": "sig", "alg": "ES256"}, at, org.new_status(at)
    )
    app.keys[key.id] = key
    return key, private


def add_grant(org: Org, app: App, scope: str, at: datetime) -> ScopeGrant:
    grant = ScopeGrant(org.new_id("oag"), scope, at, org.new_status(at))
    app.grants[grant.id] = grant
    return grant


def add_role(org: Org, roles: dict[str, RoleAssignment], kind: str, at: datetime) -> RoleAssignment:
    role = RoleAssignment(org.new_id("ra1"), kind, at, org.new_status(at), kind.replace("_", " ").title())
    roles[role.id] = role
    return role


def new_server(org: Org, name: str, at: datetime, minutes: int = 60) -> Server:
    server = Server("default" if name == "default" else org.new_id("aus"), name, at, minutes)
    org.servers[server.id] = server
    return server


def long_ago(at: datetime) -> datetime:
    return at - timedelta(days=90)
