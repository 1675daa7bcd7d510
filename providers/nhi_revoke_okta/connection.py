"""One login at one Okta org. Every request of this provider goes through `OktaConnection`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Denied, Missing, Rejected
from nhi_revoke.provider.http import Answer, HttpApi, segment
from nhi_revoke.provider.known import Known
from nhi_revoke.provider.paging import pages_by_link
from nhi_revoke.provider.shared_reads import SharedReads
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_okta.login import ServiceApp
from nhi_revoke_okta.naming import (
    AGENT_ID,
    AI_AGENT,
    API_SERVICE,
    APP,
    APP_ID,
    CLIENT_ID,
    LOGIN,
    USER,
    USER_ID,
    canonical,
)
from nhi_revoke_okta.org import host_of, org_url
from nhi_revoke_okta.scopes import AGENTS, APPS, ROLES, SERVICES, USERS, WANTED
from nhi_revoke_okta.settings import OktaSettings
from nhi_revoke_okta.sign_in import sign_in
from nhi_revoke_okta.words import Okta

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io

PAGE = 200
AI_AGENTS = "/workload-principals/api/v1/ai-agents"
WRAPPED_IN = ("data", "keys")
"""Members that hold the rows of a listing of AI agents, their connections or keys (third-party notes)."""


class Named(Struct, frozen=True):
    """What a reference names: enough for paths. State is never kept here."""

    id: str
    client_id: str
    """Of an app: equal to its id for most, not for all (facts 1.4, 15)."""
    name: str


class OktaConnection:
    """Thread-safe. The first call logs in."""

    def __init__(self, scope: str, settings: OktaSettings, io: Io, environ: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self.io = io
        self._environ = os.environ if environ is None else environ
        self._scope = scope
        self._clock = VendorClock(io.now)
        self._lock = threading.Lock()
        self._api: HttpApi | None = None
        self._login: Any = None
        self._named: Known[Named] = Known()
        self._reads: SharedReads[Answer] = SharedReads()

    # -- who and when ----------------------------------------------------------------------------------------------

    @property
    def scope(self) -> str:
        """The org's host."""
        return host_of(self.settings, self._environ) or self._scope

    def now(self) -> datetime:
        """Okta's clock (Date header), UTC."""
        return self._clock.now()

    def whoami(self) -> Sequence[PrincipalRef]:
        """The token's owner, or the service app. Raises Unauthenticated."""
        api = self._open()
        if isinstance(self._login, ServiceApp):
            named = self._own_app(self._login.client_id)
            return tuple(dict.fromkeys((canonical(APP, named), canonical(APP, self._login.client_id))))
        me = api.call("GET", "/api/v1/users/me", needs=USERS.read).body
        return (canonical(USER, str(me["id"])),)

    def service_app(self) -> ServiceApp | None:
        """What signs the operator's requests; None for an API token. Raises Unauthenticated."""
        self._open()
        return self._login if isinstance(self._login, ServiceApp) else None

    def _own_app(self, client_id: str) -> str:
        """Its id where the client id is one: another client id is known as the app's alias."""
        if not APP_ID.fullmatch(client_id):
            return client_id
        try:
            return str(self.get(f"/api/v1/apps/{segment(client_id)}", APPS.read)["id"])
        except (Denied, Missing):
            return client_id  # whoever may not read apps resolves none either

    # -- asking ----------------------------------------------------------------------------------------------------

    def get(self, path: str, needs: str, **query: Any) -> Any:
        """The body of one read. Raises the faults of the contract."""
        return self._read(path, path, needs, query).body

    def rows(self, path: str, needs: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every row of a listing, whatever the size of its pages (Okta docs: pagination)."""

        def ask(url: str) -> Answer:
            return self._read(url, path, needs, query if url == path else {})

        for page in pages_by_link(ask, path):
            listed = page.body
            if isinstance(listed, dict):
                listed = next((listed[name] for name in WRAPPED_IN if name in listed), None)
            if not isinstance(listed, list):
                raise Rejected(f"what Okta answered to GET {path} is no list: it was not read")
            yield from listed

    def send(
        self, method: str, path: str, needs: str, body: Any = None, *, again: bool | None = None, **query: Any
    ) -> Any:
        """One change; the answer's body. `again`: it may happen twice without harm (a create never does)."""
        with self._reads.changing():
            return self._open().call(method, path, needs=needs, body=body, query=query or None, again=again).body

    def ask_as(self, method: str, path: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None) -> Any:
        """One call with another credential than the operator's: for proofs. Raises the faults of the contract."""
        self._open()
        api = HttpApi(self.io, org_url(self.settings, self._environ), Okta(), clock=self._clock)
        return api.call(method, path, headers=headers, form=form, again=True).body

    @property
    def url(self) -> str:
        """Of the org. Raises Unauthenticated."""
        return org_url(self.settings, self._environ)

    # -- names -----------------------------------------------------------------------------------------------------

    def named(self, ref: PrincipalRef) -> Named:
        """What a reference names: asked once for each. Raises Missing, AmbiguousName, Denied.

        Whoever asks meanwhile hears the same, a failure too; later it is asked anew.
        """
        looks = {APP: self._app, USER: self._user, API_SERVICE: self._service, AI_AGENT: self._agent}
        return self._named.once(ref, lambda: looks[ref.kind](ref))

    def _app(self, ref: PrincipalRef) -> Named:
        labelled: list[dict[str, Any]] = []
        if APP_ID.fullmatch(ref.id):
            with suppress(Missing):  # it may be a client id of the same form (facts 1.4, 15)
                return named_app(self.get(f"/api/v1/apps/{segment(ref.id)}", APPS.read))
        else:
            rows = self.rows("/api/v1/apps", APPS.read, q=ref.id, limit=PAGE)
            labelled = [a for a in rows if a.get("label") == ref.id]
        found = {str(a["id"]): named_app(a) for a in labelled}
        if not labelled or self._is_anothers_client_id(ref.id, labelled):
            every = self.rows("/api/v1/apps", APPS.read, limit=PAGE)
            found |= {str(a["id"]): named_app(a) for a in every if client_id_of(a) == ref.id}
        return self._one(ref, list(found.values()), "app", "id, client id or exact label")

    def _is_anothers_client_id(self, name: str, labelled: Sequence[Mapping[str, Any]]) -> bool:
        """Whether it may be the client id of an app that has another label: a client id may be chosen freely. One
        request tells; only where it does not are all apps looked through.
        """
        if not CLIENT_ID.fullmatch(name) or any(client_id_of(app) == name for app in labelled):
            return False
        try:
            next(self.rows(f"/oauth2/v1/clients/{segment(name)}/roles", ROLES.read), None)
        except Missing:
            return False
        except (Denied, Rejected):
            pass  # nobody told
        return True

    def _user(self, ref: PrincipalRef) -> Named:
        if USER_ID.fullmatch(ref.id) or LOGIN.fullmatch(ref.id):
            return named_user(self.get(f"/api/v1/users/{segment(ref.id)}", USERS.read))
        # A short name may be several people's (facts 1.4, 22): Okta is not left to pick one.
        quoted = ref.id.replace("\\", "\\\\").replace('"', '\\"')
        rows = self.rows("/api/v1/users", USERS.read, search=f'profile.login sw "{quoted}"', limit=PAGE)
        found = [named_user(u) for u in rows]
        mine = [n for n in found if ref.id in (n.name, n.name.partition("@")[0])]
        return self._one(ref, mine, "user", "id or login")

    def _service(self, ref: PrincipalRef) -> Named:
        if APP_ID.fullmatch(ref.id):
            found = self.get(f"/integrations/api/v1/api-services/{segment(ref.id)}", SERVICES.read)
            return Named(str(found["id"]), str(found["id"]), str(found.get("name") or found["id"]))
        rows = self.rows("/integrations/api/v1/api-services", SERVICES.read)
        found = [Named(str(s["id"]), str(s["id"]), str(s.get("name") or "")) for s in rows if s.get("name") == ref.id]
        return self._one(ref, found, "API service integration", "id or exact name")

    def _agent(self, ref: PrincipalRef) -> Named:
        """Experimental. Okta answers 404 where there is none, and where the org has no Okta for AI Agents."""
        try:
            if AGENT_ID.fullmatch(ref.id):
                return named_agent(self.get(f"{AI_AGENTS}/{segment(ref.id)}", AGENTS.read))
            rows = [named_agent(row) for row in self.rows(AI_AGENTS, AGENTS.read, limit=PAGE)]
        except Missing as missing:
            why = f"{ref}: no such AI agent in {self.scope}, or this org has no Okta for AI Agents (404 in both cases)"
            raise Missing(why, code=missing.code, hint="Look in the admin console: Directory > AI Agents.") from None
        return self._one(ref, [n for n in rows if n.name == ref.id], "AI agent", "id or exact name")

    def _one(self, ref: PrincipalRef, found: Sequence[Named], what: str, how: str) -> Named:
        if not found:
            raise Missing(f"{ref}: no such {what} in {self.scope}", hint=f"Type its {how}.")
        if len(found) > 1:
            raise AmbiguousName(
                f"{ref} is {len(found)} of them in {self.scope}: nothing was looked at",
                candidates=tuple(f"okta:{ref.kind}/{n.id}" for n in found),
                hint="Type the id of one.",
            )
        return found[0]

    # -- inside ----------------------------------------------------------------------------------------------------

    def _read(self, url: str, path: str, needs: str, query: Mapping[str, Any]) -> Answer:
        """Many kinds and steps ask for the same at once. `path`: for messages."""
        what = f"GET {path.partition('?')[0]}"
        return self._reads.read(
            (url, needs, tuple(sorted(query.items()))),
            lambda: self._open().call("GET", url, needs=needs, query=query or None, what=what),
        )

    def _open(self) -> HttpApi:
        with self._lock:
            if self._api is None:
                url = org_url(self.settings, self._environ)
                self._login = sign_in(self.settings, self._environ, self.io, url, self._clock, WANTED)
                self._api = HttpApi(self.io, url, Okta(), self._login, clock=self._clock)
            return self._api


def named_app(app: Mapping[str, Any]) -> Named:
    return Named(str(app["id"]), client_id_of(app) or str(app["id"]), str(app.get("label") or app["id"]))


def client_id_of(app: Mapping[str, Any]) -> str:
    """Empty where the app is no OAuth client."""
    return str(((app.get("credentials") or {}).get("oauthClient") or {}).get("client_id") or "")


def named_agent(agent: Mapping[str, Any]) -> Named:
    """Its client id is its own id (third-party notes)."""
    name = (agent.get("profile") or {}).get("name")
    return Named(str(agent["id"]), str(agent["id"]), str(name or agent["id"]))


def named_user(user: Mapping[str, Any]) -> Named:
    return Named(str(user["id"]), "", str((user.get("profile") or {}).get("login") or user["id"]))
