"""When requests may go so that no span holds more than a limit allows, however many workers send them. Pure.

Virtual scheduling (the generic cell rate algorithm, ITU-T I.371, without a burst): each request has a slot, and slots
lie `spacing` apart. A slot that nobody used is lost: nothing bunches up later. Times are seconds by one clock.
"""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.provider.pace import NEAR
from nhi_revoke.provider.rate import Rate
from nhi_revoke.provider.retry import A_MOMENT

SLACK, SLACK_SHARE = 0.5, 0.05
"""Seconds that requests may arrive later than their slot, or this share of the limit's seconds where that is less.
Slots lie so much further apart that none of it makes a span fuller: it costs 5 % of a limit at most, less the longer it
is told for, and nothing where a share of it is left to others anyway."""
USED_LATE, USED_LATE_SHARE = 0.15, 0.6
"""Seconds after its moment until which a slot may be used, or this share of the slack where that is less. The rest is
for the way to the vendor: it is not always as long."""
GUESSED = 60.0
"""Seconds after which a window is taken to end of which no answer has told anything."""

GENTLY = ((10.0, 4), (30.0, 8), (60.0, 16))
"""Seconds since a refusal's time has passed, and requests a second until then, where nobody knows a limit. Ours: all
that waited would else go in one moment, and be refused again.
"""
GENTLY_FOR = GENTLY[-1][0]


class Lane(Struct, frozen=True):
    """Slots under one limit: `requests` in any `seconds`."""

    requests: int
    seconds: float
    next: float = 0.0
    """The earliest moment of the next slot."""
    most: int = 1
    """The largest batch since a span before `batch_at`."""
    batch_at: float = 0.0

    @property
    def late(self) -> float:
        """Seconds after its moment in which a slot may still be used."""
        return min(USED_LATE, USED_LATE_SHARE * self._slack)

    @property
    def _slack(self) -> float:
        return min(SLACK, SLACK_SHARE * self.seconds)

    @property
    def span(self) -> float:
        """So far apart are the first slot of a full span and the first one after it."""
        return self.seconds + self._slack

    @property
    def spacing(self) -> float:
        """Requests of a batch go together, at the last of its slots: all but one are late, and the rest makes room."""
        return self.span / (self.requests - self.most + 1)


def lane(rate: Rate, share: float = 1.0) -> Lane:
    """`share`: of the limit, above 0. What it leaves to others is slack, too."""
    whole = rate.seconds / share
    return Lane(rate.requests, max(rate.seconds, whole - SLACK, whole / (1 + SLACK_SHARE)))


def gently(since: float) -> Lane | None:
    """The slots so many seconds after a refusal's time has passed; None: it is as if there had been none."""
    return next((Lane(requests, 1.0) for until, requests in GENTLY if since < until), None)


def slot(lane: Lane, now: float, count: int = 1) -> tuple[Lane, float]:
    """The lane after it, and the moment at which `count` requests may go together.

    For slots i to m that are used within one span, batch j > i moved on by count(j) * spacing(j), and spacing(j) is at
    least span / (requests - count(i) + 1). So less than requests - count(i) + 1 came after i: `requests` at most. A
    batch of more than half of the limit goes alone in its span.
    """
    if lane.most > 1 and max(now, lane.next) > lane.batch_at + lane.span:
        lane = replace(lane, most=1)
    if count > 1 and count > lane.requests // 2:
        at = max(now, lane.next + lane.span)
        return replace(lane, next=at + lane.span), at
    if count > 1:
        lane = replace(lane, most=max(lane.most, count))
    at = max(now, lane.next + (count - 1) * lane.spacing)
    return replace(lane, next=at + lane.spacing, batch_at=at if count > 1 else lane.batch_at), at


class Told(Struct, frozen=True):
    """What is left of the vendor's own window, as it told, less what was handed out since."""

    limit: int
    left: int
    ends: float
    known: bool = True
    """False: it began after one that ended, and no answer has told of it; it is taken to be as large."""


def handed_out(told: Told, now: float, count: int, spare: int) -> tuple[Told, float]:
    """The window after it, and 0 where `count` requests may go; else the moment to ask again.

    `spare`: so many are left to others.
    """
    if now >= told.ends + A_MOMENT:
        told = Told(told.limit, told.limit, now + GUESSED, known=False)
    if told.left - count < min(spare, told.limit - count):
        return told, told.ends + A_MOMENT
    return replace(told, left=told.left - count), 0.0


def learnt(told: Told | None, new: Told, now: float) -> Told:
    """After an answer. Answers come in any order: in one window the lowest number counts."""
    if told is None:
        return new
    later = new.ends - told.ends
    if not told.known:
        return replace(new, left=min(told.left, new.left)) if new.ends > now else told
    if later < -NEAR or (now >= told.ends and later <= NEAR):
        return told  # of an earlier window
    if later <= NEAR:
        return Told(new.limit, min(told.left, new.left), max(told.ends, new.ends))
    return new


def spared(limit: int, share: float, *, reads: bool) -> int:
    """How much of a window is left to the tenant's own traffic. Ending something uses all of it: whoever uses up the
    window must not keep the door open.
    """
    return math.ceil(limit * (1 - share)) if reads else 0


class SharedClock:
    """The database's clock on this process's: two bounds, each as tight as the best answer made it."""

    KEPT = 60.0
    """Seconds after which what was learnt is learnt anew: clocks drift."""

    def __init__(self) -> None:
        self._least = self._most = 0.0
        self._since: float | None = None

    def learn(self, before: float, told: float, after: float) -> None:
        """The database told its time between `before` and `after` of this process."""
        least, most = before - told, after - told
        if self._since is None or after - self._since > self.KEPT or least > self._most or most < self._least:
            self._least, self._most, self._since = least, most, after
            return
        self._least, self._most = max(self._least, least), min(self._most, most)

    def earliest(self, moment: float) -> float:
        """When, here, that moment of the database has surely come."""
        return moment + self._most

    def latest(self, moment: float, late: float) -> float:
        """Until when, here, it is surely no later than `late` after it. Where the database is too far away to say that,
        half of it after the earliest.
        """
        return max(moment + self._least + late, self.earliest(moment) + late / 2)
