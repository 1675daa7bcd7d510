"""How far a campaign has come, in figures. Needs no library of the extra: schemas and screens are made of it."""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.campaign.item import CampaignState, State

STATES: tuple[State, ...] = ("waiting", "running", "done", "open", "failed", "refused", "undone", "kept")


class Counts(Struct, frozen=True):
    """Identities by what became of them."""

    waiting: int = 0
    running: int = 0
    done: int = 0
    open: int = 0
    failed: int = 0
    refused: int = 0
    undone: int = 0
    kept: int = 0

    @property
    def left(self) -> int:
        return self.waiting + self.running

    @property
    def over(self) -> int:
        return self.all - self.left

    @property
    def all(self) -> int:
        return sum(getattr(self, state) for state in STATES)


class TenantProgress(Struct, frozen=True):
    """One provider and tenant. An identity with principals in two counts in both."""

    provider: str
    scope: str
    items: Counts
    requests: int
    """Handed out to it so far, by every campaign of this database."""
    rate: float | None
    """Requests a second: over the last minute while it is watched, else since the campaign began; None: unknown."""
    throttled: float
    """Seconds that workers waited for its rate, or for the vendor."""
    eta: float | None
    """Seconds until its last identity ends, as fast as they ended so far; None: none ended yet."""

    @property
    def name(self) -> str:
        return f"{self.provider} {self.scope}".strip()


class WaveProgress(Struct, frozen=True):
    number: int
    items: Counts


class WorkerAlive(Struct, frozen=True):
    """Seen within the last minute."""

    id: str
    host: str
    pid: int
    version: str
    seen: float
    """Seconds ago."""


class Progress(Struct, frozen=True):
    """`campaign status`. Seconds are of the database's clock."""

    campaign: str
    state: CampaignState
    why: str
    """Why it is paused."""
    operator: tuple[str, ...]
    items: Counts
    codes: dict[int, int]
    """How many items ended with which exit code."""
    tenants: tuple[TenantProgress, ...]
    waves: tuple[WaveProgress, ...]
    workers: tuple[WorkerAlive, ...]
    outage: int
    """Identities that were stopped, that something depends on, and that were not served again."""
    elapsed: float
    eta: float | None
    next: tuple[str, ...] = ()
