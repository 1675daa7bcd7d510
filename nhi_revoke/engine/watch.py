"""What the logs say for the decision to mint: do they cover the seal, and does a live session stand outside? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from nhi_revoke.model.found import BlindSpot, Found, Lead
from nhi_revoke.model.ref import PrincipalRef


def lineage_unread(found: Iterable[Found]) -> BlindSpot | None:
    """A log that could not be read at all; a lag is no such thing."""
    return next((f for f in found if isinstance(f, BlindSpot) and f.until is None and f.counts), None)


def logs_cover(found: Iterable[Found], sealed: datetime, ahead: Mapping[PrincipalRef, timedelta]) -> datetime:
    """When the logs will show everything that happened before `sealed`.

    `ahead`: how long before the last of them a principal's were read; its lag counts from the last one.
    """
    none = timedelta()
    lags = [f.until + ahead.get(f.on, none) for f in found if isinstance(f, BlindSpot) and f.until is not None]
    return max([sealed, *lags])


def live_leads(found: Iterable[Found], now: datetime) -> tuple[Lead, ...]:
    """Principals outside of the plan on which a session of this identity lives, or may live."""
    return tuple(f for f in found if isinstance(f, Lead) and is_live(f, now))


def is_live(lead: Lead, now: datetime) -> bool:
    """A session that has not ended by itself and that nothing denies."""
    return bool(lead.session) and not lead.shut and (lead.until is None or lead.until > now)
