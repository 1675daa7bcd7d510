"""The operator's own sign-in: which way, as whom, and the token of each API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from nhi_revoke.model.nearest import did_you_mean
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_entra.az import Az
from nhi_revoke_entra.client_credentials import ClientCredentials, app_of, operator_of
from nhi_revoke_entra.device_code import DeviceCode
from nhi_revoke_entra.holder import Holder, claims_of, holder_of
from nhi_revoke_entra.managed_identity import ManagedIdentity
from nhi_revoke_entra.naming import APP, GUID, canonical
from nhi_revoke_entra.settings import EntraSettings
from nhi_revoke_entra.tokens import Granted, TokenService

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.vendor_clock import VendorClock
    from nhi_revoke_entra.cloud import Cloud

EARLY = timedelta(minutes=5)
"""A token is renewed this long before its end."""
NEW = timedelta(minutes=1)
CLIENT, MANAGED, BY_AZ, BY_CODE = "client", "managed-identity", "az", "device-code"
WAYS = (CLIENT, MANAGED, BY_AZ, BY_CODE)


class Way(Protocol):
    """How the operator comes by tokens. Thread-safe; it keeps none."""

    def token(self, resource: str, needs: str) -> Granted:
        """A new one for one API. `resource`: its URL, without `/.default`. Raises the faults of the contract."""
        ...


def way_named(settings: EntraSettings) -> str:
    """Raises Unauthenticated for one that is none."""
    named = settings.sign_in.strip() or CLIENT
    if named not in WAYS:
        raise Unauthenticated(
            f"sign_in {named!r} is no way to sign in to Entra: nothing of it was looked at",
            hint=f"{did_you_mean(named, WAYS)} sign_in in [entra] of nhi.toml is one of: {', '.join(WAYS)}.",
        )
    return named


def way_of(
    settings: EntraSettings, environ: Mapping[str, str], cloud: Cloud, service: TokenService, io: Io, clock: VendorClock
) -> tuple[Way, str]:
    """The way that the settings name; and the operator's appId where that is known without a token.

    Reads a file at most. Raises Unauthenticated.
    """
    named = way_named(settings)
    if named == MANAGED:
        if not GUID.fullmatch(service.tenant):
            raise Unauthenticated(
                f"the tenant {service.tenant} is named by a domain: whether a managed identity is of it cannot be "
                "told, and nothing of Entra was looked at",
                hint="tenant_id in [entra] of nhi.toml, or AZURE_TENANT_ID: its id.",
            )
        whose = app_of(settings, environ, "client_id of the managed identity") if _names_app(settings, environ) else ""
        return ManagedIdentity(io, clock, whose, clock.now), ""
    if named == BY_AZ:
        return Az(service.tenant, environ, clock.now), ""
    if named == BY_CODE:
        public = app_of(settings, environ, "the public client that a person signs in with")
        return DeviceCode(io, service, public, cloud.graph, clock.now), ""
    operator = operator_of(settings, environ)
    return ClientCredentials(operator, service), operator.client_id


def _names_app(settings: EntraSettings, environ: Mapping[str, str]) -> bool:
    return bool((settings.client_id or environ.get("AZURE_CLIENT_ID", "")).strip())


class Login:
    """Signs requests to one API with the operator's token. Thread-safe."""

    def __init__(self, way: Way, client_id: str, tenant: str, resource: str, now: Callable[[], datetime]) -> None:
        """`client_id`: the operator's appId, where it is known; else its token must tell who it is. `tenant`: the one
        that is meant. `resource`: URL of the API, without `/.default`. `now`: the vendor's clock.
        """
        self._way, self._client_id, self._tenant, self._resource, self._now = way, client_id, tenant, resource, now
        self._lock = threading.Lock()
        self._held: Granted | None = None
        self._holder: Holder | None = None
        self._since: datetime | None = None
        self._wrong: Unauthenticated | None = None

    def principals(self) -> Sequence[PrincipalRef]:
        """The operator, once Entra has let it in: canonical. Raises Unauthenticated and what a request raises."""
        self._token("")
        return self._holder.principals if self._holder is not None else (canonical(APP, self._client_id),)

    def claims(self) -> Mapping[str, Any]:
        """Of the token that is held; empty where they cannot be read. Raises as `principals`."""
        return claims_of(self._token("").token)

    @property
    def token_tenant(self) -> str:
        """The id of the tenant that gave the token that is held; empty where none is, or it cannot be read."""
        held = self._held
        told = str(claims_of(held.token).get("tid") or "") if held is not None else ""
        return told.lower() if GUID.fullmatch(told) else ""

    @property
    def is_users(self) -> bool:
        """Whether the token that is held is a user's, for all that is known."""
        return self._holder is not None and not self._holder.app_alone

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        """Raises Unauthenticated and what a request raises."""
        return {"Authorization": f"Bearer {self._token(needs).token}"}

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        """A new token for the next try, but where the one that was refused is new itself."""
        with self._lock:
            if status != 401 or self._since is None or self._now() - self._since < NEW:
                return False
            self._held = None
            return True

    def _token(self, needs: str) -> Granted:
        with self._lock:
            if self._wrong is not None:
                raise self._wrong  # a person, or a program, would be asked for it anew by each request
            if self._held is None or self._held.until - EARLY <= self._now():
                granted = self._way.token(self._resource, needs)
                if not self._client_id:
                    self._holder = self._checked(granted.token)
                self._held, self._since = granted, self._now()
            return self._held

    def _checked(self, token: str) -> Holder:
        """Nothing is asked with a token of which nobody can tell whose it is, or of another tenant's."""
        holder = holder_of(token)
        if holder is None:
            self._wrong = Unauthenticated(
                "the operator's own token does not tell whose it is, so that nothing keeps this tool from ending it: "
                "nothing of Entra was looked at",
                hint='sign_in = "client" in [entra] of nhi.toml does not need that.',
            )
            raise self._wrong
        if GUID.fullmatch(self._tenant) and holder.tenant != self._tenant:
            self._wrong = Unauthenticated(
                f"the operator is signed in to tenant {holder.tenant}, and {self._tenant} is meant: nothing was looked "
                "at",
                hint="Correct tenant_id in [entra] of nhi.toml (or AZURE_TENANT_ID), or sign in to that tenant.",
            )
            raise self._wrong
        return holder
