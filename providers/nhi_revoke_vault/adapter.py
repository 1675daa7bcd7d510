"""hvac's requests over our own client: hvac knows Vault's paths and bodies, and `HttpApi` knows how to ask.

So there is one TLS context, a timeout on every call, no redirect that is followed with the token, and each answer in
the contract's faults. hvac's own adapter would do none of the last two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nhi_revoke.provider.http import HttpApi


class OverHttpApi:
    """What hvac's API classes ask of an adapter. Made anew for each call."""

    def __init__(self, api: HttpApi, needs: str, *, again: bool | None = None) -> None:
        """`needs`: for a denial's hint. `again`: it may happen twice without harm; None: as the method is."""
        self._api, self._needs, self._again = api, needs, again

    def get(self, url: str, params: Mapping[str, Any] | None = None) -> Any:
        """The decoded body. Raises the faults of the contract."""
        return self._api.call("GET", url, needs=self._needs, query=params or None).body

    def post(self, url: str, json: Any = None) -> Any:
        """As `get`; None where the answer has no body."""
        return self._api.call("POST", url, needs=self._needs, body=json, again=self._again).body


def library() -> Any:
    """hvac, whole. Its modules import each other in circles: two threads that each import one of them would wait for
    each other for ever. Through its package they wait in line.
    """
    import hvac

    return hvac
