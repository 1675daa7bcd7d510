"""What an operator does with a campaign: rows only, so that every machine can, with a worker or without one.

The workers see it within a second or so (`worker.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from nhi_revoke import __version__
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import CAMPAIGN_ID, LEFT, Course, Header, Item, wave_of
from nhi_revoke.campaign.tables import CAMPAIGNS, ITEMS
from nhi_revoke.engine.consent import Consent
from nhi_revoke.model.error import Ambiguous, NotFound, Refused
from nhi_revoke.model.nearest import nearest

BATCH = 200
"""Rows that are written at once: a plan may take 50 kB."""
_AGAIN = ("failed", "refused")


def _random() -> str:
    return secrets.token_hex(3)


def start(
    database: Database,
    header: Header,
    items: Iterable[Item],
    course: Course,
    consent: Consent,
    *,
    suffix: Callable[[], str] = _random,
) -> str:
    """Store a planned campaign; workers begin with it at once. All of it is stored, or nothing. Returns its id.

    Items without a plan are refused at once and never begun. `suffix`: six hex digits for the id.
    """
    with database.write() as conn:
        now = database.now(conn)
        campaign = f"c{datetime.fromtimestamp(now, tz=UTC):%Y%m%dT%H%M%SZ}-{suffix()}"
        row: dict[str, Any] = {
            "id": campaign,
            "version": __version__,
            "header": msgspec.json.encode(header).decode(),
            "digest": header.digest,
            "course": msgspec.json.encode(course).decode(),
            "operator": ", ".join(header.operator),
            "consent": msgspec.json.encode(consent).decode(),
            "state": "running",
            "since": now,
            "created": now,
        }
        conn.execute(CAMPAIGNS.insert().values(row))
        stored = 0
        rows = _rows(campaign, items, course, now)
        while part := list(islice(rows, BATCH)):
            conn.execute(ITEMS.insert(), part)
            stored += len(part)
        if stored != header.items:
            raise Refused(
                "plan-incomplete",
                f"The campaign plan holds {stored} items and says {header.items}. Nothing was started.",
                "Make the plan again: nhi-revoke campaign plan FILE --save PLAN",
            )
    return campaign


def _rows(campaign: str, items: Iterable[Item], course: Course, now: float) -> Iterator[dict[str, Any]]:
    planned = count()
    wave = 0
    for item in items:
        if item.plan is not None:
            wave = wave_of(next(planned), course)
        yield {
            "campaign": campaign,
            "number": item.number,
            "wave": wave,
            "name": item.entry.name,
            "tenants": msgspec.json.encode(item.tenants).decode(),
            "item": msgspec.json.encode(item),
            "state": "refused" if item.plan is None else "waiting",
            "why": item.why,
            "ended": now if item.plan is None else None,
        }


def pause(database: Database, campaign: str, why: str) -> None:
    """Nothing new begins; what is under way ends. Raises NotFound, and Refused where the campaign is over."""
    with database.write() as conn:
        state = _locked(conn, campaign).state
        if state == "over":
            raise _over(campaign)
        if state != "paused":
            conn.execute(CAMPAIGNS.update().where(CAMPAIGNS.c.id == campaign).values(state="paused", why=why))


def go_on(database: Database, campaign: str, *, again: bool = False) -> None:
    """What is left goes on, by workers of this version of the tool. `again`: what failed or was refused, too.

    Failures so far pause nothing any more: whoever goes on knows them. Raises NotFound, and Refused where nothing is
    left.
    """
    with database.write() as conn:
        known = _locked(conn, campaign)
        now = database.now(conn)
        if again:
            conn.execute(
                ITEMS.update()
                .where(ITEMS.c.campaign == campaign, ITEMS.c.state.in_(_AGAIN), ITEMS.c.begun > 0)
                .values(state="waiting", verb=known.verb, begun=1, worker=None, ended=None)
            )
        counted = select(ITEMS.c.verb, func.count().label("number")).where(
            ITEMS.c.campaign == campaign, ITEMS.c.state.in_(LEFT)
        )
        left = {row.verb: row.number for row in conn.execute(counted.group_by(ITEMS.c.verb))}
        if not left:
            raise _over(campaign)
        # What is queued already may be queued for the workers of another version.
        waiting = ITEMS.update().where(ITEMS.c.campaign == campaign, ITEMS.c.state == "waiting")
        conn.execute(waiting.values(tries=ITEMS.c.tries + 1))
        verb = known.verb if left.get(known.verb) else next(iter(left))
        conn.execute(
            CAMPAIGNS.update()
            .where(CAMPAIGNS.c.id == campaign)
            .values(
                state="undoing" if verb == "undo" else "running",
                verb=verb,
                version=__version__,
                why="",
                turn=CAMPAIGNS.c.turn + 1,
                worker=None,
                since=now,
                ended=None,
            )
        )


def take_back(database: Database, campaign: str, wave: int | None, rearm: Sequence[str]) -> None:
    """Undo the items of a wave, or of all, the last first. `rearm`: accesses that are knowingly brought back to life.

    Raises NotFound, and Refused while items are under way, or where nothing of it was begun.
    """
    with database.write() as conn:
        row = _locked(conn, campaign)
        running = select(func.count()).where(ITEMS.c.campaign == campaign, ITEMS.c.state == "running")
        if row.state in ("running", "undoing") or conn.execute(running).scalar_one():
            raise Refused(
                "campaign-running",
                f"Campaign {campaign} is under way. Nothing was taken back.",
                f"nhi-revoke campaign pause {campaign}, wait until its items have ended, then try again.",
            )
        chosen = [
            ITEMS.c.campaign == campaign,
            ITEMS.c.begun > 0,
            ITEMS.c.state.in_(("done", "open", "failed", "kept")),
        ]
        if wave is not None:
            chosen.append(ITEMS.c.wave == wave)
        values = {"state": "waiting", "verb": "undo", "tries": ITEMS.c.tries + 1, "worker": None, "ended": None}
        if not conn.execute(ITEMS.update().where(*chosen).values(values)).rowcount:
            where = f"wave {wave} of campaign {campaign}" if wave is not None else f"campaign {campaign}"
            raise Refused("nothing-to-undo", f"Nothing of {where} was carried out. Nothing was taken back.")
        conn.execute(
            CAMPAIGNS.update()
            .where(CAMPAIGNS.c.id == campaign)
            .values(
                state="undoing",
                verb="undo",
                version=__version__,
                rearm=msgspec.json.encode(list(rearm)).decode(),
                why="",
                turn=CAMPAIGNS.c.turn + 1,
                worker=None,
                since=database.now(conn),
                ended=None,
            )
        )


def find(database: Database, text: str) -> str:
    """A campaign's id, by itself, a unique beginning of it, or `@last`. Raises NotFound with the nearest, Ambiguous."""
    with database.read() as conn:
        known: list[str] = list(
            conn.execute(select(CAMPAIGNS.c.id).order_by(CAMPAIGNS.c.created, CAMPAIGNS.c.id)).scalars()
        )
    if text == "@last" and known:
        return known[-1]
    if text in known:
        return text
    fitting = [each for each in known if text and each.startswith(text)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Ambiguous(
            "ambiguous-campaign", f"{text} is the beginning of {len(fitting)} campaigns.", ", ".join(fitting)
        )
    near = nearest(text, known)
    hint = f"Did you mean {near}?" if near else "nhi-revoke campaign status  shows those there are."
    raise NotFound("no-such-campaign", f"There is no campaign {text!r} in this database.", hint if known else "")


def _locked(conn: Connection, campaign: str) -> Any:
    """The campaign's row, which nobody else changes meanwhile. Raises NotFound."""
    row = conn.execute(select(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign).with_for_update()).one_or_none()
    if row is None:
        known = "" if CAMPAIGN_ID.fullmatch(campaign) else " That is no campaign's id."
        raise NotFound("no-such-campaign", f"There is no campaign {campaign!r} in this database.{known}")
    return row


def _over(campaign: str) -> Refused:
    return Refused("campaign-over", f"Nothing of campaign {campaign} is left to do.")
