"""What Google Cloud holds here. State alone: rules stand in `routes_*` and `grpc_*`.

Writes are shown at once and obeyed after the lag. A token dies with its account, outlives its key and whatever trust it
was had through, and is accepted again once the account is enabled (facts gcp.md 2).
"""

from __future__ import annotations

import base64
import functools
import json
import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp.sandbox.api_keys import ApiKeys
from nhi_revoke_gcp.sandbox.audit import Trail
from nhi_revoke_gcp.sandbox.compute import Workloads
from nhi_revoke_gcp.sandbox.deny_policies import DenyPolicies
from nhi_revoke_gcp.sandbox.hierarchy import Levels
from nhi_revoke_gcp.sandbox.pools import Pools
from nhi_revoke_gcp.sandbox.secrets import SecretManagerState

HOUR, TWELVE_HOURS = timedelta(hours=1), timedelta(hours=12)
FOREVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
USER_MANAGED, SYSTEM_MANAGED = "USER_MANAGED", "SYSTEM_MANAGED"
LIMIT = 10


@functools.cache
def rsa(number: int) -> Any:
    """The one of this number: made once in a process, since they take long, and each life may have the same."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    made = generate_private_key(public_exponent=65537, key_size=2048)
    assert number >= 0
    return made


@dataclass
class Key:
    id: str
    private: Any
    created: datetime
    there: Lagged[bool]
    disabled: Lagged[bool]
    expires: datetime = FOREVER
    type: str = USER_MANAGED
    origin: str = "GOOGLE_PROVIDED"
    reason: str = ""
    """`disableReason`, without what all of them begin with."""
    mark: str = ""
    """`extendedStatus`, likewise: it stays for as long as the key lives."""

    def pem(self) -> str:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        made: bytes = self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return made.decode()

    def public_pem(self) -> str:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        made: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return made.decode()

    def works(self, now: datetime) -> bool:
        """Whether it gets anybody a token, but for its account."""
        return self.there.obeyed(now) and not self.disabled.obeyed(now) and now < self.expires


@dataclass
class HmacKey:
    """`state`: ACTIVE, INACTIVE or DELETED. It is judged by itself alone: that a disabled account would stop it is
    documented nowhere.
    """

    access_id: str
    secret: str
    email: str
    project: str
    created: datetime
    state: Lagged[str]


@dataclass
class Account:
    email: str
    unique_id: str
    project: str
    name: str
    disabled: Lagged[bool]
    policy: Lagged[Any]
    """google.iam.v1.policy_pb2.Policy; its etag is the number of its writes."""
    keys: dict[str, Key] = field(default_factory=dict)
    description: str = ""
    by_google: bool = False
    """Google itself disabled it: nobody else enables it."""

    @property
    def resource(self) -> str:
        return f"projects/{self.project}/serviceAccounts/{self.email}"

    def listed(self) -> list[Key]:
        return [key for key in self.keys.values() if key.there.shown]


@dataclass
class Token:
    """An access token. `member`: as a policy names whoever bears it."""

    value: str
    member: str
    issued: datetime
    expires: datetime
    key: str = ""
    """Id of the account's key that it was had with."""
    chain: tuple[str, ...] = ()
    """Members that it was had through, as audit logs tell them."""


