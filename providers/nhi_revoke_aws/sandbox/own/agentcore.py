"""Bedrock AgentCore's control plane: agent identities and the vault of their credentials (botocore's model)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, page

SHELVES = {
    "WorkloadIdentity": ("bedrock-agentcore", "workload-identity-directory/default/workload-identity"),
    "ApiKeyCredentialProvider": ("acps", "token-vault/default/apikeycredentialprovider"),
    "Oauth2CredentialProvider": ("acps", "token-vault/default/oauth2credentialprovider"),
}
"""Service and resource of its ARNs (patterns of botocore's model)."""
LISTS = {
    "ListWorkloadIdentities": ("WorkloadIdentity", "workloadIdentities"),
    "ListApiKeyCredentialProviders": ("ApiKeyCredentialProvider", "credentialProviders"),
    "ListOauth2CredentialProviders": ("Oauth2CredentialProvider", "credentialProviders"),
}


class AgentCore(OwnService):
    """`keep` puts something there; nothing is planted by itself. It is in one Region, like the real one in few."""

    model: ClassVar[str] = "bedrock-agentcore-control"
    name: ClassVar[str] = "agentcore"
    signed_as: ClassVar[str] = "bedrock-agentcore"
    prefix: ClassVar[str] = "bedrock-agentcore"

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], dict[str, Any]] = {}
        """(account, shelf, name) -> row."""

    def clear(self) -> None:
        self._kept.clear()

    def keep(self, account: str, region: str, shelf: str, name: str, created: datetime, **more: Any) -> str:
        """Returns its ARN. `shelf`: `WorkloadIdentity`, `ApiKeyCredentialProvider`, `Oauth2CredentialProvider`."""
        service, resource = SHELVES[shelf]
        arn = f"arn:aws:{service}:{region}:{account}:{resource}/{name}"
        member = "workloadIdentityArn" if shelf == "WorkloadIdentity" else "credentialProviderArn"
        times = {"createdTime": created, "lastUpdatedTime": created}
        self._kept[account, shelf, name] = {"name": name, member: arn, "region": region, **times, **more}
        return arn

    def names(self, shelf: str) -> list[str]:
        """What is kept."""
        return sorted(name for _, kind, name in self._kept if kind == shelf)

    def operations(self) -> Mapping[str, Handler]:
        handlers: dict[str, Handler] = dict.fromkeys(LISTS, self._list)
        for shelf in SHELVES:
            handlers[f"Get{shelf}"] = self._get
            handlers[f"Delete{shelf}"] = self._delete
        return handlers

    def _list(self, asking: Asking) -> dict[str, Any]:
        shelf, field = LISTS[asking.operation]
        rows = [
            row
            for (account, kind, _), row in sorted(self._kept.items())
            if (account, kind, row["region"]) == (asking.account, shelf, asking.region)
        ]
        some, token = page(rows, asking, token="nextToken", size="maxResults", default=20, most=100)
        return {field: some, "nextToken": token}

    def _get(self, asking: Asking) -> dict[str, Any]:
        return self._kept[self._found(asking, asking.operation.removeprefix("Get"))]

    def _delete(self, asking: Asking) -> dict[str, Any]:
        del self._kept[self._found(asking, asking.operation.removeprefix("Delete"))]
        return {}

    def _found(self, asking: Asking, shelf: str) -> tuple[str, str, str]:
        slot = (asking.account, shelf, str(asking.params.get("name")))
        if slot not in self._kept or self._kept[slot]["region"] != asking.region:
            raise Refusal("ResourceNotFoundException", "Resource not found", 404)
        return slot
