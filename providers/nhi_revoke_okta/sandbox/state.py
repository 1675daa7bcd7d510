"""What one org holds. State alone: rules stand in `rules_*`, HTTP in `routes_*`.

Writes are shown at once and obeyed after the lag. Where Okta documents nothing (whether a deactivated app's tokens die,
whether a suspended user's API tokens do), they survive here: that is the worse case for whoever contains.
"""

from __future__ import annotations

import random
import string
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from nhi_revoke.provider.sandbox.lagged import Lagged

HOST = "payments.okta.test"
"""The issuer's name inside tokens; the sandbox itself is on loopback."""
ORG_SERVER = "org"
"""Key of the org authorization server, which is no custom one."""
OPERATOR_SCOPES = "okta."
LIVES = {ORG_SERVER: timedelta(minutes=60)}
"""Okta docs: manage-user-creds: 60 minutes, fixed, at the org server."""

Status = Literal["ACTIVE", "INACTIVE", "GONE"]


class Refusal(Exception):
    """An error answer in Okta's form. `code`: `E0000007` for the management API, `invalid_client` for OAuth."""

    def __init__(self, status: int, code: str, summary: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(code)
        self.status, self.code, self.summary, self.headers = status, code, summary or code, headers


@dataclass
class ClientSecret:
    id: str
    value: str
    created: datetime
    status: Lagged[Status]


@dataclass
class ClientKey:
    """A public key of the app's JWKS; `private` only where somebody holds it in a test."""

    id: str
    kid: str
    jwk: dict[str, Any]
    created: datetime
    status: Lagged[Status]


@dataclass
class RefreshToken:
    id: str
    value: str
    app: str
    user: str
    server: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime
    status: Lagged[Status]


@dataclass
class AccessToken:
    """A JWT. `parent`: the refresh token that it was minted with; empty for client credentials."""

    value: str
    jti: str
    app: str
    user: str
    server: str
    scopes: tuple[str, ...]
    issued: datetime
    expires: datetime
    parent: str = ""
    revoked: Lagged[bool] | None = None
    bound: str = ""
    """Thumbprint of the DPoP key."""


@dataclass
class ScopeGrant:
    id: str
    scope: str
    created: datetime
    status: Lagged[Status]


@dataclass
class RoleAssignment:
    id: str
    type: str
    created: datetime
    status: Lagged[Status]
    label: str = ""
    group: str = ""
    """Of a user: it comes with the membership of this group, and is no assignment of the user's own."""
    groups: tuple[str, ...] = ()
    """It is limited to these; empty: it holds for all."""
    apps: tuple[str, ...] = ()
    """It is limited to these catalog apps."""
    role: str = ""
    """Of a custom role: which one, and over which resources."""
    resource_set: str = ""


@dataclass
class App:
    id: str
    client_id: str
    label: str
    created: datetime
    status: Lagged[Status]
    name: str = "oidc_client"
    application_type: str = "service"
    auth_method: str = "client_secret_basic"
    grant_types: tuple[str, ...] = ("client_credentials",)
    jwks_uri: str = ""
    universal_logout: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, ClientSecret] = field(default_factory=dict)
    keys: dict[str, ClientKey] = field(default_factory=dict)
    grants: dict[str, ScopeGrant] = field(default_factory=dict)
    roles: dict[str, RoleAssignment] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    """Assigned to it."""


@dataclass
class Service:
    """An API service integration. `client` signs in with its secrets; it is none of the apps that /apps shows."""

    id: str
    name: str
    type: str
    created: datetime
    creator: str
    client: App


@dataclass
class Agent:
    """An AI agent. `client` signs in with its credentials: it has the agent's id and its status."""

    id: str
    name: str
    created: datetime
    status: Lagged[Any]
    """ACTIVE, INACTIVE or STAGED; shown only when it is obeyed: a change is an operation that takes its time."""
    client: App
    platform: str = ""
    app: str = ""
    """Through which users sign in."""
    owned: bool = True
    """It has an owner: without one it is not activated."""
    connections: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Session:
    """An IdP session; `cookie` is the stolen value."""

    id: str
    cookie: str
    user: str
    created: datetime
    expires: datetime
    ended: Lagged[bool]


