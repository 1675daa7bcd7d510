"""CloudTrail management events: looked up, parsed, and what they say of sessions.

AWS docs: cloudtrail-event-reference-user-identity; LookupEvents (one attribute per call, 50 a page, 90 days, 2 a second
for each account and region, NextToken only with the same parameters).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.fault import Fault
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import canonical, parse_arn

PAGE = 50
GLOBAL_REGION = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Where the events of IAM and of the global STS endpoint land, for each partition."""
BASIC = re.compile(r"\d{8}T\d{6}Z")
SPOKEN = "%b %d, %Y, %I:%M:%S %p"
"""`Nov 23, 2026, 5:57:36 PM`: how response elements tell an expiry."""


class Event(Struct, frozen=True):
    """What is used of one event. It succeeded: failed ones are never parsed into it."""

    name: str
    at: datetime
    region: str
    actor: str
    """ARN of who asked; empty for an AWS service or another account."""
    actor_type: str
    actor_name: str
    key: str
    """Access key id it was signed with."""
    issuer: str
    """ARN of the role or user behind a session."""
    began: datetime | None
    """When the session that asked was issued."""
    asked: Json
    answer: Json
    service: str = ""
    """The AWS service that asked on the principal's behalf (`ec2.amazonaws.com`)."""

    @property
    def minted(self) -> str:
        """Access key id of the session that this event began; empty for none."""
        credentials = self.answer.get("credentials") or {}
        return str(credentials.get("accessKeyId") or "") if isinstance(credentials, dict) else ""


def parse_event(raw: dict[str, Any]) -> Event | None:
    """None for one that failed, or that cannot be read."""
    try:
        body = json.loads(raw["CloudTrailEvent"]) if isinstance(raw.get("CloudTrailEvent"), str) else raw
        at = moment(body.get("eventTime") or raw.get("EventTime"))
    except (KeyError, ValueError):
        return None
    if body.get("errorCode") or at is None:
        return None
    who = body.get("userIdentity") or {}
    context = who.get("sessionContext") or {}
    issuer = context.get("sessionIssuer") or {}
    return Event(
        name=str(body.get("eventName") or ""),
        at=at,
        region=str(body.get("awsRegion") or ""),
        actor=str(who.get("arn") or ""),
        actor_type=str(who.get("type") or ""),
        actor_name=str(who.get("userName") or issuer.get("userName") or ""),
        key=str(who.get("accessKeyId") or ""),
        issuer=str(issuer.get("arn") or ""),
        began=moment((context.get("attributes") or {}).get("creationDate")),
        asked=body.get("requestParameters") or {},
        answer=body.get("responseElements") or {},
        service=str(who.get("invokedBy") or ""),
    )


def moment(value: Any) -> datetime | None:
    """All forms in which CloudTrail tells a time: ISO extended and basic, spoken, and boto3's own datetime.

    Raises ValueError for a text in no known form: a time is never guessed.
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    text = str(value).replace("\u202f", " ").strip()  # newer Java writes a narrow space before PM
    if BASIC.fullmatch(text):
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if text[:1].isalpha():
        return datetime.strptime(text, SPOKEN).replace(tzinfo=UTC)
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)


def lookup(conn: AwsConnection, region: str, attribute: str, value: str, since: datetime) -> Iterator[Event]:
    """Successful events with this attribute, newest first. Raises the faults of the contract."""
    token: dict[str, Any] = {}
    while True:
        page = conn.call(
            "cloudtrail",
            "LookupEvents",
            region=region,
            LookupAttributes=[{"AttributeKey": attribute, "AttributeValue": value}],
            StartTime=since,
            MaxResults=PAGE,
            **token,
        )
        for raw in page.get("Events") or ():
            event = parse_event(raw)
            if event:
                yield event
        if not page.get("NextToken"):
            return
        token = {"NextToken": str(page["NextToken"])}


def regions_read(conn: AwsConnection, partition: str) -> tuple[str, ...]:
    """Those of nhi.toml; else the one where global events land and the operator's own."""
    if conn.settings.regions:
        return conn.settings.regions
    return tuple(dict.fromkeys((GLOBAL_REGION.get(partition, conn.region()), conn.region())))


def begun_by(conn: AwsConnection, session_key: str) -> PrincipalRef | None:
    """The user or role behind a session's access key, by what the session did. Raises Denied."""
    for event in _everywhere(conn, "AccessKeyId", session_key):
        behind = event.issuer or event.actor
        if event.key == session_key and parse_arn(behind):
            return canonical(behind)
    return None


def named_federation(conn: AwsConnection, name: str) -> PrincipalRef | None:
    """The user who called GetFederationToken with this name. Raises Denied."""
    for event in _everywhere(conn, "EventName", "GetFederationToken"):
        if event.asked.get("name") == name and parse_arn(event.actor):
            return canonical(event.actor)
    return None


def _everywhere(conn: AwsConnection, attribute: str, value: str) -> Iterator[Event]:
    arn = parse_arn(conn.caller().arn)
    since = conn.now() - timedelta(hours=36)
    faults: list[Fault] = []
    for region in regions_read(conn, arn.partition if arn else "aws"):
        try:
            yield from lookup(conn, region, attribute, value, since)
        except Fault as fault:
            faults.append(fault)  # another region may know
    if faults:
        raise faults[0]
