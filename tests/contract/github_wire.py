"""Every request that reaches GitHub's sandbox in this process, what it answered, and the description it is held to."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from nhi_revoke.model.report import Report
from nhi_revoke.provider.sandbox.rest import RestGate
from nhi_revoke_github.sandbox.doors import GithubDoor
from nhi_revoke_github.sandbox.gate import GithubGate
from tests.contract.github_incidents import everything
from tests.contract.openapi import Description, Exchange, spec

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


@contextmanager
def recorded() -> Iterator[list[Exchange]]:
    """By the provider, or by the intruder while it tries a door. Requests whose answer was cut off are not there."""
    exchanges: list[Exchange] = []
    trying: list[str] = []
    serve, try_door = RestGate.__call__, GithubDoor.open

    def gate(self: RestGate[Any], environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not isinstance(self, GithubGate):
            return serve(self, environ, start_response)
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        statuses: list[str] = []

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            statuses.append(status)
            return start_response(status, headers, *more)

        answer = list(serve(self, environ, started))
        headers = {
            k.removeprefix("HTTP_").replace("_", "-").lower(): str(v)
            for k, v in environ.items()
            if k.startswith("HTTP_") or k == "CONTENT_TYPE"
        }
        by = "intruder" if trying else "provider"
        sent = (str(environ["REQUEST_METHOD"]), str(environ["PATH_INFO"]), str(environ["QUERY_STRING"]))
        exchanges.append(Exchange(by, *sent, headers, body, int(statuses[0].split()[0]), b"".join(answer)))
        return answer

    def door(self: GithubDoor) -> bool:
        trying.append(self.id)
        try:
            return try_door(self)
        finally:
            trying.pop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RestGate, "__call__", gate)
        patch.setattr(GithubDoor, "open", door)
        yield exchanges


class GithubTraffic(NamedTuple):
    """All that was asked and answered; and what came of it."""

    exchanges: list[Exchange]
    done: set[str]
    """Keys of doers that did something."""
    reports: list[Report]


def of_everything(folder: Path) -> GithubTraffic:
    with recorded() as seen:
        done, reports = everything(folder)
    return GithubTraffic(seen, done, reports)


def described(folder: Path) -> Description:
    """GitHub's description. Raises FileNotFoundError."""
    whole = json.loads(spec("github", "openapi-subset.json").read_text())
    schemas = whole["components"]["schemas"]
    _any_of_one(schemas)
    _any_of_one(whole["components"]["responses"])
    for item in whole["paths"].values():
        for operation in item.values():
            _any_of_one(operation["responses"])
    schemas["Error"] = schemas["basic-error"]
    file = folder / "github.json"
    file.write_text(json.dumps(whole))
    return Description(file)


def for_apps() -> dict[str, bool]:
    """By operation, `GET /orgs/{org}/repos`: whether an App's installation may ask it (the description's own word)."""
    whole = json.loads(spec("github", "openapi-subset.json").read_text())
    return {
        f"{method.upper()} {path}": bool(operation["x-github"]["enabledForGitHubApps"])
        for path, item in whole["paths"].items()
        for method, operation in item.items()
    }


def _any_of_one(node: Any) -> None:
    """Of several shapes that an answer may have, one is often the beginning of another (a user, as anybody and as
    itself sees it): one of them must fit, and two may.
    """
    for each in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        _any_of_one(each)
    if isinstance(node, dict) and isinstance(node.get("oneOf"), list):
        node["anyOf"] = node.pop("oneOf")
        node.pop("discriminator", None)