@dataclass
class AppSession:
    """A session that an app keeps for a user by itself, begun with a sign-in through the org."""

    cookie: str
    user: str
    app: str
    created: datetime
    ended: Lagged[bool]


@dataclass
class ApiToken:
    id: str
    value: str
    name: str
    user: str
    created: datetime
    used: datetime
    status: Lagged[Status]
    client: str = "Okta API"
    """What it was made for: an agent's token names the agent."""


@dataclass
class User:
    id: str
    login: str
    created: datetime
    status: Lagged[str]
    roles: dict[str, RoleAssignment] = field(default_factory=dict)
    factors: list[dict[str, Any]] = field(default_factory=list)
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Consent grants: id -> {clientId, scopeId, issuer, created}."""


@dataclass
class Server:
    """A custom authorization server. `minutes`: access token lifetime of its only rule."""

    id: str
    name: str
    created: datetime
    minutes: int = 60


@dataclass
class Event:
    """One System Log event, in the few fields that are read."""

    id: str
    type: str
    at: datetime
    actor: dict[str, Any]
    targets: list[dict[str, Any]] = field(default_factory=list)
    debug: dict[str, Any] = field(default_factory=dict)
    outcome: str = "SUCCESS"
    address: str = "203.0.113.7"
    """Of whoever asked."""


class Org:
    """One org, its lock, its lags and its ids."""

    def __init__(self, entropy: random.Random) -> None:
        self.lock = threading.RLock()
        self.entropy = entropy
        self.apps: dict[str, App] = {}
        self.users: dict[str, User] = {}
        self.api_tokens: dict[str, ApiToken] = {}
        self.sessions: dict[str, Session] = {}
        self.app_sessions: list[AppSession] = []
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.servers: dict[str, Server] = {}
        self.services: dict[str, Service] = {}
        """API service integrations."""
        self.agents: dict[str, Agent] = {}
        self.delegations: list[dict[str, Any]] = []
        self.ai_agents = True
        """The subscription to Okta for AI Agents; without it its paths answer 404."""
        self.events: list[Event] = []
        self.write_lag = 0.0
        self.log_lag = 30.0
        self.api_access_management = True
        """The SKU of custom authorization servers; without it they answer 404."""
        self.demand_dpop = False
        self.secrets: list[str] = []
        """Every secret there has been: canaries."""

    # -- making ----------------------------------------------------------------------------------------------------

    def new_id(self, prefix: str) -> str:
        """Twenty characters, as Okta's ids are."""
        letters = string.ascii_letters + string.digits
        return prefix + "".join(self.entropy.choice(letters) for _ in range(20 - len(prefix)))

    def new_secret(self, prefix: str = "", length: int = 64) -> str:
        letters = string.ascii_letters + string.digits + "_-"
        value = prefix + "".join(self.entropy.choice(letters) for _ in range(length))
        self.secrets.append(value)
        return value

    def new_status(self, at: datetime, status: Status = "ACTIVE") -> Lagged[Status]:
        return Lagged(status, at)

    def log(self, type_: str, at: datetime, actor: dict[str, Any], *targets: dict[str, Any], **debug: Any) -> None:
        """`actor` and `targets`: {id, type, alternateId, displayName}."""
        number = len(self.events) + 1
        self.events.append(Event(f"evt-{number:08}", type_, at, actor, list(targets), debug))

    # -- finding ---------------------------------------------------------------------------------------------------

    def app(self, key: str) -> App:
        """By id. Raises Refusal 404."""
        app = self.apps.get(key)
        if app is None or app.status.shown == "GONE":
            raise Refusal(404, "E0000007", f"Not found: Resource not found: {key} (AppInstance)")
        return app

    def client(self, client_id: str) -> App | None:
        services, agents = (s.client for s in self.services.values()), (a.client for a in self.agents.values())
        clients = (*self.apps.values(), *services, *agents)
        return next((a for a in clients if a.client_id == client_id and a.status.shown != "GONE"), None)

    def user(self, key: str) -> User:
        """By id or login. Raises Refusal 404."""
        for user in self.users.values():
            if key in (user.id, user.login):
                return user
        raise Refusal(404, "E0000007", f"Not found: Resource not found: {key} (User)")


def stamp(moment: datetime) -> str:
    """As Okta writes times: milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
