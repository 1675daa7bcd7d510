"""Decoding by a type from any thread.

msgspec builds what it needs for a type when the type is first used, and ends the process where another thread uses it
half-built (seen with 0.22: a segmentation fault). What is decoded often has a decoder of its own, built before threads.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_ONE_AT_A_TIME = threading.Lock()


def decoded(text: bytes | str, into: type[T]) -> T:
    """JSON as this type. Raises msgspec.DecodeError, of which a ValidationError is one."""
    with _ONE_AT_A_TIME:
        return msgspec.json.decode(text, type=into)


def converted(value: Any, into: type[T]) -> T:
    """Plain values as this type. Raises msgspec.ValidationError."""
    with _ONE_AT_A_TIME:
        return msgspec.convert(value, into)
