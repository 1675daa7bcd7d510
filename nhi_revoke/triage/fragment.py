"""A piece of what was handed over, and where it stood. Values inside: memory only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from nhi_revoke.model.triage import Place

NEIGHBOURS = 5
"""Lines between two findings of one file that may be two parts of one credential."""


@dataclass(frozen=True)
class Fragment:
    """Text without a name of its own: `repr` shows only where it stood."""

    text: str = field(repr=False)
    places: tuple[tuple[int, Place], ...]
    """Of each part, by the character that it begins at; the first begins at 0."""
    numbered: bool = False
    """Its lines are those of the one place: a whole text rather than what a scanner cut out of it."""

    def place(self, at: int) -> Place:
        """Where that character stood."""
        starts = [start for start, _ in self.places]
        found = self.places[max(bisect_right(starts, at) - 1, 0)][1]
        if not self.numbered:
            return found
        return Place(found.file, self.text.count("\n", 0, at) + 1)


@dataclass(frozen=True)
class Finding:
    """One entry of a scanner's report."""

    place: Place
    text: str = field(repr=False)
    censored: bool = False


@dataclass(frozen=True)
class Reading:
    """What was handed over, read."""

    format: str
    fragments: tuple[Fragment, ...]
    censored: tuple[Place, ...] = ()
    """Findings whose value was taken out of the report."""


def whole(text: str) -> Reading:
    """A plain text: one fragment, whose lines are counted."""
    return Reading("text", (Fragment(text, ((0, Place()),), numbered=True),))


def report(name: str, findings: Sequence[Finding]) -> Reading:
    """Findings that stand close together in one file are read together: an id and its secret are often two."""
    groups: list[list[Finding]] = []
    told = [each for each in findings if not each.censored and each.text.strip()]
    for each in sorted(told, key=lambda one: (one.place.file, one.place.commit, one.place.line)):
        if groups and _neighbours(groups[-1][-1].place, each.place):
            groups[-1].append(each)
        else:
            groups.append([each])
    hidden = [each.place for each in findings if each.censored or not each.text.strip()]
    return Reading(name, tuple(_joined(group) for group in groups), tuple(dict.fromkeys(hidden)))


def _neighbours(one: Place, other: Place) -> bool:
    same = (one.file, one.commit) == (other.file, other.commit)
    return same and bool(one.file and one.line and other.line) and other.line - one.line <= NEIGHBOURS


def _joined(group: Sequence[Finding]) -> Fragment:
    text, places = "", []
    for each in group:
        if text:
            text += "\n"
        places.append((len(text), each.place))
        text += each.text
    return Fragment(text, tuple(places))
