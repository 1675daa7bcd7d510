"""gitleaks' JSON report, version 8: a list of findings (its report/finding.go).

With `--redact` the secret is the word REDACTED, or its beginning and three dots.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nhi_revoke.model.triage import Place
from nhi_revoke.triage.field import number_in, text_in
from nhi_revoke.triage.fragment import Finding


def gitleaks_findings(report: Any) -> Sequence[Finding] | None:
    """None where no row is one of its findings."""
    rows = report if isinstance(report, list) else []
    ours = [row for row in rows if isinstance(row, dict) and "RuleID" in row and "Secret" in row]
    return [Finding(_place(row), _text(row), _redacted(row)) for row in ours] if ours else None


def _text(row: dict[str, Any]) -> str:
    """The match has the words around the secret, which tell some kinds."""
    secret, match = text_in(row, "Secret"), text_in(row, "Match")
    return match if secret in match else f"{match}\n{secret}"


def _redacted(row: dict[str, Any]) -> bool:
    secret = text_in(row, "Secret")
    return secret in ("REDACTED", "REDACT") or secret.endswith("...")


def _place(row: dict[str, Any]) -> Place:
    return Place(
        text_in(row, "File") or text_in(row, "SymlinkFile"),
        number_in(row, "StartLine"),
        text_in(row, "Commit"),
        text_in(row, "RuleID"),
    )
