"""Keeps wire logs shut: at DEBUG, HTTP libraries print headers and bodies, bearers and new secrets included."""

from __future__ import annotations

import logging
from collections.abc import Iterable

HTTP_LOGS = (
    "httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks",
)  # fmt: skip


class _NoDebug(logging.Filter):
    """Drops what is below the level, whatever level somebody sets later."""

    def __init__(self, least: int) -> None:
        super().__init__()
        self.least = least

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= self.least


def hush(names: Iterable[str], least: int = logging.INFO) -> None:
    """Let the loggers of these names say nothing below `least`. Safe to repeat.

    A filter and not a level: libraries have functions that set the level back.
    """
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(each, _NoDebug) and each.least >= least for each in logger.filters):
            logger.addFilter(_NoDebug(least))
