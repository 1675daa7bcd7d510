"""Which credentials stand in what was handed over, each once with all its places, and what nobody here knows. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nhi_revoke.model.error import Trouble
from nhi_revoke.model.found import Leak
from nhi_revoke.model.triage import Place, Strange
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.secret import Secret
from nhi_revoke.triage.fragment import Fragment, Reading

SHORTEST = 16
"""Characters of a word that may be a credential."""
TELLING = 8
"""Characters from which on a value is looked for in what is shown: a shorter one stands in any text by chance."""
ASSIGNED = re.compile(
    r"(?:secret|token|passwd|password|api[_-]?key|private[_-]?key|access[_-]?key|credential)s?[\w-]{0,40}[\"']?\s*"
    r"(?:[:=]|=>)\s*[\"']?(?!https?://)[^\s\"']{16,}",
    re.IGNORECASE,
)
"""What a line calls a secret itself."""
HARMLESS = re.compile(
    r"(?:[\w.-]{1,80}\s*[:=]\s*)?[\"']?(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]{2,8}://[^\s?@#]*|[\w.+-]+@[\w.-]+"
    r"|[\d.,:/TZ+-]+)[\"']?[,;]?",
    re.IGNORECASE,
)
"""A line that holds an id of that form, an address, a number or a time, and nothing else."""
NAMED = re.compile(r"[\"']?(?P<name>[A-Za-z][\w.-]{0,80})[\"']?[:=](?=[^:=/])")
ARMOUR = re.compile(r"-----BEGIN (?P<what>[A-Z0-9 ]{1,40})-----")
NOBODY = "no provider that is installed and enabled knows it"


@dataclass(frozen=True)
class Sighting:
    """One credential, in all its places."""

    provider: str
    found: Recognised
    places: tuple[Place, ...]
    handed: tuple[tuple[Leak, Secret], ...] = ()
    """What a run could try, or end by its value: what `--leaked-from` would hold of it."""


@dataclass(frozen=True)
class Recognition:
    """What stands in a text."""

    format: str
    sightings: tuple[Sighting, ...]
    strange: tuple[Strange, ...]
    unasked: tuple[str, ...]
    values: tuple[str, ...] = field(repr=False)
    """What must be shown nowhere."""


def recognise(reading: Reading, registry: Registry) -> Recognition:
    """Every provider is asked about every piece; one that cannot be asked is told."""
    seen: list[_Seen] = []
    unasked: dict[str, None] = {}
    strange = [Strange(place, "the report has no value of it: it was taken out", True) for place in reading.censored]
    values: dict[str, None] = {}
    for name in registry.names():
        try:
            provider = registry.provider(name)
        except Trouble:
            unasked[name] = None
            continue
        for fragment in reading.fragments:
            try:
                seen += _sightings(provider, fragment)
            except Exception:  # noqa: BLE001 - its text may hold what it was asked about; the others are asked all the same
                unasked[f"{name} (a bug in it: report it)"] = None
    for fragment in reading.fragments:
        mine = [each for each in seen if each.fragment is fragment]
        for place, text in _unknown(fragment, mine):
            strange.append(Strange(place, NOBODY))
            values |= dict.fromkeys(word for word in (text, *text.split()) if len(word) >= SHORTEST)
    merged = _merged(each.sighting for each in seen)
    values |= dict.fromkeys(secret for each in merged for secret in secrets_of(each.found))
    public = {each.found.leak.public_id for each in merged}
    return Recognition(
        reading.format,
        merged,
        tuple(dict.fromkeys(strange)),
        tuple(unasked),
        tuple(value for value in values if value not in public),
    )


def secrets_of(found: Recognised) -> Iterator[str]:
    """Every secret part of it, and each line of one that has several: a text may show it a line at a time."""
    if found.value is None:
        return
    for name, part in found.value.fields().items():
        if name not in found.value.public:
            yield from (line for line in (part, *part.splitlines()) if len(line.strip()) >= TELLING)


@dataclass(frozen=True)
class _Seen:
    sighting: Sighting
    fragment: Fragment


def _sightings(provider: Provider[Any], fragment: Fragment) -> list[_Seen]:
    found = list(provider.recognise(fragment.text))
    leaks: dict[str, dict[str, tuple[Leak, Secret]]] = {}
    for leak, value in provider.leaks(fragment.text) if found else ():
        leaks.setdefault(value.reveal(), {})[leak.kind] = (leak, value)
    seen = []
    for each in found:
        handed = leaks.get(each.value.reveal(), {}) if each.value is not None else {}
        place = fragment.place(each.start)
        seen.append(_Seen(Sighting(provider.name, each, (place,), tuple(handed.values())), fragment))
    return seen


def _merged(seen: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Each credential once; one that was seen without its value is the one that was seen with it."""
    kept: dict[tuple[str, str, str], Sighting] = {}
    bare: list[Sighting] = []
    for each in seen:
        value = each.found.value
        if value is None and each.found.leak.public_id:
            bare.append(each)
            continue
        key = (each.found.leak.kind, each.found.leak.public_id, value.fingerprint() if value else "")
        kept[key] = _both(kept.get(key), each)
    for each in bare:
        kind, public_id = each.found.leak.kind, each.found.leak.public_id
        with_value = [key for key in kept if key[:2] == (kind, public_id)] or [(kind, public_id, "")]
        for key in with_value:
            kept[key] = _both(kept.get(key), each)
    return tuple(kept.values())


