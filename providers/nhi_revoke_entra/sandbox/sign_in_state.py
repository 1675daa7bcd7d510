"""Who signed in, and who is about to: rows of the sign-in log, and codes that people type in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass
class SignIn:
    """A service principal, or a user through it, got a token."""

    id: str
    at: datetime
    app: str
    """Object id of the service principal."""
    resource: str
    """appId of the API."""
    by: str
    """In Graph's words: clientSecret, certificate, federatedIdentityCredential."""
    key: str = ""
    """Id of the credential."""
    error: int = 0
    user: str = ""
    event: str = "servicePrincipal"
    """Its sort; of a user interactiveUser or nonInteractiveUser."""
    from_token: str = "none"
    """`incomingTokenType`."""
    address: str = "203.0.113.7"


@dataclass
class DeviceFlow:
    """Somebody was given a code to type in a browser. `user`: who did."""

    code: str
    """The device's own, a secret."""
    typed: str
    """What the person types."""
    client: str
    scope: str
    ends: datetime
    user: str = ""
    declined: bool = False
    polls: int = 0
