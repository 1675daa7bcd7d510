"""ggshield's `secret scan --json` (its verticals/secret/output): scans, in them files, incidents, occurrences.

A match is censored unless it was run with `--show-secrets`: stars stand in its middle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from nhi_revoke.model.triage import Place
from nhi_revoke.triage.field import number_in, rows_in, text_in
from nhi_revoke.triage.fragment import Finding

STARS = re.compile(r"\*{3}")
DEEP = 8
"""Scans in scans: a commit range holds commits, these files."""


def ggshield_findings(report: Any) -> Sequence[Finding] | None:
    """None where there are neither scans nor files with incidents."""
    if not isinstance(report, dict) or not {"entities_with_incidents", "scans"} & set(report):
        return None
    if "total_incidents" not in report and "type" not in report:
        return None
    return list(_scanned(report, DEEP))


def _scanned(scan: dict[str, Any], deep: int) -> Iterator[Finding]:
    for entity in rows_in(scan, "entities_with_incidents"):
        for incident in rows_in(entity, "incidents"):
            yield from _incident(text_in(entity, "filename"), incident)
    if deep:
        for inner in rows_in(scan, "scans"):
            yield from _scanned(inner, deep - 1)


def _incident(file: str, incident: dict[str, Any]) -> Iterator[Finding]:
    """Its occurrences are the parts of one secret, once for each place: those that begin anew begin a finding."""
    detector, valid = text_in(incident, "type") or text_in(incident, "break_type"), text_in(incident, "validity")
    said = valid if valid in ("valid", "invalid") else ""
    parts: list[tuple[str, str]] = []
    first = Place(file, 0, "", detector, said)
    for each in rows_in(incident, "occurrences"):
        kind, match = text_in(each, "type") or text_in(each, "match_type"), text_in(each, "match")
        if not parts or kind in {known for known, _ in parts}:
            if parts:
                yield _finding(first, parts)
            line = number_in(each, "line_start") or number_in(each, "post_line_start")
            first, parts = Place(file, line or number_in(each, "pre_line_start"), "", detector, said), []
        parts.append((kind, match))
    yield _finding(first, parts)


def _finding(place: Place, parts: Sequence[tuple[str, str]]) -> Finding:
    matches = [match for _, match in parts]
    return Finding(place, "\n".join(matches), any(STARS.search(match) for match in matches))
