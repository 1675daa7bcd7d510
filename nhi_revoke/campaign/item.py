"""What a campaign consists of: entries of a file, each with its plan."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from nhi_revoke.model.identity import Delivery, FlushTarget
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import Utc
from nhi_revoke.provider.rate import Rate as Rate

State = Literal["waiting", "running", "done", "open", "failed", "refused", "undone", "kept"]
"""Of an item. `waiting`: not begun, or handed back by a worker that died or was stopped. `running`: a worker holds it.
`done`: exit 0 or 6. `open`: exit 8 or 9, something is left for a person. `failed`: exit 1, 4, 5. `refused`: exit 2, 3,
7, nothing was changed. `undone`: taken back by `campaign undo`; `kept`: undo was refused or took back a part."""

LEFT: tuple[State, ...] = ("waiting", "running")
OVER: tuple[State, ...] = ("done", "open", "failed", "refused", "undone", "kept")

CampaignState = Literal["running", "paused", "undoing", "over"]
"""`paused`: nothing new begins; what is under way ends. `undoing`: items are being taken back."""

CAMPAIGN_ID = re.compile(r"c[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")


class Tenant(Struct, frozen=True, order=True):
    """What a vendor counts requests for: an account, tenant, organisation or project."""

    provider: str
    scope: str
    """As a resolved principal has it; where that is empty, the name of the settings it is reached by."""

    def __str__(self) -> str:
        return f"{self.provider} {self.scope}".strip()


class Entry(Struct, frozen=True):
    """One line of the operator's file: one identity."""

    name: str
    principals: tuple[str, ...] = ()
    """As typed; empty: the name is an identity of the map, or a principal itself."""
    owner: str = ""
    tags: tuple[str, ...] = ()
    reason: str = ""
    """As `--reason` takes it; empty: the campaign's."""
    config: str = ""
    """A settings file (nhi.toml) of its own, by a name relative to the folder of tenants; empty: the campaign's. Where
    each tenant has credentials of its own."""
    deliver: tuple[Delivery, ...] = ()
    flush: tuple[FlushTarget, ...] = ()
    """Of a file in the form of the map; else the map's own of this name."""
    line: int = 0
    """Where it stands in the file, from 1; 0: it is from the map."""


class Blast(Struct, frozen=True, order=True):
    """How much depends on an identity and can go wrong; compared field by field, the worst is the greatest."""

    irreversible: int = 0
    breaks: int = 0
    """Danger and BREAKS notices of its plan, and replacements that nobody delivers."""
    reach: int = 0
    live: int = 0


class Item(Struct, frozen=True):
    """One identity of a campaign with its plan, or with why there is none."""

    number: int
    """From 0, worst blast first; what it is called by in the database, and its run by `run_id`."""
    entry: Entry
    plan: Plan | None = None
    why: str = ""
    """Why it has no plan (not found, ambiguous, guarded, no login): it is told, and never begun."""
    tenants: tuple[Tenant, ...] = ()
    blast: Blast = Blast()


class Header(Struct, frozen=True):
    """What a saved campaign plan says of itself; its items follow."""

    at: Utc
    intent: Intent
    """Of every item whose entry says nothing else."""
    operator: tuple[str, ...]
    source: str
    """Name of the file that the entries came from; `-` for standard input, or the choice from the map."""
    items: int
    digest: str
    """Over the plans' digests, in the order of the items: what consent covers."""
    rates: tuple[str, ...] = ()
    """As `--rate` takes them."""
    share: float | None = None
    """Of each limit that this campaign may use; None: the default."""
    tenants: str = ""
    """The folder of the entries' settings files, as it was named."""
    schema_version: int = 1


class Course(Struct, frozen=True):
    """How a campaign is carried out."""

    canary: int = 5
    """Size of the first wave, which must end well before anything else begins; 0: none."""
    wave: int = 100
    """Size of each further wave; 0: all the rest at once."""
    stop_on_failures: int = 3
    """So many failed or refused items pause the campaign; 0: it goes on."""
    max_outage: int = 0
    """So many identities that are stopped, have consumers or a plan that breaks something, and were not served again,
    pause the campaign; 0: no limit."""


def wave_of(number: int, course: Course) -> int:
    """The wave of an item, from 0; `number`: among those that have a plan, from 0."""
    if number < course.canary:
        return 0
    ahead = 1 if course.canary else 0
    return ahead + ((number - course.canary) // course.wave if course.wave else 0)


def waves(count: int, course: Course) -> list[int]:
    """The wave of each item, from 0, in the order of their numbers."""
    return [wave_of(number, course) for number in range(count)]


def run_id(campaign: str, number: int) -> str:
    """The run of an item: known before it begins, so that whoever goes on finds its journal."""
    return f"{campaign}-{number:06d}"
