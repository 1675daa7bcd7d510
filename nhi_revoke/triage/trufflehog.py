"""TruffleHog's `--json`: one result a line (its pkg/output/json.go).

`Raw` is the secret, or the id of one in two parts; `RawV2` then holds both, with or without a `:` between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nhi_revoke.model.triage import Place
from nhi_revoke.triage.field import number_in, text_in
from nhi_revoke.triage.fragment import Finding


def trufflehog_findings(report: Any) -> Sequence[Finding] | None:
    """None where no row is one of its results."""
    rows = report if isinstance(report, list) else [report]
    ours = [row for row in rows if isinstance(row, dict) and "DetectorName" in row and ("Raw" in row or "RawV2" in row)]
    return [Finding(_place(row), _text(row)) for row in ours] if ours else None


def _text(row: dict[str, Any]) -> str:
    raw, both = text_in(row, "Raw"), text_in(row, "RawV2")
    if both and both != raw and raw and both.startswith(raw):
        return f"{raw}\n{both.removeprefix(raw).lstrip(':')}"
    return "\n".join(dict.fromkeys(part for part in (raw, both) if part))


def _place(row: dict[str, Any]) -> Place:
    """`SourceMetadata.Data` has one entry, by the sort of source."""
    metadata = row.get("SourceMetadata")
    data = metadata.get("Data") if isinstance(metadata, dict) else None
    source = next((each for each in data.values() if isinstance(each, dict)), {}) if isinstance(data, dict) else {}
    file = next((found for key in ("file", "filename", "path", "link") if (found := text_in(source, key))), "")
    said = "verified" if row.get("Verified") is True else ""
    return Place(file, number_in(source, "line"), text_in(source, "commit"), text_in(row, "DetectorName"), said)
