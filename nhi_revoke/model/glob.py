"""Names with `*` (any text) and `?` (one character): whether two such patterns have a name in common. Pure."""

from __future__ import annotations

ANY, ONE = "*", "?"


def overlap(one: str, other: str, *, fold: bool = False) -> bool:
    """Whether some name fits both: `repo:acme/*:main` and `repo:acme/shop:*` do. Nothing else is special, brackets
    neither. `fold`: letters' case does not matter.

    Read as two machines side by side: which places of `other` can be reached after each character of `one`.
    """
    if fold:
        one, other = one.casefold(), other.casefold()
    start = 0
    while start < min(len(one), len(other)) and one[start] not in (ANY, ONE) and other[start] not in (ANY, ONE):
        if one[start] != other[start]:
            return False
        start += 1
    other = other[start:]
    places = _onwards({0}, other)
    for character in one[start:]:
        if character == ANY:  # whatever `other` still asks for
            places = set(range(min(places), len(other) + 1)) if places else places
        else:
            places = _onwards({_after(p, other) for p in places if _takes(other, p, character)}, other)
        if not places:
            return False
    return len(other) in places


def _takes(other: str, place: int, character: str) -> bool:
    return place < len(other) and (other[place] in (ANY, ONE, character) or character == ONE)


def _after(place: int, other: str) -> int:
    """A `*` stays where it is."""
    return place if other[place] == ANY else place + 1


def _onwards(places: set[int], other: str) -> set[int]:
    """A `*` may stand for nothing."""
    reached = set(places)
    for start in places:
        place = start
        while place < len(other) and other[place] == ANY:
            place += 1
            reached.add(place)
    return reached
