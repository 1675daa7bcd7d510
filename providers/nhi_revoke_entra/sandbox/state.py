"""What one tenant holds. State alone: rules stand in `routes_*`.

Writes are shown at once and obeyed after the lag. Where Microsoft documents nothing (whether a resource with CAE takes
a token again once the service principal is enabled), it is the worse case for whoever contains.
"""

from __future__ import annotations

import base64
import json
import random
import string
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_entra.sandbox.azure_state import AzureRole, ManagedResource, WebSite
from nhi_revoke_entra.sandbox.by_app import ByApp
from nhi_revoke_entra.sandbox.policy_state import Policy
from nhi_revoke_entra.sandbox.sign_in_state import DeviceFlow, SignIn
from nhi_revoke_entra.sandbox.vault_state import Vault

TENANT = "5f0c1e9a-7d3b-4c58-9a41-2b6f8e0d7c13"
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
OTHER_TENANT = "b1e6a3c8-90d2-4f17-8c55-6a7e2d3f4b90"
"""Uses multi-tenant apps of this one. Of it there is the token service alone."""
ARM = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
"""appId of Azure Resource Manager."""
KEY_VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
"""appId of Azure Key Vault; recalled."""
GRAPH = "00000003-0000-0000-c000-000000000000"
TOKEN_LIVES, CAE_LIVES = timedelta(minutes=90), timedelta(hours=24)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CAE_HEARS = 900.0
"""Seconds until a resource with CAE has heard of an event."""


@dataclass
class Password:
    """`there`: whether it is listed; the token service obeys after the lag."""

    key_id: str
    value: str
    name: str
    start: datetime
    end: datetime
    there: Lagged[bool]
    replicated: datetime
    """Until then some of the token service's replicas know it, and others do not."""
    tries: int = 0


@dataclass
class Key:
    """A certificate. `usage`: Verify signs in; Sign is Entra's own, for single sign-on."""

    key_id: str
    name: str
    usage: str
    certificate: str
    """DER, in base64."""
    thumbprint: str
    """In hex, as Graph tells it."""
    start: datetime
    end: datetime
    there: Lagged[bool]
    type: str = "AsymmetricX509Cert"
    replicated: datetime = LONG_AGO
    tries: int = 0
    """As of a password."""


@dataclass
class Trust:
    """A federated credential. `expression`: of a flexible one, instead of a subject."""

    id: str
    name: str
    issuer: str
    subject: str
    audiences: list[str]
    there: Lagged[bool]
    expression: str = ""


@dataclass
class Directory:
    """What applications and service principals share."""

    id: str
    app_id: str
    name: str
    created: datetime
    passwords: dict[str, Password] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    owners: dict[str, Lagged[bool]] = field(default_factory=dict)
    """Object id of a user or service principal."""
    audience: str = "AzureADMyOrg"
    deleted: datetime | None = None
    """Softly: until it is purged it may be restored as it was."""
    tags: list[str] = field(default_factory=list)
    notes: str = ""
    description: str = ""


@dataclass
class Application(Directory):
    trusts: dict[str, Trust] = field(default_factory=dict)
    disabled: Lagged[bool] = field(default_factory=lambda: Lagged(False, LONG_AGO))
    """Deactivated: no new tokens, in any tenant. No resource hears of it."""
    managers: dict[str, Lagged[bool]] = field(default_factory=dict)
    """appIds that may manage it, as they are written."""
    public: bool = False
    """`isFallbackPublicClient`."""
    agents: bool = False
    """A blueprint of agent identities; its service principal is of a type of its own, too."""
    policies: list[Policy] = field(default_factory=list)
    """Of its own, on what may be added to it."""
    lock: dict[str, bool] | None = None
    """`servicePrincipalLockConfiguration`."""


@dataclass
class Assignment:
    """An app role that a service principal was given."""

    id: str
    resource: str
    role: str
    at: datetime
    there: Lagged[bool]


@dataclass
class ServicePrincipal(Directory):
    enabled: Lagged[bool] = field(default_factory=lambda: Lagged(True, LONG_AGO))
    heard: Lagged[bool] = field(default_factory=lambda: Lagged(True, LONG_AGO))
    """What resources with CAE have heard of `enabled`."""
    owner_tenant: str = TENANT
    type: str = "Application"
    roles: dict[str, str] = field(default_factory=dict)
    """Of an API: app role id -> value."""
    assignments: dict[str, Assignment] = field(default_factory=dict)
    sso_thumbprint: str = ""
    blueprint: str = ""
    """Of an agent identity: appId of the app whose credentials sign in for it."""
    null_enabled: bool = False
    """`accountEnabled` is told as null."""

    def enable(self, value: bool, now: datetime, lag: float) -> None:
        """A disabled one is heard of late, an enabled one at once: the worse of what may be."""
        self.enabled.set(value, now, lag)
        self.heard.set(value, now, 0.0 if value else CAE_HEARS)


