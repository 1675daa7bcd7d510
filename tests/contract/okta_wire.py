"""Every request that reaches the sandbox's gate in this process, and what it answered."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from nhi_revoke.model.report import Report
from nhi_revoke_okta.sandbox.doors import OktaDoor
from nhi_revoke_okta.sandbox.gate import Gate
from tests.contract.okta_incidents import everything
from tests.contract.openapi import Exchange

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


@contextmanager
def recorded() -> Iterator[list[Exchange]]:
    """By the provider, or by the intruder while it tries a door. Requests whose answer was cut off are not there."""
    exchanges: list[Exchange] = []
    trying: list[str] = []
    serve, try_door = Gate.__call__, OktaDoor.open

    def gate(self: Gate, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
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

    def door(self: OktaDoor) -> bool:
        trying.append(self.id)
        try:
            return try_door(self)
        finally:
            trying.pop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gate, "__call__", gate)
        patch.setattr(OktaDoor, "open", door)
        yield exchanges


class Traffic(NamedTuple):
    """All that was asked and answered; and what came of it."""

    exchanges: list[Exchange]
    done: set[str]
    """Keys of doers that did something."""
    reports: list[Report]


def of_everything(folder: Path) -> Traffic:
    with recorded() as seen:
        done, reports = everything(folder)
    return Traffic(seen, done, reports)
