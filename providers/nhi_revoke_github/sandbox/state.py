"""What one organisation and the people around it hold. State alone: rules stand in `routes_*`.

Writes are shown at once and obeyed after the lag. Where GitHub documents nothing (whether a suspended installation's
tokens die at once), they survive here: the worse case for whoever contains.
"""

from __future__ import annotations

import random
import string
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_github.token_forms import checksum

ORG = "example-payments"
INSTALLATION_TOKEN_LIVES = timedelta(hours=1)
State = Literal["active", "suspended", "gone"]


@dataclass
class Account:
    """A user, an organisation, or an app as a user."""

    id: int
    login: str
    type: Literal["User", "Organization", "Bot"]
    created: datetime
    ssh_keys: dict[int, dict[str, Any]] = field(default_factory=dict)
    signing_keys: dict[int, dict[str, Any]] = field(default_factory=dict)
    gpg_keys: dict[int, dict[str, Any]] = field(default_factory=dict)


@dataclass
class DeployKey:
    id: int
    title: str
    key: str
    created: datetime
    read_only: bool
    added_by: str
    status: Lagged[State]
    last_used: datetime | None = None
    made_with: int = 0
    """Id of the personal or OAuth token that created it, with which it is deleted; 0: an App's, or the site."""


@dataclass
class Job:
    """A workflow run; `token` is the GITHUB_TOKEN that it holds until it ends."""

    id: int
    workflow: str
    actor: str
    created: datetime
    status: Lagged[str]
    """queued, waiting, pending, requested, in_progress, completed."""
    token: str
    conclusion: str = ""
    again_by: str = ""
    """Who runs it again; empty: nobody did."""
    stubborn: bool = False
    """It ignores a cancel (`always()`), and yields to a forced one."""


@dataclass
class Repository:
    id: int
    owner: str
    name: str
    created: datetime
    private: bool = True
    keys: dict[int, DeployKey] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    actions_on: Lagged[bool] | None = None
    allowed_actions: str = "all"
    """`all`, `local_only`, `selected`; of the last, which ones stand in `selected_actions`."""
    selected_actions: dict[str, Any] = field(default_factory=dict)
    oidc: dict[str, Any] = field(default_factory=lambda: {"use_default": True})
    """Its own template of OIDC subjects."""
    secrets: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """By namespace (`actions`, `dependabot`, `environments/NAME`): name -> {created, updated, value}."""
    variables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """The same, of variables: whose values are shown."""
    pushed: datetime | None = None
    archived: bool = False
    runners: dict[int, dict[str, Any]] = field(default_factory=dict)
    collaborators: dict[str, str] = field(default_factory=dict)
    """Login -> permission."""
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass
class App:
    """A GitHub App. `keys`: public keys by fingerprint, as `cryptography` objects; removed by hand in the UI."""

    id: int
    slug: str
    client_id: str
    owner: str
    created: datetime
    client_secret: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    permissions: dict[str, str] = field(default_factory=dict)
    name: str = ""
    """As its owner wrote it; empty: the slug."""
    private: bool = False
    """Shown to nobody but its owner, and itself."""


@dataclass
class Installation:
    id: int
    app: int
    account: str
    created: datetime
    status: Lagged[State]
    permissions: dict[str, str] = field(default_factory=dict)
    suspended_by: str = ""
    suspended_at: datetime | None = None
    selected: frozenset[str] = frozenset()
    """Full names of the repositories that it is installed on; empty: all of the account's."""

    @property
    def selection(self) -> str:
        return "selected" if self.selected else "all"


@dataclass
class Token:
    """Any token. `kind`: ghp, github_pat, gho, ghu, ghr, ghs, job."""

    id: int
    kind: str
    value: str
    owner: str
    """Login; of an installation: the app's slug."""
    created: datetime
    status: Lagged[State]
    expires: datetime | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    """Fine-grained; `{"*": "write"}` is a classic token with every scope."""
    installation: int = 0
    client_id: str = ""
    org_access: Lagged[bool] | None = None
    """Of a personal token: whether the organisation still lets it in (PAT access, or SSO authorisation)."""
    credential_id: int = 0
    name: str = ""
    last_used: datetime | None = None
    run: int = 0
    """Of a job's token."""
    queued: bool = False
    """Its end was asked for in a group: the list shows it until that has happened."""


