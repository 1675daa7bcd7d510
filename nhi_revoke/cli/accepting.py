"""What is known and wanted: `--accept ID=REASON`, and `--accept-from FILE` with a time at which each ends.

[[accept]]
id = "PROVIDER:KIND/…"
reason = "the release job; ticket SEC-12"
until = 2026-12-31          # to the end of that day, UTC; a time needs a zone
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from nhi_revoke.config.decode import decode, unknown_key
from nhi_revoke.model.error import Usage
from nhi_revoke.model.ref import Utc

TABLE = "accept"


class Accepted(Struct, frozen=True):
    """One entry. `id`: of an access, a lead, or the kind of what is unseen."""

    id: str
    reason: str
    until: Utc | None = None
    """None: for good."""

    def over(self, now: datetime) -> bool:
        return self.until is not None and now >= self.until


class Entries:
    """All entries of one audit."""

    def __init__(self, words: Sequence[str], entries: Sequence[Accepted]) -> None:
        """`words`: of `--accept`. An id may itself hold "=", so that only an id that was met splits one."""
        self._words = tuple(words)
        self._entries = tuple(entries)

    def of(self, what: str, now: datetime) -> Accepted | None:
        """The entry that accepts this now; one that is for good, or lasts longest, before others."""
        holding = [e for e in self._entries if e.id == what and not e.over(now)]
        holding += [Accepted(what, reason) for word in self._words if (reason := _reason(word, what))]
        return max(holding, key=lambda e: (e.until is None, e.until or now), default=None)

    def over(self, what: str, now: datetime) -> Accepted | None:
        """The newest entry that accepted it once."""
        ended = [e for e in self._entries if e.id == what and e.over(now)]
        return max(ended, key=lambda e: e.until or now, default=None)

    def idle(self, met: set[str]) -> tuple[str, ...]:
        """Ids that nothing had which was looked at: a wrong word, or it is gone."""
        words = [word for word in self._words if not any(_reason(word, what) for what in met)]
        return (*(word.partition("=")[0] for word in words), *(e.id for e in self._entries if e.id not in met))


def entries(folder: Path, words: Sequence[str], files: Sequence[Path]) -> Entries:
    """`folder`: where the files' paths begin. Raises Usage, before anything is looked at."""
    for word in words:
        what, equals, reason = word.partition("=")
        if not (what and equals and reason.strip()):
            raise Usage("bad-accept", f"--accept {word!r} does not have the form ID=REASON. Nothing was done.")
    return Entries(words, [each for file in files for each in _of_file(folder / file, str(file))])


def _reason(word: str, what: str) -> str:
    return word[len(what) + 1 :].strip() if word.startswith(f"{what}=") else ""


def _of_file(path: Path, name: str) -> list[Accepted]:
    try:
        data = tomllib.loads(path.read_bytes().decode())
    except OSError as wrong:
        raise Usage(
            "accept-file", f"--accept-from {name} cannot be read: {wrong.strerror}. Nothing was done."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise Usage("accept-file", f"--accept-from {name} is not valid TOML: {wrong}. Nothing was done.") from None
    for key in data:
        if key != TABLE:
            raise unknown_key(key, "", [TABLE], name)
    rows = decode(data.get(TABLE, []), list[_Row], (TABLE,), name)
    return [_entry(row, number, name) for number, row in enumerate(rows)]


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    reason: str
    until: Any = None


def _entry(row: _Row, number: int, name: str) -> Accepted:
    if not row.id.strip() or not row.reason.strip():
        raise Usage("bad-accept", f"{name}: accept[{number}] needs an id and a reason. Nothing was done.")
    return Accepted(row.id, row.reason.strip(), _until(row.until, number, name))


def _until(until: object, number: int, name: str) -> datetime | None:
    if until is None:
        return None
    if isinstance(until, datetime) and until.tzinfo is not None:
        return until.astimezone(UTC)
    if isinstance(until, date) and not isinstance(until, datetime):
        return datetime.combine(until, time(), UTC) + timedelta(days=1)
    raise Usage(
        "bad-accept",
        f"{name}: accept[{number}].until is neither a day nor a time with a zone. Nothing was done.",
        "Write until = 2026-12-31 (to the end of that day, UTC) or 2026-12-31T18:00:00Z, without quotes.",
    )
