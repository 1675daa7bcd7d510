"""Waves and what pauses a campaign, in words."""

from __future__ import annotations

from collections.abc import Sequence

from nhi_revoke.campaign.item import Course
from nhi_revoke.render.block import Line, line


def course_words(sizes: Sequence[int], course: Course) -> list[Line]:
    """Before it begins: how many go first, and what stops the rest."""
    if not sizes:
        return []
    many = f"{len(sizes)} wave{'s' * (len(sizes) != 1)}"
    first = f"{sizes[0]} go first and must end well" if course.canary else "nobody goes first"
    rest = f"; then up to {max(sizes[1:])} at a time" if len(sizes) > 1 else ""
    return [line(f"{many}: {first}{rest}. {_pauses(course)}", indent=2)]


def _pauses(course: Course) -> str:
    limits = []
    if course.stop_on_failures:
        limits.append(f"{course.stop_on_failures} failed or refused")
    if course.max_outage:
        limits.append(f"{course.max_outage} out of service")
    return f"It pauses at {' or '.join(limits)}." if limits else "Nothing pauses it by itself."
