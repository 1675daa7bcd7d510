"""Who holds which item, and what became of it: each change one transaction, each by whoever still holds the item."""

from __future__ import annotations

from functools import cache
from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, select

from nhi_revoke import __version__
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Course, Item, State, run_id
from nhi_revoke.campaign.locks import let_go
from nhi_revoke.campaign.tables import CAMPAIGNS, ITEMS
from nhi_revoke.engine.consent import Consent

DOING = {"apply": "running", "undo": "undoing"}
"""The state of a campaign in which items of this verb may begin."""
LONGEST = 4000
"""Characters of a reason."""


class Claimed(Struct, frozen=True):
    """An item that this worker holds now, and all that is needed to carry it out."""

    campaign: str
    item: Item
    verb: Literal["apply", "undo"]
    consent: Consent
    rearm: tuple[str, ...]
    begun: int
    """How often a worker began or went on with it, this time included."""
    failed_before: bool
    """It ended once, with steps that failed, and is tried again."""


class Ended(Struct, frozen=True):
    """What became of an item."""

    state: State
    exit_code: int | None = None
    headline: str = ""
    why: str = ""
    outage: bool = False


def claim(database: Database, worker: str, campaign: str, number: int, tries: int) -> Claimed | None:
    """Hold an item for this worker. None where it is not to be begun: paused, another version's, another try's."""
    with database.write() as conn:
        # Shared: whoever pauses waits until this is committed, and nothing begins after a pause was.
        wanted = select(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign).with_for_update(read=True)
        row = conn.execute(wanted).one_or_none()
        if row is None or row.version != __version__ or row.state != DOING[row.verb]:
            return None
        mine = (ITEMS.c.campaign == campaign, ITEMS.c.number == number)
        now = database.now(conn)
        taken = (
            ITEMS.update()
            .where(*mine, ITEMS.c.state == "waiting", ITEMS.c.verb == row.verb, ITEMS.c.tries == tries)
            .values(
                state="running", worker=worker, begun=ITEMS.c.begun + 1, started=func.coalesce(ITEMS.c.started, now)
            )
        )
        if not conn.execute(taken).rowcount:
            return None
        held = conn.execute(select(ITEMS.c.item, ITEMS.c.exit_code, ITEMS.c.begun).where(*mine)).one()
    items, consents, _ = _decoders()
    return Claimed(
        campaign,
        items.decode(held.item),
        row.verb,
        consents.decode(row.consent),
        tuple(msgspec.json.decode(row.rearm)),
        held.begun,
        held.exit_code is not None,
    )


def settle(database: Database, worker: str, held: Claimed, ended: Ended) -> str:
    """Store what became of an item, and pause the campaign where that demands it. Says why, else an empty text.

    Does nothing where the item was handed to another worker meanwhile: its end is that worker's.
    """
    with database.write() as conn:
        values = {
            "state": ended.state,
            "exit_code": ended.exit_code,
            "headline": ended.headline,
            "why": _storable(ended.why),
            "ended": database.now(conn),
        }
        if held.verb == "apply" or ended.state == "undone":  # what is kept is as little served as before
            values["outage"] = int(ended.outage)
        mine = (ITEMS.c.campaign == held.campaign, ITEMS.c.number == held.item.number)
        change = ITEMS.update().where(*mine, ITEMS.c.worker == worker, ITEMS.c.state == "running")
        let_go(conn, run_id(held.campaign, held.item.number), worker)
        if not conn.execute(change.values(values)).rowcount:
            return ""
        return _judge(conn, held.campaign) if ended.outage or ended.state in ("failed", "refused") else ""


def put_back(database: Database, worker: str, held: Claimed) -> None:
    """The item waits again, for any worker: it was interrupted, and its journal says how far it came."""
    with database.write() as conn:
        let_go(conn, run_id(held.campaign, held.item.number), worker)
        conn.execute(
            ITEMS.update()
            .where(ITEMS.c.campaign == held.campaign, ITEMS.c.number == held.item.number)
            .where(ITEMS.c.worker == worker, ITEMS.c.state == "running")
            .values(state="waiting", worker=None, tries=ITEMS.c.tries + 1)
        )


def pass_over(database: Database, campaign: str, number: int, tries: int) -> None:
    """A workflow came to its end and this item was not begun (paused, or its worker stops): it needs another one."""
    with database.write() as conn:
        conn.execute(
            ITEMS.update()
            .where(ITEMS.c.campaign == campaign, ITEMS.c.number == number)
            .where(ITEMS.c.state == "waiting", ITEMS.c.tries == tries)
            .values(tries=tries + 1)
        )


def hand_back(conn: Connection, worker: str) -> int:
    """Everything that this worker holds waits for others: items, and campaigns it conducted. Says how many items."""
    held = ITEMS.update().where(ITEMS.c.state == "running", ITEMS.c.worker == worker)
    count = conn.execute(held.values(state="waiting", worker=None, tries=ITEMS.c.tries + 1)).rowcount
    conducted = CAMPAIGNS.update().where(CAMPAIGNS.c.worker == worker)
    conn.execute(conducted.values(worker=None, turn=CAMPAIGNS.c.turn + 1))
    return count


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL, and nobody reads more."""
    return text.replace("\0", "")[:LONGEST]


def _judge(conn: Connection, campaign: str) -> str:
    """Pause the campaign where what ended since it was last gone on with demands it."""
    row = conn.execute(select(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign).with_for_update()).one()
    if row.state != DOING[row.verb]:
        return ""
    course = _decoders()[2].decode(row.course)
    news = [ITEMS.c.campaign == campaign, ITEMS.c.begun > 0, ITEMS.c.ended > row.since]
    failed = ITEMS.c.state.in_(("failed", "refused"))

    def count(*which: object) -> int:
        return int(conn.execute(select(func.count()).select_from(ITEMS).where(*news, *which)).scalar_one())  # type: ignore[arg-type]  # conditions

    why = ""
    if row.verb == "apply" and course.canary and (of_canary := count(failed, ITEMS.c.wave == 0)):
        why = f"{of_canary} of the first wave did not end well"
    elif course.stop_on_failures and (failures := count(failed)) >= course.stop_on_failures:
        why = f"{failures} failed or were refused, and {course.stop_on_failures} stop it"
    elif course.max_outage and (outages := count(ITEMS.c.outage == 1)) >= course.max_outage:
        why = f"{outages} are stopped and not served again, and {course.max_outage} stop it"
    if why:
        conn.execute(CAMPAIGNS.update().where(CAMPAIGNS.c.id == campaign).values(state="paused", why=why))
    return why


def prepare() -> None:
    """Build what reads items now; before threads, as in `engine/journal.py`."""
    _decoders()


@cache
def _decoders() -> tuple[msgspec.json.Decoder[Item], msgspec.json.Decoder[Consent], msgspec.json.Decoder[Course]]:
    """Built once: it takes as long as many items do."""
    return msgspec.json.Decoder(Item), msgspec.json.Decoder(Consent), msgspec.json.Decoder(Course)
