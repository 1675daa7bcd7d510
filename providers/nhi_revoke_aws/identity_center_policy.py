"""A permission set has one inline policy, and a write replaces it: our statement goes in and out, all else stays. Pure.

Other people's statements keep their bytes: the text is cut and joined, never parsed and written anew.
AWS docs: singlesignon prereqs-revoking-user-permissions, API_PutInlinePolicyToPermissionSet.
"""

from __future__ import annotations

import json
import re
from typing import Any

from nhi_revoke_aws.policy import compact, sid_of

MOST = 32_768
"""Characters of an inline policy (AWS docs: API_PutInlinePolicyToPermissionSet)."""
USER_ID_KEY = "identitystore:userId"
VERSION = "2012-10-17"
TAIL = 12
SPACE = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()
Span = tuple[int, int]


class Unreadable(ValueError):
    """The text is no policy that a statement can be put into."""


def sid_for(run_id: str, user_id: str) -> str:
    """One for each run and user: a Sid is unique in its policy, and one run may deny two users."""
    return sid_of(run_id) + re.sub(r"[^A-Za-z0-9]", "", user_id)[-TAIL:]


def statement(sid: str, user_id: str) -> dict[str, Any]:
    """Denies everything to one user of Identity Center, in old sessions and new ones."""
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {USER_ID_KEY: user_id}},
    }


def document(sid: str, user_id: str) -> dict[str, Any]:
    """A policy of that statement alone."""
    return {"Version": VERSION, "Statement": [statement(sid, user_id)]}


def find(text: str, sid: str) -> Any:
    """The statement with this Sid, or None. Raises Unreadable."""
    if not text.strip():
        return None
    return next((one for one, _ in _statements(text)[0] if _sid(one) == sid), None)


def denied_by(text: str, user_id: str) -> str | None:
    """The Sid of a statement of exactly our shape that denies this user already. Raises Unreadable."""
    if not text.strip():
        return None
    for one, _ in _statements(text)[0]:
        sid = _sid(one)
        if sid and one == statement(sid, user_id):
            return sid
    return None


def added(text: str, sid: str, user_id: str) -> str:
    """With our statement as the last one. Raises Unreadable."""
    ours = compact(statement(sid, user_id))
    if not text.strip():
        return compact(document(sid, user_id))
    statements, (start, end), listed = _statements(text)
    if not listed:
        return f"{text[:start]}[{text[start:end]},{ours}]{text[end:]}"
    if not statements:
        return f"{text[: start + 1]}{ours}{text[end - 1 :]}"
    last = statements[-1][1][1]
    return f"{text[:last]},{ours}{text[last:]}"


def removed(text: str, sid: str) -> str:
    """Without the statement of this Sid; empty where nothing else is left. Raises Unreadable."""
    statements, _, listed = _statements(text)
    at = next((n for n, (one, _) in enumerate(statements) if _sid(one) == sid), None)
    if at is None:
        return text
    if len(statements) == 1 or not listed:
        return ""
    _, (start, end) = statements[at]
    if at > 0:
        return text[: statements[at - 1][1][1]] + text[end:]
    return text[:start] + text[statements[1][1][0] :]


def _sid(one: Any) -> str:
    return str(one.get("Sid") or "") if isinstance(one, dict) else ""


def _statements(text: str) -> tuple[list[tuple[Any, Span]], Span, bool]:
    """Each statement with its place, the place of all, and whether they are a list. Raises Unreadable."""
    try:
        loaded = json.loads(text)
        if not isinstance(loaded, dict) or not isinstance(loaded.get("Statement"), list | dict):
            raise Unreadable("the inline policy has no statements")
        span = _value_of(text, "Statement")
    except (ValueError, IndexError) as error:
        raise Unreadable("the inline policy is no JSON that can be read") from error
    if text[span[0]] != "[":
        return [(loaded["Statement"], span)], span, False
    return _elements(text, span[0]), span, True


def _value_of(text: str, wanted: str) -> Span:
    """Where the value of a member of the outermost object stands; of two with one name the later, as readers do."""
    found: Span | None = None
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        name, at = DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = DECODER.raw_decode(text, start)
        if name == wanted:
            found = (start, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    if found is None:
        raise Unreadable(f"the inline policy has no {wanted}")
    return found


def _elements(text: str, start: int) -> list[tuple[Any, Span]]:
    out: list[tuple[Any, Span]] = []
    at = _skip(text, start + 1)
    while text[at] != "]":
        value, end = DECODER.raw_decode(text, at)
        out.append((value, (at, end)))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return out


def _skip(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return found.end() if found else at
