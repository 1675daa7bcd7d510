"""The door by which tests and the demo drive a sandbox from another process: clock, faults, rights, what was seen.

    GET  /_sandbox/clock              -> {"now": "…Z"}
    POST /_sandbox/clock              {"advance": seconds}
    POST /_sandbox/fault              {"call": "…", "fault": "429", "times": 1, "after": 0}
    POST /_sandbox/allow              {"permissions": ["…"]} or {"permissions": null}
    POST /_sandbox/lag                {"writes": seconds, "logs": seconds}
    POST /_sandbox/skew               {"seconds": seconds}
    POST /_sandbox/page-size          {"size": n}
    POST /_sandbox/meddle             {"what": "…"}
    GET  /_sandbox/calls              -> {"calls": [{"name", "mutates", "permission", "by", "target"}]}
    GET  /_sandbox/doors              -> {"doors": [{"id", "kind", "says", "access", "open"}]}, each tried now

Loopback only, and it holds no secret: doors are named, never what opens them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from nhi_revoke.provider.sandbox.contract import Sandbox

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/_sandbox"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})


class ControlDoor:
    """A WSGI application under `/_sandbox`; every other path goes to the vendor's."""

    def __init__(self, sandbox: Sandbox, vendor: WSGIApplication) -> None:
        self._sandbox = sandbox
        self._vendor = vendor
        self._gets: dict[str, Callable[[], Any]] = {"clock": self._clock, "calls": self._calls, "doors": self._doors}
        self._posts: dict[str, Callable[[dict[str, Any]], None]] = {
            "clock": lambda asked: sandbox.advance(float(asked["advance"])),
            "fault": self._fault,
            "allow": lambda asked: sandbox.allow_only(asked["permissions"]),
            "lag": lambda asked: sandbox.lag(float(asked["writes"]), float(asked["logs"])),
            "skew": lambda asked: sandbox.skew(float(asked["seconds"])),
            "page-size": lambda asked: sandbox.page_size(int(asked["size"])),
            "meddle": lambda asked: sandbox.meddle(str(asked["what"])),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path != PREFIX and not path.startswith(PREFIX + "/"):
            return self._vendor(environ, start_response)
        status, answer = self._answer(environ, path.removeprefix(PREFIX).strip("/"))
        body = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: WSGIEnvironment, name: str) -> tuple[str, Any]:
        if _host(str(environ.get("HTTP_HOST", ""))) not in LOOPBACK:
            return "403 Forbidden", {"error": "the control door answers on loopback only"}
        if environ.get("REQUEST_METHOD") == "GET" and name in self._gets:
            return "200 OK", self._gets[name]()
        if environ.get("REQUEST_METHOD") == "POST" and name in self._posts:
            try:
                self._posts[name](_asked(environ))
            except (KeyError, TypeError, ValueError) as error:
                return "400 Bad Request", {"error": f"{type(error).__name__}: {error}"}
            return "200 OK", self._clock()
        return "404 Not Found", {"error": f"no such control: {environ.get('REQUEST_METHOD')} {name}"}

    def _clock(self) -> dict[str, str]:
        return {"now": stamp(self._sandbox.now())}

    def _calls(self) -> dict[str, Any]:
        return {"calls": [msgspec.to_builtins(call) for call in self._sandbox.calls()]}

    def _doors(self) -> dict[str, Any]:
        doors = self._sandbox.doors()
        return {
            "doors": [{"id": d.id, "kind": d.kind, "says": d.says, "access": d.access, "open": d.open()} for d in doors]
        }

    def _fault(self, asked: dict[str, Any]) -> None:
        self._sandbox.fault(
            str(asked["call"]), asked["fault"], times=int(asked.get("times", 1)), after=int(asked.get("after", 0))
        )


def stamp(moment: datetime) -> str:
    """ISO 8601 with microseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _host(header: str) -> str:
    return header if header.endswith("]") else header.rpartition(":")[0] or header


def _asked(environ: WSGIEnvironment) -> dict[str, Any]:
    """Raises ValueError when the body is no JSON object."""
    asked = json.loads(environ["wsgi.input"].read() or b"{}")
    if not isinstance(asked, dict):
        raise TypeError("a JSON object is wanted")
    return asked
