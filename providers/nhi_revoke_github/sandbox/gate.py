"""GitHub over HTTP: who asks, and the two limits.

GitHub docs: rate-limits-for-the-rest-api; best-practices (404 instead of 403 for what may not be seen).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from nhi_revoke.provider.sandbox.rest import Asked, At, Headers, RestGate, Route, Table, Turned
from nhi_revoke_github.sandbox.state import App, Hub, Installation, Token

LIMIT = 5000
"""Requests an hour (GitHub docs: primary limit of a user)."""
UNSIGNED_LIMIT = 60
"""The same for whoever does not sign in, by address."""
HOUR = 3600
APP_ITSELF, CLIENT_ITSELF = "app:jwt", "client:secret"
CLASSIC = "admin:enterprise, admin:org, read:audit_log, repo, user"
"""Of a classic token here (GitHub docs: scopes-for-oauth-apps)."""
INTRUDER = "somebody-else/1.0"
"""User-Agent of the intruder, where the credential is one that the operator holds, too."""


class GithubCaller(NamedTuple):
    """A token, an App by its JWT, a client by its secret, or nobody."""

    by: str
    login: str = ""
    token: Token | None = None
    app: App | None = None
    client_id: str = ""

    def may(self, permission: str) -> bool:
        """`resource:level`; an App's JWT and a client's secret open their own paths alone."""
        if permission in ("", "metadata:read"):
            return True
        if permission == APP_ITSELF:
            return self.app is not None and self.token is None and not self.client_id
        if permission == CLIENT_ITSELF:
            return bool(self.client_id)
        if self.token is None:
            return False
        resource, _, level = permission.partition(":")
        held = self.token.permissions.get("*") or self.token.permissions.get(resource, "")
        return held == "write" or held == level


class GithubGate(RestGate[GithubCaller]):
    """The WSGI application."""

    def __init__(self, hub: Hub, now: Callable[[], datetime], tables: Iterable[Table]) -> None:
        super().__init__(now, tables)
        self.hub = hub
        self.lock = hub.lock
        self.limit = LIMIT
        self.operator: set[str] = set()
        """Token values, app ids and client ids of the operator."""
        self.stolen: set[str] = set()
        """Token values that the intruder holds."""
        self._counted: dict[tuple[str, int], int] = {}

    # -- who is it -------------------------------------------------------------------------------------------------

    def caller(self, asked: Asked, route: Route) -> GithubCaller:
        scheme, _, value = asked.headers.get("authorization", "").partition(" ")
        if not value:
            if route.permission == "-":
                return GithubCaller("operator")
            raise Turned(401, "unauthenticated", "Requires authentication")
        if scheme.lower() == "basic":
            return self._client(value, asked)
        if value.count(".") == 2:
            return self._app(value, asked)
        token = self.hub.by_value(value)
        if token is None or not self.alive(token, asked.at):
            raise Turned(401, "bad-credentials", "Bad credentials")
        token.last_used = asked.at
        return GithubCaller(self._whose(asked, value), token.owner, token)

    def alive(self, token: Token, at: datetime) -> bool:
        """Of a job's token: until the job has ended."""
        if token.status.obeyed(at) != "active" or (token.expires and token.expires <= at):
            return False
        if token.run:
            job = next(j for r in self.hub.repositories.values() for j in r.jobs.values() if j.id == token.run)
            return job.status.obeyed(at) != "completed"
        return True

    def _client(self, value: str, asked: Asked) -> GithubCaller:
        """HTTP Basic, client id and secret."""
        try:
            client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            client_id = secret = ""
        app = next((a for a in self.hub.apps.values() if a.client_id == client_id), None)
        if app is None or not secret or app.client_secret != secret:
            raise Turned(401, "bad-credentials", "Bad credentials")
        return GithubCaller(self._whose(asked, client_id), client_id=client_id, app=app)

    def _app(self, value: str, asked: Asked) -> GithubCaller:
        """RS256 by one of the App's keys; ten minutes at most (GitHub docs: generating a JWT)."""
        import jwt

        try:
            claims = jwt.decode(value, options={"verify_signature": False})
        except jwt.exceptions.PyJWTError:
            raise Turned(401, "bad-jwt", "A JSON web token could not be decoded") from None
        issuer, at = str(claims.get("iss")), asked.at.timestamp()
        app = next((a for a in self.hub.apps.values() if issuer in (str(a.id), a.client_id)), None)
        if app is None or not any(_signed(value, key) for key in app.keys.values()):
            raise Turned(401, "bad-jwt", "A JSON web token could not be decoded")
        exp, iat = float(claims.get("exp", 0)), float(claims.get("iat", at + 1))
        if exp <= at or exp > at + 600 or iat > at + 1:
            raise Turned(401, "bad-jwt", "'Expiration time' claim ('exp') is too far in the future")
        return GithubCaller(self._whose(asked, str(app.id)), f"{app.slug}[bot]", app=app)

    def _whose(self, asked: Asked, key: str) -> str:
        """Both may hold the same key, secret or leaked token: the intruder's requests say whose they are."""
        if asked.headers.get("user-agent") == INTRUDER:
            return "intruder"
        return "operator" if key in self.operator | self.stolen else "workload"

    # -- refusals and limits ---------------------------------------------------------------------------------------

    def refused(self, turned: Turned) -> Any:
        return {"message": turned.says, "documentation_url": "", "status": str(turned.status)}

    def denied(self, route: Route) -> Turned:
        """What may not be seen is not there."""
        status = 403 if route.mutates or route.permission == CLIENT_ITSELF else 404
        needed = route.permission.replace(":", "=")
        headers = (("X-Accepted-GitHub-Permissions", needed),) if needed else ()
        says = "Resource not accessible by personal access token" if status == 403 else "Not Found"
        return Turned(status, "denied", says, headers)

    def slower(self, asked: Asked) -> Turned:
        """The secondary limit: a 403 that is about speed."""
        return Turned(403, "slower", "You have exceeded a secondary rate limit.", (("Retry-After", "2"),))

    def counted(self, asked: Asked, route: Route, caller: GithubCaller) -> Headers:
        if asked.path.startswith("/_git/"):
            return []  # the limits are the REST interface's
        who = caller.token.value if caller.token else caller.login or caller.client_id
        window = int(asked.at.timestamp() // HOUR)
        self._counted[who, window] = self._counted.get((who, window), 0) + 1
        limit = self.limit if who else UNSIGNED_LIMIT
        left = limit - self._counted[who, window]
        headers = [
            ("X-RateLimit-Limit", str(limit)),
            ("X-RateLimit-Remaining", str(max(0, left))),
            ("X-RateLimit-Reset", str((window + 1) * HOUR)),
            ("X-RateLimit-Resource", "core"),
        ]
        if caller.token is not None and caller.token.kind in ("ghp", "gho") and not self._limited(caller):
            headers.append(("X-OAuth-Scopes", _scopes(caller)))
        if left < 0:
            raise Turned(403, "rate", "API rate limit exceeded", headers)
        return headers

    def _limited(self, caller: GithubCaller) -> bool:
        """An operator that may not do everything has no classic token: its scopes could not say so."""
        return caller.by == "operator" and self.permissions.limited

    def installation_of(self, caller: GithubCaller) -> Installation | None:
        token = caller.token
        return self.hub.installations.get(token.installation) if token and token.installation else None


Here = At[GithubGate, GithubCaller]
"""What a route works with."""


def _signed(value: str, key: Any) -> bool:
    import jwt

    try:
        jwt.decode(value, key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
    except jwt.exceptions.PyJWTError:
        return False
    return True


def _scopes(caller: GithubCaller) -> str:
    """Of a classic or OAuth token (GitHub docs: scopes-for-oauth-apps)."""
    if caller.by == "operator":
        return CLASSIC
    return "admin:org, repo" if caller.token and "*" in caller.token.permissions else "repo"
