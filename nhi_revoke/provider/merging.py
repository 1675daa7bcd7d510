"""A minted credential inside a text, as stores keep it: merged, compared and taken out again. Pure.

`key` is what an address has behind its `#`: a JSON key, which takes the secret part alone; a format (`layout.py`); or
nothing: all fields in a JSON object, by their own names. Values are compared in memory, by fingerprint; nothing here is
ever written down.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nhi_revoke.model.ref import Json
from nhi_revoke.provider import text as formatted
from nhi_revoke.provider.layout import layout_in
from nhi_revoke.provider.secret import Secret


def fields_of(text: str | None) -> dict[str, Any] | None:
    """What a stored text holds. No value yet is an empty object; None for what is no JSON object."""
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def unfit(text: str | None, key: str) -> str:
    """Why no credential can be merged into this text; empty where one can. Before there is one."""
    if (layout := layout_in(key)) is not None:
        return formatted.unfit(text, layout)
    return "" if fields_of(text) is not None else "it is no JSON object"


def start(key: str) -> str:
    """A text that fits, for somebody who has to make one by hand."""
    layout = layout_in(key)
    return "#" if layout is not None and layout.sort in ("variables", "section") else "{}"


def merged(text: str | None, secret: Secret, key: str) -> str | None:
    """The stored text with the new credential in it, everything else kept; None where it is no JSON object and has to
    be one. Raises Rejected where it does not fit a format.
    """
    if (layout := layout_in(key)) is not None:
        return formatted.written(text, secret, layout)
    fields = fields_of(text)
    if fields is None:
        return None
    fields.update({key: secret.reveal()} if key else secret.fields())
    return json.dumps(fields)


def holds(text: str | None, secret: Secret, key: str) -> bool:
    """Whether it is this very credential that is stored there."""
    if (layout := layout_in(key)) is not None:
        return formatted.holds(text, secret, layout)
    fields = fields_of(text) or {}
    held = fields.get(key or secret.field)
    if not isinstance(held, str) or Secret(held, field=secret.field).fingerprint() != secret.fingerprint():
        return False
    return bool(key) or names(fields, secret.public)


def names(fields: Mapping[str, Any], public: Mapping[str, str]) -> bool:
    """Whether every public part is there as minted."""
    return all(fields.get(k) == v for k, v in public.items())


def same_public(text: str | None, minted: Json, key: str) -> bool:
    """For a process that does not hold the secret: by what the mint left. A key of its own has no public part beside
    it, nor has a format, perhaps: any credential will do there."""
    public = public_of(minted)
    if (layout := layout_in(key)) is not None:
        shape = Secret("", field=str(minted.get("field") or ""), public=public)
        return formatted.taken(text, shape, layout) is not None
    fields = fields_of(text) or {}
    return bool(fields) if key else bool(public) and names(fields, public)


def taken(text: str | None, shape: Secret, key: str) -> Secret | None:
    """The credential that is stored there, or None where it is another's or none."""
    if (layout := layout_in(key)) is not None:
        return formatted.taken(text, shape, layout)
    fields = fields_of(text) or {}
    value = fields.get(key or shape.field)
    if isinstance(value, str) and value and (key or names(fields, shape.public)):
        return Secret(value, field=shape.field, public=shape.public)
    return None


def public_of(minted: Json) -> dict[str, str]:
    """Public parts of what a mint left; empty where they are not known."""
    return {str(k): str(v) for k, v in dict(minted.get("public") or {}).items()}


def public_id(public: Mapping[str, str]) -> str:
    """Tells one mint from another of the same step; whatever order a journal gives its parts back in."""
    return "/".join(public[k] for k in sorted(public))
