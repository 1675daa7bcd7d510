"""Text of an nhi.toml that is shown to be pasted. Pure.

Everything in it may be named by an intruder: texts are quoted, and comments keep to their line.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

WIDTH = 78
"""Columns of a comment: it is read on a terminal before it is pasted."""
BARE = re.compile(r"[A-Za-z0-9_-]+")
ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{key(name)} = {value(what)}" for name, what in table.items()]


def key(text: str) -> str:
    return text if BARE.fullmatch(text) else value(text)


def value(what: Any) -> str:
    """Raises TypeError for what TOML has no word for."""
    if isinstance(what, bool):
        return "true" if what else "false"
    if isinstance(what, int | float):
        return repr(what)
    if isinstance(what, str):
        return f'"{"".join(_character(each) for each in what)}"'
    if isinstance(what, list | tuple):
        return f"[{', '.join(value(each) for each in what)}]"
    if isinstance(what, Mapping):
        return f"{{ {', '.join(pairs(what))} }}"
    raise TypeError(f"a setting of type {type(what).__name__} cannot stand in the map")


def _character(each: str) -> str:
    if each in ESCAPES:
        return ESCAPES[each]
    if each.isprintable():
        return each
    return f"\\u{ord(each):04x}" if ord(each) < 0x10000 else f"\\U{ord(each):08x}"


def comment(text: str, bullet: str = "") -> list[str]:
    """A line break in a name would end the comment, and what follows it would be obeyed."""
    plain = "".join(each if each.isprintable() else _character(each) for each in text)
    found = textwrap.wrap(
        plain, WIDTH - 2, initial_indent=bullet, subsequent_indent=" " * len(bullet), break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return [f"# {line}" for line in found]
