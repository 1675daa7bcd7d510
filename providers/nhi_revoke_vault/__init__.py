"""HashiCorp Vault and OpenBao: where replacements are delivered. It has no principals here."""

from __future__ import annotations

from nhi_revoke_vault.provider import VaultProvider

provider = VaultProvider()
