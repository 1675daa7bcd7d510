"""CloudTrail's records: who did what with which credential (AWS docs: cloudtrail-event-reference-user-identity)."""

from __future__ import annotations

import json
import re
import threading
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from msgspec import Struct

from nhi_revoke_aws.sandbox.answer import Refusal, iso
from nhi_revoke_aws.sandbox.asked import Asked
from nhi_revoke_aws.sandbox.caller import Caller
from nhi_revoke_aws.sandbox.session import Session
from nhi_revoke_aws.sandbox.state import Role
from nhi_revoke_aws.sandbox.sts import Minted

HIDDEN = frozenset(
    {
        "password", "newPassword", "oldPassword", "secretString", "secretBinary", "policyInputList", "environment",
        "authenticationCode1", "authenticationCode2",
    }
)  # fmt: skip
UNTOLD = frozenset(
    {
        "secretAccessKey", "servicePassword", "serviceCredentialSecret", "base32StringSeed", "qRCodePNG", "grantToken",
        "environment",
    }
)  # fmt: skip
"""Never in responseElements."""
GLOBAL_SERVICES = frozenset({"iam", "signin"})
ANSWERS_TOLD = frozenset({"iam", "kms", "lambda"})
"""Services whose answers to changes are in responseElements here; more than is used would only be more to get wrong."""
VERSIONED = {
    "CreateFunction": "CreateFunction20150331",
    "DeleteFunction": "DeleteFunction20150331",
    "UpdateFunctionCode": "UpdateFunctionCode20150331v2",
    "UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
    "AddPermission": "AddPermission20150331v2",
    "RemovePermission": "RemovePermission20150331v2",
}
"""Event names of Lambda end in the version of its API (AWS docs: Lambda, logging-using-cloudtrail)."""
KEY_OF_ANSWER = re.compile(r"<AccessKeyId>(AKIA\w+)</AccessKeyId>")


class Record(Struct, frozen=True):
    account: str
    region: str
    at: datetime
    """The vendor's clock."""
    happened: datetime
    """The clock that counts the lag."""
    id: str
    name: str
    source: str
    read_only: bool
    key_id: str
    username: str
    resources: tuple[tuple[str, str], ...]
    """(type, name)."""
    event: str
    """The event itself, in JSON."""


class Trail:
    """All records, oldest first."""

    def __init__(self, random: Random, partition: str) -> None:
        self._random = random
        self._home = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}[partition]
        self._partition = partition
        self._records: list[Record] = []
        self._lock = threading.Lock()

    def records(self) -> tuple[Record, ...]:
        with self._lock:
            return tuple(self._records)

    def clear(self) -> None:
        with self._lock:
            self._records.clear()

    def write(
        self,
        caller: Caller,
        asked: Asked,
        now: datetime,
        vendor_now: datetime,
        *,
        minted: Minted | None = None,
        body: bytes = b"",
        failed: Refusal | None = None,
        answer: dict[str, Any] | None = None,
    ) -> None:
        """One call that was signed well. What failed has an errorCode and no responseElements. `answer`: these, for
        what was done past the gate.
        """
        shared = self._uuid() if minted and minted.role and minted.account != caller.account else ""
        event = self._event(caller, asked, vendor_now, minted, body, failed)
        if answer is not None:
            event["responseElements"] = answer
        if shared:
            event["sharedEventID"] = shared
        name = _username(caller)
        resources = _resources(asked, minted, self._partition, body)
        self._keep(event, caller.account, caller.key_id, name, resources, now, vendor_now, asked)
        if shared and minted is not None:
            other = {**event, "eventID": self._uuid(), "recipientAccountId": minted.account}
            other["userIdentity"] = {"type": "AWSAccount", "principalId": caller.user_id, "accountId": caller.account}
            self._keep(other, minted.account, "", "", resources, now, vendor_now, asked)

    def _event(
        self,
        caller: Caller,
        asked: Asked,
        vendor_now: datetime,
        minted: Minted | None,
        body: bytes,
        failed: Refusal | None,
    ) -> dict[str, Any]:
        event: dict[str, Any] = {
            "eventVersion": "1.11",
            "userIdentity": identity(caller),
            "eventTime": iso(vendor_now),
            "eventSource": f"{asked.service}.amazonaws.com",
            "eventName": event_name(asked),
            "awsRegion": self._home if asked.service in GLOBAL_SERVICES else asked.region,
            "sourceIPAddress": "127.0.0.1",
            "userAgent": asked.headers.get("user-agent", ""),
            "requestParameters": _parameters(asked),
            "responseElements": None,
            "requestID": self._uuid(),
            "eventID": self._uuid(),
            "readOnly": not asked.mutates,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": caller.account,
            "eventCategory": "Management",
        }
        if failed is not None:
            event["errorCode"] = failed.code
            event["errorMessage"] = failed.message
        elif minted is not None and minted.session is not None:
            event["responseElements"] = _given(minted, minted.session, self._partition)
        elif asked.name == "iam:CreateAccessKey" and (key := KEY_OF_ANSWER.search(body.decode())):
            made = {"accessKeyId": key[1], "status": "Active", "userName": asked.target, "createDate": when(vendor_now)}
            event["responseElements"] = {"accessKey": made}
        elif asked.mutates and asked.service in ANSWERS_TOLD and body:
            event["responseElements"] = _answered(asked, body)
        return event

    def _keep(
        self,
        event: dict[str, Any],
        account: str,
        key_id: str,
        username: str,
        resources: tuple[tuple[str, str], ...],
        now: datetime,
        vendor_now: datetime,
        asked: Asked,
    ) -> None:
        record = Record(
            account=account,
            region=event["awsRegion"],
            at=vendor_now.replace(microsecond=0),
            happened=now,
            id=event["eventID"],
            name=event["eventName"],
            source=event["eventSource"],
            read_only=not asked.mutates,
            key_id=key_id,
            username=username,
            resources=resources,
            event=json.dumps(event),
        )
        with self._lock:
            self._records.append(record)

    def _uuid(self) -> str:
        return str(UUID(bytes=self._random.randbytes(16), version=4))


