"""CloudTrail management events: looked up, parsed, and what they say of sessions.

AWS docs: cloudtrail-event-reference-user-identity; LookupEvents (one attribute per call, 50 a page, 90 days, 2 a second
for each account and region, NextToken only with the same parameters).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct

from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Fault, Rejected
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import canonical, parse_arn

READ = "cloudtrail:LookupEvents"
PAGE = 50
RATE = 2.0
"""LookupEvents a second, for each account and Region (AWS docs: LookupEvents)."""
PACE = 0.9 * RATE
"""How fast they are sent: requests do not travel equally long, and each one that is throttled costs a pause."""
KEPT = timedelta(days=90)
"""How far back LookupEvents sees (AWS docs: LookupEvents)."""
MOST_PAGES = 200
"""Of one question in one Region: 10,000 events, in 2 minutes at the vendor's rate."""
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
    source: str = ""
    """The service that was asked (`iam`): its event source without `.amazonaws.com`."""
    account: str = ""
    """Whose trail this is."""
    source_identity: str = ""
    """What the session that asked carries from its beginning, and hands on."""
    actor_id: str = ""
    """The unique id of who asked (`AIDA…`): it stays where a user is renamed."""

    @property
    def minted(self) -> str:
        """Access key id of the session that this event began; empty for none."""
        credentials = self.answer.get("credentials") or {}
        return str(credentials.get("accessKeyId") or "") if isinstance(credentials, dict) else ""


def parse_event(raw: dict[str, Any]) -> Event | None:
    """None for one that failed. Raises ValueError for one that cannot be read: it is unseen, not nothing."""
    given = raw.get("CloudTrailEvent")
    body = _table(json.loads(given) if isinstance(given, str) else raw)
    if body.get("errorCode"):
        return None
    at = moment(body.get("eventTime") or raw.get("EventTime"))
    if at is None:
        raise ValueError("an event without a time")
    who = _table(body.get("userIdentity"))
    context = _table(who.get("sessionContext"))
    issuer = _table(context.get("sessionIssuer"))
    return Event(
        name=str(body.get("eventName") or ""),
        at=at,
        region=str(body.get("awsRegion") or ""),
        actor=str(who.get("arn") or ""),
        actor_type=str(who.get("type") or ""),
        actor_name=str(who.get("userName") or issuer.get("userName") or ""),
        key=str(who.get("accessKeyId") or ""),
        issuer=str(issuer.get("arn") or ""),
        began=_moment_or_none(_table(context.get("attributes")).get("creationDate")),
        asked=_table(body.get("requestParameters")),
        answer=_table(body.get("responseElements")),
        service=str(who.get("invokedBy") or ""),
        source=str(body.get("eventSource") or "").removesuffix(".amazonaws.com").removesuffix(".amazonaws.com.cn"),
        account=str(body.get("recipientAccountId") or who.get("accountId") or ""),
        source_identity=str(context.get("sourceIdentity") or ""),
        actor_id=str(who.get("principalId") or ""),
    )


def _table(value: Any) -> Json:
    """Empty for null: what failed, and what only reads, has no response elements."""
    return value if isinstance(value, dict) else {}


def _moment_or_none(value: Any) -> datetime | None:
    try:
        return moment(value)
    except ValueError:
        return None


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
    """Successful events with this attribute, newest first. Raises the faults of the contract: after what was read
    until then, and Rejected at the end for what is there and was not read.
    """
    token: dict[str, Any] = {}
    unreadable, oldest = 0, None
    turn = partial(conn.io.pace, f"cloudtrail/{conn.account()}/{region}", PACE)
    for _ in range(MOST_PAGES):
        page = conn.call(
            "cloudtrail",
            "LookupEvents",
            region=region,
            turn=turn,
            LookupAttributes=[{"AttributeKey": attribute, "AttributeValue": value}],
            StartTime=since,
            MaxResults=PAGE,
            **token,
        )
        for raw in page.get("Events") or ():
            try:
                event = parse_event(raw)
            except ValueError:
                unreadable += 1
                continue
            if event:
                oldest = event.at
                yield event
        if not page.get("NextToken"):
            break
        token = {"NextToken": str(page["NextToken"])}
    else:
        until = f" before {oldest:%Y-%m-%dT%H:%M:%SZ}" if oldest else ""
        raise Rejected(f"too many events of {value}: those{until} were not read")
    if unreadable:
        raise Rejected(f"{unreadable} of the events of {value} are in no known form")


def begun_by(conn: AwsConnection, session_key: str) -> tuple[PrincipalRef, str] | None:
    """The user or role behind a session's access key, by what the session did, and its unique id: empty where the event
    tells none (a federated session's). Raises Denied.
    """
    for event in _everywhere(conn, "AccessKeyId", session_key):
        behind = event.issuer or event.actor
        if event.key == session_key and parse_arn(behind):
            unique = event.actor_id.partition(":")[0]
            return canonical(behind), unique if unique.startswith(("AIDA", "AROA")) else ""
    return None


def named_federation(conn: AwsConnection, name: str) -> PrincipalRef | None:
    """The user who called GetFederationToken with this name. Raises Denied, AmbiguousName: whoever calls it may choose
    any name, so that two users may have begun sessions of one name.
    """
    found: dict[PrincipalRef, None] = {}
    try:
        for event in _everywhere(conn, "EventName", "GetFederationToken"):
            if event.asked.get("name") == name and parse_arn(event.actor):
                found[canonical(event.actor)] = None
    except Fault:
        if not found:
            raise
    if len(found) > 1:
        raise AmbiguousName(
            f"{len(found)} users began federated sessions named {name}: nothing was looked at",
            candidates=tuple(str(ref) for ref in found),
            hint="Name the user itself.",
        )
    return next(iter(found), None)


def _everywhere(conn: AwsConnection, attribute: str, value: str) -> Iterator[Event]:
    since = conn.now() - timedelta(hours=36)
    faults: list[Fault] = []
    for region in conn.regions().on:
        try:
            yield from lookup(conn, region, attribute, value, since)
        except Fault as fault:
            faults.append(fault)  # another region may know
    if faults:
        raise faults[0]
