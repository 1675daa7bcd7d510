"""Holds REST requests and answers against Google's own descriptions (discovery documents): more strictly than Google's
client, which sends what it does not know and reads past what it does not.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import googleapiclient.discovery_cache
from msgspec import Struct

FOLDER = Path(googleapiclient.discovery_cache.__file__).parent / "documents"
DOCUMENTS = (
    "aiplatform.v1", "apikeys.v2", "cloudresourcemanager.v1", "cloudresourcemanager.v3", "compute.v1", "iam.v1",
    "iam.v2", "iamcredentials.v1", "logging.v2", "orgpolicy.v2", "policyanalyzer.v1", "run.v1", "secretmanager.v1",
    "storage.v1", "sts.v1",
)  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TYPES: dict[str, Any] = {
    "string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict,
}  # fmt: skip


class Exchange(Struct, frozen=True):
    """One request and its answer."""

    method: str
    url: str
    body: Any
    status: int
    answer: Any


class Method(Struct, frozen=True):
    document: str
    about: Mapping[str, Any]
    path: re.Pattern[str]

    @property
    def id(self) -> str:
        return str(self.about["id"])


@functools.cache
def document(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return read


@functools.cache
def methods() -> tuple[Method, ...]:
    """Of every document. A segment holds no `:`, though Google's own patterns let it."""
    return tuple(
        Method(name, about, _path(document(name), about)) for name in DOCUMENTS for about in _all(document(name))
    )


def _all(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (resource.get("methods") or {}).values()
    for each in (resource.get("resources") or {}).values():
        yield from _all(each)


def _path(whole: Mapping[str, Any], about: Mapping[str, Any]) -> re.Pattern[str]:
    flat = str(about.get("flatPath") or about["path"])
    parts = re.split(r"\{[^}]+\}", flat)
    return re.compile(re.escape("/" + str(whole["servicePath"])) + r"[^/:]+".join(map(re.escape, parts)))


def method_of(exchange: Exchange) -> Method | None:
    path = urlsplit(exchange.url).path  # as it was sent: a `%2F` parts no segments
    found = [m for m in methods() if m.about["httpMethod"] == exchange.method and m.path.fullmatch(path)]
    return found[0] if found else None


def wrong(exchange: Exchange) -> Iterator[str]:
    """What is not as it is described."""
    method = method_of(exchange)
    if method is None:
        yield f"{exchange.method} {exchange.url}: no such method"
        return
    whole = document(method.document)
    known = {**whole["parameters"], **method.about.get("parameters", {})}
    for name, values in parse_qs(urlsplit(exchange.url).query).items():
        said = known.get(name)
        if said is None or said.get("location") != "query":
            yield f"{method.id}: no query {name}"
        elif "enum" in said and set(values) - set(said["enum"]):
            yield f"{method.id}: {name} may not be {values}"
    asked = method.about.get("request")
    if asked is not None:
        yield from shaped(exchange.body or {}, {"$ref": asked["$ref"]}, whole, f"{method.id} request")
    elif exchange.body is not None:
        yield f"{method.id}: no body is taken"
    if exchange.status < 400 and "response" not in method.about:
        if exchange.answer:
            yield f"{method.id}: nothing is answered"
    elif exchange.status < 400:
        yield from shaped(exchange.answer, {"$ref": method.about["response"]["$ref"]}, whole, f"{method.id} answer")
    else:
        yield from _error(exchange, method.id)


def _error(exchange: Exchange, named: str) -> Iterator[str]:
    """facts gcp.md 4."""
    error = exchange.answer.get("error") if isinstance(exchange.answer, dict) else None
    told = isinstance(error, dict) and (error.get("status") or error.get("errors"))  # the latter of Cloud Storage
    if not told or error is None or error.get("code") != exchange.status:
        yield f"{named}: {exchange.status} is told as {exchange.answer}"


def shaped(value: Any, shape: Mapping[str, Any], whole: Mapping[str, Any], where: str) -> Iterator[str]:
    """What of a value is not as a schema of a document says."""
    if "$ref" in shape:
        shape = whole["schemas"][shape["$ref"]]
    sort = str(shape.get("type", "any"))
    if sort == "any":
        return
    if not isinstance(value, TYPES[sort]) or (sort != "boolean" and isinstance(value, bool)):
        yield f"{where}: {type(value).__name__} and not {sort}"
        return
    if sort == "array":
        for number, each in enumerate(value):
            yield from shaped(each, shape["items"], whole, f"{where}[{number}]")
    elif sort == "object":
        yield from _object(value, shape, whole, where)
    elif sort == "string":
        yield from _text(value, shape, where)


def _object(value: dict[str, Any], shape: Mapping[str, Any], whole: Mapping[str, Any], where: str) -> Iterator[str]:
    known, more = shape.get("properties") or {}, shape.get("additionalProperties")
    for name, each in value.items():
        if name in known:
            yield from shaped(each, known[name], whole, f"{where}.{name}")
        elif more is not None:
            yield from shaped(each, more, whole, f"{where}.{name}")
        else:
            yield f"{where}: no field {name}"


def _text(value: str, shape: Mapping[str, Any], where: str) -> Iterator[str]:
    if "enum" in shape and value not in shape["enum"]:
        yield f"{where}: may not be {value!r}"
    if shape.get("format") == "google-datetime" and not TIME.fullmatch(value):
        yield f"{where}: {value!r} is no time"
    if shape.get("format") == "google-duration" and not re.fullmatch(r"\d+(\.\d+)?s", value):
        yield f"{where}: {value!r} is no duration"
    if shape.get("format") == "byte":
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            yield f"{where}: no base64"
