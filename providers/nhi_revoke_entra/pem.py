"""A certificate with its private key in one text (PEM): what an operator's file holds, and what is delivered."""

from __future__ import annotations

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
PRIVATE = "PRIVATE KEY-----"


def credential_of(text: str) -> dict[str, str] | None:
    """As msal takes it; None where the text does not hold both."""
    if BEGIN not in text or PRIVATE not in text:
        return None
    public = BEGIN + text.partition(BEGIN)[2].partition(END)[0] + END
    return {"private_key": text, "public_certificate": public}
