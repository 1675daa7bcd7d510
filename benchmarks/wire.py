"""Requests to AWS, as a proxy saw them, read back into calls of boto3."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import botocore.session

from tests.figures.delay_proxy import Asked, Passed, levels

_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_NUMBERS = {"integer": int, "long": int, "float": float, "double": float}
SIGNS_AS = {"bedrock-agentcore": "bedrock-agentcore-control"}
"""What boto3 calls a service that signs under another name."""
Call = tuple[str, str, dict[str, Any]]
"""Service, operation, parameters."""


def waves(passed: Iterable[Passed]) -> list[list[Call]]:
    """A wave for each link of the longest chain. What was throttled is left out: it was asked again. Raises ValueError
    for what boto3 has no call for by that name.
    """
    out: dict[int, list[Call]] = {}
    for level, one in levels(p for p in passed if not p.throttled):
        out.setdefault(level, []).append(call(one))
    return [out[level] for level in sorted(out)]


def call(one: Passed) -> Call:
    """The call that this request was."""
    if one.asked is None:
        raise ValueError(f"{one.name} was not kept")
    headers = {name.lower(): value for name, value in one.asked.headers.items()}
    scope = _SCOPE.search(headers.get("authorization", ""))
    if scope is None:
        raise ValueError(f"{one.name} is not signed")
    service = SIGNS_AS.get(scope[1], scope[1])
    if "x-amz-target" in headers:
        return service, one.name, json.loads(one.asked.body or b"{}")
    if " " in one.name:
        return _by_path(service, one.asked)
    sent = {key: values[0] for key, values in parse_qs(one.asked.body.decode(), keep_blank_values=True).items()}
    shape = _model(service).operation_model(one.name).input_shape
    return service, one.name, {} if shape is None else _value(shape, _nested(sent))


def _by_path(service: str, asked: Asked) -> Call:
    """Of the REST protocols with JSON: the operation whose path this is."""
    parts = urlsplit(asked.path)
    model = _model(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        template = operation.http["requestUri"].partition("?")[0]
        pattern = re.sub(r"\\{(\w+)(?:\\\+)?\\}", r"(?P<\1>[^/]+)", re.escape(template))
        found = re.fullmatch(pattern, parts.path)
        if found and operation.http["method"] == asked.method:
            given = {**dict(parse_qsl(parts.query)), **{k: unquote(v) for k, v in found.groupdict().items()}}
            given |= json.loads(asked.body or b"{}")
            shape = operation.input_shape
            return service, name, {} if shape is None else _value(shape, given)
    raise ValueError(f"{asked.method} {parts.path} is no operation of {service}")


@cache
def _model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def _nested(sent: Mapping[str, str]) -> dict[str, Any]:
    """`A.member.1.B=x` as {"A": {"member": {"1": {"B": "x"}}}}."""
    out: dict[str, Any] = {}
    for key, value in sent.items():
        *way, last = key.split(".")
        at = out
        for step in way:
            at = at.setdefault(step, {})
        at[last] = value
    return out


def _value(shape: Any, sent: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        members: Mapping[str, Any] = shape.members
        named = {name: sent.get(m.serialization.get("name", name)) for name, m in members.items()}
        return {name: _value(members[name], value) for name, value in named.items() if value is not None}
    if kind == "list":
        numbered = sent.get("member", sent) if isinstance(sent, Mapping) else sent
        rows = [numbered[n] for n in sorted(numbered, key=int)] if isinstance(numbered, Mapping) else numbered
        return [_value(shape.member, row) for row in rows]
    if kind == "boolean":
        return sent in ("true", True)
    if kind == "blob":
        return base64.b64decode(sent).decode()
    return _NUMBERS[kind](sent) if kind in _NUMBERS else sent
