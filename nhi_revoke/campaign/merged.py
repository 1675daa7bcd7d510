"""All runs of a campaign as one report. Needs no library of the extra; `merging.py` makes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from nhi_revoke.campaign.figures import Counts, TenantProgress
from nhi_revoke.campaign.item import CampaignState, State
from nhi_revoke.engine.verdict import open_count
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import Utc
from nhi_revoke.model.report import Report
from nhi_revoke.render.inventory import unseen_count
from nhi_revoke.render.report import proof_counts

WORST_STATES: tuple[State, ...] = ("failed", "open", "kept", "refused", "running", "waiting", "done", "undone")
"""In the order in which a reader needs them."""


class Left(Struct, frozen=True):
    """What is left after one run, or many, and how strongly each end is known."""

    open: int = 0
    expires: int = 0
    unseen: int = 0
    planted: int = 0
    proofs: dict[str, int] = {}
    """By the word of the proof."""
    residual_until: Utc | None = None

    def __add__(self, other: Left) -> Left:
        both = {word: self.proofs.get(word, 0) + other.proofs.get(word, 0) for word in (each.value for each in Proof)}
        lasts = [each for each in (self.residual_until, other.residual_until) if each]
        return Left(
            self.open + other.open,
            self.expires + other.expires,
            self.unseen + other.unseen,
            self.planted + other.planted,
            both,
            max(lasts, default=None),
        )


class ItemRow(Struct, frozen=True):
    """One identity of a campaign."""

    number: int
    wave: int
    name: str
    owner: str
    tenants: tuple[str, ...]
    state: State
    exit_code: int | None
    headline: str
    why: str
    """Why it has no report, or why its journal cannot be trusted."""
    left: Left
    run: str = ""
    """Empty: it has no journal."""
    journal_sha256: str = ""


class Merged(Struct, frozen=True):
    """`campaign report`."""

    campaign: str
    state: CampaignState
    why: str
    digest: str
    """Of the saved plan that was applied."""
    operator: tuple[str, ...]
    items: Counts
    tenants: tuple[TenantProgress, ...]
    left: Left
    tampered: int
    """Runs whose journal does not hold."""
    break_glass: str
    """Why nobody's approval was waited for, where it was demanded."""
    residual_until: Utc | None
    next: tuple[str, ...]
    identities: tuple[ItemRow, ...] = ()
    """Where the format holds them all."""
    approved_by: tuple[str, ...] = ()
    """Whose signatures of the saved plan counted, where other people's agreement was demanded."""


def left_of(report: Report) -> Left:
    """Of one run."""
    return Left(
        open_count(report),
        len(report.residuals),
        unseen_count(report.blind, report.unreachable),
        len(report.planted),
        {proof.value: many for proof, many in proof_counts(report).items()},
        report.residual_until,
    )


def flat(row: ItemRow) -> dict[str, str]:
    """For csv."""
    from nhi_revoke.render.moment import moment

    left = row.left
    return {
        "number": str(row.number),
        "wave": str(row.wave),
        "name": row.name,
        "owner": row.owner,
        "tenants": "; ".join(row.tenants),
        "state": row.state,
        "exit_code": "" if row.exit_code is None else str(row.exit_code),
        "headline": row.headline,
        "open": str(left.open),
        "expires": str(left.expires),
        "unseen": str(left.unseen),
        "planted": str(left.planted),
        **{proof.value: str(left.proofs.get(proof.value, 0)) for proof in Proof},
        "residual_until": moment(left.residual_until),
        "why": row.why,
        "run": row.run,
        "journal_sha256": row.journal_sha256,
    }


COLUMNS: Sequence[str] = (
    "number",
    "wave",
    "name",
    "owner",
    "tenants",
    "state",
    "exit_code",
    "headline",
    "open",
    "expires",
    "unseen",
    "planted",
    *(proof.value for proof in Proof),
    "residual_until",
    "why",
    "run",
    "journal_sha256",
)


def added(lefts: Iterable[Left]) -> Left:
    """All of them."""
    return sum(lefts, Left(proofs={proof.value: 0 for proof in Proof}))
