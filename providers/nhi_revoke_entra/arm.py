"""Azure Resource Manager: another API than Microsoft Graph, with tokens, versions and pages of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.http import HttpApi, Refusal, Vendor
from nhi_revoke.provider.shared_reads import SharedReads

SUBSCRIPTIONS = "/subscriptions"
ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
VERSIONS = {SUBSCRIPTIONS: "2022-12-01"}
"""The version that Azure's own clients ask for; recalled."""
AUTHORIZATION = "2022-04-01"
"""Azure docs: role-assignments/delete."""
OF_PROVIDERS = {
    "/microsoft.managedidentity/": "2024-11-30",
    "/microsoft.keyvault/": "2022-07-01",
    "/microsoft.web/": "2022-03-01",
}
"""Azure docs: managedidentity, federated-identity-credentials/list; keyvault, vaults/list-by-subscription; appservice,
web-apps/list (versions that Azure's own clients ask for).
"""


class ResourceManager(Vendor):
    title: ClassVar[str] = "Azure Resource Manager"
    login: ClassVar[str] = "The operator's app was refused: it needs a role in the subscriptions, for example Reader."

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        """The code alone: the message is free text."""
        error = body.get("error") if isinstance(body, dict) else None
        return Refusal(str(error.get("code") or "") if isinstance(error, dict) else "")


class Azure:
    """Reads and changes of it. `api`: with the operator's token for it. `reads`: the connection's."""

    def __init__(self, api: HttpApi, reads: SharedReads[Any]) -> None:
        self._api, self._reads = api, reads

    def get(self, path: str, needs: str) -> Any:
        """Raises the faults of the contract."""
        return self._api.call("GET", path, needs=needs, query=_version(path)).body

    def rows(self, path: str, needs: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every row, whatever the size of its pages. A next page on another host is not followed."""
        for page in self._api.pages_by("nextLink", path, needs=needs, **_version(path), **query):
            listed = page.body.get("value") if isinstance(page.body, dict) else None
            if not isinstance(listed, list):
                raise Rejected(f"what Azure Resource Manager answered to GET {path} is no list: it was not read")
            yield from listed

    def shown(self, path: str, needs: str) -> Any:
        """A read that Azure wants as a POST, since it shows secrets: it changes nothing, and may happen twice."""
        return self._api.call("POST", path, needs=needs, query=_version(path), again=True).body

    def send(self, method: str, path: str, needs: str, body: Any = None) -> Any:
        """One change, which may happen twice without harm: each names what it is about."""
        with self._reads.changing():
            return self._api.call(method, path, needs=needs, body=body, query=_version(path)).body


def _version(path: str) -> dict[str, str]:
    for provider, version in OF_PROVIDERS.items():
        if provider in path.lower():
            return {"api-version": version}
    return {"api-version": VERSIONS.get(path, AUTHORIZATION)}
