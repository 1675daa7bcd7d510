"""Microsoft Entra ID: applications, their service principals, and what lets anybody in as them."""

from __future__ import annotations

from nhi_revoke_entra.provider import EntraProvider

provider = EntraProvider()
