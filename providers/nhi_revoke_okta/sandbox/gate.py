"""Okta over HTTP: who asks, what it may do, what goes wrong on purpose; pages, links and rate headers.

Okta docs: pagination (Link header, opaque `after`); rate-limits (three X-Rate-Limit headers, reset in epoch seconds).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from nhi_revoke.provider.sandbox.contract import Call
from nhi_revoke.provider.sandbox.faults import CallLog, FaultBook, Permissions
from nhi_revoke.provider.sandbox.routing import compiled
from nhi_revoke.provider.sandbox.server import HangUp
from nhi_revoke_okta.sandbox.callers import caller_of
from nhi_revoke_okta.sandbox.issuer import Issuer
from nhi_revoke_okta.sandbox.request import ROUTES, Context, Reply, Request, Route
from nhi_revoke_okta.sandbox.state import Org, Refusal

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

LIMIT = 600
WINDOW = 60.0
"""Seconds."""


class Gate:
    """The WSGI application."""

    def __init__(self, org: Org, now: Callable[[], datetime]) -> None:
        self.org, self._now = org, now
        self.issuer = Issuer(org)
        self.faults, self.calls, self.permissions = FaultBook(), CallLog(), Permissions()
        self.largest_page = 1000
        self.limit = LIMIT
        """Requests of one endpoint in a minute."""
        self.operator: set[str] = set()
        """API tokens and client ids of the operator."""
        self.stolen: set[str] = set()
        """Values that the intruder holds."""
        self._used: set[str] = set()
        """Ids of assertions and proofs."""
        self._counted: dict[tuple[str, int], int] = {}
        self._cursors: dict[str, tuple[str, int]] = {}
        self._map = compiled(tuple((r.method, r.path) for r in ROUTES))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers: list[tuple[str, str]] = []
        try:
            with self.org.lock:
                reply, more = self._serve(environ)
            headers += more
        except Refusal as no:
            oauth = not no.code.startswith("E0")
            told: Any = {"error": no.code, "error_description": no.summary} if oauth else {
                "errorCode": no.code, "errorSummary": no.summary, "errorLink": no.code, "errorId": "oae-sandbox",
                "errorCauses": [],
            }  # fmt: skip
            reply = Reply(no.status, told if no.code else None)  # without a code its headers say it all
            headers += no.headers
        body = b"" if reply.body is None else json.dumps(reply.body).encode()
        if body:
            headers.append(("Content-Type", "application/json"))
        start_response(f"{reply.status} {'OK' if reply.status < 400 else 'No'}", headers)
        return [body]

    def _serve(self, environ: WSGIEnvironment) -> tuple[Reply, list[tuple[str, str]]]:
        asked = Request(environ, self._now(), self._used)
        found, segments = self._route(asked)
        caller = caller_of(self.org, asked, found.scope)
        by = "operator" if caller.key in self.operator else "intruder" if caller.key in self.stolen else "workload"
        target = next(iter(segments.values()), "")
        permission = "" if found.scope == "-" else found.scope
        self.calls.add(Call(found.name, found.mutates, permission, by, target))
        headers = self._counting(found, asked)
        fault = self.faults.next(found.name) if by == "operator" else None
        if fault == "429":
            reset = str(int(asked.at.timestamp()) + 2)
            rates = (
                ("X-Rate-Limit-Limit", str(self.limit)),
                ("X-Rate-Limit-Remaining", "0"),
                ("X-Rate-Limit-Reset", reset),
            )
            raise Refusal(429, "E0000047", "API call exceeded rate limit due to too many requests.", rates)
        if fault in ("500", "down"):
            raise Refusal(500 if fault == "500" else 503, "E0000009", "Internal Server Error")
        if fault == "timeout":
            raise HangUp
        refused = fault == "denied" or (by == "operator" and not self.permissions.allows(permission))
        if refused or not caller.may(found.scope):
            raise Refusal(403, "E0000006", "You do not have permission to perform the requested action")
        reply = found.serve(Context(self.org, asked, self, caller.actor), *segments.values())
        if reply.rows:
            reply, link = self._page(asked, reply)
            headers += link
        if fault == "lost":
            raise HangUp
        return reply, headers

    def _route(self, asked: Request) -> tuple[Route, dict[str, Any]]:
        from werkzeug.exceptions import HTTPException, MethodNotAllowed

        try:
            endpoint, segments = self._map.bind("okta").match(asked.path, method=asked.method)
        except MethodNotAllowed:
            raise Refusal(405, "E0000022", "The endpoint does not support the provided HTTP method") from None
        except HTTPException:
            raise Refusal(404, "E0000008", "The requested path was not found") from None
        return ROUTES[int(endpoint)], dict(segments)

    # -- limits and pages ------------------------------------------------------------------------------------------

    def _counting(self, found: Route, asked: Request) -> list[tuple[str, str]]:
        window = int(asked.at.timestamp() // WINDOW)
        key = (found.name, window)
        self._counted[key] = self._counted.get(key, 0) + 1
        left = self.limit - self._counted[key]
        headers = [
            ("X-Rate-Limit-Limit", str(self.limit)),
            ("X-Rate-Limit-Remaining", str(max(0, left))),
            ("X-Rate-Limit-Reset", str(int((window + 1) * WINDOW))),
        ]
        if left < 0:
            raise Refusal(429, "E0000047", "API call exceeded rate limit due to too many requests.", tuple(headers))
        return headers

    def _page(self, asked: Request, reply: Reply) -> tuple[Reply, list[tuple[str, str]]]:
        """`after` is opaque: a word that only this gate understands, good for this very listing."""
        size = self._size(asked, reply)
        start = 0
        if "after" in asked.query:
            path, start = self._cursors.get(asked.query["after"], ("", 0))
            if path != asked.path:
                raise Refusal(400, "E0000001", "Api validation failed: after")
        end = start + size
        rows = reply.body[start:end]
        shown = Reply(reply.status, {reply.under: rows} if reply.under else rows)
        links = [("Link", f'<{asked.url}{asked.path}?{urlencode(asked.query)}>; rel="self"')]
        if end < len(reply.body):
            cursor = f"c{len(self._cursors):06}"
            self._cursors[cursor] = (asked.path, end)
            query = {**asked.query, "after": cursor, "limit": str(size)}
            links.append(("Link", f'<{asked.url}{asked.path}?{urlencode(query)}>; rel="next"'))
        return shown, links

    def _size(self, asked: Request, reply: Reply) -> int:
        text = asked.query.get("limit", "")
        if text and not text.isdigit():
            raise Refusal(400, "E0000001", "Api validation failed: limit")
        wanted = int(text) if text else reply.default or reply.most
        if wanted > reply.most or (text and wanted < 1):
            raise Refusal(400, "E0000001", "Api validation failed: limit")
        return max(1, min(wanted, self.largest_page))
