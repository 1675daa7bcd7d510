"""Many reads of Microsoft Graph in one request: `POST /$batch`, 20 at most.

Microsoft docs: json-batching. The answer's own 200 says nothing of what is inside; answers come in any order and are
told apart by their id; each counts by itself, may be throttled by itself, and is asked again then. Reads alone go this
way: a change stays a request of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.counting import ask_counted
from nhi_revoke.provider.fault import NoAnswer, Throttled, Unavailable

if TYPE_CHECKING:
    from nhi_revoke.provider.http import HttpApi
    from nhi_revoke.provider.io import Io

MOST = 20


class Part(Struct, frozen=True):
    """One answer of a batch."""

    status: int
    body: Any


def read_together(api: HttpApi, io: Io, version: str, paths: Sequence[str], needs: str) -> Sequence[Part]:
    """What each path answers, in their order. `version`: `/v1.0` or `/beta`; `paths`: without it, 20 at most.

    Raises the faults of the contract for the batch itself; of a path the status tells: none of 429 or from 500 on.
    """
    told: dict[int, Part] = {}

    def ask() -> None:
        left = [number for number in range(len(paths)) if number not in told]
        body = {"requests": [{"id": str(number), "method": "GET", "url": paths[number]} for number in left]}
        answered = api.call("POST", f"{version}/$batch", needs=needs, body=body, again=True, count=len(left)).body
        rows = answered.get("responses") if isinstance(answered, dict) else None
        if not isinstance(rows, list):
            raise NoAnswer("what Microsoft Graph answered to POST $batch holds no answers")
        later = _sorted(rows, set(left), told)
        if any(number not in told for number in left):
            raise later or NoAnswer("Microsoft Graph left answers of POST $batch out")

    ask_counted(io, ask, repeatable=True)
    return [told[number] for number in range(len(paths))]


def _sorted(rows: Sequence[Any], asked: set[int], told: dict[int, Part]) -> Throttled | Unavailable | None:
    """Puts what is an answer into `told`. Why others must be asked again, where they must."""
    waits: list[float] = []
    busy: Throttled | Unavailable | None = None
    for row in rows:
        number, status = _number(row.get("id")), int(row.get("status") or 0)
        if number not in asked:
            continue
        if status == 429:
            waits.append(_seconds(row.get("headers")))
        elif status >= 500:
            busy = Unavailable(f"Microsoft Graph cannot answer a part of POST $batch now ({status})")
        elif status:
            told[number] = Part(status, row.get("body"))
    if waits:
        # Without Retry-After the engine's own pause holds (facts entra.md 2, "Throttling").
        return Throttled("Microsoft Graph throttles parts of POST $batch (429)", retry_after=max(waits) or None)
    return busy


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdigit() else -1


def _seconds(headers: object) -> float:
    """Of Retry-After; 0 where there is none."""
    named = {str(k).lower(): str(v) for k, v in headers.items()} if isinstance(headers, Mapping) else {}
    text = named.get("retry-after", "")
    return float(text) if text.isdigit() else 0.0
