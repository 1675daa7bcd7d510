"""The `[okta]` table of nhi.toml. What is left out is taken from the Okta SDK's own variables (`OKTA_CLIENT_…`)."""

from __future__ import annotations

from nhi_revoke.provider.contract import Settings


class OktaSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """Which org, and who the operator is there. No secret stands here: files and variables hold them."""

    org_url: str = ""
    """`https://acme.okta.com`, never the admin console's host; empty: OKTA_CLIENT_ORGURL."""
    token_file: str = ""
    """File that holds an API token (SSWS); empty: OKTA_CLIENT_TOKEN."""
    client_id: str = ""
    """Client id of a service app, which goes before an API token; empty: OKTA_CLIENT_CLIENTID."""
    private_key_file: str = ""
    """File that holds its private key (PEM or JWK); empty: OKTA_CLIENT_PRIVATEKEY, the key itself or a path."""
    key_id: str = ""
    """Its `kid`; empty: OKTA_CLIENT_KID, or the one in the JWK."""
    scopes: tuple[str, ...] = ()
    """Scopes to ask for; empty: OKTA_CLIENT_SCOPES, or what the tool needs."""
    dpop: bool = False
    """Bind tokens to a key from the first request on; without it, once the org demands it."""
    logs_lag: float = 300.0
    """Seconds until an event is taken to be in the System Log. Okta documents none: the margin is ours."""
