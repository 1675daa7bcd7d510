"""What the file holds, JSON or a format: put a secret in, keep everything else, take a secret out. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nhi_revoke.provider import text as formatted
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import Layout, layout_in
from nhi_revoke.provider.secret import Secret

_INDENT = re.compile(r'\n([ \t]+)"')


def merged(present: bytes | None, secret: Secret, key: str) -> bytes:
    """The file's new content: all fields of the secret, its value alone under `key`, or as the format has it.

    Raises Rejected where the present content is of another form, or could not be kept as it is.
    """
    layout = _of_text(key)
    if layout is not None:
        try:
            return formatted.written(_text(present), secret, layout).encode()
        except Rejected as why:
            raise _unmerged(why.message) from None
    key = "" if layout_in(key) is not None else key
    return _merge(present, {key: secret.reveal()} if key else secret.fields())


def check(present: bytes | None, key: str = "") -> None:
    """Whether `merged` will work, before there is a secret. Raises Rejected."""
    if (layout := _of_text(key)) is None:
        _merge(present, {})
    elif why := formatted.unfit(_text(present), layout):
        raise _unmerged(why)


def extracted(content: bytes, field: str, key: str) -> str | None:
    """The secret part in it, or None."""
    if _of_text(key) is not None:
        found = taken(content, Secret("", field=field), key)
        return found.reveal() if found is not None else None
    key = "" if layout_in(key) is not None else key
    try:
        value = _object(content.decode(), parse_float=float).get(key or field)
    except (ValueError, RecursionError, Rejected):
        return None
    return value if isinstance(value, str) else None


def taken(content: bytes, shape: Secret, key: str) -> Secret | None:
    """The credential in it, or None where it is another's, as far as public parts stand there, or none."""
    if (layout := _of_text(key)) is not None:
        try:
            return formatted.taken(content.decode(), shape, layout)
        except UnicodeDecodeError:
            return None
    if (not key or layout_in(key) is not None) and not names(content, shape.public):
        return None
    value = extracted(content, shape.field, key)
    return Secret(value, field=shape.field, public=shape.public) if value else None


def names(content: bytes, public: Mapping[str, str]) -> bool:
    """Whether it holds exactly these public parts."""
    return all(extracted(content, field, "") == value for field, value in public.items())


def _of_text(key: str) -> Layout | None:
    """The format, but for JSON: objects are merged here, where their numbers and their indent are kept."""
    layout = layout_in(key)
    return layout if layout is not None and layout.sort != "object" else None


def _text(present: bytes | None) -> str | None:
    try:
        return present.decode() if present is not None else None
    except UnicodeDecodeError:
        raise _unmerged("it is not UTF-8 text") from None


def _merge(present: bytes | None, fields: Mapping[str, str]) -> bytes:
    try:
        text = (present or b"").decode()
    except UnicodeDecodeError:
        raise _no_json("it is not UTF-8 text") from None
    if not text.strip():
        return (json.dumps(dict(fields), indent=2, ensure_ascii=False) + "\n").encode()
    indent = _INDENT.search(text)
    try:
        whole = _object(text, parse_float=float)
        new = json.dumps({**whole, **fields}, indent=indent[1] if indent else None, ensure_ascii=False, allow_nan=False)
        new += "\n" if text.endswith("\n") else ""
        encoded = new.encode()
        before, after = (_object(each, parse_float=Decimal) for each in (text, new))
    except RecursionError:
        raise _no_json("it is nested too deeply") from None
    except ValueError:  # its message may quote the content, which holds a secret
        raise _no_json("it is not a JSON object") from None
    if {k: v for k, v in before.items() if k not in fields} != {k: v for k, v in after.items() if k not in fields}:
        raise _no_json("it holds numbers that cannot be kept exactly")
    return encoded


def _object(text: str, *, parse_float: Any) -> dict[str, Any]:
    whole = json.loads(text, parse_float=parse_float, object_pairs_hook=_no_twins)
    if not isinstance(whole, dict):
        raise _no_json("it is JSON, but not an object")
    return whole


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) != len(pairs):
        raise _no_json("it has the same key twice")
    return whole


def _unmerged(why: str) -> Rejected:
    return Rejected(
        f"the credential cannot be written into what the file holds: {why}",
        hint="Deliver to a new file in this format, or make this one fit; then let the workload read it.",
    )


def _no_json(why: str) -> Rejected:
    return Rejected(
        f"the credential cannot be merged into what the file holds: {why}",
        hint="Deliver to a new file, or make this one a JSON object; then let the workload read it.",
    )