class Cloud:
    """Its lock, its lags and its ids."""

    def __init__(self, entropy: random.Random) -> None:
        self.lock = threading.RLock()
        self.entropy = entropy
        self.accounts: dict[str, Account] = {}
        """By e-mail address."""
        self.tokens: dict[str, Token] = {}
        self.hmac_keys: dict[str, HmacKey] = {}
        """By access id."""
        self.api_keys = ApiKeys(entropy)
        self.levels = Levels()
        self.denials = DenyPolicies()
        self.workloads = Workloads()
        self.constraints: dict[str, list[dict[str, Any]]] = {}
        """Rules of the effective policy, by constraint; of every project."""
        self.used: dict[str, datetime] = {}
        """By key id: the day of its last use, as Policy Analyzer tells it."""
        self.pools = Pools()
        self.off: set[str] = set()
        """APIs that are off, by the first part of their host."""
        self.limit_told_as = "RESOURCE_EXHAUSTED"
        """How Google says that an account has ten keys; or FAILED_PRECONDITION."""
        self.keys_live: timedelta | None = None
        """New keys end after this (iam.serviceAccountKeyExpiryHours); None: never."""
        self.write_lag = 60.0
        self.trail = Trail()
        self.secret_manager = SecretManagerState()
        self.secrets: list[str] = []
        """Every secret there has been: canaries."""
        self._made = 0

    # -- finding ---------------------------------------------------------------------------------------------------

    def account(self, project: str, named: str) -> Account | None:
        """By e-mail address or unique id; any project may be written as `-`."""
        for each in self.accounts.values():
            if named in (each.email, each.unique_id) and project in ("-", each.project):
                return each
        return None

    def bearer(self, value: str, now: datetime) -> Token | None:
        """The token, where it is accepted now."""
        token = self.tokens.get(value)
        if token is None or token.expires <= now or self.pools.refuses(token.member, now):
            return None
        account = self.accounts.get(token.member.removeprefix("serviceAccount:"))
        return None if account is not None and account.disabled.obeyed(now) else token

    # -- making ----------------------------------------------------------------------------------------------------

    def new_account(self, name: str, project: str, at: datetime, email: str = "") -> Account:
        from google.iam.v1 import policy_pb2

        email = email or f"{name}@{project}.iam.gserviceaccount.com"
        unique = str(self.entropy.randrange(10**20, 10**21))
        empty = policy_pb2.Policy(version=1, etag=b"1")
        made = Account(email, unique, project, name, Lagged(False, at), Lagged(empty, at))
        self.accounts[email] = made
        return made

    def new_key(self, account: Account, at: datetime, lag: float = 0.0, **more: Any) -> Key:
        """Shown at once; it gets tokens after the lag."""
        there = Lagged(False, at)
        there.set(True, at, lag)
        key = Key(f"{self.entropy.getrandbits(160):040x}", rsa(self._made), at, there, Lagged(False, at), **more)
        self._made += 1
        account.keys[key.id] = key
        self.secrets.append(key.pem().splitlines()[5])
        return key

    def key_file(self, account: Account, key: Key, token_uri: str) -> dict[str, str]:
        """As Google writes it, once."""
        return {
            "type": "service_account",
            "project_id": account.project,
            "private_key_id": key.id,
            "private_key": key.pem(),
            "client_email": account.email,
            "client_id": account.unique_id,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{account.email}",
            "universe_domain": "googleapis.com",
        }

    def new_token(self, member: str, at: datetime, lives: timedelta = HOUR, **more: Any) -> Token:
        value = "ya29.c." + base64.urlsafe_b64encode(self.entropy.randbytes(60)).decode()
        made = self.tokens[value] = Token(value, member, at, at + lives, **more)
        self.secrets.append(value)
        return made

    def new_hmac_key(self, account: Account, at: datetime) -> HmacKey:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        access_id = "GOOG1E" + "".join(self.entropy.choice(letters) for _ in range(55))
        secret = base64.b64encode(self.entropy.randbytes(30)).decode()
        made = HmacKey(access_id, secret, account.email, account.project, at, Lagged("ACTIVE", at))
        self.hmac_keys[access_id] = made
        self.secrets.append(secret)
        return made

    def longest(self, account: Account) -> timedelta:
        """The longest that a token of it may live."""
        rules = self.constraints.get("iam.allowServiceAccountCredentialLifetimeExtension", [])
        named = {str(each) for rule in rules for each in (rule.get("values") or {}).get("allowedValues", ())}
        return TWELVE_HOURS if account.email in named or any(r.get("allowAll") for r in rules) else HOUR

    def write_policy(self, account: Account, policy: Any, at: datetime, lag: float) -> Any:
        """The new one, with its new etag."""
        new = type(policy)()
        new.CopyFrom(policy)
        new.etag = str(int(account.policy.shown.etag or b"0") + 1).encode()
        account.policy.set(new, at, lag)
        return new

    def allows(self, account: Account, member: str, roles: frozenset[str], now: datetime) -> bool:
        """Whether its policy, or one above it, as it is obeyed, gives one of these roles. A condition counts as met."""
        bindings, names = account.policy.obeyed(now).bindings, self.pools.names_of(member)
        own = any(self.levels.gives(b.role, roles) and names & set(b.members) for b in bindings)
        return own or any(self.levels.allows(account.project, name, roles, now) for name in names)


def key_row(account: Account, key: Key) -> dict[str, Any]:
    """As the REST interface shows it: what is false or empty is left out (facts gcp.md 7, 13)."""
    row: dict[str, Any] = {
        "name": f"{account.resource}/keys/{key.id}",
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "validAfterTime": stamp(key.created),
        "validBeforeTime": stamp(key.expires),
        "keyOrigin": key.origin,
        "keyType": key.type,
    }
    if key.disabled.shown:
        row["disabled"] = True
        row["disableReason"] = f"SERVICE_ACCOUNT_KEY_DISABLE_REASON_{key.reason or 'USER_INITIATED'}"
    if key.mark:
        row["extendedStatus"] = [{"key": f"SERVICE_ACCOUNT_KEY_EXTENDED_STATUS_KEY_{key.mark}", "value": "a forge"}]
    return row


def as_bytes(file: dict[str, str]) -> bytes:
    """A key file as it is written."""
    return json.dumps(file, indent=2).encode()