@dataclass
class DirectoryRole:
    """One assignment, over a scope."""

    id: str
    principal: str
    role: str
    scope: str
    there: Lagged[bool]


@dataclass
class User:
    id: str
    login: str
    password: str = ""
    enabled: Lagged[bool] = field(default_factory=lambda: Lagged(True, LONG_AGO))
    valid_from: Lagged[datetime] = field(default_factory=lambda: Lagged(LONG_AGO, LONG_AGO))
    """Sessions that were begun before are refused."""
    heard: Lagged[bool] = field(default_factory=lambda: Lagged(True, LONG_AGO))
    """What resources with CAE have heard of `enabled`."""
    heard_valid_from: Lagged[datetime] = field(default_factory=lambda: Lagged(LONG_AGO, LONG_AGO))
    changed: datetime = field(default_factory=lambda: LONG_AGO)
    """Its password."""
    synced: bool = False
    type: str = "Member"
    agent: str = ""
    """Object id of the agent identity that signs it in."""
    methods: list[dict[str, Any]] = field(default_factory=list)

    def enable(self, value: bool, now: datetime, lag: float) -> None:
        """A disabled one is heard of late, an enabled one at once: the worse of what may be."""
        self.enabled.set(value, now, lag)
        self.heard.set(value, now, 0.0 if value else CAE_HEARS)

    def revoke(self, now: datetime, lag: float) -> None:
        self.valid_from.set(now, now, lag)
        self.heard_valid_from.set(now, now, CAE_HEARS)


@dataclass
class Grant:
    """Delegated: of a client, for one user or for all."""

    id: str
    client: str
    resource: str
    scope: str
    there: Lagged[bool]
    user: str = ""


@dataclass
class Token:
    """An access token, or a refresh token (`refresh`). `app`: object id of the service principal."""

    value: str
    app: str
    resource: str
    """appId of the API."""
    issued: datetime
    expires: datetime
    roles: frozenset[str] = frozenset()
    user: str = ""
    cae: bool = False
    refresh: bool = False
    agent: str = ""
    """Object id of the agent identity that it may be exchanged for, and opens nothing itself."""


@dataclass
class Audit:
    """One event of the audit log."""

    id: str
    at: datetime
    activity: str
    by: str
    """Object id of the service principal or user who did it."""
    targets: list[dict[str, Any]]
    result: str = "success"


