"""The intruder's doors before and after, held against what the report says of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from msgspec import Struct

from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.model.report import Report
from nhi_revoke.provider.sandbox.contract import Door

Word = Literal["open", "shut"]


class DoorResult(Struct, frozen=True):
    """One stolen way in: `predicted` comes from the report alone, `after` from trying it."""

    id: str
    provider: str
    kind: str
    says: str
    before: Word
    after: Word
    predicted: Word

    @property
    def right(self) -> bool:
        return self.after == self.predicted


class Intruder(Struct, frozen=True):
    doors: tuple[DoorResult, ...]

    @property
    def mispredicted(self) -> int:
        return sum(not d.right for d in self.doors)


def word(is_open: bool) -> Word:
    return "open" if is_open else "shut"


def try_all(doors: Sequence[tuple[str, Door]]) -> dict[str, bool]:
    """Every door, over the socket, side by side. Raises whatever is no clear answer."""
    with ThreadPoolExecutor(8) as pool:
        return dict(zip((d.id for _, d in doors), pool.map(lambda d: d[1].open(), doors), strict=True))


def compare(
    doors: Sequence[tuple[str, Door]], before: dict[str, bool], after: dict[str, bool], report: Report
) -> Intruder:
    """What the report predicts, and what is."""
    return Intruder(
        tuple(
            DoorResult(
                door.id,
                provider,
                door.kind,
                door.says,
                word(before[door.id]),
                word(after[door.id]),
                word(predicted_open(report, door.access)),
            )
            for provider, door in doors
        )
    )
