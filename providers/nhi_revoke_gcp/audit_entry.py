"""One entry of an audit log: what is used of it. Pure.

Google Cloud docs: LogEntry (discovery document logging.v2), AuditLog (discovery document servicecontrol.v1). Names that
a caller chose are told short and on one line; of requests and responses single fields are read and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from nhi_revoke.provider.times import moment
from nhi_revoke_gcp.naming import is_native

SHORT, LONG = 80, 300
"""Characters that are told: of free text, and of names that have a form."""
ACCOUNT = "serviceAccount:"
"""What stands before an account's address in a subject, and in a policy."""


class Entry(Struct, frozen=True):
    """Something that succeeded."""

    id: str
    at: datetime
    method: str
    service: str
    """`iam.googleapis.com`."""
    actor: str
    """Address of whoever acts, or its subject where it has none; an address in small letters."""
    chain: tuple[str, ...]
    """Through whom, likewise, in the order of the entry."""
    key: str
    """Id of the account's key that its token was had with."""
    ip: str
    agent: str
    """As the caller says."""
    resource: str
    project: str
    email: str
    """Of the account that it is about; small letters."""
    unique_id: str
    payload: Mapping[str, Any]
    operation: str = ""
    """Id of a long-running operation: its begin and its end are entries of their own."""
    begun: bool = False
    """It tells the begin alone."""

    def field(self, *path: str) -> str:
        """Text at a path of the payload; empty where there is none."""
        found: Any = self.payload
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        return plain(found, LONG) if isinstance(found, str) else ""

    def involves(self, email: str) -> bool:
        """Whether this account acts, or somebody acts through it."""
        return email in (self.actor, *self.chain)

    def deltas(self) -> Iterable[tuple[str, str, str]]:
        """What a change of a policy did: `ADD` or `REMOVE`, role and member."""
        policy = _table(_table(self.payload.get("serviceData")).get("policyDelta"))
        for each in policy.get("bindingDeltas") or ():
            told = _table(each)
            if told.get("role") and told.get("member"):
                yield plain(told.get("action")), plain(told["role"], LONG), plain(told["member"], LONG)


def entry_of(row: Any) -> Entry | None:
    """None for what failed, and for what tells no time."""
    row = _table(row)
    payload = _table(row.get("protoPayload"))
    at = moment(row.get("timestamp"))
    if at is None or not payload or _table(payload.get("status")).get("code"):
        return None
    who, asked = _table(payload.get("authenticationInfo")), _table(payload.get("requestMetadata"))
    labels, operation = _table(_table(row.get("resource")).get("labels")), _table(row.get("operation"))
    return Entry(
        id=plain(row.get("insertId")),
        at=at,
        method=plain(payload.get("methodName"), LONG),
        service=plain(payload.get("serviceName")),
        actor=_named(who.get("principalEmail"), who.get("principalSubject")),
        chain=tuple(filter(None, map(_link, who.get("serviceAccountDelegationInfo") or ()))),
        key=plain(who.get("serviceAccountKeyName"), LONG).rpartition("/")[2],
        ip=plain(asked.get("callerIp")),
        agent=plain(asked.get("callerSuppliedUserAgent")),
        resource=plain(payload.get("resourceName"), LONG),
        project=plain(labels.get("project_id")),
        email=plain(labels.get("email_id"), LONG).lower(),
        unique_id=plain(labels.get("unique_id")),
        payload=payload,
        operation=plain(operation.get("id"), LONG),
        begun=bool(operation.get("first")) and not operation.get("last"),
    )


def member_of(actor: str) -> str:
    """As a policy names whoever acts."""
    if ":" in actor:
        return actor
    return f"{ACCOUNT if is_native(actor) else 'user:'}{actor}"


def plain(text: Any, longest: int = SHORT) -> str:
    """On one line, without what a terminal would obey."""
    told = "".join(letter if letter.isprintable() else " " for letter in str(text or ""))
    return told if len(told) <= longest else f"{told[:longest]}…"


def _link(info: Any) -> str:
    info = _table(info)
    return _named(_table(info.get("firstPartyPrincipal")).get("principalEmail"), info.get("principalSubject"))


def _named(email: Any, subject: Any) -> str:
    if email:
        return plain(email, LONG).lower()
    told = plain(subject, LONG)
    return told.removeprefix(ACCOUNT).lower() if told.startswith(ACCOUNT) else told


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
