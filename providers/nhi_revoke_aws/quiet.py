"""Keeps botocore's wire logs shut: at DEBUG they print request and response bodies, new secret keys included."""

from __future__ import annotations

import logging

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


class _NoDebug(logging.Filter):
    """Drops what is below INFO, whatever level somebody sets later."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


_NO_DEBUG = _NoDebug()


def hush_wire_logs() -> None:
    """Safe to repeat. A filter and not a level: `boto3.set_stream_logger` sets the level back."""
    for name in WIRE_LOGS:
        logger = logging.getLogger(name)
        if _NO_DEBUG not in logger.filters:
            logger.addFilter(_NO_DEBUG)
    logging.getLogger("botocore").setLevel(logging.INFO)
