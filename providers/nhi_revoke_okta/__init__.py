"""Okta: service apps, service users, API service integrations, their secrets, keys, tokens and sessions."""

from __future__ import annotations

from nhi_revoke_okta.provider import OktaProvider

provider = OktaProvider()
