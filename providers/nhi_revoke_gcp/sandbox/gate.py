"""Google's APIs over REST: who asks, and what a refusal is. The gRPC door asks it the same questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from nhi_revoke.provider.sandbox.contract import Call
from nhi_revoke.provider.sandbox.rest import Asked, At, Headers, Reply, RestGate, Route, Table, Turned
from nhi_revoke.provider.sandbox.server import HangUp
from nhi_revoke_gcp.login import QUOTA
from nhi_revoke_gcp.sandbox.refusal import Refused, StorageRefused
from nhi_revoke_gcp.sandbox.state import Cloud, Token

INTRUDER = "somebody-else/1.0"
"""User-Agent of the intruder where nobody is signed in yet."""

COUNTED = frozenset({"versions"})
"""Listings that tell how many rows there are in all (discovery document secretmanager.v1)."""


class GcpCaller(NamedTuple):
    """A token, or nobody."""

    by: str
    token: Token | None = None

    def may(self, permission: str) -> bool:
        """The operator everything; everybody else what asks for no permission, and what the route itself looks at."""
        return not permission or self.by == "operator"


Here = At["GcpGate", GcpCaller]
"""What a route works with."""


class GcpGate(RestGate[GcpCaller]):
    """The WSGI application, and who is who for both doors."""

    size_word: ClassVar[str] = "pageSize"
    cursor_word: ClassVar[str] = "pageToken"

    def __init__(self, cloud: Cloud, now: Callable[[], datetime], tables: Iterable[Table]) -> None:
        super().__init__(now, tables)
        self.cloud = cloud
        self.lock = cloud.lock
        self.operators: set[str] = set()
        """Members of policies."""
        self.stolen: set[str] = set()
        """Values that the intruder holds."""
        self.billed: set[tuple[str, str]] = set()
        """By door, the projects that requests were counted for (`x-goog-user-project`)."""

    # -- who is it -------------------------------------------------------------------------------------------------

    def caller(self, asked: Asked, route: Route) -> GcpCaller:
        if route.permission == "-":
            return GcpCaller("intruder" if asked.headers.get("user-agent") == INTRUDER else "operator")
        return self.bearing(asked.headers.get("authorization", ""), asked.at)

    def bearing(self, authorization: str, now: datetime) -> GcpCaller:
        """Raises Refused for what does not sign in."""
        scheme, _, value = authorization.partition(" ")
        token = self.cloud.bearer(value, now) if scheme.lower() == "bearer" else None
        if token is None:
            raise Refused("UNAUTHENTICATED", "Request had invalid authentication credentials.")
        operator = token.member in self.operators
        return GcpCaller("operator" if operator else "intruder" if value in self.stolen else "workload", token)

    def counted(self, asked: Asked, route: Route, caller: GcpCaller) -> Headers:
        """No limit is told; for whom it is counted is noted."""
        self.billed.add(("rest", asked.headers.get(QUOTA, "")))
        return []

    def rpc(self, name: str, permission: str, headers: Mapping[str, str], *, mutates: bool, target: str) -> str | None:
        """One call of the gRPC door: counted, refused, or to go wrong. `lost` where its answer is to be cut off.

        Raises Refused, and HangUp for an answer that never comes.
        """
        caller = self.bearing(headers.get("authorization", ""), self._now())
        self.billed.add(("grpc", headers.get(QUOTA, "")))
        self.calls.add(Call(name, mutates, permission, caller.by, target))
        fault = self.faults.next(name) if caller.by == "operator" else None
        if fault == "429":
            raise Refused("RESOURCE_EXHAUSTED", "Quota exceeded.")
        if fault in ("500", "down"):
            raise Refused("INTERNAL" if fault == "500" else "UNAVAILABLE", "The service is currently unavailable.")
        if fault == "timeout":
            raise HangUp
        if fault == "denied" or not self.lets(caller, permission):
            raise Refused("PERMISSION_DENIED", f"Permission '{permission}' denied on resource.")
        return "lost" if fault == "lost" else None

    # -- refusals --------------------------------------------------------------------------------------------------

    def refused(self, turned: Turned) -> Any:
        """Of the token endpoint in OAuth's form: its codes have no capitals."""
        if isinstance(turned, Refused | StorageRefused):
            return turned.body()
        if turned.code.islower() and "_" in turned.code:
            return {"error": turned.code, "error_description": turned.says}
        return {"error": {"code": turned.status, "message": turned.says, "status": "UNKNOWN"}}

    def denied(self, route: Route) -> Turned:
        if route.path.startswith("/storage/"):
            return StorageRefused(403, "forbidden", "The caller does not have access.")
        return Refused("PERMISSION_DENIED", f"Permission '{route.permission}' denied on resource.")

    def slower(self, asked: Asked) -> Turned:
        return Refused("RESOURCE_EXHAUSTED", "Quota exceeded.")

    def unknown(self, asked: Asked) -> Turned:
        return Refused("NOT_FOUND", "Requested entity was not found.")

    # -- pages -----------------------------------------------------------------------------------------------------

    def _page(self, asked: Asked, reply: Reply) -> Reply:
        size = max(1, min(self._size(asked, reply), self.largest_page))
        start = int(asked.query.get(self.cursor_word) or 0)
        body: dict[str, Any] = {reply.under: reply.body[start : start + size]} if reply.body else {}
        if start + size < len(reply.body):
            body["nextPageToken"] = str(start + size)
        if reply.under in COUNTED and reply.body:
            body["totalSize"] = len(reply.body)
        return Reply(reply.status, body, headers=reply.headers)
