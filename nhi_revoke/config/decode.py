"""A table of the file as a Struct, with errors that name the key, the nearest valid one, and what is expected."""

from __future__ import annotations

import re
import types
import typing
from typing import Any, TypeVar

import msgspec

from nhi_revoke.model.building import converted
from nhi_revoke.model.error import Usage
from nhi_revoke.model.nearest import did_you_mean

T = TypeVar("T")
Key = str | int
_WORDS = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def dotted(path: tuple[Key, ...]) -> str:
    """`accounts[0].role`: a path as a person writes it."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def decode(value: object, into: type[T], path: tuple[Key, ...], file: str) -> T:
    """Convert a TOML value. Raises Usage that names the file, the table and the key."""
    try:
        return converted(value, into)
    except msgspec.ValidationError as error:
        raise _explain(value, into, path, file, str(error)) from None


def unknown_key(key: str, table: str, valid: list[str], file: str) -> Usage:
    """The error for a key that nobody reads."""
    where = f"table [{table}]" if table else "top level"
    return Usage(
        "unknown-key",
        f'{file}: unknown key "{key}" ({where}). Nothing was read from this file.',
        did_you_mean(key, valid) or "This table takes no keys.",
    )


def _explain(value: object, into: Any, path: tuple[Key, ...], file: str, why: str) -> Usage:
    """Walk down to the value that does not fit, since msgspec hides the names of dict keys."""
    if isinstance(value, dict) and _is_struct(into):
        fields = {field.encode_name: field for field in msgspec.structs.fields(into)}
        for key in value:
            if key not in fields:
                return unknown_key(key, dotted(path), list(fields), file)
        inner = [((*path, key), item, fields[key].type) for key, item in value.items()]
    else:
        inner = _children(value, into, path)
    for deeper, item, kind in inner:
        try:
            converted(item, kind)
        except msgspec.ValidationError as error:
            return _explain(item, kind, deeper, file, str(error))
    return Usage("bad-value", f"{file}: {dotted(path)}: {_plain(why)}. Nothing was read from this file.")


def _children(value: object, into: Any, path: tuple[Key, ...]) -> list[tuple[tuple[Key, ...], object, Any]]:
    """The elements of a list or dict with the type that each must have; none where the container itself is wrong."""
    origin, args = typing.get_origin(into), typing.get_args(into)
    if origin in (typing.Union, types.UnionType):
        fitting = [arg for arg in args if _could_hold(value, arg)]
        return _children(value, fitting[0], path) if len(fitting) == 1 else []
    if isinstance(value, dict) and origin is dict:
        return [((*path, key), item, args[1]) for key, item in value.items()]
    if isinstance(value, dict) and _is_struct(into):
        return [(path, value, into)]
    if isinstance(value, list) and origin in (list, tuple) and args:
        return [((*path, number), item, args[0]) for number, item in enumerate(value)]
    return []


def _could_hold(value: object, into: Any) -> bool:
    origin = typing.get_origin(into)
    if isinstance(value, dict):
        return origin is dict or _is_struct(into)
    return isinstance(value, list) and origin in (list, tuple)


def _is_struct(into: Any) -> bool:
    return isinstance(into, type) and issubclass(into, msgspec.Struct)


def _plain(why: str) -> str:
    """msgspec's message in the words of TOML, without its own path."""
    text = re.sub(r"`([a-z]+(?: \| [a-z]+)*)`", _words, why.partition(" - at ")[0])
    return text.replace("`", '"').replace("Expected", "expected").replace("Object missing", "the table lacks the")


def _words(types_: re.Match[str]) -> str:
    """`str | null` is "a string": TOML has no null. A name that is no type stays as it is."""
    names = [name for name in types_[1].split(" | ") if name != "null"]
    return " or ".join(_WORDS.get(name, f'"{name}"') for name in names)
