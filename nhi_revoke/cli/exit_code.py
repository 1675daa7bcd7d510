"""Exit codes: the one table behind the process, the envelope's status, `help exit-codes` and the README."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, NamedTuple

Status = Literal["success", "partial", "error", "refused"]


class ExitCode(IntEnum):
    """What a script may rely on. When several hold: 5, then 8, 9, 6."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    CANNOT_START = 4
    PARTIAL = 5
    ENDS_BY_ITSELF = 6
    REFUSED = 7
    OPEN = 8
    UNSEEN = 9
    HAS_CHANGES = 10
    INTERRUPTED = 130


class Row(NamedTuple):
    code: ExitCode
    status: Status
    meaning: str


TABLE: tuple[Row, ...] = (
    Row(ExitCode.DONE, "success", "done and proven; `audit`: nothing live, nothing unseen"),
    Row(ExitCode.FAILED, "error", "failed, nothing changed"),
    Row(ExitCode.USAGE, "error", "usage: the words of the command are off"),
    Row(ExitCode.NOT_FOUND, "error", "identity not found or ambiguous"),
    Row(
        ExitCode.CANNOT_START,
        "error",
        "nothing could start: no credentials or permission anywhere (one provider's missing login is 9)",
    ),
    Row(ExitCode.PARTIAL, "partial", "partial: some steps failed; `resume`"),
    Row(
        ExitCode.ENDS_BY_ITSELF,
        "success",
        "done; what is left ends by itself, at the time in `data.residual_until`",
    ),
    Row(
        ExitCode.REFUSED,
        "refused",
        "refused by a guard; another run holds the lock; tampered journal; "
        "a plan for another account, or with every target stale",
    ),
    Row(
        ExitCode.OPEN,
        "partial",
        "something is open: live, by hand, requested or unproven, appeared, "
        "a foreign policy of our name, or a next plan waits",
    ),
    Row(
        ExitCode.UNSEEN,
        "partial",
        "something is unseen (log lag on a sealed principal is not; unread lineage is)",
    ),
    Row(ExitCode.HAS_CHANGES, "success", "`plan --detailed-exitcode`: the plan has steps"),
    Row(ExitCode.INTERRUPTED, "error", "interrupted; the journal is whole"),
)

_STATUS: dict[int, Status] = {row.code: row.status for row in TABLE}
_WORST_FIRST = (ExitCode.PARTIAL, ExitCode.OPEN, ExitCode.UNSEEN, ExitCode.ENDS_BY_ITSELF)


def status_of(code: int) -> Status:
    """The envelope's word for an exit code."""
    return _STATUS.get(code, "error")


def worst(*codes: int) -> int:
    """The one to exit with when several hold; 0 when none does."""
    return next((int(code) for code in _WORST_FIRST if code in codes), int(ExitCode.DONE))
