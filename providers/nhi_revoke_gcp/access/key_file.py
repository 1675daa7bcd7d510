"""The file of a key whose private half was made here, as Google itself writes those that it makes. Pure.

facts gcp.md 4 and 7 (27): `private_key_id` is the id that Google gave the certificate; the token endpoint is the
universe's own.
"""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke_gcp.universe import PUBLIC


class Holder(Struct, frozen=True):
    """Whose key it is."""

    email: str
    unique_id: str
    project: str


def public_fields(holder: Holder, key_id: str, token_uri: str, universe: str) -> dict[str, str]:
    """All but the private key. What is known of the public universe alone is left out elsewhere: no sign-in reads
    it.
    """
    told = {
        "type": "service_account",
        "project_id": holder.project,
        "private_key_id": key_id,
        "client_email": holder.email,
        "client_id": holder.unique_id,
        "token_uri": token_uri,
        "universe_domain": universe,
    }
    if universe == PUBLIC:
        told["auth_uri"] = "https://accounts.google.com/o/oauth2/auth"
        told["auth_provider_x509_cert_url"] = "https://www.googleapis.com/oauth2/v1/certs"
        told["client_x509_cert_url"] = f"https://www.googleapis.com/robot/v1/metadata/x509/{holder.email}"
    return told
