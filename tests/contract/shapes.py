"""Holds a raw answer against its shape in the vendor's model, more strictly than the vendor's parser: it skips what it
does not know, and misses nothing that is required.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from tests.contract.exchange import Exchange

NAMESPACE = re.compile(r"^\{[^}]*\}")
TIMES = {"iso8601": re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")}


def wrong(exchange: Exchange) -> Iterator[str]:
    """What in a good answer is not as its shape says."""
    shape = exchange.model.output_shape
    if shape is None:
        return
    protocol = exchange.model.service_model.resolved_protocol
    if protocol == "query":
        # The answers are a loopback sandbox's own.
        root = ElementTree.fromstring(exchange.body)  # noqa: S314 - our own sandbox wrote it
        wrapper = exchange.model.output_shape.serialization.get("resultWrapper")
        result = next((child for child in root if _tag(child) == wrapper), None)
        if result is None:
            yield f"no <{wrapper}> in <{_tag(root)}>"
            return
        yield from _xml(result, shape, exchange.operation)
    elif protocol == "json":
        yield from _json(json.loads(exchange.body or b"{}"), shape, exchange.operation)
    elif protocol == "rest-json":
        yield from _rest(json.loads(exchange.body or b"{}"), shape, exchange.operation)
    elif protocol == "ec2":
        root = ElementTree.fromstring(exchange.body)  # noqa: S314 - our own sandbox wrote it
        yield from _xml([child for child in root if _tag(child) != "requestId"], shape, exchange.operation, item="item")
    else:
        yield f"{protocol} is not read here"


def _rest(value: Any, shape: Any, at: str) -> Iterator[str]:
    """Members travel under their location names, and some not in the body; times are numbers or ISO texts."""
    if shape.type_name == "structure":
        members = {_location(n, m): m for n, m in shape.members.items() if "location" not in m.serialization}
        yield from (f"{at}: {name} is no member of {shape.name}" for name in value if name not in members)
        required = [_location(n, shape.members[n]) for n in shape.required_members]
        yield from (f"{at}: {name} is required" for name in required if name in members and name not in value)
        for name, member in members.items():
            if value.get(name) is not None:
                yield from _rest(value[name], member, f"{at}.{name}")
    elif shape.type_name == "list":
        for one in value:
            yield from _rest(one, shape.member, f"{at}[]")
    elif shape.type_name == "map":
        for one in value.values():
            yield from _rest(one, shape.value, f"{at}{{}}")
    elif shape.type_name == "timestamp" and isinstance(value, str):
        yield from _scalar(value, shape, at)
    else:
        yield from _json(value, shape, at)


def _location(name: str, member: Any) -> str:
    return str(member.serialization.get("name", name))


def _xml(element: Any, shape: Any, at: str, item: str = "member") -> Iterator[str]:
    if shape.type_name == "structure":
        members = {_name(name, member): (name, member) for name, member in shape.members.items()}
        there = [_tag(child) for child in element]
        yield from (f"{at}: <{tag}> is no member of {shape.name}" for tag in there if tag not in members)
        yield from (f"{at}: {n} is required" for n in shape.required_members if _name(n, shape.members[n]) not in there)
        for child in element:
            if _tag(child) in members:
                name, member = members[_tag(child)]
                yield from _xml(child, member, f"{at}.{name}", item)
    elif shape.type_name == "list":
        yield from (f"{at}: <{_tag(child)}> in a list" for child in element if _tag(child) != item)
        for child in element:
            yield from _xml(child, shape.member, f"{at}[]", item)
    elif shape.type_name == "map":
        for entry in element:
            for child in entry:
                yield from _xml(child, shape.key if _tag(child) == "key" else shape.value, f"{at}{{}}")
    else:
        yield from _scalar(element.text or "", shape, at)


def _json(value: Any, shape: Any, at: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from (f"{at}: {name} is no member of {shape.name}" for name in value if name not in shape.members)
        yield from (f"{at}: {name} is required" for name in shape.required_members if name not in value)
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _json(value[name], member, f"{at}.{name}")
    elif shape.type_name == "list":
        for item in value:
            yield from _json(item, shape.member, f"{at}[]")
    elif shape.type_name == "map":
        for item in value.values():
            yield from _json(item, shape.value, f"{at}{{}}")
    elif shape.type_name == "timestamp":
        if not isinstance(value, int | float):
            yield f"{at}: {value!r} is no time in seconds, as JSON protocols have it"
    elif shape.type_name == "boolean":
        if not isinstance(value, bool):
            yield f"{at}: {value!r} is no boolean"
    else:
        yield from _scalar(str(value), shape, at)


def _scalar(text: str, shape: Any, at: str) -> Iterator[str]:
    kind, rules = shape.type_name, shape.metadata
    if kind == "timestamp" and not TIMES["iso8601"].match(text):
        yield f"{at}: {text!r} is no time"
    elif kind == "boolean" and text not in ("true", "false"):
        yield f"{at}: {text!r} is no boolean"
    elif kind in ("integer", "long") and not re.fullmatch(r"-?\d+", text):
        yield f"{at}: {text!r} is no number"
    elif kind == "string":
        enum = getattr(shape, "enum", [])
        if enum and text not in enum:
            yield f"{at}: {text!r} is none of {', '.join(enum)}"
        if not int(rules.get("min", 0)) <= len(text) <= int(rules.get("max", 1 << 30)):
            yield f"{at}: {len(text)} characters, and the model says {rules}"
        if rules.get("pattern") and not re.search(_python(str(rules["pattern"])), text):
            yield f"{at}: {text[:60]!r} does not match {rules['pattern']}"


def _python(pattern: str) -> str:
    """The model's patterns are Java's: `\\p{…}` and `\\u00FF` are written differently there."""
    return re.sub(r"\\p\{[^}]*\}", r"\\w", pattern)


def _name(name: str, member: Any) -> str:
    return str(member.serialization.get("name", name))


def _tag(element: Any) -> str:
    return NAMESPACE.sub("", str(element.tag))
