"""The operator as a managed identity: the platform that this tool runs on gives the tokens, one for each resource.

msal finds the platform's endpoint by itself: IDENTITY_ENDPOINT and IDENTITY_HEADER (App Service, Functions, Automation,
containers), MSI_ENDPOINT and MSI_SECRET (Machine Learning), Azure Arc's, else the metadata service of a virtual machine
(IMDS). Microsoft docs: how-to-use-vm-token ("Error handling", "Retry guidance"), overview-managed-identity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from nhi_revoke.provider.fault import Fault, Rejected, Unauthenticated, Unavailable
from nhi_revoke.provider.loopback import is_near
from nhi_revoke_entra.token_http import MsalHttp, TokenAnswer
from nhi_revoke_entra.tokens import Granted, Refused, answered, by_msal

if TYPE_CHECKING:
    import httpx

    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.vendor_clock import VendorClock

UPDATING = (404, 410)
"""IMDS is being updated, and is there again within 70 seconds."""
OTHERWISE = 'or sign in otherwise: sign_in in [entra] of nhi.toml is "client", "az" or "device-code", too.'


class IdentityHttp(MsalHttp):
    """The platform's endpoint, on this machine or beside it. No token is ever kept here."""

    service: ClassVar[str] = "the managed identity endpoint of this machine"

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> TokenAnswer:
        """A token request. Raises the faults of the contract."""
        if not url.startswith("https://") and not is_near(url):  # a header may hold a secret
            raise Rejected(f"{self.service} would be asked over http at {urlsplit(url).hostname}: it was not asked")
        return self._asked("GET", url, params=params, headers=headers)

    def post(self, url: str, **_: Any) -> TokenAnswer:
        """No endpoint takes one. Raises Rejected."""
        raise Rejected(f"{self.service} is not asked by POST")

    def _learn(self, response: httpx.Response, began: Any) -> None:
        """This machine's clock is not the vendor's."""

    def _not_there(self, failed: str) -> Fault:
        return Unauthenticated(
            f"nothing answers where a managed identity gets its tokens ({failed}): nothing of Entra was looked at",
            hint="Run this on the machine that has the identity, " + OTHERWISE,
        )

    def _read(self, response: httpx.Response) -> TokenAnswer:
        if response.status_code in UPDATING:
            raise Unavailable(f"{self.service} is not ready ({response.status_code})")
        return super()._read(response)


class ManagedIdentity:
    """A way to sign in. Thread-safe: each request is one of a new msal client, which remembers nothing."""

    def __init__(self, io: Io, clock: VendorClock, client_id: str, now: Callable[[], datetime]) -> None:
        """`client_id`: of a user-assigned identity; empty: the machine's own. `now`: the vendor's clock."""
        self._http, self._client_id, self._now = IdentityHttp(io, clock), client_id, now

    def token(self, resource: str, needs: str) -> Granted:
        """Raises Unauthenticated, and what a request raises."""
        import msal

        def ask() -> Mapping[str, Any]:
            whose = self._client_id
            which = msal.UserAssignedManagedIdentity(client_id=whose) if whose else msal.SystemAssignedManagedIdentity()
            client = msal.ManagedIdentityClient(which, http_client=self._http)
            said: Mapping[str, Any] = client.acquire_token_for_client(resource=resource)
            return said

        said = answered(by_msal(ask), self._now())
        if isinstance(said, Refused):
            raise self._refused(said)
        return said

    def _refused(self, said: Refused) -> Fault:
        which = f"the managed identity {self._client_id}" if self._client_id else "this machine's own managed identity"
        return Unauthenticated(
            f"{which} gets no token ({said.code or said.error}): nothing of Entra was looked at",
            code=said.code or said.error,
            hint="Check that it is assigned to this machine (client_id in [entra] of nhi.toml names a user-assigned "
            f"one), {OTHERWISE}",
        )
