"""The `[vault]` table of nhi.toml. What is left out is taken from where the `vault` and `bao` commands look."""

from __future__ import annotations

from nhi_revoke.provider.contract import Settings


class VaultSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """Which Vault, and who the operator is there. No secret stands here: files and variables hold the token."""

    addr: str = ""
    """`https://vault.example.com:8200`; empty: BAO_ADDR, VAULT_ADDR. Without TLS on this machine only."""
    namespace: str = ""
    """Empty: BAO_NAMESPACE, VAULT_NAMESPACE, else none."""
    token_file: str = ""
    """File that holds the operator's token; empty: BAO_TOKEN, VAULT_TOKEN, else `~/.vault-token`, which `vault login`
    writes."""
    ca_cert: str = ""
    """PEM file of the CA that signed the server's certificate; empty: BAO_CACERT, VAULT_CACERT, else the folder of
    BAO_CAPATH, VAULT_CAPATH, else those that this machine trusts. A certificate is always checked."""
    client_cert: str = ""
    """PEM file of the operator's client certificate, where the server wants one; empty: BAO_CLIENT_CERT,
    VAULT_CLIENT_CERT."""
    client_key: str = ""
    """PEM file of its key; empty: BAO_CLIENT_KEY, VAULT_CLIENT_KEY."""