def _both(first: Sighting | None, more: Sighting) -> Sighting:
    if first is None:
        return more
    return replace(first, places=tuple(dict.fromkeys((*first.places, *more.places))))


# -- what nobody knows ---------------------------------------------------------------------------------------------


def _unknown(fragment: Fragment, seen: Sequence[_Seen]) -> Iterator[tuple[Place, str]]:
    """Places of what was reported, or looks like a credential, and is none that was recognised; with the text."""
    spans = _Spans((each.sighting.found.start, each.sighting.found.end) for each in seen)
    if fragment.numbered:
        words = {word for each in seen for word in _words(each.sighting.found)}
        yield from (
            (Place(fragment.places[0][1].file, number), line) for number, line in _lines(fragment, spans, words)
        )
        return
    starts = [start for start, _ in fragment.places]
    ends = [*starts[1:], len(fragment.text) + 1]
    for start, end, (_, place) in zip(starts, ends, fragment.places, strict=True):
        if not spans.touch(start, end):
            yield place, fragment.text[start:end].strip()


class _Spans:
    """What was recognised, so that thousands of lines are held against it quickly."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(end, self._ends[-1])
            else:
                self._starts.append(start)
                self._ends.append(end)

    def touch(self, start: int, end: int) -> bool:
        """Whether any of it lies between."""
        before = bisect_left(self._starts, end)
        return before > 0 and self._ends[before - 1] > start


def _words(found: Recognised) -> Iterator[str]:
    yield from (part for part in (found.leak.public_id, *secrets_of(found)) if len(part) >= TELLING)


def _lines(fragment: Fragment, spans: _Spans, words: set[str]) -> Iterator[tuple[int, str]]:
    """Lines of one long word, or that call what they hold a secret; of a private key in armour the first."""
    at, armour = 0, ""
    for number, raw in enumerate(fragment.text.split("\n"), 1):
        start, at = at, at + len(raw) + 1
        line = raw.strip()
        if armour:
            armour = "" if f"-----END {armour}-----" in line else armour
            continue
        begins = ARMOUR.search(line)
        if begins and f"-----END {begins['what']}-----" not in line:
            armour = begins["what"]
        if _suspicious(line, begins) and not spans.touch(start, at) and not any(word in line for word in words):
            yield number, line


def _suspicious(line: str, begins: re.Match[str] | None) -> bool:
    if begins:
        return begins["what"].endswith("PRIVATE KEY")
    return ASSIGNED.search(line) is not None or _lone(line)


def _lone(line: str) -> bool:
    """One long word, by itself or after a name that does not say "id"."""
    if len(line.split()) != 1 or HARMLESS.fullmatch(line):
        return False
    named = NAMED.match(line)
    if named and named["name"].lower().endswith("id"):
        return False
    return len(line) - (named.end() if named else 0) >= SHORTEST
