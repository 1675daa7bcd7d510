"""Versions of a secret where moto is kinder than AWS: it shows those without a label everywhere, and all on one page.

botocore's description of secretsmanager: ListSecretVersionIds (a version without a label is listed only where it is
asked for; one without a value never), DescribeSecret (versions with a label alone), UpdateSecretVersionStage (a label
that another version has is moved only where that version is named).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, page

CURRENT = "AWSCURRENT"
NOT_FOUND = "Secrets Manager can't find the specified secret."
DATES = ("LastChangedDate", "LastAccessedDate", "NextRotationDate", "DeletedDate", "CreatedDate", "LastRotatedDate")


class SecretVersions(OwnService):
    """Everything else is moto's."""

    model: ClassVar[str] = "secretsmanager"
    name: ClassVar[str] = "secretsmanager"

    def operations(self) -> Mapping[str, Handler]:
        return {
            "DescribeSecret": self._describe,
            "ListSecretVersionIds": self._list,
            "UpdateSecretVersionStage": self._move,
        }

    def resource(self, asking: Asking) -> str:
        name = str(asking.params["SecretId"])
        found = _backend(asking).secrets.get(name)
        made = f"arn:{asking.partition}:secretsmanager:{asking.region}:{asking.account}:secret:{name}"
        return str(found.arn) if found is not None else name if name.startswith("arn:") else made

    def _describe(self, asking: Asking) -> dict[str, Any]:
        told: dict[str, Any] = dict(_secret(asking).to_dict())
        stages = told.pop("VersionIdsToStages", {})
        told.pop("SecretVersionsToStages", None)
        told = {k: _moment(v) if k in DATES else v for k, v in told.items() if v is not None}
        return {**told, "VersionIdsToStages": {v: list(labels) for v, labels in stages.items() if labels}}

    def _list(self, asking: Asking) -> dict[str, Any]:
        secret = _secret(asking)
        rows = [
            {"VersionId": version, "VersionStages": list(told["version_stages"]), "CreatedDate": told["createdate"]}
            for version, told in secret.versions.items()
            if (told["version_stages"] or asking.params.get("IncludeDeprecated")) and _has_value(told)
        ]
        shown, token = page(rows, asking, token="NextToken", size="MaxResults", default=100, most=100)
        versions = [
            {**{k: v for k, v in row.items() if v}, "CreatedDate": _moment(row["CreatedDate"])} for row in shown
        ]
        found: dict[str, Any] = {"ARN": secret.arn, "Name": secret.name, "Versions": versions}
        return {**found, "NextToken": token} if token else found

    def _move(self, asking: Asking) -> dict[str, Any]:
        from moto.core.exceptions import ServiceException
        from werkzeug.exceptions import HTTPException

        secret, asked = _secret(asking), asking.params
        label, taken, given = asked["VersionStage"], asked.get("RemoveFromVersionId"), asked.get("MoveToVersionId")
        has = next((v for v, told in secret.versions.items() if label in told["version_stages"]), None)
        if has is not None and given is not None and has not in (taken, given):
            said = f"The staging label {label} is currently attached to version {has}: name it in RemoveFromVersionId."
            raise Refusal("InvalidParameterException", said)
        if has is not None and has == given:
            return {"ARN": secret.arn, "Name": secret.name}
        try:
            _backend(asking).update_secret_version_stage(asked["SecretId"], label, taken, given)
        except (ServiceException, HTTPException) as refused:
            code = getattr(refused, "error_type", None) or getattr(refused, "code", "InvalidParameterException")
            raise Refusal(str(code), str(getattr(refused, "message", ""))) from None
        if label == CURRENT and given is not None:
            secret.set_default_version_id(given)  # moto forgets it, and shows the old value where no stage is named
        return {"ARN": secret.arn, "Name": secret.name}


def _backend(asking: Asking) -> Any:
    from moto.secretsmanager.models import secretsmanager_backends

    return secretsmanager_backends[asking.account][asking.region]


def _secret(asking: Asking) -> Any:
    found = _backend(asking).secrets.get(str(asking.params["SecretId"]))
    if found is None:
        raise Refusal("ResourceNotFoundException", NOT_FOUND)
    return found


def _has_value(version: Mapping[str, Any]) -> bool:
    return "secret_string" in version or "secret_binary" in version


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
