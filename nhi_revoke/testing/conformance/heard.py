"""All that the tool said while a world lived, so that it can be searched for secrets."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from nhi_revoke.engine.event import Event

LEVELS = {"": logging.INFO, "nhi_revoke": logging.DEBUG}


class Heard(logging.Handler):
    """Events, results and exceptions; while `listening` log records, too: every one of the tool's own and of
    its providers', and those of other libraries from INFO on (their DEBUG is for whoever turns it on).
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.words: list[tuple[str, str]] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Log records are heard, too."""
        before = {name: logging.getLogger(name).level for name in LEVELS}
        for name, level in LEVELS.items():
            logging.getLogger(name).setLevel(level)
        logging.getLogger().addHandler(self)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(self)
            for name, level in before.items():
                logging.getLogger(name).setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append((f"log of {record.name}", record.getMessage()))
        if record.exc_info and record.exc_info[1] is not None:
            self.raised(record.exc_info[1])

    def told(self, event: Event) -> None:
        self.words.append(("event", msgspec.json.encode(event).decode()))

    def result(self, what: str, thing: Any) -> None:
        """An inventory, a plan, a report: as JSON, and as Python would print it."""
        self.words.append((what, msgspec.json.encode(thing).decode()))
        self.words.append((what, repr(thing)))

    def raised(self, error: BaseException) -> None:
        """With everything that it was raised from."""
        self.words.append(("exception", "".join(traceback.format_exception(error))))
        self.words.append(("exception", repr(error.args)))

    def files(self, folder: Path) -> None:
        """Journals and whatever else lies in the state folder."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.words.append((path.name, path.read_bytes().decode(errors="replace")))

    def holding(self, secret: str) -> tuple[str, ...]:
        """Where the secret appears, raw or as JSON escapes it."""
        written = msgspec.json.encode(secret)[1:-1].decode()
        return tuple(sorted({where for where, words in self.words if secret in words or written in words}))
