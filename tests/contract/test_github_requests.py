"""GitHubKit as the judge: it would send what we send, and its models read what the sandbox answers.

For every request that the provider sends to its sandbox, the client's own method is called with the same values; the
answer that it is given is the sandbox's.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.contract.github_client import KitOperation, client, fault, operation
from tests.contract.github_wire import GithubTraffic
from tests.contract.openapi import Exchange

pytestmark = pytest.mark.contract

CHANGING = 20
"""Operations at least that change something: else the incidents show too little."""
Sent = tuple[str, str, dict[str, str], Any]


@pytest.fixture(scope="module")
def asked(github_traffic: GithubTraffic) -> list[tuple[KitOperation, Exchange]]:
    """Each kind of request of the provider once, by what it names, its status and what came back."""
    kinds: dict[tuple[str, ...], tuple[KitOperation, Exchange]] = {}
    for exchange in github_traffic.exchanges:
        known = operation(exchange.method, exchange.path) if exchange.by == "provider" else None
        if known is not None:
            names = ",".join(sorted(dict(parse_qsl(exchange.query))))
            body = ",".join(sorted(json.loads(exchange.body))) if exchange.body else ""
            shape = _shape(json.loads(exchange.answer)) if exchange.answer.strip() else ""
            kinds.setdefault((known.name, names, body, str(exchange.status), shape), (known, exchange))
    return list(kinds.values())


def test_every_request_is_one_of_its_operations(github_traffic: GithubTraffic) -> None:
    unknown = {
        f"{e.method} {e.path}"
        for e in github_traffic.exchanges
        if e.by == "provider" and operation(e.method, e.path) is None
    }
    assert unknown == set()


def test_it_would_send_what_we_send(asked: list[tuple[KitOperation, Exchange]]) -> None:
    """Method, path, query, body, and the headers that say which API is meant."""
    wrong, changing = [], set()
    for known, exchange in asked:
        sent = [_sent(request) for request, _ in _called(known, exchange)]
        if sent != [_ours(exchange)]:
            wrong.append(f"{known.name}: it sends {sent}, we send {_ours(exchange)}")
        if known.name.partition(" ")[0] != "GET":
            changing.add(known.name)
    assert not wrong, "\n".join(wrong)
    assert len(changing) > CHANGING, sorted(changing)


def test_its_models_read_every_answer(asked: list[tuple[KitOperation, Exchange]]) -> None:
    """Rows, single things and errors: whatever GitHub always tells is there, and is of its kind."""
    wrong: set[str] = set()
    read = set()
    for known, exchange in asked:
        if exchange.answer.strip():
            wrong |= {f"{known.name} {exchange.status} {line}" for line in _unread(known, exchange)}
            read.add(exchange.status)
    assert not wrong, "\n".join(sorted(wrong))
    assert {200, 201, 202, 401, 403, 404} <= read, "answers of every sort were read"


def _called(known: KitOperation, exchange: Exchange) -> list[tuple[httpx.Request, Any]]:
    """What its method sent, and what it made of the sandbox's answer."""
    caught: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        caught.append(request)
        return httpx.Response(exchange.status, content=exchange.answer, headers={"Content-Type": "application/json"})

    made = client("http://127.0.0.1:1", "ghp_" + "a" * 36, answer)
    call = known.of(made)
    named: dict[str, Any] = dict(known.segments)
    for name, value in parse_qsl(exchange.query, keep_blank_values=True):
        named[name.removesuffix("[]")] = [value] if name.endswith("[]") else int(value) if value.isdigit() else value
    strange = set(named) - set(inspect.signature(call).parameters)
    assert not strange, f"{known.name} knows no {', '.join(sorted(strange))}"
    if exchange.body:
        named["data"] = json.loads(exchange.body)
    try:
        response = call(**named)
    except fault("RequestFailed") as failed:
        response = vars(failed)["response"]
    return [(request, response) for request in caught]


def _unread(known: KitOperation, exchange: Exchange) -> Iterator[str]:
    """What its models do not find or cannot read: places and reasons, without values."""
    [(_, response)] = _called(known, exchange)
    try:
        _ = response.parsed_data
    except ValueError as error:
        problems: Any = error
        for each in problems.errors(include_input=False):
            yield f"{'.'.join(str(p) for p in each['loc'] if not isinstance(p, int))}: {each['type']}"


def _sent(request: httpx.Request) -> Sent:
    """An empty object is what we leave out."""
    assert request.headers["x-github-api-version"]
    body = json.loads(request.content) if request.content else None
    return request.method, request.url.path, dict(parse_qsl(request.url.query.decode())), body or None


def _ours(exchange: Exchange) -> Sent:
    body = json.loads(exchange.body) if exchange.body else None
    return exchange.method, exchange.path, dict(parse_qsl(exchange.query)), body


def _shape(value: Any) -> str:
    """Names of all members, whatever they hold."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}{_shape(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(sorted({_shape(v) for v in value})) + "]"
    return "" if value is not None else "0"