@dataclass
class Authorization:
    """A credential that may pass the organisation's single sign-on."""

    id: int
    login: str
    type: str
    """In GitHub's words: `personal access token`, `SSH key`, `OAuth app token`, `GitHub app token`."""
    title: str
    created: datetime
    status: Lagged[bool]
    token: int = 0
    """Id of the token; none for a key."""
    fingerprint: str = ""
    queued: bool = False
    listed: bool = True


@dataclass
class Event:
    """One audit log event."""

    id: str
    action: str
    at: datetime
    actor: str
    more: dict[str, Any] = field(default_factory=dict)


class Hub:
    """One GitHub: its accounts, repositories, apps, tokens; its lock, its lags and its ids."""

    def __init__(self, entropy: random.Random) -> None:
        self.lock = threading.RLock()
        self.entropy = entropy
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[str, Repository] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[int, Token] = {}
        self.members: dict[str, Lagged[str]] = {}
        """Of the organisation: login -> `admin`, `member`, `collaborator` or empty."""
        self.enterprise_teams: dict[str, list[str]] = {}
        """Login -> slugs of the enterprise teams that make it a member, whatever the organisation does."""
        self.org_secrets: dict[str, dict[str, Any]] = {}
        self.org_variables: dict[str, dict[str, Any]] = {}
        self.org_runners: dict[int, dict[str, Any]] = {}
        self.org_hooks: dict[int, dict[str, Any]] = {}
        self.oidc_template: dict[str, Any] = {"include_claim_keys": ["repo", "context"]}
        self.sealing: dict[str, Any] = {}
        """Private keys of each namespace of secrets (`nacl.public.PrivateKey`)."""
        self.events: list[Event] = []
        self.authorizations: dict[int, Authorization] = {}
        self.pat_requests: dict[int, Token] = {}
        """Fine-grained tokens that wait for an owner's word."""
        self.audit_queries: dict[tuple[str, int], int] = {}
        """By caller and hour."""
        self.enterprise_plan = True
        """SSO, credential authorisations and the audit log are there; else those paths answer 404."""
        self.write_lag = 0.0
        self.log_lag = 30.0
        self.secrets: list[str] = []
        """Every secret there has been: canaries."""
        self._next = 1000

    # -- making ----------------------------------------------------------------------------------------------------

    def new_id(self) -> int:
        self._next += 1
        return self._next

    def new_token_value(self, kind: str) -> str:
        """In GitHub's own form, with its checksum."""
        letters = string.ascii_letters + string.digits
        prefix = "ghs" if kind == "job" else kind
        drawn = "".join(self.entropy.choice(letters) for _ in range(36))
        if kind == "github_pat":
            value = f"{prefix}_{drawn[:22]}_{(drawn * 2)[:59]}"
        else:
            value = f"{prefix}_{drawn[:30]}{checksum(drawn[:30])}"
        self.secrets.append(value)
        return value

    def new_token(self, kind: str, owner: str, at: datetime, **more: Any) -> Token:
        token = Token(self.new_id(), kind, self.new_token_value(kind), owner, at, Lagged("active", at), **more)
        self.tokens[token.id] = token
        return token

    def log(self, action: str, at: datetime, actor: str, **more: Any) -> None:
        self.events.append(Event(f"evt-{len(self.events) + 1:08}", action, at, actor, more))

    # -- finding ---------------------------------------------------------------------------------------------------

    def by_value(self, value: str) -> Token | None:
        return next((t for t in self.tokens.values() if t.value == value), None)

    def account(self, login: str) -> Account | None:
        return next((a for a in self.accounts.values() if a.login.lower() == login.lower()), None)

    def repository(self, full_name: str) -> Repository | None:
        return next((r for r in self.repositories.values() if r.full_name.lower() == full_name.lower()), None)

    def app_of(self, slug: str) -> App | None:
        return next((a for a in self.apps.values() if a.slug == slug), None)


def stamp(moment: datetime | None) -> str | None:
    """As GitHub writes times: whole seconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None
