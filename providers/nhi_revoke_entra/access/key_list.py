"""The list of keys of one object: a PATCH replaces it whole, so that every survivor is sent back as it was read.

facts entra.md 0 (6), 2 and 8 (5, 7): one change at a time; no condition is taken (If-Match), so that the list is read
again, and what was lost besides is told. removeKey and addKey need a proof signed by a private key that no responder
has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nhi_revoke.provider.fault import Fault, Missing, NoAnswer
from nhi_revoke_entra.access.credential import key_id
from nhi_revoke_entra.access.places import Place
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.permissions import READ_APPS, WRITE_APPS

Keys = Mapping[str, dict[str, Any]]
"""Rows by keyId."""


def lock_of(object_id: str) -> str:
    """Of every step that writes this object's list: two side by side would undo each other."""
    return f"{object_id}:keys"


def keys_on(conn: EntraConnection, place: Place) -> Keys:
    """Each with its public key: Graph shows that where it is selected of one object. None where it is gone."""
    try:
        rows = conn.get(place.path, READ_APPS, **{"$select": "id,keyCredentials"}).get("keyCredentials") or ()
    except Missing:
        return {}
    return {key_id(row): row for row in rows}


def write_keys(conn: EntraConnection, place: Place, rows: Iterable[Mapping[str, Any]]) -> None:
    """The whole list. Never repeated blindly. Raises Missing."""
    conn.send("PATCH", place.path, WRITE_APPS, {"keyCredentials": list(rows)}, again=False)


def keys_after(conn: EntraConnection, place: Place) -> Keys:
    """After a write. Raises NoAnswer where it cannot be read: the write may have happened."""
    try:
        return keys_on(conn, place)
    except Fault as fault:
        why = fault.message
    raise NoAnswer(f"what stands on {place.word} after a write of its keys could not be read: {why}")


def lost(place: Place, survivors: Keys, now: Keys) -> str:
    """What is gone that was to stay, in a sentence; empty for nothing."""
    gone = sorted(set(survivors) - set(now))
    return f"keys {', '.join(gone)} of {place.word} are gone: look who wrote them" if gone else ""
