"""Formats in Secret Manager: written once proven, read back, taken up after a crash, taken back, forgotten."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.oauth2 import service_account

from nhi_revoke.model.change import Done
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import ALONE, WHOLE, Layout
from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp.access.key_file import Holder, public_fields
from nhi_revoke_gcp.access.key_mint import FIELD, KEY_FILE
from nhi_revoke_gcp.store.secret_manager import SecretManager
from nhi_revoke_gcp.universe import PUBLIC as UNIVERSE
from tests.local.certificates import key_pem

from .conftest import Bench
from .secret_bench import ADD, DISABLE, TO, check, do, minted, put, seen, step, text, undo

HOLDER = Holder("bot@shop-prod.iam.gserviceaccount.com", "123456789012345678901", "shop-prod")
URI = "https://oauth2.googleapis.com/token"


def key(name: str) -> Secret:
    return Secret(key_pem(), field=FIELD, public=public_fields(HOLDER, name, URI, UNIVERSE))


def file_of(secret: Secret) -> str:
    return json.dumps(secret.fields(), indent=2)
