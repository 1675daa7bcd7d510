"""Example Cloud over HTTP: who asks, what it may do, what goes wrong on purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from nhi_revoke.provider.sandbox.contract import Call
from nhi_revoke.provider.sandbox.faults import CallLog, FaultBook, Permissions
from nhi_revoke.provider.sandbox.server import HangUp
from nhi_revoke_example.sandbox.cloud import ORG, ExampleCloud, Refusal, Session, Token

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

OPERATOR = "responder"
Path = dict[str, str]
Rows = list[dict[str, Any]]
ROUTES: tuple[tuple[str, str, str, bool], ...] = (
    # method, path, call (and permission), does it change anything
    ("GET", r"/whoami", "whoami", False),
    ("GET", r"/me", "me", False),
    ("GET", r"/allowed", "allowed", False),
    ("GET", r"/bots", "bots.find", False),
    ("GET", r"/bots/(?P<bot>[^/]+)", "bots.read", False),
    ("GET", r"/bots/(?P<bot>[^/]+)/tokens", "tokens.list", False),
    ("POST", r"/bots/(?P<bot>[^/]+)/tokens", "tokens.create", True),
    ("PATCH", r"/bots/(?P<bot>[^/]+)/tokens/(?P<id>[^/]+)", "tokens.update", True),
    ("DELETE", r"/bots/(?P<bot>[^/]+)/tokens/(?P<id>[^/]+)", "tokens.delete", True),
    ("POST", r"/bots/(?P<bot>[^/]+)/sessions", "sessions.mint", True),
    ("GET", r"/bots/(?P<bot>[^/]+)/cutoff", "cutoff.read", False),
    ("PUT", r"/bots/(?P<bot>[^/]+)/cutoff", "cutoff.write", True),
    ("GET", r"/bots/(?P<bot>[^/]+)/(?P<list>trusts|reach)", "trusts.list", False),
    ("PUT", r"/bots/(?P<bot>[^/]+)/trusts/(?P<id>[^/]+)", "trusts.write", True),
    ("DELETE", r"/bots/(?P<bot>[^/]+)/trusts/(?P<id>[^/]+)", "trusts.write", True),
    ("GET", r"/events", "events.read", False),
    ("GET", r"/vault/(?P<entry>[^/]+)/(?P<stage>staged|current)", "vault.read", False),
    ("PUT", r"/vault/(?P<entry>[^/]+)/staged", "vault.write", True),
    ("DELETE", r"/vault/(?P<entry>[^/]+)/staged", "vault.write", True),
    ("POST", r"/vault/(?P<entry>[^/]+)/(?P<do>promote|rollback)", "vault.write", True),
    ("POST", r"/cache/flush", "cache.flush", True),
)
FREE = frozenset({"whoami", "me", "allowed", "sessions.mint"})
"""Calls that need no permission: anybody who is signed in may make them."""


class Request:
    """What was asked, by whom."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.method = str(environ["REQUEST_METHOD"])
        self.path = str(environ["PATH_INFO"]).removeprefix("/v1")
        self.query = {k: v[0] for k, v in parse_qs(str(environ["QUERY_STRING"])).items()}
        self.bearer = str(environ.get("HTTP_AUTHORIZATION", "")).removeprefix("Bearer ")
        body = environ["wsgi.input"].read()
        self.body: dict[str, Any] = json.loads(body) if body else {}
        self.call, self.mutates, self.at = self._match()

    def _match(self) -> tuple[str, bool, Path]:
        for method, pattern, call, mutates in ROUTES:
            found = re.fullmatch(pattern, self.path)
            if found and method == self.method:
                return call, mutates, found.groupdict()
        raise Refusal(404, "no-such-path")


