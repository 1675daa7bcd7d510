"""How a credential is written down, where a workload reads another form than its store has by itself. Pure.

A mint says in which forms its credentials can stand; `--format` picks one. The address of a step then carries it,
spelled out behind `#format=`: `env(NAME=field,!NAME)`, `INI:SECTION[key=field]`, `WHOLE{field,field}`, `json`. So a
store needs nothing but its address, and whoever reads a plan or a journal years later sees what stands where.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.provider.secret import Secret

if TYPE_CHECKING:
    from nhi_revoke.model.ref import Json

FORMAT = "format="
"""Begins what stands behind the `#` of an address that has one."""
ALONE, WHOLE = "-", "*"
"""In place of a field: the secret part, whatever it is called; all fields, as a JSON object on one line."""
Sort = Literal["object", "variables", "section", "document"]
_BRACKETS: dict[Sort, tuple[str, str]] = {"variables": ("(", ")"), "section": ("[", "]"), "document": ("{", "}")}
_SPELLED = re.compile(r"(?P<name>[a-z0-9-]+)(?::(?P<section>[^\s#(\[{]+))?(?P<body>[(\[{][^#]*[)\]}])?")


class Layout(Struct, frozen=True):
    """One form. Which text holds what is told by `provider/text.py`."""

    name: str
    """As it is typed, without what follows a colon: `env`."""
    sort: Sort = "object"
    """`object`: fields of a JSON object, by their own names; `variables`: lines of a dotenv file; `section`: keys of
    one section of an INI file; `document`: a JSON object that is the whole text."""
    parts: tuple[tuple[str, str], ...] = ()
    """What stands there, and the field that it takes, or `ALONE`, or `WHOLE`. Of an object all fields do."""
    never: tuple[str, ...] = ()
    """What must not stand beside them: with the new one it would be read as part of another credential."""
    section: str = ""
    """Of an INI file; of a mint's own layout the one that is meant where none is typed."""

    @property
    def spelled(self) -> str:
        """As an address has it, behind its `#`."""
        name = f"{self.name}:{self.section}" if self.section else self.name
        if self.sort == "object":
            return FORMAT + name
        before, after = _BRACKETS[self.sort]
        parts = [x if self.sort == "document" else f"{x}={field}" for x, field in self.parts]
        return f"{FORMAT}{name}{before}{','.join((*parts, *(f'!{x}' for x in self.never)))}{after}"

    @property
    def says(self) -> str:
        """In a sentence: `as env (KEY_ID, KEY)`."""
        name = f"{self.name}:{self.section}" if self.section else self.name
        return f"as {name} ({', '.join(x for x, _ in self.parts)})" if self.sort == "variables" else f"as {name}"

    def values(self, secret: Secret) -> dict[str, str]:
        """What stands there under which name, in clear: memory only. Raises KeyError for a field that it has not."""
        fields = secret.fields()
        if self.sort in ("object", "document"):
            ordered = {name: fields[name] for name, _ in self.parts if name in fields}
            return {**ordered, **fields}
        known = {ALONE: secret.reveal(), WHOLE: json.dumps(fields)}
        return {name: known[field] if field in known else fields[field] for name, field in self.parts}

    def credential(self, values: Mapping[str, object], shape: Secret) -> Secret | None:
        """The credential that these values are; None where it is none, or its public parts are another's."""
        public = shape.public
        value: object = None
        for name, field in self.parts or [(x, x) for x in (*public, shape.field)]:
            held = values.get(name)
            if field == WHOLE:
                fields = _fields(held)
                value = fields.get(shape.field)
                if any(fields.get(k) != v for k, v in public.items()):
                    return None
            elif field in (ALONE, shape.field):
                value = held
            elif field in public and held != public[field]:
                return None
        if not isinstance(value, str) or not value:
            return None
        return Secret(value, field=shape.field, public=public)

    def names(self, minted: Json) -> tuple[str, ...]:
        """What is written under which name, told by what the mint left; empty where that does not tell."""
        if self.parts:
            return tuple(name for name, _ in self.parts)
        field = str(minted.get("field") or "")
        return (*map(str, minted.get("public") or ()), field) if field else ()


JSON = Layout("json")
"""Every credential can stand so."""


def variables(names: Mapping[str, str], *, never: tuple[str, ...] = ()) -> Layout:
    """`env`: variables that the vendor's own SDK reads, and the fields that they take."""
    return Layout("env", "variables", tuple(names.items()), never)


def section(name: str, keys: Mapping[str, str], *, by_default: str, never: tuple[str, ...] = ()) -> Layout:
    """A section of an INI file of this name."""
    return Layout(name, "section", tuple(keys.items()), never, by_default)


def document(name: str, fields: tuple[str, ...]) -> Layout:
    """A JSON object that is the whole text. `fields`: all that it may hold, in order."""
    return Layout(name, "document", tuple((field, field) for field in fields))


def layout_in(part: str) -> Layout | None:
    """Of what stands behind the `#` of an address; None where that is no format (a JSON key, for example)."""
    if not part.startswith(FORMAT):
        return None
    told = _SPELLED.fullmatch(part.removeprefix(FORMAT))
    if told is None:
        return None
    body, place = told["body"] or "", told["section"] or ""
    if not body:
        return JSON if told[0] == JSON.name else None
    sort = next(each for each, (before, after) in _BRACKETS.items() if body[0] == before and body[-1] == after)
    items = [item for item in body[1:-1].split(",") if item]
    pairs = [item.partition("=") for item in items if not item.startswith("!")]
    parts = tuple((name, field or name) for name, _, field in pairs)
    return Layout(told["name"], sort, parts, tuple(item[1:] for item in items if item.startswith("!")), place)


def split(address: str) -> tuple[str, str]:
    """An address without its format, and the format as it is spelled behind `#`; empty where it has none."""
    place, mark, spelled = address.rpartition(f"#{FORMAT}")
    return (place, FORMAT + spelled) if mark else (address, "")


def shown(address: str) -> str:
    """An address in a sentence: its format in words."""
    place, spelled = split(address)
    layout = layout_in(spelled)
    return f"{place} {layout.says}" if layout is not None else address


def in_section(layout: Layout, place: str) -> Layout:
    """The same, in that section."""
    return replace(layout, section=place)


def _fields(text: object) -> dict[str, object]:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
