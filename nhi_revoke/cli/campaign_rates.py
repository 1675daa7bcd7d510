"""What all workers together may ask of each tenant, for one command."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nhi_revoke.cli.campaign_parts import lacking_extra, open_database

if TYPE_CHECKING:
    from nhi_revoke.campaign.database import Database
    from nhi_revoke.cli.campaign_options import RateOptions
    from nhi_revoke.cli.session import Session

LOOK = 5.0
"""Seconds after which a worker looks again at what campaigns say of rates."""


@contextmanager
def kept_while_planning(session: Session, options: RateOptions) -> Iterator[None]:
    """Looks count, too, beside those of workers on the same database. Without the libraries of campaigns, each vendor's
    own headers and refusals are all that is gone by. Raises Usage, NothingCanStart.
    """
    if lacking_extra():
        yield
        return
    from nhi_revoke.campaign.rates import SHARE, rates
    from nhi_revoke.campaign.share import DatabaseShare

    agreed = rates(options.rate or (), share=SHARE if options.share is None else options.share)
    database = open_database(session, None)
    share = session.share = DatabaseShare(database, agreed)
    try:
        yield
    finally:
        session.share = None
        share.close()
        database.close()


@contextmanager
def kept_while_working(session: Session, database: Database, until: Callable[[], bool]) -> Iterator[Callable[[], bool]]:
    """`until`, which also looks now and then at what the campaigns that are under way say of rates."""
    from nhi_revoke.campaign.agreed import agreed
    from nhi_revoke.campaign.share import DatabaseShare

    share = session.share = DatabaseShare(database, agreed(database))
    due = threading.Event()
    done = threading.Event()

    def remind() -> None:
        while not done.wait(LOOK):
            due.set()

    reminder = threading.Thread(target=remind, name="rates", daemon=True)
    reminder.start()

    def until_then() -> bool:
        if due.is_set():
            due.clear()
            share.use(agreed(database))
        return until()

    try:
        yield until_then
    finally:
        done.set()
        reminder.join()
        session.share = None
        share.close()
