"""Microsoft Graph as its own schema (CSDL) describes it: which path is what, and what a body may hold."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
KEYED = re.compile(r"(\w+)\((\w+)='[^']*'\)")
MANY = re.compile(r"Collection\((.+)\)")
LENIENT = {"customKeyIdentifier": "told in hex, though described as binary (facts entra.md 1, row 2)"}
"""Members whose values are not as described, each with the reason."""


class Shape(NamedTuple):
    """An entity or complex type, without what it inherits."""

    base: str
    members: dict[str, str]
    navigations: dict[str, str]


class Meant(NamedTuple):
    """What a path leads to. `what`: its type, or the name of an action."""

    sort: Literal["entity", "collection", "action", "reference"]
    what: str
    of: str = ""
    """For an action: the type that it is bound to."""


class Schema:
    """Of one file. Raises FileNotFoundError."""

    def __init__(self, file: Path) -> None:
        root = ET.fromstring(file.read_bytes())  # noqa: S314 - a file of ours
        self._shapes: dict[str, Shape] = {}
        self._actions: dict[tuple[str, str], dict[str, str]] = {}
        self._returns: dict[tuple[str, str], str] = {}
        self._sets: dict[str, str] = {}
        for schema in root.iter(f"{EDM}Schema"):
            name = schema.get("Namespace", "")
            self._read(schema, name)
        for each in root.iter():
            if each.tag in (f"{EDM}EntitySet", f"{EDM}Singleton"):
                many = each.tag.endswith("EntitySet")
                kind = _whole(each.get("EntityType") or each.get("Type") or "")
                self._sets[each.get("Name", "")] = f"Collection({kind})" if many else kind

    def _read(self, schema: ET.Element, namespace: str) -> None:
        for each in schema:
            if each.tag in (f"{EDM}EntityType", f"{EDM}ComplexType"):
                members = {p.get("Name", ""): _whole(p.get("Type", "")) for p in each.iter(f"{EDM}Property")}
                navigations = {
                    p.get("Name", ""): _whole(p.get("Type", "")) for p in each.iter(f"{EDM}NavigationProperty")
                }
                name = f"{namespace}.{each.get('Name')}"
                self._shapes[name] = Shape(_whole(each.get("BaseType") or ""), members, navigations)
            elif each.tag == f"{EDM}Action":
                parameters = {p.get("Name", ""): _whole(p.get("Type", "")) for p in each.iter(f"{EDM}Parameter")}
                bound = next(iter(parameters.values()), "")
                rest = dict(list(parameters.items())[1:])
                self._actions[bound, each.get("Name", "")] = rest
                told = each.find(f"{EDM}ReturnType")
                self._returns[bound, each.get("Name", "")] = _whole(told.get("Type", "")) if told is not None else ""

    # -- paths -----------------------------------------------------------------------------------------------------

    def meant(self, path: str) -> Meant | None:
        """Of a path without its version; None where it leads nowhere."""
        kind = ""
        for number, part in enumerate(path.strip("/").split("/")):
            keyed = KEYED.fullmatch(part)
            name = keyed.group(1) if keyed else part
            many = MANY.fullmatch(kind)
            if number == 0:
                kind = self._sets.get(name, "")
            elif part == "$ref":
                return Meant("reference", kind)
            elif part in self._shapes:  # a cast: of what is listed, these alone
                kind = f"Collection({part})" if many else part
            elif many:
                kind, keyed = many.group(1), None
            elif (kind, name) in self._actions:
                return Meant("action", name, kind)
            else:
                kind = self.navigations(kind).get(name, "")
            if not kind:
                return None
            if keyed:
                if keyed.group(2) not in self.members(_one(kind)):
                    return None
                kind = _one(kind)
        many = MANY.fullmatch(kind)
        return Meant("collection", many.group(1)) if many else Meant("entity", kind)

    def members(self, kind: str) -> dict[str, str]:
        """With what it inherits."""
        shape = self._shapes.get(kind)
        return {**self.members(shape.base), **shape.members} if shape else {}

    def navigations(self, kind: str) -> dict[str, str]:
        """With what it inherits."""
        shape = self._shapes.get(kind)
        return {**self.navigations(shape.base), **shape.navigations} if shape else {}

    def parameters(self, action: Meant) -> dict[str, str]:
        """Of an action, but what it is bound to."""
        return self._actions[action.of, action.what]

    def returned(self, action: Meant) -> str:
        """The type of an action's answer; empty where it has none."""
        return self._returns[action.of, action.what]

    # -- bodies ----------------------------------------------------------------------------------------------------

    def wrong(self, body: Any, kind: str, where: str = "") -> Iterator[str]:
        """What of an object is not as described. Members that begin with `@odata.` are OData's own."""
        if not isinstance(body, dict):
            yield f"{where}: no object"
            return
        known = {**self.members(kind), **self.navigations(kind)}
        yield from self.wrong_members(body, known, where)

    def wrong_members(self, body: Mapping[str, Any], known: Mapping[str, str], where: str = "") -> Iterator[str]:
        for name, value in body.items():
            if name.startswith("@odata."):
                continue
            if name not in known:
                yield f"{where}.{name} is unknown"
            elif name not in LENIENT and value is not None:
                yield from self._wrong_value(value, known[name], f"{where}.{name}")

    def _wrong_value(self, value: Any, kind: str, where: str) -> Iterator[str]:
        many = MANY.fullmatch(kind)
        if many:
            if not isinstance(value, list):
                yield f"{where}: no list"
                return
            for each in value:
                yield from self._wrong_value(each, many.group(1), f"{where}[]")
        elif kind.startswith("Edm."):
            if not _fits(value, kind):
                yield f"{where}: no {kind}"
        elif kind in self._shapes:
            yield from self.wrong(value, kind, where)
        elif not isinstance(value, str):  # an enumeration's word
            yield f"{where}: no {kind}"


def _fits(value: Any, kind: str) -> bool:
    if kind == "Edm.Boolean":
        return isinstance(value, bool)
    if kind.startswith("Edm.Int"):
        return isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if kind == "Edm.Guid":
        return bool(GUID.fullmatch(value))
    if kind == "Edm.DateTimeOffset":
        try:
            return datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            return False
    return True


def _whole(kind: str) -> str:
    return kind.replace("graph.", "microsoft.graph.") if "microsoft.graph." not in kind else kind


def _one(kind: str) -> str:
    many = MANY.fullmatch(kind)
    return many.group(1) if many else kind
