"""Fields of a report that anybody may have written: text or a number where they are that, else nothing."""

from __future__ import annotations

from typing import Any


def text_in(row: Any, key: str) -> str:
    """Empty where there is no text."""
    value = row.get(key) if isinstance(row, dict) else None
    return value if isinstance(value, str) else ""


def number_in(row: Any, key: str) -> int:
    """0 where there is no positive whole number; some write numbers as text."""
    value = row.get(key) if isinstance(row, dict) else None
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def rows_in(row: Any, key: str) -> list[dict[str, Any]]:
    """The objects of a list; none where there is no list."""
    value = row.get(key) if isinstance(row, dict) else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
