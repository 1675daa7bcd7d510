"""Whether a vendor asks us to slow down, and for how long: both forms of rate limit, by the vendor's own clock.

RFC 9110, 10.2.3 (Retry-After); draft-ietf-httpapi-ratelimit-headers for what the vendors' own headers resemble. The
engine waits and asks again (`Io.ask`); nothing here does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from nhi_revoke.provider.vendor_clock import parse_date

A_MOMENT = 1.0
"""Seconds added to a reset: it is told in whole seconds."""
WHOLE = re.compile(r"[0-9]{1,15}")
SECONDS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")


class RateHeaders(Struct, frozen=True):
    """Names of a vendor's rate headers; empty where it has none. `reset`: seconds since 1970, never a delta."""

    limit: str = ""
    remaining: str = ""
    reset: str = ""
    refusals: tuple[int, ...] = (429,)
    """Statuses by which it refuses what is asked too fast; any but 429 only with one of the headers to say so."""
    untold: float | None = None
    """Seconds to wait where such a refusal does not say how long; None: as the engine sees fit."""


class Window(Struct, frozen=True):
    """What one answer says of the vendor's present window."""

    limit: int
    remaining: int
    reset: datetime
    """UTC, by the vendor's clock."""


def window(headers: Mapping[str, str], names: RateHeaders) -> Window | None:
    """None where the answer does not tell all of it, or tells of another limit than requests in a window.

    A limit of zero speaks of requests side by side: its reset is a guess and no time to wait for.
    """
    limit, remaining, reset = (_whole(headers.get(n, "")) for n in (names.limit, names.remaining, names.reset))
    if not limit or remaining is None or reset is None:
        return None
    try:
        moment = datetime.fromtimestamp(reset, tz=UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return Window(limit, remaining, moment)


def throttled(status: int, headers: Mapping[str, str], names: RateHeaders) -> bool:
    """Whether this refusal means "slower", and not "no"."""
    if status == 429:
        return True
    if status not in names.refusals:
        return False
    return "retry-after" in headers or _whole(headers.get(names.remaining, "")) == 0


def pause(headers: Mapping[str, str], names: RateHeaders, now: datetime) -> float | None:
    """Seconds that the vendor wants us to wait; where it does not say, `names.untold`.

    `now`: the vendor's clock, for answers without a Date header.
    """
    told = parse_date(headers.get("date", "")) or now
    asked = headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(asked):
        return float(asked)
    moment = parse_date(asked)
    if moment is not None:
        return max(0.0, (moment - told).total_seconds())
    seen = window(headers, names)
    if seen is None or seen.remaining > 0:
        return names.untold
    return max(0.0, (seen.reset - told).total_seconds()) + A_MOMENT


def _whole(text: str) -> int | None:
    return int(text) if WHOLE.fullmatch(text.strip()) else None
