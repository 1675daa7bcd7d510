"""`$batch`: up to 20 requests in one, each answered by itself, in another order than asked (Microsoft docs:
json-batching).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from nhi_revoke.provider.sandbox.rest import Asked, Reply, Table, Turned
from nhi_revoke_entra.batch import MOST
from nhi_revoke_entra.sandbox.gate import Here, bad

TABLE = Table()


@TABLE.route("POST", "/v1.0/$batch", "", mutates=False)
def batch(at: Here) -> Reply:
    return _batch(at, "/v1.0")


@TABLE.route("POST", "/beta/$batch", "", mutates=False)
def batch_of_beta(at: Here) -> Reply:
    return _batch(at, "/beta")


def _batch(at: Here, version: str) -> Reply:
    asked = at.asked.json.get("requests")
    if not isinstance(asked, list) or not 0 < len(asked) <= MOST:
        raise bad(f"Number of batch requests must be 1 to {MOST}.")
    if len({row.get("id") for row in asked}) < len(asked):
        raise bad("Request id must be unique.")
    answers = [_answer(at, version, row) for row in asked]
    return Reply(200, {"responses": answers[::-1]})


def _answer(at: Here, version: str, row: Mapping[str, Any]) -> dict[str, Any]:
    url = str(row.get("url") or "")
    if not url.startswith("/") or "$batch" in url:
        raise bad("Invalid batch request url.")
    method, parts = str(row.get("method")), urlsplit(url)
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": version + parts.path, "QUERY_STRING": parts.query,
        "wsgi.input": io.BytesIO(b""), "HTTP_HOST": at.asked.headers.get("host", ""),
        "HTTP_AUTHORIZATION": at.asked.headers.get("authorization", ""),
    }  # fmt: skip
    try:
        reply = at.gate.within(Asked(environ, at.now))
    except Turned as no:
        return {"id": row["id"], "status": no.status, "headers": dict(no.headers), "body": at.gate.refused(no)}
    return {"id": row["id"], "status": reply.status, "headers": dict(reply.headers), "body": reply.body}
