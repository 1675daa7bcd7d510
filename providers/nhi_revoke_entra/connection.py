"""One login at one Entra tenant. Every request of this provider goes through `EntraConnection`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Rejected, Unauthenticated
from nhi_revoke.provider.http import Answer, HttpApi
from nhi_revoke.provider.known import Known
from nhi_revoke.provider.shared_reads import SharedReads
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_entra.arm import Azure, ResourceManager
from nhi_revoke_entra.az import FIXED
from nhi_revoke_entra.batch import Part, read_together
from nhi_revoke_entra.client_credentials import tenant_meant, tenant_of
from nhi_revoke_entra.cloud import cloud_of
from nhi_revoke_entra.login import BY_AZ, Login, way_of
from nhi_revoke_entra.lookup import look_up, look_up_user
from nhi_revoke_entra.named import Named, NamedUser
from nhi_revoke_entra.naming import GUID, PROVIDER
from nhi_revoke_entra.policies import Policies, read_policies
from nhi_revoke_entra.settings import EntraSettings
from nhi_revoke_entra.token_http import TokenHttp
from nhi_revoke_entra.tokens import Granted, Refused, TokenService
from nhi_revoke_entra.vault import Vaults
from nhi_revoke_entra.words import Graph
from nhi_revoke_entra.written import Written

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io

V1, BETA = "/v1.0", "/beta"
NEXT = "@odata.nextLink"
REPORTS_AT_ONCE, REPORTS_PER_SECOND = 5, 0.5
"""Requests to reports, sign-ins and audit logs: five in ten seconds, of an app in a tenant (facts entra.md 2)."""


class EntraConnection:
    """Thread-safe. The first call logs in."""

    def __init__(self, scope: str, settings: EntraSettings, io: Io, environ: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self.io = io
        self._environ = os.environ if environ is None else environ
        self._scope = scope
        self._clock = VendorClock(io.now)
        self._lock = threading.Lock()
        self.reads: SharedReads[Any] = SharedReads()
        """For lists alone: a doer looks for itself."""
        self._api: HttpApi | None = None
        self._azure: Azure | None = None
        self._vaults: Vaults | None = None
        self._login: Login | None = None
        self._tokens: TokenService | None = None
        self._apps: Known[Named] = Known()
        self._users: Known[NamedUser] = Known()
        self._policies: Known[Policies] = Known()
        self.uses: Known[Any] = Known()
        """Last uses of an app's credentials (access/credential_use.py): the report is read once for each app."""
        self.uses_read: dict[PrincipalRef, Any] = {}
        """What that brought, for who does not ask."""
        self.written = Written()

    # -- who and when ----------------------------------------------------------------------------------------------

    @property
    def scope(self) -> str:
        """The tenant, as it was named."""
        try:
            return tenant_of(self.settings, self._environ) or self._scope
        except Unauthenticated:
            return self._scope

    @property
    def counted_for(self) -> str:
        """The tenant's id, of which a domain is one name of many; empty until a token told it."""
        scope = self.scope
        if GUID.fullmatch(scope):
            return scope
        return self._login.token_tenant if self._login is not None else ""

    def now(self) -> datetime:
        """Entra's clock (Date header), UTC."""
        return self._clock.now()

    def whoami(self) -> Sequence[PrincipalRef]:
        """The operator, once Entra has let it in: its own app; a user, and the app that it signed in through. Raises
        Unauthenticated.
        """
        self._open()
        assert self._login is not None
        return self._login.principals()

    def claims(self) -> Mapping[str, Any]:
        """What the operator's token for Graph says of itself; empty where it cannot be read. Raises as `whoami`."""
        self._open()
        assert self._login is not None
        return self._login.claims()

    # -- asking ----------------------------------------------------------------------------------------------------

    def get(self, path: str, needs: str, **query: Any) -> Any:
        """The body of one read of Microsoft Graph v1.0. Raises the faults of the contract."""
        with self._denials():
            return self._open().call("GET", V1 + path, needs=needs, query=query or None).body

    def rows(self, path: str, needs: str, *, version: str = V1, **query: Any) -> Iterator[dict[str, Any]]:
        """Every row of a listing, whatever the size of its pages. A next page on another host is not followed."""
        with self._denials():
            for page in self._open().pages_by(NEXT, version + path, needs=needs, **query):
                yield from _listed(page, path)

    def log_rows(self, path: str, needs: str, *, version: str = V1, **query: Any) -> Iterator[dict[str, Any]]:
        """As `rows`, of a report, the sign-ins or the audit log: Graph gives them out slowly, and each page waits for
        its turn.
        """
        self._pace()
        with self._denials():
            for page in self._open().pages_by(NEXT, version + path, needs=needs, **query):
                yield from _listed(page, path)
                if page.body.get(NEXT):
                    self._pace()

    def _pace(self) -> None:
        self.io.pace(f"{PROVIDER}/{self.scope}/reports", REPORTS_PER_SECOND, REPORTS_AT_ONCE)

    def send(
        self, method: str, path: str, needs: str, body: Any = None, *, again: bool | None = None, version: str = V1
    ) -> Any:
        """One change; the answer's body. `again`: it may happen twice without harm (a create never does)."""
        with self.reads.changing(), self._denials():
            return self._open().call(method, version + path, needs=needs, body=body, again=again).body

    def together(self, paths: Sequence[str], needs: str, *, version: str = V1) -> Sequence[Part]:
        """What each of these reads answers, in their order: 20 at most, one request. Raises as `read_together`."""
        return read_together(self._open(), self.io, version, paths, needs)

    @property
    def azure(self) -> Azure:
        """Azure Resource Manager, with a token of its own. Raises Unauthenticated."""
        self._open()
        assert self._azure is not None
        return self._azure

    @property
    def vaults(self) -> Vaults:
        """Azure Key Vault, with a token of its own. Raises Unauthenticated."""
        self._open()
        assert self._vaults is not None
        return self._vaults

    def signs_in(self, client_id: str, credential: Any) -> Granted | Refused:
        """Whether these client credentials get a token for Microsoft Graph: one request of a new msal application."""
        self._open()
        assert self._tokens is not None
        return self._tokens.granted(client_id, credential, f"{self._resource}/.default")

    def object_url(self, object_id: str) -> str:
        """How a body refers to a directory object (`@odata.id`)."""
        return f"{self._resource}{V1}/directoryObjects/{object_id}"

    # -- names -----------------------------------------------------------------------------------------------------

    def named(self, ref: PrincipalRef) -> Named:
        """What a reference to an app names: asked once for each. Raises Missing, AmbiguousName, Denied."""
        return self._apps.once(ref, lambda: look_up(self, ref))

    def user_named(self, ref: PrincipalRef) -> NamedUser:
        """What a reference to a user names: asked once for each. Raises Missing, Denied."""
        return self._users.once(ref, lambda: look_up_user(self, ref))

    def policies(self, ref: PrincipalRef) -> Policies:
        """What the tenant lets nobody add to this app: asked once. Raises the faults of the contract."""
        return self._policies.once(ref, lambda: read_policies(self, self.named(ref).application))

    def side_by_side(self, *looks: Callable[[], Any]) -> Sequence[Any]:
        """Independent reads at once, in order. The first exception is raised after all have ended."""
        return self.io.map(lambda look: look(), looks)

    # -- inside ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _denials(self) -> Iterator[None]:
        """Where nobody can give the permission to the app that the operator is here, that is told with it."""
        try:
            yield
        except Denied as denied:
            if self.settings.sign_in.strip() != BY_AZ or self._login is None or not self._login.is_users:
                raise
            more = f"You are signed in by az as a user. A permission that is missing is had {FIXED}."
            needs = ", ".join(each for each in (denied.needs, FIXED) if each)
            told = Denied(denied.message, needs=needs, code=denied.code, hint=more)
        else:
            return
        raise told

    @property
    def _resource(self) -> str:
        return cloud_of(self.settings, self._environ).graph

    def _open(self) -> HttpApi:
        with self._lock:
            if self._api is None:
                cloud = cloud_of(self.settings, self._environ)
                tenant = tenant_meant(self.settings, self._environ)
                http = TokenHttp(self.io, cloud, self._clock)
                tokens = self._tokens = TokenService(self.io, cloud, tenant, http, self._clock)
                way, client_id = way_of(self.settings, self._environ, cloud, tokens, self.io, self._clock)
                self._login = Login(way, client_id, tenant, cloud.graph, self._clock.now)
                for_azure = Login(way, client_id, tenant, cloud.arm, self._clock.now)
                self._azure = Azure(
                    HttpApi(self.io, cloud.arm_url, ResourceManager(), for_azure, clock=self._clock), self.reads
                )
                for_vaults = Login(way, client_id, tenant, f"https://{cloud.vault}", self._clock.now)
                self._vaults = Vaults(self.io, cloud, for_vaults, self._clock)
                self._api = HttpApi(self.io, cloud.graph_url, Graph(), self._login, clock=self._clock)
            return self._api


def _listed(page: Answer, path: str) -> list[dict[str, Any]]:
    """Raises Rejected for what is no list."""
    listed = page.body.get("value") if isinstance(page.body, dict) else None
    if not isinstance(listed, list):
        raise Rejected(f"what Microsoft Graph answered to GET {path} is no list: it was not read")
    return listed
