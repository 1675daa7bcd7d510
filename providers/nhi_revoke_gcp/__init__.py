"""Google Cloud: service accounts, and what lets anybody in as them."""

from __future__ import annotations

from nhi_revoke_gcp.provider import GcpProvider

provider = GcpProvider()