class Routes:
    """The WSGI application."""

    def __init__(self, cloud: ExampleCloud, now: Callable[[], datetime], operator: str) -> None:
        self.cloud, self.now, self.operator = cloud, now, operator
        self.faults, self.calls, self.permissions = FaultBook(), CallLog(), Permissions()
        self.page = 100

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, headers, answer = 200, [("Content-Type", "application/json")], {}
        try:
            answer = self._serve(Request(environ))
        except Refusal as no:
            status, answer = no.status, {"error": no.error, "needs": no.needs}
            if status == 429:
                headers.append(("Retry-After", "2"))
        start_response(f"{status} {'OK' if status == 200 else 'No'}", headers)
        return [json.dumps(answer).encode()]

    def _serve(self, asked: Request) -> dict[str, Any]:
        with self.cloud.lock:
            permission = "" if asked.call in FREE else asked.call
            if asked.bearer != self.operator:
                return self._as_bot(asked, permission)
            target = asked.at.get("bot") or asked.at.get("entry") or ""
            self.calls.add(Call(asked.call, asked.mutates, permission, "operator", target))
            fault = self.faults.next(asked.call)
            if fault in ("429", "500", "down"):
                raise Refusal({"429": 429, "500": 500, "down": 503}[fault], "out-of-order")
            if fault == "denied" or not self.permissions.allows(permission):
                raise Refusal(403, "denied", permission or asked.call)
            if fault == "timeout":
                raise HangUp
            answer = self._of_oneself(asked) or self._do(asked)
            if fault == "lost":
                raise HangUp
            return answer

    def _of_oneself(self, asked: Request) -> dict[str, Any]:
        """Who asks, and which permissions it has; empty for any other question."""
        if asked.call == "whoami":
            return {"chain": [OPERATOR]}
        every = sorted({call for _, _, call, _ in ROUTES} - FREE)
        return {"permissions": [p for p in every if self.permissions.allows(p)]} if asked.call == "allowed" else {}

    def _as_bot(self, asked: Request, permission: str) -> dict[str, Any]:
        me = self.cloud.sign_in(asked.bearer, self.now())
        by = "intruder" if me.id in self.cloud.stolen else "workload"
        self.calls.add(Call(asked.call, asked.mutates, permission, by, asked.at.get("bot", "")))
        if asked.call == "me":
            self.cloud.cached.append(f"{me.bot}:{me.id}")
            return {"bot": me.bot}
        if asked.call == "sessions.mint":
            session = self.cloud.mint_session(me, asked.at["bot"], self.now())
            return {"id": session.id, "secret": session.secret}
        if asked.call == "tokens.create":
            return self._created(asked, me)
        raise Refusal(403, "bots-do-not-administer")

    def _created(self, asked: Request, by: Token | Session | None) -> dict[str, Any]:
        token = self.cloud.create_token(asked.at["bot"], str(asked.body.get("label", "")), self.now())
        if by is not None:
            self.cloud.log("create-token", token.id, by, token.bot, self.now())
        return {"id": token.id, "secret": token.secret}

    def _do(self, asked: Request) -> dict[str, Any]:
        area, _, verb = asked.call.partition(".")
        if area == "vault":
            return self._vault(asked)
        if verb in ("list", "find") or area == "events":
            return self._list(asked)
        if area == "tokens":
            return self._token(asked, verb)
        return self._bot(asked, area)

    def _bot(self, asked: Request, area: str) -> dict[str, Any]:
        cloud = self.cloud
        if area == "cache":
            return {"flushed": cloud.flush(str(asked.body["match"]))}
        if area == "trusts":
            cloud.set_trust(asked.at["bot"], asked.at["id"], asked.method == "PUT", self.now())
            return {}
        if area == "cutoff":
            if asked.method == "PUT":
                cloud.set_cutoff(asked.at["bot"], asked.body["cutoff"], asked.body["by"], self.now())
            return cloud.cutoff(asked.at["bot"])
        bot = cloud.bot(asked.at["bot"])
        return {"id": bot.id, "name": bot.name, "org": ORG, "managed": bot.managed}

    def _token(self, asked: Request, verb: str) -> dict[str, Any]:
        if verb == "create":
            return self._created(asked, None)
        if verb == "update":
            was = self.cloud.set_token(asked.at["bot"], asked.at["id"], asked.body["state"], self.now())
            return {"was": was}
        self.cloud.delete_token(asked.at["bot"], asked.at["id"], self.now())
        return {}

    def _vault(self, asked: Request) -> dict[str, Any]:
        entry = asked.at["entry"]
        if asked.method == "GET":
            return self.cloud.held(entry, asked.at["stage"])
        if asked.method == "POST":
            turn = self.cloud.promote if asked.at["do"] == "promote" else self.cloud.rollback
            turn(entry, asked.body["id"])
        else:
            self.cloud.stage(entry, asked.body if asked.method == "PUT" else None)
        return {}

    def _list(self, asked: Request) -> dict[str, Any]:
        cloud, field = self.cloud, asked.at.get("list") or asked.path.rpartition("/")[2]
        if asked.call == "events.read":
            rows = cloud.events_by(asked.query["by"], datetime.fromisoformat(asked.query["since"]), self.now())
        elif asked.call == "bots.find":
            wanted = asked.query.get("name")
            every = [{"name": b.name, "id": b.id, "org": ORG} for b in cloud.bots.values()]
            rows = [row for row in every if wanted in (None, row["name"])]
        else:
            lists: dict[str, Callable[[str], Rows]] = {
                "tokens": cloud.tokens_of, "trusts": cloud.trusts, "reach": cloud.reach,
            }  # fmt: skip
            rows = lists[field](asked.at["bot"])
        start = int(asked.query.get("after") or 0)
        end = start + self.page
        return {field: rows[start:end], "next": str(end) if end < len(rows) else ""}
