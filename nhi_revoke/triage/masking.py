"""The last guard before anything is shown: whatever a provider, a vendor or a report's author wrote, no value in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from nhi_revoke.model.mask import MASK
from nhi_revoke.model.triage import Triaged


def masked(found: Triaged, values: Sequence[str]) -> Triaged:
    """The same, with the mask in place of each value that stands in any text of it."""
    plain = msgspec.to_builtins(found)
    whole = "\0".join(_texts(plain))
    hit = sorted((value for value in values if value in whole), key=len, reverse=True)
    return msgspec.convert(_replaced(plain, hit), Triaged) if hit else found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _replaced(value: Any, values: Sequence[str]) -> Any:
    if isinstance(value, str):
        for each in values:
            value = value.replace(each, MASK)
        return value
    if isinstance(value, dict):
        return {key: _replaced(each, values) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each, values) for each in value]
    return value
