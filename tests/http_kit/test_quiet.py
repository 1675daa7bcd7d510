"""Wire logs: at DEBUG the HTTP libraries print headers, cookies included, and the kit keeps them shut."""

from __future__ import annotations

import importlib
import logging
import pkgutil

import httpcore
import pytest

from nhi_revoke.provider.quiet import HTTP_LOGS, hush

from .conftest import BEARER, SECRET, Desk, Told

ALL = ("", *HTTP_LOGS)


def at_debug(caplog: pytest.LogCaptureFixture) -> None:
    for name in ALL:
        caplog.set_level(logging.DEBUG, logger=name)


def test_no_bearer_and_no_body_at_debug(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    api = desk.api()
    at_debug(caplog)  # somebody turns them up after the kit shut them
    desk.side.answers([Told(201, {"secret": SECRET}, (("X-Secret", SECRET),))])
    api.call("POST", "/keys", body={"password": SECRET}, headers={"X-Sent": SECRET})
    logging.getLogger("httpcore.http11").info("still heard")
    assert "still heard" in caplog.text
    assert BEARER not in caplog.text
    assert SECRET not in caplog.text
    assert not [r for r in caplog.records if r.levelno < logging.INFO and r.name.startswith(("httpx", "httpcore"))]


def test_without_it_they_would_tell(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The test above is worth something: with the loggers open an answer's headers are in the log."""
    api = desk.api()
    desk.side.answers([Told(headers=(("Set-Cookie", f"sid={SECRET}"),))])
    loggers = [logging.getLogger(name) for name in HTTP_LOGS]
    kept = [list(each.filters) for each in loggers]
    at_debug(caplog)
    try:
        for each in loggers:
            each.filters.clear()
        api.call("GET", "/keys")
    finally:
        for each, filters in zip(loggers, kept, strict=True):
            each.filters[:] = filters
    assert SECRET in caplog.text


def test_every_logger_of_the_library_is_named() -> None:
    for module in pkgutil.walk_packages(httpcore.__path__, "httpcore."):
        try:
            importlib.import_module(module.name)
        except (ImportError, RuntimeError):
            continue  # its own extra is not installed
    there = {name for name in logging.getLogger().manager.loggerDict if name.split(".")[0] in ("httpx", "httpcore")}
    assert there <= set(HTTP_LOGS)


def test_it_is_safe_to_repeat_and_never_opens_again() -> None:
    logger = logging.getLogger("nhi-revoke-test-quiet")
    hush([logger.name])
    hush([logger.name])
    hush([logger.name], logging.DEBUG)
    assert len(logger.filters) == 1
    hush([logger.name], logging.ERROR)
    logger.setLevel(logging.DEBUG)
    record = logger.makeRecord(logger.name, logging.WARNING, "", 0, "", (), None)
    assert not logger.filter(record)