def event_name(asked: Asked) -> str:
    return VERSIONED.get(asked.operation, asked.operation) if asked.service == "lambda" else asked.operation


def _answered(asked: Asked, body: bytes) -> dict[str, Any] | None:
    """responseElements of a change: the answer, without its secrets, names with a small first letter; null for none."""
    from botocore.parsers import create_parser
    from moto.core.utils import get_service_model

    model = get_service_model(asked.service)
    if asked.operation not in model.operation_names:
        return None
    shape = model.operation_model(asked.operation).output_shape
    got = create_parser(str(model.protocol)).parse({"body": body, "headers": {}, "status_code": 200}, shape)
    got.pop("ResponseMetadata", None)
    elements: dict[str, Any] = _told(got)
    if asked.name == "kms:CreateGrant":
        elements["keyId"] = asked.params.get("KeyId")
    return elements or None


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        named = {key[:1].lower() + key[1:]: one for key, one in value.items()}
        return {key: _told(one) for key, one in named.items() if key not in UNTOLD}
    if isinstance(value, list | tuple):
        return [_told(one) for one in value]
    return when(value) if isinstance(value, datetime) else value


def when(at: datetime) -> str:
    """CloudTrail's own way to write a time inside responseElements: `Nov 23, 2026, 5:57:36 PM`."""
    hour = at.hour % 12 or 12
    return f"{at.strftime('%b')} {at.day}, {at.year}, {hour}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}"


def identity(caller: Caller) -> dict[str, Any]:
    """userIdentity."""
    if caller.governs is None:
        return {"type": "Root", "principalId": caller.account, "arn": caller.arn, "accountId": caller.account}
    who: dict[str, Any] = {
        "type": {"User": "IAMUser", "AssumedRole": "AssumedRole", "FederatedUser": "FederatedUser"}[caller.kind],
        "principalId": caller.user_id,
        "arn": caller.arn,
        "accountId": caller.account,
        "accessKeyId": caller.key_id,
    }
    if caller.kind == "User":
        who["userName"] = caller.governs.name
    if caller.session is not None:
        who["sessionContext"] = _session_context(caller, caller.session)
    return who


def _session_context(caller: Caller, session: Session) -> dict[str, Any]:
    assert caller.governs is not None
    context: dict[str, Any] = {
        "attributes": {"creationDate": iso(session.issued), "mfaAuthenticated": "false"},
    }
    if caller.kind != "User":
        context["sessionIssuer"] = {
            "type": "Role" if isinstance(caller.governs, Role) else "IAMUser",
            "principalId": caller.governs.id,
            "arn": caller.governs.arn,
            "accountId": caller.account,
            "userName": caller.governs.name,
        }
    if session.source_identity:
        context["sourceIdentity"] = session.source_identity
    return context


def _given(minted: Minted, session: Session, partition: str) -> dict[str, Any]:
    given: dict[str, Any] = {
        "credentials": {
            "accessKeyId": session.id,
            "sessionToken": session.token,
            "expiration": when(session.expires),
        }
    }
    if minted.role is not None:
        given["assumedRoleUser"] = {
            "assumedRoleId": f"{session.unique_id}:{session.session_name}",
            "arn": session.arn(partition),
        }
    elif session.via == "GetFederationToken":
        given["federatedUser"] = {
            "federatedUserId": f"{session.account}:{session.session_name}",
            "arn": session.arn(partition),
        }
    return given


def _parameters(asked: Asked) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for name, value in asked.params.items():
        key = name[:1].lower() + name[1:]
        if key in HIDDEN or key.partition(".")[0] in HIDDEN:
            found[key] = "HIDDEN_DUE_TO_SECURITY_REASONS"
        elif key == "durationSeconds":
            found[key] = int(value)
        else:
            found[key] = value
    return found or None


def _username(caller: Caller) -> str:
    if caller.governs is None:
        return "root"
    if caller.session is not None and caller.session.session_name:
        return caller.session.session_name
    return caller.governs.name


def _resources(asked: Asked, minted: Minted | None, partition: str, body: bytes) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for name, kind in (
        ("UserName", "AWS::IAM::User"),
        ("RoleName", "AWS::IAM::Role"),
        ("RoleArn", "AWS::IAM::Role"),
        ("PolicyName", "AWS::IAM::Policy"),
        ("PolicyArn", "AWS::IAM::Policy"),
        ("AccessKeyId", "AWS::IAM::AccessKey"),
        ("SecretId", "AWS::SecretsManager::Secret"),
    ):
        if asked.params.get(name):
            found.append((kind, str(asked.params[name])))
    if asked.name == "iam:CreateAccessKey" and (key := KEY_OF_ANSWER.search(body.decode())):
        found.append(("AWS::IAM::AccessKey", key[1]))
    if minted is not None and minted.session is not None:
        found.append(("AWS::IAM::AccessKey", minted.session.id))
        if minted.role is not None:
            found.append(("AWS::STS::AssumedRole", minted.session.arn(partition)))
    return tuple(found)
