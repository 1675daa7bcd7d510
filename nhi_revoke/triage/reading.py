"""What was handed over: a scanner's report where it has the shape of one, else a text. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from nhi_revoke.triage.fragment import Finding, Reading, report, whole
from nhi_revoke.triage.ggshield import ggshield_findings
from nhi_revoke.triage.gitleaks import gitleaks_findings
from nhi_revoke.triage.trufflehog import trufflehog_findings

Parser = Callable[[Any], Sequence[Finding] | None]
"""The findings of a report; None: it is no report of this scanner."""
SCANNERS: dict[str, Parser] = {
    "trufflehog": trufflehog_findings,
    "gitleaks": gitleaks_findings,
    "ggshield": ggshield_findings,
}


def read(text: str) -> Reading:
    """Never fails: JSON of another shape is read as the text that it is."""
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] in ("{", "["):
        for shape in _decoded(text):
            for name, parser in SCANNERS.items():
                findings = parser(shape)
                if findings is not None:
                    return report(name, findings)
    return whole(text)


def _decoded(text: str) -> Sequence[Any]:
    """The text as one JSON value, or else as a list of those lines that are objects."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        pass
    rows = []
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue  # a scanner's log between its results
        if isinstance(row, dict):
            rows.append(row)
    return [rows] if rows else []
