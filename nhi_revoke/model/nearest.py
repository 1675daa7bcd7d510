"""The nearest valid word to a mistyped one, for errors that help."""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 12
"""More valid words than this are not listed: a tired person does not read them."""


def nearest(word: str, valid: Iterable[str]) -> str:
    """The valid word that looks most like `word`, or an empty string where none does."""
    import difflib

    close = difflib.get_close_matches(word, sorted(set(valid)), n=1, cutoff=0.6)
    return close[0] if close else ""


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """A hint: the nearest valid word, else the list of them, else nothing."""
    words = sorted(set(valid))
    close = nearest(word, words)
    if close:
        return f'Did you mean "{close}"?'
    if not words:
        return ""
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return f"Valid: {', '.join(words[:_SHOWN])}{more}."
