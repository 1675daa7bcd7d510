"""What `audit` says of each thing that it looked at, and of each identity."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.ref import Utc

FINDINGS = ("live", "open", "planted", "stale", "unknown-use", "unseen")
"""Verdicts that may keep an audit from passing, as `--fail-on` says. `stale`: live, and not used for as long as was
asked. `unknown-use`: live, and nobody tells when it was used last, so that it is never called fresh."""


class Judged(Struct, frozen=True):
    """One thing that `audit` looked at."""

    id: str
    what: str
    verdict: str
    """One of `FINDINGS`, or `accepted`; of what keeps nothing from passing, its state."""
    reason: str = ""
    """Why it was accepted."""
    on: str = ""
    """The principal that it belongs to."""
    sort: Literal["access", "lead", "unseen"] = "access"
    fails: bool = False
    """Whether it keeps this audit from passing."""
    until: Utc | None = None
    """When the acceptance ends."""
    note: str = ""
    """Of an acceptance that is over."""
    would: str = ""
    """Of what was accepted: its verdict without that."""


class Examined(Struct, frozen=True):
    """One identity, looked at and judged: what every form of the result is made of."""

    name: str
    exit_code: int
    inventory: Inventory | None = None
    """None: nothing of it could be looked at."""
    judged: tuple[Judged, ...] = ()
    """Everything, with what keeps nothing from passing."""
    code: str = ""
    """Why nothing could be looked at: `unknown-principal`, `no-credentials`, …"""
    why: str = ""
    hint: str = ""

    @property
    def findings(self) -> tuple[Judged, ...]:
        """What would keep it from passing, accepted or not."""
        return tuple(j for j in self.judged if j.verdict == "accepted" or j.verdict in FINDINGS)

    @property
    def passed(self) -> bool:
        return self.exit_code == 0


class Audited(Struct, frozen=True):
    """`audit` of one identity."""

    counts: dict[str, int]
    inventory: Inventory
    findings: tuple[Judged, ...]
    passed: bool = False
    fail_on: tuple[str, ...] = ()


class AuditedOne(Struct, frozen=True):
    """One identity among many."""

    identity: str
    passed: bool
    exit_code: int
    """As if it had been looked at alone."""
    counts: dict[str, int] | None = None
    inventory: Inventory | None = None
    findings: tuple[Judged, ...] = ()
    code: str = ""
    """Why nothing of it could be looked at."""
    why: str = ""
    hint: str = ""


class AuditedMany(Struct, frozen=True):
    """`audit --from` and `audit --all`."""

    counts: dict[str, int]
    """Of all that could be looked at, together."""
    passed: bool
    fail_on: tuple[str, ...]
    identities: tuple[AuditedOne, ...]
