"""Text that a vendor, and so an attacker, may have chosen, made harmless for where it is shown.

A resource can be named `\\x1b]0;…` to drive the terminal, `=HYPERLINK(…)` to act in a spreadsheet, or
`<img src=…>` to fetch from a report.
"""

from __future__ import annotations

import re

_UNPRINTABLE_IN_JSON = re.compile("[\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_MARKDOWN = re.compile(r"([\\`*_\[\]{}|~#!])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def clean(text: str) -> str:
    """One line without control, formatting or bidirectional characters: each is shown as its escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def json_text(text: str) -> str:
    """Encoded JSON in which no character above ASCII drives a terminal; the decoded value is the same."""
    return _UNPRINTABLE_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    cell = clean(text)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def markdown(text: str) -> str:
    """Prose: shown as it is; no markup, link, image, mention or HTML comes of it."""
    escaped = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = _MARKDOWN.sub(r"\\\1", escaped)
    return escaped.replace("://", ":&#47;&#47;").replace("@", "&#64;").replace("www.", "www&#46;")


def markdown_code(text: str) -> str:
    """A name or an id as a code span, safe in a table cell."""
    inner = clean(text)
    if not inner:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", inner)), default=0))
    space = " " if inner.startswith("`") or inner.endswith("`") else ""
    return f"{fence}{space}{inner}{space}{fence}".replace("|", r"\|")


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")
