"""What audit logs hold here: Admin Activity of every change of an account, its keys and its policy; Data Access only
where the auditConfigs of a project, or above it, want it.

Shapes: examples-service-accounts, examples-workload-identity, audit-logging-iamcreds (Google Cloud docs), AuditLog in
discovery document servicecontrol.v1. Only what succeeded is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nhi_revoke_gcp.audit_entry import ACCOUNT as MEMBER
from nhi_revoke_gcp.audit_log import resource_of
from nhi_revoke_gcp.sandbox.audit_configs import is_written

if TYPE_CHECKING:
    from nhi_revoke_gcp.sandbox.state import Account, Cloud, Token

ACTIVITY, DATA_ACCESS = "activity", "data_access"
ADMIN = "google.iam.admin.v1."
IP, AGENT = "203.0.113.7", "google-cloud-sdk gcloud/555.0.0"


@dataclass
class Row:
    """One entry. `who`: `protoPayload.authenticationInfo`. `labels`: of the resource; with its project."""

    id: str
    at: datetime
    log: str
    project: str
    service: str
    method: str
    resource: str
    type: str
    labels: dict[str, str]
    who: dict[str, Any]
    request: dict[str, Any] = field(default_factory=dict)
    response: dict[str, Any] = field(default_factory=dict)
    deltas: list[dict[str, str]] = field(default_factory=list)
    audit_deltas: list[dict[str, str]] = field(default_factory=list)
    code: int = 0
    operation: dict[str, Any] = field(default_factory=dict)
    ip: str = IP
    agent: str = AGENT


class Trail:
    """Of all projects."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.lag = 30.0
        """Seconds until an entry is shown."""
        self.carried_as = "ADMIN_READ"
        """The log type of tokens that are given: Google's pages tell it differently."""
        self.closed: set[str] = set()
        """`organizations/N` and the like, whose logs the operator may not read."""
        self.slow = 0
        """So many empty pages come before the first full one: the search had no time."""

    def write(self, log: str, at: datetime, project: str, method: str, who: dict[str, Any], **more: Any) -> Row:
        """`more`: as a Row has it."""
        told = {"service": "iam.googleapis.com", "resource": f"projects/{project}", "type": "project", **more}
        labels = {"project_id": project, **told.pop("labels", {})}
        row = Row(f"entry{len(self.rows):06x}", at, log, project, method=method, who=who, labels=labels, **told)
        self.rows.append(row)
        return row


def signed_by(cloud: Cloud, token: Token) -> dict[str, Any]:
    """`authenticationInfo` of whoever bears a token."""
    sort, _, name = token.member.partition(":")
    if "://" in token.member:
        return {"principalSubject": token.member}
    who: dict[str, Any] = {"principalEmail": name, "principalSubject": f"{sort}:{name}"}
    account = cloud.accounts.get(name)
    if token.key and account is not None:
        who["serviceAccountKeyName"] = f"//iam.googleapis.com/{account.resource}/keys/{token.key}"
    if token.chain:
        who["serviceAccountDelegationInfo"] = [_link(each) for each in token.chain]
    return who


def _link(member: str) -> dict[str, Any]:
    if member.startswith(MEMBER):
        return {"principalSubject": member, "firstPartyPrincipal": {"principalEmail": member.removeprefix(MEMBER)}}
    return {"principalSubject": member}


def on_account(account: Account) -> dict[str, Any]:
    """How an entry names the account that it is about."""
    return {
        "resource": f"projects/-/serviceAccounts/{account.unique_id}",
        "type": "service_account",
        "labels": {"email_id": account.email, "project_id": account.project, "unique_id": account.unique_id},
    }


def changed_account(
    cloud: Cloud, at: datetime, method: str, account: Account, who: dict[str, Any], **more: Any
) -> Row | None:
    """A change of an account, its keys or its policy, by the IAM API."""
    return cloud.trail.write(ACTIVITY, at, account.project, f"{ADMIN}{method}", who, **on_account(account), **more)


def created(cloud: Cloud, at: datetime, account: Account, who: dict[str, Any]) -> None:
    """A new account: its project is what is acted on, and the answer says whom."""
    answer = {"email": account.email, "name": account.resource, "unique_id": account.unique_id}
    about = {**on_account(account), "resource": f"projects/{account.project}", "response": answer}
    cloud.trail.write(ACTIVITY, at, account.project, f"{ADMIN}CreateServiceAccount", who, **about)


def bound(
    cloud: Cloud, at: datetime, project: str, who: dict[str, Any], role: str, member: str, action: str = "ADD"
) -> None:
    """A project's policy was changed."""
    cloud.trail.write(
        ACTIVITY, at, project, "SetIamPolicy", who,
        service="cloudresourcemanager.googleapis.com", deltas=[{"action": action, "role": role, "member": member}],
    )  # fmt: skip


def gave_token(
    cloud: Cloud, at: datetime, account: Account, token: Token, method: str = "GenerateAccessToken", lifetime: str = ""
) -> None:
    """A short-lived credential of an account was given to the bearer of another token: written where that is on."""
    if not is_written(cloud.levels, account.project, token.member, cloud.trail.carried_as):
        return
    request = {"name": f"projects/-/serviceAccounts/{account.email}", **({"lifetime": lifetime} if lifetime else {})}
    cloud.trail.write(
        DATA_ACCESS, at, account.project, method, signed_by(cloud, token), service="iamcredentials.googleapis.com",
        request=request, **on_account(account),
    )  # fmt: skip


def told(row: Row, stamp: str) -> Mapping[str, Any]:
    """As entries:list gives it out."""
    payload: dict[str, Any] = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "serviceName": row.service,
        "methodName": row.method,
        "resourceName": row.resource,
        "authenticationInfo": row.who,
        "requestMetadata": {"callerIp": row.ip, "callerSuppliedUserAgent": row.agent},
        "status": {"code": row.code, "message": "refused"} if row.code else {},
    }
    payload |= {name: value for name, value in (("request", row.request), ("response", row.response)) if value}
    deltas = {
        name: rows for name, rows in (("bindingDeltas", row.deltas), ("auditConfigDeltas", row.audit_deltas)) if rows
    }
    if deltas:
        payload["serviceData"] = {"policyDelta": deltas}
    more = {"operation": row.operation} if row.operation else {}
    return more | {
        "insertId": row.id,
        "logName": f"{resource_of(row.project)}/logs/cloudaudit.googleapis.com%2F{row.log}",
        "timestamp": stamp,
        "receiveTimestamp": stamp,
        "severity": "NOTICE" if row.log == ACTIVITY else "INFO",
        "resource": {"type": row.type, "labels": row.labels},
        "protoPayload": payload,
    }
