"""What secrets and certificates share: rows of either object, their states by date, and what outlives them.

facts entra.md 1 (rows 1, 2, 4, 6) and 8 (3, 29, 32): a key of usage Sign or Encrypt is no client credential; what has
expired lets nobody in; what begins later will.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nhi_revoke.model.found import State
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.access.places import Place
from nhi_revoke_entra.access.stopping import elsewhere
from nhi_revoke_entra.permissions import READ_APPS, WRITE_APPS

SETTLE = 60.0
"""Seconds until a change is taken to be obeyed everywhere: seconds to minutes are documented; the margin is ours."""
NEEDED = (WRITE_APPS, READ_APPS)
GONE: Json = {"state": "gone"}
NAME = "nhi-revoke "
"""Names of credentials that runs make begin so; the run's id follows."""
HEX = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
BRAKED = "braked"
"""In a step's `before`: whether the principal is stopped in this run, which says how long its tokens live on."""
ABROAD = "abroad"
"""In a step's `before`: whether the credential works in other tenants, where nobody hears of its end."""
SURVIVES = "access tokens minted with it: 60 to 90 minutes, up to 24 hours at Microsoft Graph with CAE"


def state_of(row: Mapping[str, Any], now: datetime) -> State:
    """By its end; one whose beginning is to come counts as live."""
    end = moment(row.get("endDateTime"))
    return "expired" if end is not None and end <= now else "live"


def name_of(run: str) -> str:
    """What a run calls the credential that it makes."""
    return f"{NAME}{run}"


def is_a_runs(row: Mapping[str, Any]) -> bool:
    """Whether some run made it, by its name: anybody else's new one is nobody's orphan."""
    return str(row.get("displayName") or "").removeprefix("CN=").startswith(NAME)


def key_id(row: Mapping[str, Any]) -> str:
    return str(row.get("keyId") or "").lower()


def thumbprint(text: object) -> str:
    """Of a `customKeyIdentifier`, in upper hex, whether it was told in hex or in base64; empty where it is neither."""
    told = str(text or "")
    if HEX.fullmatch(told):
        return told.upper()
    try:
        return base64.b64decode(told, validate=True).hex().upper()
    except ValueError:
        return ""


def access_id(kind: str, place: Place, key: str) -> AccessId:
    return f"{kind}/{place.id}/{key}"


def key_of(access: AccessId) -> str:
    """The credential's own id."""
    return access.rpartition("/")[2]


def before_of(place: Place, row: Mapping[str, Any]) -> Json:
    """Evidence, kept before a removal: everything that names it, nothing that opens anything."""
    told = {
        "place": place.collection,
        "object": place.id,
        "display_name": str(row.get("displayName") or ""),
        "start": str(row.get("startDateTime") or ""),
        "end": str(row.get("endDateTime") or ""),
    }
    return {name: value for name, value in told.items() if value}


def note_of(row: Mapping[str, Any], place: Place, now: datetime, audience: str) -> str:
    """What a responder must read beside it."""
    begins = moment(row.get("startDateTime"))
    notes = {
        f"works only from {row.get('startDateTime')} on": begins is not None and begins > now,
        "it works in other tenants, too": elsewhere(audience, place.collection),
        "the portal's page of app registrations does not show it": place.collection != "applications",
    }
    return "; ".join(text for text, holds in notes.items() if holds)


def place_of(before: Mapping[str, Any]) -> Place:
    """From a step's `before`."""
    return Place(str(before["place"]), str(before["object"]))
