"""What carries campaigns out, loaded only where it is used: it stands on libraries of the extra `campaign`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from nhi_revoke.model.error import NothingCanStart
from nhi_revoke.provider.missing import missing

if TYPE_CHECKING:
    from nhi_revoke.campaign.database import Database
    from nhi_revoke.campaign.item import Course, Header, Item, Rate, Tenant
    from nhi_revoke.cli.engines import Engines
    from nhi_revoke.cli.session import Session
    from nhi_revoke.engine.consent import Consent
    from nhi_revoke.engine.store import Journals

EXTRA = ("sqlalchemy", "dbos")
VARIABLE = "NHI_REVOKE_DATABASE"


class Control(Protocol):
    """`nhi_revoke/campaign/control.py`."""

    def start(
        self, database: Database, header: Header, items: Iterable[Item], course: Course, consent: Consent
    ) -> str: ...
    def pause(self, database: Database, campaign: str, why: str) -> None: ...
    def go_on(self, database: Database, campaign: str, *, again: bool = False) -> None: ...
    def take_back(self, database: Database, campaign: str, wave: int | None, rearm: Sequence[str]) -> None: ...
    def find(self, database: Database, text: str) -> str: ...


class Working(Protocol):
    """A worker: until `until` says so, or `stop` is set and what is under way has ended."""

    def run(self, stop: threading.Event, until: Callable[[], bool]) -> None: ...


class Limits(Protocol):
    """What the operator says of tenants' rates."""

    @property
    def share(self) -> float: ...
    def of(self, names: Sequence[Tenant]) -> Rate | None: ...


def lacking_extra() -> tuple[str, ...]:
    """Libraries of the extra that are not installed."""
    return tuple(missing(EXTRA))


def need_extra() -> None:
    """Raises NothingCanStart (exit 4) without the libraries."""
    lacking = lacking_extra()
    if lacking:
        raise NothingCanStart(
            "not-installed",
            f"campaigns need {' and '.join(lacking)}, not installed: pip install 'nhi-revoke[campaign]'. "
            "Nothing was done.",
            "pip install 'nhi-revoke[campaign]'",
        )


def open_database(session: Session, url: str | None) -> Database:
    """`--database`, else `NHI_REVOKE_DATABASE`, else SQLite in the state folder. Raises NothingCanStart, Usage."""
    need_extra()
    from nhi_revoke.campaign.database import Database

    return Database.open(session.config.state, url or session.streams.environ.get(VARIABLE, ""))


def control() -> Control:
    """How a campaign is started, paused and taken back."""
    return cast("Control", import_module("nhi_revoke.campaign.control"))


def worker(session: Session, database: Database, engines: Engines, at_once: int) -> Working:
    """One that works on whatever campaigns the database has. It makes its own engines: their runs and locks lie in the
    database, and this machine's locks are held besides.
    """
    from nhi_revoke.engine.lock import Locks

    made: Any = import_module("nhi_revoke.campaign.worker")
    local = Locks(session.config.locks)
    return cast("Working", made.Worker(database, engines.made, session.tell, local=local, at_once=at_once))


def journals(database: Database) -> Journals:
    """Where the runs of campaigns are kept."""
    made: Any = import_module("nhi_revoke.campaign.journals")
    return cast("Journals", made.DatabaseJournals(database))


def rate_of(lines: Sequence[str], share: float | None) -> Callable[[Tenant], Rate | None]:
    """What of each tenant's limit a campaign may use, where anybody tells one. Raises Usage."""
    if not lines and share is None:
        return lambda _: None
    from nhi_revoke.campaign.item import Rate

    made: Any = import_module("nhi_revoke.campaign.rates")
    limits = cast("Limits", made.rates(lines) if share is None else made.rates(lines, share=share))

    def rate(tenant: Tenant) -> Rate | None:
        limit = limits.of((tenant,))
        return Rate(limit.requests, limit.seconds / limits.share) if limit is not None else None

    return rate


def of_saved(database: Database, session: Session, text: str) -> str:
    """A campaign by its id, a unique beginning, `@last`, or the path of its saved plan. Raises NotFound, Refused."""
    path: Path = session.cwd / text
    if not path.is_file():
        return control().find(database, text)
    from nhi_revoke.campaign.saved import read_header
    from nhi_revoke.campaign.started import newest_of_digest
    from nhi_revoke.model.error import NotFound

    header = read_header(path)
    found = newest_of_digest(database, header.digest)
    if not found:
        raise NotFound("not-started", f"{text} was not applied in this database.", f"nhi-revoke campaign apply {text}")
    return found
