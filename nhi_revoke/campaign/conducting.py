"""A campaign wave by wave: which items are due, and when it is over."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, func, or_, select

from nhi_revoke import __version__
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import LEFT, Tenant
from nhi_revoke.campaign.ledger import DOING
from nhi_revoke.campaign.tables import CAMPAIGNS, ITEMS
from nhi_revoke.model.building import decoded

AT_ONCE = 2000
"""Items that are handed out at most, the worst first; more follow as they end."""


class Due(Struct, frozen=True):
    """An item that is to be carried out now."""

    campaign: str
    number: int
    tries: int
    tenant: str
    """The first of its tenants: by which workers share their slots."""
    urgency: int
    """From 1, the most urgent first: the worst blast, and in reverse when it is taken back."""


def waiting_campaigns(database: Database) -> tuple[tuple[str, int], ...]:
    """Campaigns that nobody conducts and this version may, with the turn that is to."""
    wanted = select(CAMPAIGNS.c.id, CAMPAIGNS.c.turn).where(
        CAMPAIGNS.c.state.in_(DOING.values()), CAMPAIGNS.c.worker.is_(None), CAMPAIGNS.c.version == __version__
    )
    with database.read() as conn:
        return tuple((row.id, row.turn) for row in conn.execute(wanted.order_by(CAMPAIGNS.c.created)))


def take_up(database: Database, worker: str, campaign: str, turn: int) -> bool:
    """Conduct this campaign from now on. False where somebody does, or it is not to be carried out."""
    with database.write() as conn:
        mine = (
            CAMPAIGNS.update()
            .where(CAMPAIGNS.c.id == campaign, CAMPAIGNS.c.turn == turn, CAMPAIGNS.c.worker.is_(None))
            .where(CAMPAIGNS.c.state.in_(DOING.values()), CAMPAIGNS.c.version == __version__)
            .values(worker=worker)
        )
        return bool(conn.execute(mine).rowcount)


def lay_down(database: Database, worker: str, campaign: str, turn: int) -> None:
    """Another worker is to conduct it, whether this one did already or not."""
    with database.write() as conn:
        conn.execute(
            CAMPAIGNS.update()
            .where(CAMPAIGNS.c.id == campaign, CAMPAIGNS.c.turn == turn)
            .where(or_(CAMPAIGNS.c.worker == worker, CAMPAIGNS.c.worker.is_(None)))
            .values(worker=None, turn=turn + 1)
        )


def due(database: Database, worker: str, campaign: str, turn: int) -> tuple[Due, ...] | None:
    """What of the current wave waits. The next wave is current once nothing of the one before is left.

    None where this worker has nothing more to conduct: it is over, paused, or somebody else's.
    """
    with database.write() as conn:
        row = conn.execute(select(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign).with_for_update()).one()
        if row.worker != worker or row.turn != turn:
            return None
        if row.state != DOING[row.verb]:
            _release(conn, campaign)
            return None
        left = (ITEMS.c.campaign == campaign, ITEMS.c.state.in_(LEFT), ITEMS.c.verb == row.verb)
        ends = func.max(ITEMS.c.wave) if row.verb == "undo" else func.min(ITEMS.c.wave)
        wave = conn.execute(select(ends).where(*left)).scalar()
        if wave is None:
            _over(conn, campaign, database.now(conn))
            return None
        order = ITEMS.c.number.desc() if row.verb == "undo" else ITEMS.c.number
        waiting = select(ITEMS.c.number, ITEMS.c.tries, ITEMS.c.tenants).where(
            ITEMS.c.campaign == campaign, ITEMS.c.state == "waiting", ITEMS.c.verb == row.verb, ITEMS.c.wave == wave
        )
        found = conn.execute(waiting.order_by(order).limit(AT_ONCE)).all()
        highest = conn.execute(select(func.max(ITEMS.c.number)).where(ITEMS.c.campaign == campaign)).scalar_one()
    return tuple(_due(campaign, item, row.verb, highest) for item in found)


def _due(campaign: str, item: Any, verb: str, highest: int) -> Due:
    tenants = decoded(item.tenants, tuple[Tenant, ...])
    urgency = 1 + (highest - item.number if verb == "undo" else item.number)
    return Due(campaign, item.number, item.tries, str(tenants[0]) if tenants else "-", urgency)


def _release(conn: Connection, campaign: str) -> None:
    conn.execute(CAMPAIGNS.update().where(CAMPAIGNS.c.id == campaign).values(worker=None))


def _over(conn: Connection, campaign: str, now: float) -> None:
    """Nothing of what was wanted is left; of an undo, what was never begun, or not ended, waits for `go_on`."""
    left = select(func.count()).select_from(ITEMS).where(ITEMS.c.campaign == campaign, ITEMS.c.state.in_(LEFT))
    unbegun = conn.execute(left.where(ITEMS.c.begun == 0)).scalar_one()
    halfway = conn.execute(left.where(ITEMS.c.begun > 0)).scalar_one()
    said = ["taken back as wanted"]
    if halfway:
        said.append(f"{halfway} items did not come to their end: what was done to them is not taken back")
    if unbegun:
        said.append(f"{unbegun} items were never begun")
    waits = halfway or unbegun
    ended = {"state": "paused", "why": "; ".join(said)} if waits else {"state": "over", "why": "", "ended": now}
    conn.execute(CAMPAIGNS.update().where(CAMPAIGNS.c.id == campaign).values(worker=None, **ended))
