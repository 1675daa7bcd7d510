"""One login at one Vault, in one namespace. Every request of this provider goes through `VaultConnection`."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing, Rejected, Unavailable
from nhi_revoke.provider.http import HttpApi
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_vault.adapter import OverHttpApi, library
from nhi_revoke_vault.login import sign_in
from nhi_revoke_vault.permissions import CAPABILITIES, LOOKUP_SELF
from nhi_revoke_vault.server import namespace_of, scope_of, tls_of, url_of
from nhi_revoke_vault.settings import VaultSettings
from nhi_revoke_vault.words import NO_MOUNT, NO_NAMESPACE, Vault

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io

A = TypeVar("A")
B = TypeVar("B")
PREFLIGHT = "/v1/sys/internal/ui/mounts/"
"""What `vault kv` itself asks first: whoever has any capability below a mount is told of it."""
A_NAME = re.compile(r"[^A-Za-z0-9_.@/-]+")


class Mount(Struct, frozen=True):
    """Where a store is mounted."""

    path: str
    """Without slashes at its ends."""
    kind: str
    version: str
    """Of a KV store: `1` or `2`."""


class VaultConnection:
    """Thread-safe. The first call reads the token."""

    def __init__(self, scope: str, settings: VaultSettings, io: Io, environ: Mapping[str, str] | None = None) -> None:
        """`scope`: the Vault and namespace that a plan was made for; empty: that of the settings."""
        self.settings, self.io = settings, io
        self._environ = os.environ if environ is None else environ
        self._scope, self._clock = scope, VendorClock(io.now)
        self._lock = threading.Lock()
        self._open: HttpApi | None = None

    # -- who and when ----------------------------------------------------------------------------------------------

    @property
    def scope(self) -> str:
        """Address and namespace."""
        return scope_of(self.settings, self._environ) or self._scope

    def now(self) -> datetime:
        """Vault's clock (Date header), UTC."""
        return self._clock.now()

    def whoami(self) -> Sequence[PrincipalRef]:
        """By the token's display name, and its entity where it has one; never by the token or its accessor. Raises
        Unauthenticated, and Denied where its policies do not let it look itself up.
        """
        token = library().api.auth_methods.Token(adapter=self.asking(LOOKUP_SELF))
        told = data_of(token.lookup_self())
        name = A_NAME.sub("-", str(told.get("display_name") or "token"))
        entity = A_NAME.sub("-", str(told.get("entity_id") or ""))
        return (PrincipalRef("vault", "token", name), *((PrincipalRef("vault", "entity", entity),) if entity else ()))

    # -- asking ----------------------------------------------------------------------------------------------------

    def asking(self, needs: str, *, again: bool | None = None) -> OverHttpApi:
        """For one of hvac's API classes. Raises Unauthenticated, and Rejected where the plan is for another Vault."""
        return OverHttpApi(self._api(), needs, again=again)

    def mount_of(self, path: str) -> Mount:
        """Of what `vault kv` names so. Raises Denied where there is none, or no policy of the token reaches into it."""
        try:
            told = data_of(self.asking("").get(PREFLIGHT + quote(path)))
        except (Denied, Missing) as refused:
            if refused.code not in (NO_MOUNT, NO_NAMESPACE):
                raise
            what = f"no mount for {path}" if refused.code == NO_MOUNT else "no such namespace"
            fault = Denied(
                f"Vault has {what}, or none that the operator's token may use",
                code=refused.code,
                hint="vault secrets list -detailed shows the mounts; VAULT_NAMESPACE names the namespace.",
            )
        else:
            options = told.get("options")
            version = str((options if isinstance(options, dict) else {}).get("version") or "1")
            return Mount(str(told.get("path") or "").strip("/"), str(told.get("type") or ""), version)
        raise fault

    def capabilities(self, paths: Iterable[str]) -> dict[str, frozenset[str]]:
        """Of the operator's token, by path. Raises Denied where it may not ask: the `default` policy allows it."""
        asked = list(paths)
        self_ = library().api.system_backend.Capabilities(adapter=self.asking(CAPABILITIES, again=True))
        told = data_of(self_.get_capabilities(asked))
        return {path: frozenset(map(str, told.get(path) or ())) for path in asked}

    def side_by_side(self, one: Callable[[], A], other: Callable[[], B]) -> tuple[A, B]:
        """Both at once. Raises what either raises."""
        asked: Sequence[Any] = self.io.map(_call, (one, other))
        return asked[0], asked[1]

    def _api(self) -> HttpApi:
        with self._lock:
            if self._open is None:
                self._open = self._opened()
            return self._open

    def _opened(self) -> HttpApi:
        url, namespace = url_of(self.settings, self._environ), namespace_of(self.settings, self._environ)
        if self._scope not in ("", self.scope):
            raise Rejected(
                f"this plan is for the Vault at {self._scope}, and {self.scope} is named now: nothing was asked",
                hint="Set VAULT_ADDR and VAULT_NAMESPACE as they were.",
            )
        headers = {"X-Vault-Request": "true", **({"X-Vault-Namespace": namespace} if namespace else {})}
        login, tls = sign_in(self.settings, self._environ), tls_of(self.settings, self._environ)
        return HttpApi(self.io, url, Vault(), login, clock=self._clock, headers=headers, tls=tls)


def _call(ask: Callable[[], Any]) -> Any:
    return ask()


def data_of(answer: Any) -> dict[str, Any]:
    """What Vault wraps every answer's content in. Raises Unavailable for what is none of Vault's answers."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise Unavailable("what was answered is no answer of Vault's: it was not read")
    return data