class Tenant:
    """Its lock, its lags and its ids."""

    def __init__(self, entropy: random.Random) -> None:
        self.lock = threading.RLock()
        self.entropy = entropy
        self.applications: dict[str, Application] = {}
        self.principals: dict[str, ServicePrincipal] = {}
        self._applications, self._principals = ByApp(self.applications), ByApp(self.principals)
        self.deleted: dict[str, Directory] = {}
        """Applications and service principals, softly."""
        self.foreign: dict[str, ServicePrincipal] = {}
        """In the other tenant."""
        self.users: dict[str, User] = {}
        self.grants: dict[str, Grant] = {}
        self.role_names: dict[str, str] = {}
        """Of directory roles, by the id of their definition."""
        self.directory_roles: dict[str, DirectoryRole] = {}
        self.tokens: dict[str, Token] = {}
        self.revoked: set[str] = set()
        """Ids of credentials that are marked as revoked, and appIds that get no token at all."""
        self.subscriptions: dict[str, str] = {}
        self.azure_roles: dict[str, AzureRole] = {}
        self.azure_role_names: dict[str, str] = {}
        """By the id of their definition."""
        self.identities: dict[str, ManagedResource] = {}
        """By the path in small letters."""
        self.policy = Policy("00000000-0000-0000-0000-000000000000", "Default app management tenant policy", False)
        """On what may be added to apps; switched off by default."""
        self.vaults: dict[str, Vault] = {}
        self.sites: dict[str, WebSite] = {}
        """By path, in small letters."""
        self.groups: dict[str, set[str]] = {}
        """Members of each, other groups among them."""
        self.group_names: dict[str, str] = {}
        self.eligible_roles: dict[str, DirectoryRole] = {}
        """Directory roles that may be activated (PIM)."""
        self.pim = True
        """Entra ID P2 or Entra ID Governance: without it those are told to nobody."""
        self.sign_ins: list[SignIn] = []
        self.audits: list[Audit] = []
        self.premium = True
        """Entra ID P1 or P2: without it sign-ins are told to nobody."""
        self.device_flows: dict[str, DeviceFlow] = {}
        self.browser: Callable[[DeviceFlow], None] = lambda _: None
        """What people do in a browser, each time that their device asks."""
        self.hosted: dict[str, str] = {}
        """Managed identities of the machine that the operator works on: object id of the service principal, by client
        id; the machine's own by the empty string.
        """
        self.identity_header = ""
        """The secret of an App Service, without which its endpoint answers nobody."""
        self.filters_reports = True
        """The report of last uses can be asked for one app."""
        self.issuers: dict[str, Any] = {}
        """Public key of each other issuer, by its URL."""
        self.write_lag = 8.0
        self.log_lag = 30.0
        self.report_lag = 2 * 86400.0
        """Seconds until the report of last uses tells of a day."""
        self.secrets: list[str] = []
        """Every secret there has been: canaries."""

    # -- making ----------------------------------------------------------------------------------------------------

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.entropy.getrandbits(128), version=4))

    def new_mark(self) -> str:
        """In the form of an id of an assignment or a grant."""
        letters = string.ascii_letters + string.digits + "-_"
        return "".join(self.entropy.choice(letters) for _ in range(43))

    def new_secret(self, length: int = 40) -> str:
        """Of the length of a client secret it has its form, too."""
        letters = string.ascii_letters + string.digits + "~._-"
        value = self.entropy.choice(string.ascii_letters) + "".join(self.entropy.choice(letters) for _ in range(length))
        value = f"{value[:3]}8Q~{value[7:]}" if length == 40 else value
        self.secrets.append(value)
        return value

    def new_token(self, app: ServicePrincipal, resource: str, at: datetime, **more: Any) -> Token:
        told = more.pop("told", {})
        ends = at + (CAE_LIVES if more.get("cae") else TOKEN_LIVES)
        user = more.get("user", "")
        claims = {
            "aud": resource, "iss": f"https://sts.windows.net/{TENANT}/", "iat": int(at.timestamp()),
            "exp": int(ends.timestamp()), "appid": app.app_id, "idtyp": "user" if user else "app",
            "oid": user or app.id, "tid": TENANT, "ver": "1.0",
            **({} if user else {"roles": sorted(more.get("roles", ()))}), **told,
        }  # fmt: skip
        signature = f"{self.new_mark()}{self.new_mark()}"
        self.secrets.append(signature)
        value = f"{part({'typ': 'JWT', 'alg': 'RS256'})}.{part(claims)}.{signature}"
        token = Token(value, app.id, resource, at, ends, **more)
        self.tokens[token.value] = token
        return token

    def audit(self, activity: str, at: datetime, by: str, *targets: dict[str, Any]) -> Audit:
        made = Audit(self.new_id(), at, activity, by, list(targets))
        self.audits.append(made)
        return made

    # -- finding ---------------------------------------------------------------------------------------------------

    def application_of(self, app_id: str) -> Application | None:
        return self._applications.get(app_id)

    def principal_of(self, app_id: str) -> ServicePrincipal | None:
        return self._principals.get(app_id)

    def groups_of(self, object_id: str) -> set[str]:
        """Those that it is in, however deep."""
        found: set[str] = set()
        asked = [object_id]
        while asked:
            one = asked.pop()
            new = {group for group, members in self.groups.items() if one in members} - found
            found |= new
            asked += new
        return found

    def foreign_of(self, app_id: str) -> ServicePrincipal | None:
        """Of the other tenant, where the app may be used there."""
        application = self.application_of(app_id)
        if application is None or application.audience == "AzureADMyOrg":
            return None
        return next((p for p in self.foreign.values() if p.app_id == app_id.lower()), None)

    def owner_name(self, object_id: str) -> dict[str, Any]:
        """As a directory object."""
        user, principal = self.users.get(object_id), self.principals.get(object_id)
        if user is not None:
            return {"@odata.type": "#microsoft.graph.user", "id": user.id, "userPrincipalName": user.login,
                    "displayName": user.login.partition("@")[0]}  # fmt: skip
        assert principal is not None
        return {"@odata.type": "#microsoft.graph.servicePrincipal", "id": principal.id, "appId": principal.app_id,
                "displayName": principal.name}  # fmt: skip


def part(told: dict[str, Any]) -> str:
    """Of a JSON Web Token."""
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def stamp(moment: datetime) -> str:
    """As Graph writes times: seven digits after the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
