"""Which campaigns the database has."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import and_, func, select

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import LEFT, CampaignState
from nhi_revoke.campaign.tables import CAMPAIGNS, ITEMS


def newest_of_digest(database: Database, digest: str) -> str:
    """The campaign that carries out this saved plan; empty: none does."""
    wanted = select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.digest == digest).order_by(CAMPAIGNS.c.created.desc())
    with database.read() as conn:
        found = conn.execute(wanted).scalars().first()
    return found or ""


def resting(database: Database, campaign: str) -> bool:
    """Whether nothing of it goes on: it is over, or paused and nobody works on it any more."""
    with database.read() as conn:
        state = conn.execute(select(CAMPAIGNS.c.state).where(CAMPAIGNS.c.id == campaign)).scalar_one_or_none()
        if state != "paused":
            return state in (None, "over")
        running = select(func.count()).where(and_(ITEMS.c.campaign == campaign, ITEMS.c.state == "running"))
        return conn.execute(running).scalar_one() == 0


def idle(database: Database) -> bool:
    """Whether no campaign of this database has anything to do."""
    going = select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.state.in_(("running", "undoing")))
    under_way = select(ITEMS.c.number).where(ITEMS.c.state.in_(LEFT)).where(ITEMS.c.campaign.in_(going)).limit(1)
    undoing = select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.state == "undoing").limit(1)
    with database.read() as conn:
        return conn.execute(under_way).first() is None and conn.execute(undoing).first() is None


def campaigns(database: Database, states: Sequence[CampaignState] = ()) -> tuple[str, ...]:
    """Ids, oldest first: of these states, or all."""
    wanted = select(CAMPAIGNS.c.id).order_by(CAMPAIGNS.c.created, CAMPAIGNS.c.id)
    if states:
        wanted = wanted.where(CAMPAIGNS.c.state.in_(states))
    with database.read() as conn:
        return tuple(conn.execute(wanted).scalars())


def tenants_folder(database: Database, campaign: str) -> str:
    """The folder of its entries' settings files, as it was named when it was planned; empty: they have none."""
    with database.read() as conn:
        header = conn.execute(select(CAMPAIGNS.c.header).where(CAMPAIGNS.c.id == campaign)).scalar_one_or_none()
    return msgspec.json.decode(header, type=_Header).tenants if header else ""


class _Header(Struct, frozen=True):
    """Of a header only this."""

    tenants: str = ""
