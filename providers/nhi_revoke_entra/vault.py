"""Azure Key Vault: secrets of one vault at a time, by its own API, with tokens of its own.

Microsoft docs: keyvault/secrets (set-secret, get-secret, get-secret-versions, update-secret, get-deleted-secret), which
name the permission that each call needs. Inner codes of a 403 are as recorded answers of others show them.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.http import HttpApi, Refusal, Vendor

if TYPE_CHECKING:
    from nhi_revoke.provider.http import Authorize
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.vendor_clock import VendorClock
    from nhi_revoke_entra.cloud import Cloud

VERSION = "7.4"
"""Of the API, as the documentation of each call names it; that every national cloud has it is recalled."""
VAULT = re.compile(r"(?=.{3,24}\Z)[A-Za-z](?:-?[A-Za-z0-9])+")
"""Names of vaults: 3 to 24 letters, digits and single hyphens, a letter first; recalled."""
DISABLED = "SecretDisabled"
HINTS = {
    "ForbiddenByFirewall": "The vault's firewall does not let this machine in: ask from where it does.",
    "ForbiddenByRbac": "Give the operator's app a role there, for example Key Vault Secrets Officer.",
    "ForbiddenByPolicy": "Give the operator's app secrets get, set and list in the vault's access policies.",
}


class KeyVaultWords(Vendor):
    title: ClassVar[str] = "Azure Key Vault"
    login: ClassVar[str] = "The vault refused the operator's app: it may belong to another tenant."

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        """The codes alone: the message is free text. A name that is taken by a deleted secret is nobody's race."""
        error = body.get("error") if isinstance(body, dict) else None
        told = error if isinstance(error, dict) else {}
        inner = told.get("innererror")
        code = str((inner.get("code") if isinstance(inner, dict) else "") or told.get("code") or "")
        return Refusal(code, hint=HINTS.get(code, ""), fault=Rejected if status == 409 else None)


class KeyVault:
    """One vault. `api`: with the operator's token for vaults."""

    def __init__(self, api: HttpApi) -> None:
        self._api = api

    def get(self, path: str, needs: str) -> dict[str, Any]:
        """Raises the faults of the contract."""
        found: dict[str, Any] = self._api.call("GET", path, needs=needs, query={"api-version": VERSION}).body
        return found

    def rows(self, path: str, needs: str) -> Iterator[dict[str, Any]]:
        """Every row, whatever the size of its pages. A next page on another host is not followed."""
        for page in self._api.pages_by("nextLink", path, needs=needs, **{"api-version": VERSION}):
            listed = page.body.get("value") if isinstance(page.body, dict) else None
            if not isinstance(listed, list):
                raise Rejected(f"what Azure Key Vault answered to GET {path} is no list: it was not read")
            yield from listed

    def send(self, method: str, path: str, needs: str, body: Any, *, again: bool) -> dict[str, Any]:
        """One change. `again`: it may happen twice without harm; a PUT makes a version each time."""
        query = {"api-version": VERSION}
        told: dict[str, Any] = self._api.call(method, path, needs=needs, body=body, query=query, again=again).body
        return told


class Vaults:
    """Vaults of one cloud. Thread-safe; made without I/O."""

    def __init__(self, io: Io, cloud: Cloud, login: Authorize, clock: VendorClock) -> None:
        self._io, self._cloud, self._login, self._clock = io, cloud, login, clock
        self._lock = threading.Lock()
        self._open: dict[str, KeyVault] = {}

    def of(self, name: str, suffix: str = "") -> KeyVault:
        """`suffix`: of its host, where the address names one. Raises Rejected for another cloud's: a token is never
        taken there.
        """
        if not VAULT.fullmatch(name):
            raise Rejected(f"{name!r} is no name of a vault: nothing was asked")
        if suffix not in ("", self._cloud.vault):
            raise Rejected(f"{name}.{suffix} is a vault of another cloud ({self._cloud.vault} here): nothing was asked")
        vault = name.lower()
        with self._lock:
            if vault not in self._open:
                url = self._cloud.vault_url(vault)
                self._open[vault] = KeyVault(HttpApi(self._io, url, KeyVaultWords(), self._login, clock=self._clock))
            return self._open[vault]
