"""Every request that reaches Entra's sandbox in this process, and what it answered."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import pytest

from nhi_revoke.provider.sandbox.rest import RestGate
from nhi_revoke_entra.sandbox.gate import EntraGate

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class Asked(NamedTuple):
    """One request, and what came back."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    status: int
    answer: bytes

    @property
    def told(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def version(self) -> str:
        return self.path.split("/")[1]

    @property
    def place(self) -> str:
        """Without its version."""
        return self.path.removeprefix(f"/{self.version}")

    @property
    def sent(self) -> Any:
        return json.loads(self.body) if self.body.strip() else None

    @property
    def got(self) -> Any:
        return json.loads(self.answer) if self.answer.strip() else None


def parts(batch: Asked) -> Iterator[Asked]:
    """The requests in a batch, each as if it had come by itself."""
    answers = {row["id"]: row for row in batch.got["responses"]} if batch.status == 200 else {}
    for row in batch.sent["requests"]:
        answer, (path, _, query) = answers.get(row["id"], {}), row["url"].partition("?")
        body = json.dumps(answer["body"]).encode() if answer.get("body") is not None else b""
        told = int(answer.get("status") or batch.status)
        yield Asked(row["method"], f"/{batch.version}{path}", dict(parse_qsl(query)), b"", told, body)


@contextmanager
def recorded() -> Iterator[list[Asked]]:
    """Requests whose answer was cut off are not there."""
    seen: list[Asked] = []
    serve = RestGate.__call__

    def gate(self: RestGate[Any], environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not isinstance(self, EntraGate):
            return serve(self, environ, start_response)
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        statuses: list[str] = []

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            statuses.append(status)
            return start_response(status, headers, *more)

        answer = list(serve(self, environ, started))
        query = dict(parse_qsl(str(environ["QUERY_STRING"])))
        status = int(statuses[0].split()[0])
        told = Asked(str(environ["REQUEST_METHOD"]), str(environ["PATH_INFO"]), query, body, status, b"".join(answer))
        seen.extend(parts(told) if told.path.endswith("/$batch") else [told])
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RestGate, "__call__", gate)
        yield seen
