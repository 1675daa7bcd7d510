"""Breaking a text into lines between its words, and nowhere else: an id that is cut in two cannot be copied."""

from __future__ import annotations

LEAST = 20
"""Columns that a line has at least, however far it is indented."""


def wrapped(text: str, width: int, hang: int) -> list[tuple[int, int]]:
    """Where each line begins and ends. The first has `width` columns, the others `hang` fewer.

    A word that is longer than a line has one of its own, and the terminal wraps it: copied, it is whole.
    """
    found: list[tuple[int, int]] = []
    start, end, room = 0, len(text.rstrip()), max(LEAST, width)
    while end - start > room:
        cut = text.rfind(" ", start, start + room + 1)
        if cut < 0 or not text[start:cut].strip():
            cut = text.find(" ", start + room, end)
            if cut < 0:
                break
        found.append((start, start + len(text[start:cut].rstrip())))
        start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
        room = max(LEAST, width - hang)
    return [*found, (start, end)]
