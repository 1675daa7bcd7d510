"""Which one session is meant, and the policy of ours that denies it alone. Pure.

A session has no id that a policy can name: AWS has no condition key for its ASIA… key. What tells it from others of its
role or user is `aws:userid` (the AROA id and the session's name; of a federated session the account and its name) or
`aws:SourceIdentity`. Both are chosen by whoever begins a session.

AWS docs: reference_policies_condition-keys (aws:userid, aws:SourceIdentity), reference_policies_variables (values of
aws:userid), id_credentials_temp_control-access_disable-perms.
"""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from msgspec import Struct

from nhi_revoke.model.found import Access
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import Json
from nhi_revoke_aws.begun import ROLE_SESSION, USER_SESSION
from nhi_revoke_aws.naming import ROLE
from nhi_revoke_aws.policy import NAME, as_json

Key = Literal["aws:userid", "aws:SourceIdentity"]
USER_ID: Key = "aws:userid"
SOURCE: Key = "aws:SourceIdentity"
SOURCE_PREFIX = "source-identity="
"""In a scope. A session whose very name begins so is meant by its key id instead."""
FEDERATED_PREFIX = "federated:"
CHOSEN = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
"""What STS takes for a session's name and a source identity: no wildcard and no policy variable among it."""
SESSION_FIELD, SOURCE_FIELD = "session", "source_identity"
"""Of the `before` of a session that the logs show."""


class Named(Struct, frozen=True):
    """All sessions of one role or user that carry one name."""

    key: Key
    value: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}"

    @classmethod
    def of(cls, text: str) -> Named | None:
        """Back from its text; None for anything else."""
        for key in get_args(Key):
            if text.startswith(f"{key}="):
                return cls(key, text.removeprefix(f"{key}="))
        return None

    @property
    def name(self) -> str:
        """As its beginner chose it."""
        return self.value.partition(":")[2] if self.key == USER_ID else self.value

    @property
    def words(self) -> str:
        return f"named {self.name}" if self.key == USER_ID else f"with source identity {self.name}"

    @property
    def only(self) -> Json:
        """What the `before` of a session says that this means."""
        return {SESSION_FIELD if self.key == USER_ID else SOURCE_FIELD: self.name}

    @property
    def policy(self) -> str:
        """The policy's name: its own, so that several stand side by side. 128 characters are the most; these are 90."""
        return f"{NAME}-{'session' if self.key == USER_ID else 'source-identity'}-{self.name}"

    def means(self, access: Access) -> bool:
        """Whether that session carries the name."""
        return all(access.before.get(field) == value for field, value in self.only.items())


class DenySession(Struct, frozen=True):
    """Our policy against it: without a cut-off, so that a new session of that name is denied, too."""

    sid: str
    named: Named

    def document(self) -> dict[str, Any]:
        """As IAM stores it."""
        condition = {"StringEquals": {self.named.key: self.named.value}}
        statement = {"Sid": self.sid, "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
        return {"Version": "2012-10-17", "Statement": [statement]}


def read_session(document: Any) -> DenySession | None:
    """Ours, or None: anything that differs from our exact shape was written by somebody else."""
    found = as_json(document)
    try:
        statement = found["Statement"][0]
        [(key, value)] = statement["Condition"]["StringEquals"].items()
        sid = statement["Sid"]
        if key not in get_args(Key) or not isinstance(value, str) or not isinstance(sid, str):
            return None
    except (AttributeError, LookupError, TypeError, ValueError):
        return None
    deny = DenySession(sid, Named(key, value))
    return deny if found == deny.document() else None


def one_session(scope: str) -> bool:
    """Whether a scope means less than every session of a principal."""
    return scope.startswith((f"{USER_SESSION}/", f"{ROLE_SESSION}/")) and not scope.endswith("/*")


def by_key(scope: str) -> bool:
    """Whether a scope means one session by its key id, `KIND/ASIA…`, and not by a name."""
    return one_session(scope) and scope.count("/") == 1


def given_name(scope: str, who: Principal) -> str | None:
    """The last part of a scope that means a session of this principal, whatever it says; None where it does not."""
    kind = ROLE_SESSION if who.kind == ROLE else USER_SESSION
    mine = f"{kind}/{who.scope}/{who.name}/"
    return scope.removeprefix(mine) if one_session(scope) and scope.startswith(mine) else None


def named(given: str, who: Principal) -> Named | None:
    """From a scope's last part; None for what no session of this principal can be called."""
    if who.kind == ROLE:
        source = given.startswith(SOURCE_PREFIX)
        return _named(who, given.removeprefix(SOURCE_PREFIX), SOURCE if source else USER_ID)
    return _named(who, given.removeprefix(FEDERATED_PREFIX)) if given.startswith(FEDERATED_PREFIX) else None


def named_of(access: Access, who: Principal) -> Named | None:
    """From the logs; None where they do not tell its name, or where it has none (GetSessionToken, console)."""
    return _named(who, str(access.before.get(SESSION_FIELD) or ""))


def _named(who: Principal, name: str, key: Key = USER_ID) -> Named | None:
    if not CHOSEN.fullmatch(name) or not who.unique_id:
        return None
    if key == SOURCE:
        return Named(SOURCE, name)
    return Named(USER_ID, f"{who.unique_id if who.kind == ROLE else who.scope}:{name}")
