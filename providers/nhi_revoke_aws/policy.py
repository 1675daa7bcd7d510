"""The one policy that this tool puts on a principal: its exact shapes, read and written. Pure.

AWS docs: id_roles_use_revoke-sessions (deny by aws:TokenIssueTime; the comparison is strict),
id_credentials_temp_control-access_disable-perms (the key is absent for long-term credentials: they are not hit),
SignInLocalDevelopmentAccess (the two actions behind `aws login`).
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

NAME = "NHIRevoke"
CONSOLE_NAME = "AWSRevokeOlderSessions"
"""What AWS's own console writes: honoured, never edited."""
LOGIN_ACTIONS = ["signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token"]
LOGIN_LIFE = timedelta(hours=12)
"""`aws login` refreshes for at most this long (AWS docs: sdkref feature-login-credentials)."""
MARGIN = timedelta(seconds=2)
"""Past the vendor's clock: the comparison is strict, and its Date header has whole seconds."""
ISSUED, NOW = "aws:TokenIssueTime", "aws:CurrentTime"
STAMP = "%Y-%m-%dT%H:%M:%SZ"


class Deny(Struct, frozen=True):
    """One of our own policies."""

    sid: str
    """The run id, letters and digits only."""
    cutoff: str | None = None
    """Sessions issued before it are denied; None: everything is."""
    login_until: str | None = None
    """Until then `aws login` cannot refresh, either."""

    def document(self) -> dict[str, Any]:
        """As IAM stores it."""
        first: dict[str, Any] = {"Sid": self.sid, "Effect": "Deny", "Action": "*", "Resource": "*"}
        if self.cutoff is not None:
            first["Condition"] = {"DateLessThan": {ISSUED: self.cutoff}}
        statements = [first]
        if self.login_until is not None:
            statements.append(
                {
                    "Sid": f"{self.sid}Login",
                    "Effect": "Deny",
                    "Action": LOGIN_ACTIONS,
                    "Resource": "*",
                    "Condition": {"DateLessThan": {NOW: self.login_until}},
                }
            )
        return {"Version": "2012-10-17", "Statement": statements}

    def stops(self, other: Deny) -> bool:
        """Whether it denies all that the other does, now and later."""
        if self.cutoff is None:
            return True
        if other.cutoff is None or moment(self.cutoff) < moment(other.cutoff):
            return False
        return other.login_until is None or (
            self.login_until is not None and moment(self.login_until) >= moment(other.login_until)
        )


def sid_of(run_id: str) -> str:
    """A Sid takes letters and digits only (AWS docs: reference_policies_elements_sid)."""
    return re.sub(r"[^A-Za-z0-9]", "", run_id) or NAME


def compact(document: Any) -> str:
    """Without white space: inline policies share a small quota (2,048 characters on a user)."""
    return json.dumps(document, separators=(",", ":"))


def as_json(document: Any) -> Any:
    """What boto3 gives (a dict), or what the raw API gives (URL-encoded text); None where it is neither."""
    if not isinstance(document, str):
        return document
    try:
        return json.loads(document if document.lstrip().startswith("{") else unquote(document))
    except ValueError:
        return None


def read(document: Any) -> Deny | None:
    """Ours, or None: anything that differs from our exact shape was written by somebody else."""
    found = as_json(document)
    try:
        statements = found["Statement"]
        sid = statements[0]["Sid"]
        cutoff = statements[0].get("Condition", {}).get("DateLessThan", {}).get(ISSUED)
        login = statements[1]["Condition"]["DateLessThan"][NOW] if len(statements) > 1 else None
        times = [t for t in (cutoff, login) if t is not None]
        if not isinstance(sid, str) or not all(isinstance(t, str) and t == stamp(moment(t)) for t in times):
            return None
    except (AttributeError, LookupError, TypeError, ValueError):
        return None
    deny = Deny(sid, cutoff, login)
    return deny if found == deny.document() else None


def console_cutoff(document: Any) -> str | None:
    """The cut-off of the console's AWSRevokeOlderSessions, rounded up to whole seconds.

    None for a policy of that name that denies less than everything: an intruder may have written it.
    """
    found = as_json(document)
    try:
        statements = found["Statement"]
        for one in statements if isinstance(statements, list) else [statements]:
            condition = one.get("Condition", {})
            when = condition.get("DateLessThan", {}).get(ISSUED)
            whole = one.get("Action") in ("*", ["*"]) and one.get("Resource") in ("*", ["*"])
            # All keys of a condition must be met: with another one beside it, it may never be.
            alone = list(condition) == ["DateLessThan"] and list(condition["DateLessThan"]) == [ISSUED]
            if one.get("Effect") == "Deny" and when and whole and alone:
                return stamp(moment(when[0] if isinstance(when, list) else when))
    except (AttributeError, LookupError, TypeError, ValueError):
        return None
    return None


def moment(text: str) -> datetime:
    """From what IAM accepts: ISO 8601 with Z. Raises ValueError."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(text)
    return when.astimezone(UTC)


def stamp(when: datetime) -> str:
    """The one format that every evaluator reads; a fraction of a second is rounded up, so that nothing slips below."""
    whole = when.astimezone(UTC)
    if whole.microsecond:
        whole = whole.replace(microsecond=0) + timedelta(seconds=1)
    return whole.strftime(STAMP)


def later(*cutoffs: str | None) -> str | None:
    """The latest: a cut-off never moves backwards."""
    known = [c for c in cutoffs if c is not None]
    return max(known, key=moment) if known else None


def cutoff_after(now: datetime, *existing: str | None) -> str:
    """The cut-off to write at this moment of the vendor's clock."""
    wanted = stamp(now + MARGIN)
    return later(wanted, *existing) or wanted
