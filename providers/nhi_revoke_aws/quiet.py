"""Keeps botocore's wire logs shut: at DEBUG they print request and response bodies, new secret keys included."""

from __future__ import annotations

import logging

from nhi_revoke.provider.quiet import hush

WIRE_LOGS = (
    "boto3",
    "botocore",
    "botocore.auth",
    "botocore.client",
    "botocore.credentials",
    "botocore.endpoint",
    "botocore.hooks",
    "botocore.httpsession",
    "botocore.loaders",
    "botocore.parsers",
    "botocore.regions",
    "botocore.retryhandler",
    "botocore.retries",
    "botocore.session",
    "botocore.tokens",
    "botocore.utils",
    "urllib3",
    "urllib3.connectionpool",
)


def hush_wire_logs() -> None:
    """Safe to repeat."""
    hush(WIRE_LOGS)
    logging.getLogger("botocore").setLevel(logging.INFO)
