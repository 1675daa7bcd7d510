"""Holds HTTP requests and answers against a vendor's OpenAPI 3.0 description, more strictly than clients do.

A query parameter or a member that the description does not know is wrong: a typing mistake looks like that, and servers
mostly ignore it (`oauthtokens=true` would end no token).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import pytest
from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT4

BASE = "urn:description"
METHODS = ("get", "put", "post", "delete", "patch", "head")
BESIDE = Path(__file__).parents[3] / "shared" / "specs"
NOT_AT_HAND = "NOT CHECKED: the vendors' own descriptions are not at hand (NHI_SPECS names their folder)"


def spec(vendor: str, name: str) -> Path:
    """A vendor's own description: data, and no part of this project.

    Where nobody named their folder and none lies beside the project, what they would tell is skipped, and said to be.
    A folder that is there or named, and lacks one, is an error.
    """
    named = os.environ.get("NHI_SPECS")
    if not named and not BESIDE.is_dir():
        pytest.skip(NOT_AT_HAND)
    return Path(named or BESIDE) / vendor / name


class Exchange(NamedTuple):
    """One request, and what came back."""

    by: str
    """`provider` or `intruder`."""
    method: str
    path: str
    """Without the query, as it was sent."""
    query: str
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes
    status: int
    answer: bytes

    @property
    def told(self) -> str:
        """For an assertion; no header and no body: those hold credentials."""
        return f"{self.method} {self.path}{'?' if self.query else ''}{self.query}"


class Operation(NamedTuple):
    """One method of one path, as it is described."""

    name: str
    """`GET /api/v1/apps/{appId}`."""
    id: str
    pointer: str
    """JSON pointer to it."""
    segments: Mapping[str, str]
    """Values of the path's parameters."""


class Members(NamedTuple):
    """What an object of a schema may hold."""

    members: Mapping[str, str]
    """Pointer of each."""
    items: str
    """Pointer of a list's entries."""
    open: bool
    """Anything else may be there."""
    subtypes: tuple[str, ...]


