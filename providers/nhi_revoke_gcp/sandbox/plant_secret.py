"""Where the workload of the demo has its key from: a secret, whose `latest` it reads."""

from __future__ import annotations

from datetime import datetime

from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.secrets import HeldSecret
from nhi_revoke_gcp.sandbox.state import Account, Cloud, Key, as_bytes


def plant_secret(cloud: Cloud, account: Account, key: Key, token_uri: str, at: datetime) -> HeldSecret:
    """One secret with the file of this key."""
    secret = cloud.secret_manager.new_secret(account.project, seed.SECRET, at)
    secret.add(as_bytes(cloud.key_file(account, key, token_uri)), at)
    return secret
