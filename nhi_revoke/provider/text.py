"""A minted credential in a text of one format: whether it fits, put in, and read back. Pure.

Where there is no text yet, or an empty one, every format makes one. What else stands there is kept, but for a document,
which is the whole text: it takes the place of one of its own kind alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nhi_revoke.provider import dotenv, inifile
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import Layout
from nhi_revoke.provider.secret import Secret


def unfit(text: str | None, layout: Layout) -> str:
    """Why a credential cannot be put into this text; empty where it can. Never says what stands there."""
    names = [name for name, _ in layout.parts]
    if layout.sort == "variables":
        return dotenv.unfit(text or "", names, layout.never)
    if layout.sort == "section":
        return inifile.unfit(text or "", layout.section, names, layout.never)
    if not (text or "").strip():
        return ""
    held = _fields(text)
    if held is None:
        return "it is no JSON object"
    if layout.sort == "object":
        return ""
    others = sorted(set(held) - set(names))
    return f"it has other fields, which a whole {layout.name} would take away: {', '.join(others)}" if others else ""


def written(text: str | None, secret: Secret, layout: Layout) -> str:
    """The text that takes the present one's place. Raises Rejected where it does not fit, or the credential lacks what
    the format has.
    """
    if why := unfit(text, layout):
        raise Rejected(why)
    new = values_of(secret, layout)
    if layout.sort == "variables":
        return dotenv.merged(text or "", new)
    if layout.sort == "section":
        return inifile.merged(text or "", layout.section, new)
    return json.dumps({**((_fields(text) or {}) if layout.sort == "object" else {}), **new}, indent=2) + "\n"


def values_of(secret: Secret, layout: Layout) -> dict[str, str]:
    """What will stand there. Raises Rejected where the credential has no such field."""
    try:
        return layout.values(secret)
    except KeyError as lacks:
        raise Rejected(
            f"what was minted has no field {lacks}, which {layout.name} needs: nothing was written"
        ) from None


def values(text: str | None, layout: Layout) -> Mapping[str, Any]:
    """What stands there now; nothing where it is another format's."""
    try:
        if layout.sort == "variables":
            return dotenv.values(text or "")
        if layout.sort == "section":
            return inifile.values(text or "", layout.section)
    except Rejected:
        return {}
    return _fields(text) or {}


def holds(text: str | None, secret: Secret, layout: Layout) -> bool:
    """Whether it is this very credential that stands there."""
    found = taken(text, secret, layout)
    return found is not None and found.fingerprint() == secret.fingerprint()


def taken(text: str | None, shape: Secret, layout: Layout) -> Secret | None:
    """The credential that stands there, or None where it is another's or none."""
    return layout.credential(values(text, layout), shape)


def _fields(text: str | None) -> dict[str, Any] | None:
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
