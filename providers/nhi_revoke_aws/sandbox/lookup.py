"""cloudtrail:LookupEvents (AWS docs: CloudTrail API_LookupEvents): one attribute, 90 days, 50 a page, late."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.asked import Asked
from nhi_revoke_aws.sandbox.trail import Record, Trail

KEPT = timedelta(days=90)
PAGE = 50
RATE = 2

MATCHES: dict[str, Callable[[Record, str], bool]] = {
    "AccessKeyId": lambda r, v: r.key_id == v,
    "Username": lambda r, v: r.username == v,
    "EventName": lambda r, v: r.name == v,
    "EventId": lambda r, v: r.id == v,
    "EventSource": lambda r, v: r.source == v,
    "ReadOnly": lambda r, v: str(r.read_only).lower() == v.lower(),
    "ResourceName": lambda r, v: any(name == v for _, name in r.resources),
    "ResourceType": lambda r, v: any(kind == v for kind, _ in r.resources),
}


class Lookup:
    """`lag`: seconds until an event can be found. `throttled`: enforce the vendor's 2 requests a second."""

    def __init__(self, trail: Trail) -> None:
        self.lag = 0.0
        self.throttled = False
        self.page_size = PAGE
        self._trail = trail
        self._asked: dict[tuple[str, str], deque[datetime]] = {}
        self._lock = threading.Lock()

    def events(self, account: str, asked: Asked, now: datetime, vendor_now: datetime) -> dict[str, Any]:
        """Raises Refusal. Newest first."""
        self._rate(account, asked.region, now)
        bound = self._bound(asked)
        skip = self._skip(asked, bound)
        attribute = _attribute(asked)
        begin = _moment(asked.params.get("StartTime"), vendor_now - KEPT)
        end = _moment(asked.params.get("EndTime"), vendor_now + timedelta(days=1))
        if begin > end:
            raise Refusal("InvalidTimeRangeException", "The start time is after the end time.")
        newest_first = list(reversed(self._trail.records()))
        found = [
            r
            for r in sorted(newest_first, key=lambda r: r.at, reverse=True)
            if r.account == account
            and r.region == asked.region
            and r.happened + timedelta(seconds=self.lag) <= now
            and max(begin, vendor_now - KEPT) <= r.at <= end
            and (attribute is None or MATCHES[attribute[0]](r, attribute[1]))
        ]
        size = min(asked.number("MaxResults", PAGE), PAGE, self.page_size)
        answer: dict[str, Any] = {"Events": [_event(r) for r in found[skip : skip + size]]}
        if skip + size < len(found):
            answer["NextToken"] = f"{bound}.{skip + size}"
        return answer

    def _rate(self, account: str, region: str, now: datetime) -> None:
        if not self.throttled:
            return
        with self._lock:
            recent = self._asked.setdefault((account, region), deque())
            while recent and recent[0] <= now - timedelta(seconds=1):
                recent.popleft()
            if len(recent) >= RATE:
                raise Refusal("Throttling", "Rate exceeded")
            recent.append(now)

    @staticmethod
    def _bound(asked: Asked) -> str:
        """A token belongs to its parameters: "must be passed in with the same parameters"."""
        same = [asked.params.get(p) for p in ("LookupAttributes", "StartTime", "EndTime", "EventCategory")]
        return hashlib.sha256(json.dumps(same).encode()).hexdigest()[:24]

    @staticmethod
    def _skip(asked: Asked, bound: str) -> int:
        token = str(asked.params.get("NextToken") or "")
        if not token:
            return 0
        head, _, skip = token.partition(".")
        if head != bound or not skip.isdigit():
            raise Refusal("InvalidNextTokenException", "Invalid token or token that was previously used.")
        return int(skip)


def _attribute(asked: Asked) -> tuple[str, str] | None:
    wanted = asked.params.get("LookupAttributes") or []
    if len(wanted) > 1:
        raise Refusal("InvalidLookupAttributesException", "You can only specify one lookup attribute.")
    if not wanted:
        return None
    key = str(wanted[0].get("AttributeKey"))
    if key not in MATCHES:
        raise Refusal("InvalidLookupAttributesException", f"Unknown lookup attribute {key}.")
    return key, str(wanted[0].get("AttributeValue"))


def _moment(value: Any, otherwise: datetime) -> datetime:
    return otherwise if value is None else datetime.fromtimestamp(float(value), UTC)


def _event(record: Record) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "EventId": record.id,
        "EventName": record.name,
        "ReadOnly": str(record.read_only).lower(),
        "EventTime": record.at.timestamp(),
        "EventSource": record.source,
        "Username": record.username,
        "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name in record.resources],
        "CloudTrailEvent": record.event,
    }
    if record.key_id:
        shown["AccessKeyId"] = record.key_id
    return shown