class Description:
    """One OpenAPI file."""

    def __init__(self, path: Path, signs_in: Sequence[str] = ()) -> None:
        """`signs_in`: fields by which a client proves itself in a form; the description tells them in words alone.

        Raises FileNotFoundError.
        """
        self._signs_in = frozenset(signs_in)
        self._whole: dict[str, Any] = json.loads(path.read_text())
        self._registry: Any = Registry().with_resource(BASE, DRAFT4.create_resource(self._whole))

    @cached_property
    def _paths(self) -> Sequence[tuple[re.Pattern[str], str]]:
        """Literal segments before parameters: `/api-tokens/current` is no id."""
        paths = sorted(self._whole["paths"], key=lambda p: (p.count("{"), p))
        return [(re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(p))), p) for p in paths]

    @property
    def every_scope(self) -> frozenset[str]:
        """That any operation names."""
        operations = [item[m] for item in self._whole["paths"].values() for m in METHODS if m in item]
        return frozenset(s for o in operations for each in o.get("security", ()) for s in each.get("oauth2", ()))

    def operation(self, method: str, path: str) -> Operation | None:
        for pattern, template in self._paths:
            match = pattern.fullmatch(path)
            if match and method.lower() in self._whole["paths"][template]:
                pointer = f"/paths/{_escaped(template)}/{method.lower()}"
                segments = {k: unquote(v) for k, v in match.groupdict().items()}
                return Operation(f"{method} {template}", str(self._at(pointer)["operationId"]), pointer, segments)
        return None

    def scopes(self, operation: Operation) -> frozenset[str]:
        """OAuth 2.0 scopes of which each alone is enough."""
        security = self._at(operation.pointer).get("security", ())
        return frozenset(scope for each in security for scope in each.get("oauth2", ()))

    # -- requests --------------------------------------------------------------------------------------------------

    def wrong_request(self, asked: Exchange) -> Iterator[str]:
        """What of the request is not as described; one line for an unknown path or method."""
        operation = self.operation(asked.method, asked.path)
        if operation is None:
            yield f"{asked.method} {asked.path}: no such operation"
            return
        parameters = dict(self._parameters(operation))
        sent = {
            "query": dict(parse_qsl(asked.query, keep_blank_values=True)),
            "path": operation.segments,
            "header": asked.headers,
        }
        known = {name for where, name in parameters if where == "query"}
        if "after" in sent["query"] and "after" not in known:
            known |= {"after", "limit"}  # a link that the vendor gave is followed as it is, whatever it holds
        yield from (f"{operation.name}: ?{name}= is unknown" for name in sent["query"] if name not in known)
        for (where, name), pointer in parameters.items():
            values = sent.get(where, {})
            key = name.lower() if where == "header" else name
            if key not in values:
                if self._at(pointer).get("required"):
                    yield f"{operation.name}: {where} parameter {name} is missing"
                continue
            value = self._typed(str(values[key]), f"{pointer}/schema")
            yield from self._wrong(OAS30WriteValidator, value, f"{pointer}/schema", f"{operation.name} {name}")
        yield from self._wrong_body(asked, operation)

    def _wrong_body(self, asked: Exchange, operation: Operation) -> Iterator[str]:
        described = self._at(operation.pointer).get("requestBody")
        if described is None:
            if asked.body:
                yield f"{operation.name}: a body, and none is described"
            return
        pointer = self._followed(f"{operation.pointer}/requestBody")
        if not asked.body:
            if self._at(pointer).get("required"):
                yield f"{operation.name}: the body is missing"
            return
        kind = asked.headers.get("content-type", "").partition(";")[0]
        content = f"{pointer}/content/{_escaped(kind)}/schema"
        if kind not in self._at(f"{pointer}/content"):
            yield f"{operation.name}: a body of {kind or 'no type'}"
            return
        form = kind.endswith("form-urlencoded")
        body: Any = json.loads(asked.body) if not form else {
            k: v for k, v in parse_qsl(asked.body.decode(), keep_blank_values=True) if k not in self._signs_in
        }  # fmt: skip
        yield from self._wrong(OAS30WriteValidator, body, content, operation.name)
        yield from self._unknown(OAS30WriteValidator, body, content, operation.name)

    def _parameters(self, operation: Operation) -> Iterator[tuple[tuple[str, str], str]]:
        """By place and name; the operation's own last, since they win."""
        for holder in (operation.pointer.rpartition("/")[0], operation.pointer):
            for number in range(len(self._at(holder).get("parameters", ()))):
                pointer = self._followed(f"{holder}/parameters/{number}")
                described = self._at(pointer)
                yield (str(described["in"]), str(described["name"])), pointer

    def _typed(self, text: str, pointer: str) -> Any:
        """A parameter is a text on the wire; only what reads as its type is taken for it."""
        kind = self._at(self._followed(pointer)).get("type")
        if kind == "boolean":
            return {"true": True, "false": False}.get(text, text)
        if kind == "integer" and re.fullmatch(r"-?\d+", text):
            return int(text)
        return text

    # -- answers ---------------------------------------------------------------------------------------------------

    def wrong_answer(self, asked: Exchange, errors: Sequence[int] = ()) -> Iterator[str]:
        """What of the answer is not as described. `errors`: statuses that any operation may have, in the form of an
        error of this description, though they are described for some alone.
        """
        operation = self.operation(asked.method, asked.path)
        if operation is None:
            return
        name = f"{operation.name} {asked.status}"
        pointer = f"{operation.pointer}/responses/{asked.status}"
        if not self._is(pointer):
            if asked.status not in errors:
                yield f"{name}: no such status"
                return
            pointer, content = "", "/components/schemas/Error"
        else:
            pointer = self._followed(pointer)
            described = self._at(pointer).get("content", {})
            if not described:
                if asked.answer.strip():
                    yield f"{name}: a body, and none is described"
                return
            content = f"{pointer}/content/{_escaped('application/json')}/schema"
        if not asked.answer.strip():
            yield f"{name}: the body is missing"
            return
        body = json.loads(asked.answer)
        yield from self._wrong(OAS30ReadValidator, body, content, name)
        yield from self._unknown(OAS30ReadValidator, body, content, name)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _wrong(self, validator: Any, value: Any, pointer: str, at: str) -> Iterator[str]:
        """By the description's schema. Values stay out of the message: they may be credentials."""
        schema = {"$ref": f"{BASE}#{pointer}"}
        checks = validator(schema, registry=self._registry, format_checker=oas30_format_checker)
        for error in checks.iter_errors(value):
            where = "".join("[]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)
            wanted = json.dumps(error.validator_value, default=str)[:80]
            yield f"{at}{where}: {error.validator} {wanted}"

    def _unknown(self, validator: Any, value: Any, pointer: str, at: str) -> Iterator[str]:
        """Members that no part of the schema names; and what is wrong by the subtype that the value says it is."""
        found = self._members(pointer, value, frozenset())
        for subtype in found.subtypes:
            yield from self._wrong(validator, value, subtype, f"{at} ({subtype.rpartition('/')[2]})")
        if isinstance(value, list) and found.items:
            for one in value:
                yield from self._unknown(validator, one, found.items, f"{at}[]")
        if isinstance(value, dict) and found.members and not found.open:
            for name, one in value.items():
                if name in found.members:
                    yield from self._unknown(validator, one, found.members[name], f"{at}.{name}")
                else:
                    yield f"{at}: {name} is unknown"

    def _members(self, pointer: str, value: Any, seen: frozenset[str]) -> Members:
        """`seen`: a subtype names the type that it is one of, which names its subtypes."""
        pointer = self._followed(pointer)
        if pointer in seen:
            return Members({}, "", False, ())
        schema = self._at(pointer)
        members = {name: f"{pointer}/properties/{_escaped(name)}" for name in schema.get("properties", ())}
        found = Members(members, f"{pointer}/items" if "items" in schema else "", _is_open(schema), ())
        parts = [
            f"{pointer}/{word}/{n}" for word in ("allOf", "anyOf", "oneOf") for n in range(len(schema.get(word, ())))
        ]
        subtype = self._subtype(schema, value)
        for part in (*parts, *subtype):
            theirs = self._members(part, value, seen | {pointer})
            found = Members(
                {**found.members, **theirs.members}, found.items or theirs.items, found.open or theirs.open,
                (*found.subtypes, *theirs.subtypes),
            )  # fmt: skip
        return found._replace(subtypes=(*found.subtypes, *subtype))

    def _subtype(self, schema: Mapping[str, Any], value: Any) -> tuple[str, ...]:
        """Where a type tells its subtypes by a member's value: which one this is, where this file has it."""
        said = schema.get("discriminator") or {}
        if not isinstance(value, dict) or "oneOf" in schema or not said.get("mapping"):
            return ()
        pointer = str(said["mapping"].get(str(value.get(said["propertyName"])), "")).removeprefix("#")
        return (pointer,) if pointer and self._is(pointer) else ()

    def _followed(self, pointer: str) -> str:
        while "$ref" in self._at(pointer):
            pointer = str(self._at(pointer)["$ref"]).removeprefix("#")
        return pointer

    def _is(self, pointer: str) -> bool:
        try:
            self._at(pointer)
        except (KeyError, IndexError):
            return False
        return True

    def _at(self, pointer: str) -> Any:
        found: Any = self._whole
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        return found


def _is_open(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("additionalProperties", False))


def _escaped(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")
