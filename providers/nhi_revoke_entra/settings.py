"""The `[entra]` table of nhi.toml. What is left out is taken from the Azure SDKs' own variables (`AZURE_…`)."""

from __future__ import annotations

from nhi_revoke.provider.contract import Settings


class EntraSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """Which tenant, and who the operator is there. No secret stands here: files and variables hold them."""

    tenant_id: str = ""
    """Id of the tenant, or a domain of it (for `managed-identity` the id); empty: AZURE_TENANT_ID."""
    sign_in: str = ""
    """How: `client` (an app's secret, certificate or another issuer's token), `managed-identity`, `az` (whoever is
    logged in to the Azure CLI) or `device-code` (a person, with a browser); empty: `client`.
    """
    client_id: str = ""
    """The operator's own app, by appId; empty: AZURE_CLIENT_ID. Of a user-assigned managed identity its client id
    (empty: the machine's own identity); for `device-code` a public client; for `az` it is not read.
    """
    client_secret_file: str = ""
    """File that holds its client secret; empty: AZURE_CLIENT_SECRET, the secret itself."""
    certificate_file: str = ""
    """PEM file with its certificate and private key, which goes before a secret; empty:
    AZURE_CLIENT_CERTIFICATE_PATH.
    """
    federated_token_file: str = ""
    """File that holds another issuer's token for it; empty: AZURE_FEDERATED_TOKEN_FILE."""
    cloud: str = ""
    """`public`, `usgov`, `usgov-dod` or `china`; empty: by AZURE_AUTHORITY_HOST, else `public`."""
    login_url: str = ""
    """Of the token service, where it is another than the cloud's."""
    graph_url: str = ""
    """Of Microsoft Graph, where it is another than the cloud's."""
    arm_url: str = ""
    """Of Azure Resource Manager, where it is another than the cloud's."""
    vault_url: str = ""
    """Of key vaults, each below it by its name, where they are elsewhere than the cloud's."""
    logs_lag: float = 1800.0
    """Seconds until a sign-in is taken to be in the log. No document tells: others measured up to 30 minutes."""
