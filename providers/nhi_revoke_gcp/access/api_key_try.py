"""An API key that is held by its value: named by its hash, and tried at an API that takes bound keys.

Google Cloud docs: google.api.ErrorReason (API_KEY_INVALID: "may be in a bad format, cannot be found, or has been
expired"; the other reasons are of a key that there is); aiplatform publishers.models.get, which changes nothing.
"""

from __future__ import annotations

import hashlib

from msgspec import Struct

from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.universe import AI_PLATFORM

ASKED = "/v1/publishers/google/models/gemini-2.5-flash"
"""Any model will do: whether the key is one is judged first."""
INVALID, OF_A_KEY = "API_KEY_INVALID", "API_KEY_"
HEADER = "x-goog-api-key"


class Tried(Struct, frozen=True):
    """`works`: it opened something; `known`: Google knows it as a key. None where no answer is clear."""

    works: bool
    known: bool | None
    said: str


def mark(value: Secret) -> str:
    """Names it in ids and reports: the beginning of its sha256, from which nobody makes the key."""
    return hashlib.sha256(value.reveal().encode()).hexdigest()[:16]


def attempt(conn: GcpConnection, value: Secret) -> Tried:
    """One read by the key alone."""
    try:
        conn.by_key(AI_PLATFORM, ASKED, {HEADER: value.reveal()})
    except Fault as fault:
        if fault.code == INVALID:
            return Tried(works=False, known=False, said=fault.code)
        known = True if fault.code.startswith(OF_A_KEY) else None
        return Tried(works=False, known=known, said=fault.code or fault.message)
    return Tried(works=True, known=True, said="")
