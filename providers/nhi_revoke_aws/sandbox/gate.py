"""The gate before moto: faults, signatures, rights and lag on the way in; paging, records and cuts on the way out."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from uuid import UUID

from nhi_revoke.provider.sandbox.contract import Call, FaultName
from nhi_revoke.provider.sandbox.faults import CallLog, FaultBook, Permissions
from nhi_revoke.provider.sandbox.server import HangUp
from nhi_revoke_aws.sandbox import answer as answers
from nhi_revoke_aws.sandbox import judge, pages, rules, simulate, sts
from nhi_revoke_aws.sandbox.answer import Answer, Refusal
from nhi_revoke_aws.sandbox.asked import Asked, read
from nhi_revoke_aws.sandbox.caller import Authority, Caller
from nhi_revoke_aws.sandbox.lookup import Lookup
from nhi_revoke_aws.sandbox.moto_world import MotoWorld
from nhi_revoke_aws.sandbox.own.book import USE, OwnBook
from nhi_revoke_aws.sandbox.resource import resource_of
from nhi_revoke_aws.sandbox.session import SessionBook
from nhi_revoke_aws.sandbox.signin import CONSOLE_PATH, SignIn
from nhi_revoke_aws.sandbox.state import History, Role
from nhi_revoke_aws.sandbox.sts import Minted, Sts, credentials
from nhi_revoke_aws.sandbox.trail import Trail

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

FAULTS: dict[FaultName, Refusal] = {
    "429": Refusal("Throttling", "Rate exceeded"),
    "500": Refusal("ServiceUnavailable", "Service is unable to handle request.", 503),
}


CODE = re.compile(rb'<Code>(\w+)</Code>|"__type": *"(?:[^"#]*#)?(\w+)"')


def error_code(answer: Answer) -> str:
    """The vendor's code in an answer of moto's."""
    hit = CODE.search(answer.body)
    return next(g.decode() for g in hit.groups() if g) if hit else f"HTTP{answer.status}"


class Parties:
    """Whose credential it is: told by the head of its lineage."""

    def __init__(self, sessions: SessionBook) -> None:
        self._sessions = sessions
        self.operator: set[str] = set()
        """Long-term keys of the incident responder."""
        self.stolen: set[str] = set()
        """Keys and sessions that the intruder holds."""

    def by(self, key_id: str) -> str:
        session = self._sessions.get(key_id)
        seen = {key_id, self._sessions.head(key_id)}
        while session is not None:
            seen.add(session.parent)
            session = self._sessions.get(session.parent)
        if seen & self.operator:
            return "operator"
        return "intruder" if seen & self.stolen else "workload"


class Gate:
    """One WSGI application: all of AWS, as far as this sandbox goes."""

    def __init__(
        self,
        moto: MotoWorld,
        history: History,
        sessions: SessionBook,
        trail: Trail,
        now: Callable[[], datetime],
        vendor_now: Callable[[], datetime],
        random: Random,
        own: OwnBook,
    ) -> None:
        self.own = own
        self.faults = FaultBook()
        self.calls = CallLog()
        self.permissions = Permissions()
        self.parties = Parties(sessions)
        self.authority = Authority(history, sessions, moto.partition)
        self.signin = SignIn(history, sessions, moto.partition, random)
        self.sts = Sts(history, sessions, moto.partition)
        self.lookup = Lookup(trail)
        self.page_size = pages.MOST
        self._moto = moto
        self._history = history
        self._trail = trail
        self._now = now
        self._vendor_now = vendor_now
        self._random = random

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id = str(UUID(bytes=self._random.randbytes(16), version=4))
        if environ.get("PATH_INFO") == CONSOLE_PATH:
            answer = self._console(environ, request_id)
        elif str(environ.get("PATH_INFO", "")).startswith(USE):
            answer = self._use(environ, request_id)
        else:
            answer = self._api(environ, request_id)
        start_response(f"{answer.status} -", list(answer.headers))
        return [answer.body]

    # -- the way in ------------------------------------------------------------------------------------------------

    def _api(self, environ: WSGIEnvironment, request_id: str) -> Answer:
        try:
            asked = self.own.named(read(environ, self._route))
        except Refusal as said:
            return answers.refusal("query", said, request_id)
        key_id = asked.signed.key_id if asked.signed else ""
        if key_id in self.authority.root:
            answer = self._answered(environ, asked, None, request_id)
            self._history.settle()  # setting up is obeyed at once
            return answer
        by = self._by(asked, key_id)
        fault = None if by == "intruder" else self.faults.next(asked.name)
        if fault == "down":
            raise HangUp
        self.calls.add(Call(asked.name, asked.mutates, asked.permission, by, asked.target))
        if fault == "timeout":
            raise HangUp
        answer = self._answered(environ, asked, fault, request_id, by)
        if fault == "lost":
            raise HangUp
        return answer

    def _by(self, asked: Asked, key_id: str) -> str:
        if asked.service == "signin":
            return "intruder" if asked.params.get("refreshToken") in self.parties.stolen else "workload"
        return self.parties.by(key_id)

    def _answered(
        self, environ: WSGIEnvironment, asked: Asked, fault: FaultName | None, request_id: str, by: str = ""
    ) -> Answer:
        try:
            if fault in FAULTS:
                raise FAULTS[fault]
            if asked.name == "signin:CreateOAuth2Token":
                return self._refresh(asked, by, request_id)
            caller = self.authority.caller(asked, self._now(), self._vendor_now())
        except Refusal as said:
            return answers.refusal(asked.protocol, said, request_id)
        try:
            if fault == "denied" or (by == "operator" and not self.permissions.allows(asked.permission)):
                raise judge.denied(caller, asked.name, "*", "because no identity-based policy allows it")
            return self.perform(caller, asked, environ, request_id)
        except Refusal as said:
            self._record(caller, asked, failed=said)
            return answers.refusal(asked.protocol, said, request_id)

    # -- what is asked ---------------------------------------------------------------------------------------------

    def perform(self, caller: Caller, asked: Asked, environ: WSGIEnvironment, request_id: str) -> Answer:
        """Authorise and do it. Raises Refusal."""
        if self.own.knows(asked):
            return self._own(caller, asked, request_id)
        if asked.service == "sts":
            return self._sts(caller, asked, request_id)
        judge.require(caller, asked, resource_of(asked, caller, self._moto), self._vendor_now())
        self._used(caller, asked)
        if asked.name == "cloudtrail:LookupEvents":
            found = self.lookup.events(caller.account, asked, self._now(), self._vendor_now())
            self._record(caller, asked)
            return answers.plain_json(found, request_id)
        if asked.operation in ("SimulatePrincipalPolicy", "SimulateCustomPolicy") and asked.service == "iam":
            return self._simulate(caller, asked, request_id)
        return self._forward(caller, asked, environ)

    def _own(self, caller: Caller, asked: Asked, request_id: str) -> Answer:
        """An operation that moto does not have."""
        iam = self._moto.iam(caller.account)
        asking = self.own.asking(caller, asked, iam, self._vendor_now(), self.page_size)
        judge.require(caller, asked, self.own.resource(asked, asking), self._vendor_now())
        self._used(caller, asked)
        with self._moto.lock:
            answer = self.own.answer(asked, asking, request_id)
            if asked.mutates:
                self._history.record(self._now(), self._moto.snapshot(caller.account))
        self._record(caller, asked, body=answer.body)
        return answer

    def mint(self, caller: Caller, asked: Asked) -> Minted:
        """An STS call. Raises Refusal."""
        minted = self.sts.do(caller, asked, self._now(), self._vendor_now())
        self._used(caller, asked)
        self._record(caller, asked, minted=minted)
        return minted

    def _sts(self, caller: Caller, asked: Asked, request_id: str) -> Answer:
        if not self.sts.knows(asked.operation):
            raise Refusal("NotImplemented", f"this sandbox does not have {asked.name}", 501)
        return answers.query(sts.NAMESPACE, asked.operation, self.mint(caller, asked).result, request_id)

    def _simulate(self, caller: Caller, asked: Asked, request_id: str) -> Answer:
        if asked.operation == "SimulateCustomPolicy":
            result = simulate.simulate_custom(asked)
        else:
            mine = caller.governs is not None and asked.params.get("PolicySourceArn") == caller.governs.arn
            withheld = mine and self.parties.by(asked.signed.key_id if asked.signed else "") == "operator"
            allows = self.permissions.allows if withheld else lambda _: True
            result = simulate.simulate_principal(asked, self._history.recorded(caller.account), allows)
        self._record(caller, asked)
        return answers.query(simulate.NAMESPACE, asked.operation, result, request_id)

    def _forward(self, caller: Caller, asked: Asked, environ: WSGIEnvironment) -> Answer:
        body = pages.whole(asked) if pages.paged(asked) else asked.body
        sent = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        with self._moto.lock:
            if asked.service == "iam":
                rules.check(asked, self._moto.iam(caller.account))
            answer = self._moto.forward(sent, caller.account)
            if asked.service == "iam" and asked.mutates and answer.status < 300:
                self._history.record(self._now(), self._moto.snapshot(caller.account))
        if pages.paged(asked):
            answer = pages.page(asked, answer, self.page_size)
        failed = None if answer.status < 300 else Refusal(error_code(answer), "", answer.status)
        self._record(caller, asked, body=answer.body, failed=failed)
        return answer

    def _used(self, caller: Caller, asked: Asked) -> None:
        if isinstance(caller.governs, Role):
            self._moto.role_used(caller.account, caller.governs.name, asked.region)

    def _record(self, caller: Caller, asked: Asked, **more: Any) -> None:
        if not caller.root:
            self._trail.write(caller, asked, self._now(), self._vendor_now(), **more)

    # -- data planes of the services here ------------------------------------------------------------------------

    def _route(self, service: str, environ: Any) -> tuple[str, dict[str, Any]]:
        """Two services may sign with one name: each one's paths are tried."""
        models = self.own.models(service)
        for model in models[:-1]:
            try:
                return self._moto.route(model, environ)
            except Refusal:
                continue
        return self._moto.route(models[-1], environ)

    def _use(self, environ: WSGIEnvironment, request_id: str) -> Answer:
        form = {k: v[0] for k, v in parse_qs(environ["wsgi.input"].read().decode()).items()}
        try:
            self.own.use(
                str(environ["PATH_INFO"]), form, lambda account: self._history.obeyed(account, self._now()),
                self._vendor_now(), self._history.accounts(),
            )  # fmt: skip
        except Refusal as said:
            return answers.refusal("json", said, request_id)
        return answers.plain_json({"used": True}, request_id)

    # -- signing in ------------------------------------------------------------------------------------------------

    def _refresh(self, asked: Asked, by: str, request_id: str) -> Answer:
        caller, session, result = self.signin.create_token(asked, self._now(), self._vendor_now())
        if by == "intruder":
            self.parties.stolen.add(session.id)
        self._record(caller, asked, minted=Minted({}, session))
        return answers.plain_json(result, request_id)

    def _console(self, environ: WSGIEnvironment, request_id: str) -> Answer:
        form = {k: v[0] for k, v in parse_qs(environ["wsgi.input"].read().decode()).items()}
        try:
            session = self.signin.console(
                form["account"], form["user"], form["password"], self._now(), self._vendor_now()
            )
        except Refusal as said:
            return answers.refusal("json", said, request_id)
        given = {**credentials(session), "Expiration": answers.iso(session.expires)}
        return Answer(200, (("Content-Type", "application/json"),), json.dumps(given).encode())
