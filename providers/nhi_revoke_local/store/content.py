"""The JSON in the file: put a secret in, keep every other field, take a secret out. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.secret import Secret

_INDENT = re.compile(r'\n([ \t]+)"')


def merged(present: bytes | None, secret: Secret, key: str) -> bytes:
    """The file's new content: all fields of the secret, or its value alone under `key`.

    Raises Rejected where the present content is no JSON object, or could not be kept as it is.
    """
    return _merge(present, {key: secret.reveal()} if key else secret.fields())


def check(present: bytes | None) -> None:
    """Whether `merged` will work, before there is a secret. Raises Rejected."""
    _merge(present, {})


def extracted(content: bytes, field: str, key: str) -> str | None:
    """The secret part in it, or None."""
    try:
        value = _object(content.decode(), parse_float=float).get(key or field)
    except (ValueError, RecursionError, Rejected):
        return None
    return value if isinstance(value, str) else None


def names(content: bytes, public: Mapping[str, str]) -> bool:
    """Whether it holds exactly these public parts."""
    return all(extracted(content, field, "") == value for field, value in public.items())


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


def _no_json(why: str) -> Rejected:
    return Rejected(
        f"the credential cannot be merged into what the file holds: {why}",
        hint="Deliver to a new file, or make this one a JSON object; then let the workload read it.",
    )
