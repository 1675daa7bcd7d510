"""Where each value came from, for `config show`, with nothing that looks like a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from nhi_revoke.config.decode import Key, dotted
from nhi_revoke.config.lines import Lines
from nhi_revoke.config.shape import Origin
from nhi_revoke.model.mask import MASK

__all__ = ["MASK", "masked", "origins", "shown"]

_SECRET_KEY = re.compile(r"secret|token|passw|passphrase|private_?key|api_?key|credential", re.IGNORECASE)
_NAMES_A_PLACE = re.compile(r"(file|path|env|url|profile|name|id|type)$", re.IGNORECASE)
"""`token_file` says where a secret lies, and is none."""
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_IN_QUERY = re.compile(
    r"(?<=[?&])([^=&#\s]*(?:secret|token|passw|pwd|key|sig|auth|credential|code)[^=&#\s]*)=[^&#\s]*", re.IGNORECASE
)
_A_KEY = re.compile(r"(^|_)(key|pwd)$", re.IGNORECASE)


def origins(
    data: dict[str, Any], text: str, file: str, state: Path, only: tuple[str, ...] | None, environ: Mapping[str, str]
) -> tuple[Origin, ...]:
    """Values of the environment and defaults first, then the file's, in its order."""
    from_env = "NHI_REVOKE_STATE" if environ.get("NHI_REVOKE_STATE") else ""
    if not from_env:
        from_env = "XDG_STATE_HOME" if environ.get("XDG_STATE_HOME", "").startswith("/") else "default"
    found = [
        Origin("state", shown("state", str(state)), from_env),
        Origin("only", shown("only", list(only or [])), "NHI_REVOKE_PROVIDERS" if only else "default"),
    ]
    unset: dict[str, object] = {"protect": [], "approval": {}, "sandbox": ""}
    found += [Origin(key, shown(key, value), "default") for key, value in unset.items() if key not in data]
    lines = Lines(text)
    for path, value in _leaves(data, ()):
        line = lines.of(path)
        found.append(Origin(dotted(path), shown(dotted(path), value), f"{file}:{line}" if line else file))
    return tuple(found)


def shown(key: str, value: object) -> str:
    """A value as JSON, masked where the key or the text looks like a secret."""
    last = key.rpartition(".")[2]
    if _SECRET_KEY.search(last) and not _NAMES_A_PLACE.search(last):
        return MASK
    return _USERINFO.sub(f"{MASK}@", msgspec.json.encode(value, enc_hook=str).decode())


def masked(key: str, value: object) -> object:
    """A setting of a flush without what looks like a secret: plans and journals hold these settings.

    The words of a command stay as they are: it would be another command.
    """
    if isinstance(value, dict):
        return {name: masked(name, item) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(key, item) if isinstance(item, dict) else item for item in value]
    if not isinstance(value, str):
        return value
    if (_SECRET_KEY.search(key) or _A_KEY.search(key)) and not _NAMES_A_PLACE.search(key):
        return MASK
    if "://" not in value:
        return value
    return _IN_QUERY.sub(rf"\1={MASK}", _USERINFO.sub(f"{MASK}@", value))


def _leaves(value: object, path: tuple[Key, ...]) -> Iterator[tuple[tuple[Key, ...], object]]:
    """Tables are walked into, and lists of tables; a list of plain values is one value."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, number))
    elif path:
        yield path, value
