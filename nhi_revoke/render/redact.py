"""A report for outsiders: whoever and whatever is named in it gets a pseudonym, the same one throughout.

Times, kinds, families, fates, proofs, counts and standards stay. Every text is searched for every name that the report
holds anywhere, and for what looks like a host, a path, an address or an id. What no field tells as a name, and no
pattern as one, is not found: prose in which somebody's name stands only once stays a matter for a reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.model.approval import Approval, Signer
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Report
from nhi_revoke.render.any_of import any_of
from nhi_revoke.render.naming import Named, generic_words, named

KEPT = {
    "Access": {"found", "kind", "family", "state", "exposure"},
    "BlindSpot": {"kind", "covered_by"},
    "Intent": {"order", "reason", "rotate", "brake", "follow", "replace"},
    "Lead": {"how"},
    "Manual": {"kind"},
    "Notice": {"level"},
    "Outcome": {"fate", "proof"},
    "Principal": {"kind"},
    "PrincipalRef": {"provider", "kind"},
    "Replacement": {"kind", "result", "proof"},
    "Report": {"run", "verb", "state", "headline", "journal", "journal_sha256"},
    "StepResult": {"id", "does", "phase", "result", "proof"},
    "Unreachable": {"code"},
}
"""By struct, the fields that hold words of this product or of a provider's registry, and never a name."""
_ONLY_NAMES = {"evidence", "source", "needs"}
"""Names are replaced in them; what looks like a host or a path there is an interface's, a document's, a right's."""
_EMPTIED = {"label", "door", "aliases"}
"""Nothing but names, and nobody outside needs them."""
_LOOKS_LIKE = re.compile(
    r"""(?P<address>\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    |(?P<host>\b[a-z][a-z0-9+]*://[^\s"'<>)\]]+
      |\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|app|cloud|internal|local|lan|corp|test|example|invalid|co|gov|edu)\b
      |(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]))
    |(?P<path>(?<![\w.:/~-])(?:~|\.{1,2})?/[\w.@%+~-]+(?:/[\w.@%+~-]*)*)
    |(?P<id>\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|(?<![\w-])\d{9,}(?![\w-])
      |\b[a-z]+_(?=[a-z_-]*\d)[\w-]+\b|\b(?=[a-z]*\d)[a-z0-9]{16,}\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_PART = re.compile(r"[:/@|,\s=]+")
_SHORT = 6
"""Letters below which a name is looked for only where it stands alone: `a1` is no part of `data1`."""


def redacted(report: Report) -> Report:
    """The same report under pseudonyms. What is stable within it says nothing across two of them."""
    changed: Report = _Names(report).struct(report)
    return replace(changed, redacted=True, approval=_anonymous(report.approval))


def _anonymous(approval: Approval | None) -> Approval | None:
    """How many agreed, and that nobody was waited for; not who, and not in whose words."""
    if approval is None:
        return None
    signers = tuple(Signer(f"person-{n}", f"key-{n}") for n, _ in enumerate(approval.signers, 1))
    return replace(approval, signers=signers, break_glass="(left out)" if approval.break_glass else "")


class _Names:
    """Every name of one report with its pseudonym, and all of them as one pattern: a pseudonym is never renamed."""

    def __init__(self, report: Report) -> None:
        self._run = report.run
        self._generic = generic_words(report)
        self._whole: dict[str, str] = {}
        """Fields that hold nothing but this name."""
        self._inside: dict[str, str] = {}
        """What is searched for in every text."""
        self._many: dict[str, int] = {}
        found = tuple(named(report))
        for each in found:
            self._begin(each)
        for each in found:
            self._learn(each)
        self._pattern = _pattern(self._inside)

    def _begin(self, found: Named) -> None:
        """What a thing is told by comes before whatever else something else is called: two never become one."""
        if found.thing and len(found.names[0]) > 1 and found.names[0] != self._run:
            pseudonym = self._known_as(found.what, found.names[0])
            if found.reference:
                self._whole.setdefault(found.reference, found.written.replace("{}", pseudonym))

    def _learn(self, found: Named) -> None:
        """All names of one thing under one pseudonym, which hangs on the first."""
        first, *_ = found.names
        if len(first) < 2 or first == self._run:
            return
        pseudonym = self._known_as(found.what, first)
        for name in found.names:
            if len(name) < 2:
                continue
            written = found.written.replace("{}", pseudonym) if name == found.reference else pseudonym
            self._whole.setdefault(name, written)
            self._search_for(name, written)
            for part in _PART.split(name) if name != found.reference else ():
                if found.has_part(part):
                    self._search_for(part, pseudonym)

    def _search_for(self, name: str, pseudonym: str) -> None:
        if name.lower() not in self._generic:
            self._inside.setdefault(name.lower(), pseudonym)

    def struct(self, value: Any) -> Any:
        """A struct with every text in it searched, but for those that hold no name."""
        kept = KEPT.get(type(value).__name__, set())
        changed: dict[str, Any] = {}
        for name in value.__struct_fields__:
            if name in kept:
                continue
            old = getattr(value, name)
            changed[name] = type(old)() if name in _EMPTIED else self.value(old, patterns=name not in _ONLY_NAMES)
        if isinstance(value, PrincipalRef) and changed["id"] == value.id and value.id != "*":
            changed["id"] = self._known_as("principal", value.id)
        return replace(value, **changed)

    def value(self, old: Any, *, patterns: bool = True) -> Any:
        """Whatever stands in a field. What a vendor answered in full (`before`, `facts`) is left out."""
        if isinstance(old, Struct):
            return self.struct(old)
        if isinstance(old, Enum):
            return old
        if isinstance(old, str):
            return self.text(old, patterns=patterns)
        if isinstance(old, tuple):
            return tuple(self.value(each, patterns=patterns) for each in old)
        return {} if isinstance(old, Mapping) else old

    def text(self, text: str, *, patterns: bool = True) -> str:
        """Known names first; then what looks like one."""
        if whole := self._whole.get(text):
            return whole
        found = self._pattern.sub(lambda m: self._inside[m.group().lower()], text) if self._pattern else text
        return _LOOKS_LIKE.sub(self._unknown, found) if patterns else found

    def _unknown(self, match: re.Match[str]) -> str:
        text = match.group()
        if text in self._run or self._run in text or text.lower() in self._generic:
            return text
        return self._known_as(str(match.lastgroup), text)

    def _known_as(self, what: str, name: str) -> str:
        if name not in self._whole:
            self._many[what] = self._many.get(what, 0) + 1
            self._whole[name] = f"{what}-{self._many[what]}"
        return self._whole[name]


def _pattern(known: Mapping[str, str]) -> re.Pattern[str] | None:
    """A plain or a short word only where it stands alone: `old` in `older` is no name."""
    alone = [name for name in known if name.isalnum() and (name.isalpha() or len(name) < _SHORT)]
    anywhere = set(known) - set(alone)
    parts = [any_of(anywhere)] if anywhere else []
    if alone:
        parts.append(rf"(?<![^\W_])(?:{any_of(alone)})(?![^\W_])")
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None
