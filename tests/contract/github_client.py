"""GitHubKit: a client that is generated from GitHub's own description; and its operations by method and path.

Untyped on purpose: types of thousands of generated models are none of ours. Its models are of Enterprise Cloud and of
the version of the API that the provider names.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote

import httpx

from nhi_revoke_github.connection import VERSION

MODELS = f"ghec-{VERSION}"
IN_A_DOCSTRING = re.compile(r"^\s*(GET|PUT|POST|PATCH|DELETE) (/\S*)$", re.MULTILINE)


def client(url: str, auth: Any = None, answer: Callable[[httpx.Request], httpx.Response] | None = None) -> Any:
    """`auth`: a token, or a strategy of `githubkit`. `answer`: instead of a socket. It waits for nothing, asks once,
    and keeps nothing.
    """
    kit, cache = importlib.import_module("githubkit"), importlib.import_module("githubkit.cache")
    return kit.GitHub(
        # By default all clients of a process share the tokens that they sign and fetch.
        auth, base_url=url, cache_strategy=cache.MemCacheStrategy(), http_cache=False, auto_retry=False,
        trust_env=False, follow_redirects=False, timeout=20.0,
        transport=httpx.MockTransport(answer) if answer else None,
    )  # fmt: skip


def strategy(name: str, *arguments: Any) -> Any:
    """How it signs in: `AppAuthStrategy`, `AppInstallationAuthStrategy`, `OAuthAppAuthStrategy`."""
    return getattr(importlib.import_module("githubkit"), name)(*arguments)


def fault(name: str) -> type[Exception]:
    """Its exceptions by name."""
    found: type[Exception] = getattr(importlib.import_module("githubkit.exception"), name)
    return found


class KitOperation(NamedTuple):
    """One method of the client."""

    name: str
    """`GET /orgs/{org}/repos`."""
    family: str
    call: str
    segments: dict[str, str]
    """Values of the path's parameters."""

    def of(self, made: Any) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(getattr(made.rest(MODELS), self.family), self.call)
        return method


def operation(method: str, path: str) -> KitOperation | None:
    """None: the client has no such thing."""
    for verb, pattern, template, family, call in _operations():
        match = pattern.fullmatch(path) if verb == method else None
        if match:
            return KitOperation(
                f"{verb} {template}", family, call, {k: unquote(v) for k, v in match.groupdict().items()}
            )
    return None


@cache
def _operations() -> tuple[tuple[str, re.Pattern[str], str, str, str], ...]:
    """Literal segments before parameters."""
    found = sorted(_documented(), key=lambda o: (o[1].count("{"), o[1]))
    return tuple(
        (verb, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), path, family, call)
        for verb, path, family, call in found
    )


def _documented() -> Iterator[tuple[str, str, str, str]]:
    """Each method says in its docstring what it asks."""
    made = client("http://127.0.0.1:1")
    rest = made.rest(MODELS)
    for family in (name for name in dir(rest) if not name.startswith("_")):
        methods = type(getattr(rest, family))
        for call in (name for name in dir(methods) if not name.startswith(("_", "async_"))):
            said = IN_A_DOCSTRING.search(inspect.getdoc(getattr(methods, call)) or "")
            if said:
                yield said[1], said[2], family, call
