"""Lists of secrets and of parameters, which page as AWS's do; what they list is moto's own.

AWS docs: secretsmanager API_ListSecrets (100 a page; no value is in it), ssm API_DescribeParameters (50 at most).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, page


class SecretLists(OwnService):
    """`accessed`: the day of the last read, by a secret's name; moto keeps none."""

    model: ClassVar[str] = "secretsmanager"
    name: ClassVar[str] = "secret-list"

    def __init__(self) -> None:
        self.accessed: dict[str, datetime] = {}

    def clear(self) -> None:
        self.accessed.clear()

    def operations(self) -> Mapping[str, Handler]:
        return {"ListSecrets": self._list}

    def _list(self, asking: Asking) -> dict[str, Any]:
        """Those that are scheduled for deletion only where they are asked for."""
        from moto.secretsmanager.models import secretsmanager_backends

        backend: Any = secretsmanager_backends[asking.account][asking.region]
        planned = bool(asking.params.get("IncludePlannedDeletion"))
        secrets = list({id(secret): secret for secret in backend.secrets.values()}.values())
        rows = [self._row(s.to_dict()) for s in secrets if planned or not getattr(s, "deleted_date", None)]
        some, token = page(rows, asking, token="NextToken", size="MaxResults", default=100, most=100)
        return {"SecretList": some, **({"NextToken": token} if token else {})}

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        seen = self.accessed.get(str(row["Name"]))
        day = seen.replace(hour=0, minute=0, second=0, microsecond=0) if seen else None
        told = {**row, "LastAccessedDate": day}
        told.pop("VersionIdsToStages", None)  # of DescribeSecret alone
        return {key: value for key, value in told.items() if value is not None}


class ParameterLists(OwnService):
    model: ClassVar[str] = "ssm"
    name: ClassVar[str] = "parameter-list"

    def operations(self) -> Mapping[str, Handler]:
        return {"DescribeParameters": self._list}

    def _list(self, asking: Asking) -> dict[str, Any]:
        from moto.ssm.models import ssm_backends

        backend: Any = ssm_backends[asking.account][asking.region]
        filters = asking.params.get("ParameterFilters") or []
        rows = [p.describe_response_object(False) for p in backend.describe_parameters([], filters)]
        told = [{k: v for k, v in row.items() if k not in ("Value", "ARN", "Selector", "SourceResult")} for row in rows]
        some, token = page(told, asking, token="NextToken", size="MaxResults", default=50, most=50)
        return {"Parameters": some, **({"NextToken": token} if token else {})}
