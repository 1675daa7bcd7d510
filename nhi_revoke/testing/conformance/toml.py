"""A provider's settings as TOML: strings, numbers, booleans, lists and tables; nothing else is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def table(name: str, settings: Mapping[str, Any]) -> str:
    """One `[name]` table with nested values inline."""
    return "\n".join([f"[{name}]", *(f"{_key(k)} = {value(v)}" for k, v in settings.items()), ""])


def value(thing: Any) -> str:
    """Raises TypeError for what TOML has no word for (None, …)."""
    if isinstance(thing, bool):
        return "true" if thing else "false"
    if isinstance(thing, int | float):
        return repr(thing)
    if isinstance(thing, str):
        return json.dumps(thing)
    if isinstance(thing, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {value(v)}" for k, v in thing.items()) + "}"
    if isinstance(thing, list | tuple):
        return "[" + ", ".join(value(v) for v in thing) + "]"
    raise TypeError(f"TOML has no word for {type(thing).__name__}")


def _key(name: str) -> str:
    return json.dumps(name)
