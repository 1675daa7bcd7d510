"""Parameters where moto is kinder than AWS: a key not named becomes the account's default one, a history has pages.

AWS docs: API_PutParameter ("If you don't specify a key ID, the system uses the default key"; a tier that is not named
is the account's default; an advanced parameter cannot become a standard one), API_GetParameterHistory (50 at most).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, page

DEFAULT_KEY = "alias/aws/ssm"


class ParameterStore(OwnService):
    """Everything else is moto's."""

    model: ClassVar[str] = "ssm"
    name: ClassVar[str] = "ssm"

    def operations(self) -> Mapping[str, Handler]:
        return {"PutParameter": self._put, "GetParameterHistory": self._history}

    def resource(self, asking: Asking) -> str:
        name = str(asking.params["Name"]).lstrip("/")
        return f"arn:{asking.partition}:ssm:{asking.region}:{asking.account}:parameter/{name}"

    def _put(self, asking: Asking) -> dict[str, Any]:
        from moto.core.exceptions import ServiceException
        from moto.ssm.models import ssm_backends
        from werkzeug.exceptions import HTTPException

        asked = asking.params
        backend: Any = ssm_backends[asking.account][asking.region]
        versions = backend._parameters[asked["Name"]]
        kind = asked.get("Type") or (versions[-1].parameter_type if versions else None)
        tier = asked.get("Tier") or "Standard"
        if versions and versions[-1].tier == "Advanced" and tier == "Standard":
            raise Refusal("ValidationException", "This parameter uses the advanced-parameter tier. You can't downgrade")
        try:
            made = backend.put_parameter(
                asked["Name"], asked.get("Description"), asked["Value"], asked.get("Type"),
                asked.get("AllowedPattern"), (asked.get("KeyId") or DEFAULT_KEY) if kind == "SecureString" else None,
                bool(asked.get("Overwrite")), asked.get("Tags"), asked.get("DataType") or "text", tier=tier,
                policies=asked.get("Policies"),
            )  # fmt: skip
        except (ServiceException, HTTPException) as refused:
            raise _refusal(refused) from None
        made.last_modified_date = asking.now.replace(tzinfo=None)
        return {"Version": made.version, "Tier": made.tier}

    def _history(self, asking: Asking) -> dict[str, Any]:
        from moto.ssm.models import ssm_backends

        asked = asking.params
        backend: Any = ssm_backends[asking.account][asking.region]
        name = backend._strip_parameter_arn(str(asked["Name"]))
        versions = backend._parameters[name] if name in backend._parameters else ()  # noqa: SIM401 - `get` is not moto's
        if not versions:
            raise Refusal("ParameterNotFound", f"Parameter {name} not found.")
        shown, token = page(versions, asking, token="NextToken", size="MaxResults", default=50, most=50)
        decrypt = bool(asked.get("WithDecryption"))
        rows = [each.describe_response_object(decrypt=decrypt, include_labels=True) for each in shown]
        return {"Parameters": rows, **({"NextToken": token} if token else {})}


def _refusal(error: Any) -> Refusal:
    """moto's own refusals come in two families."""
    code = getattr(error, "error_type", None) or getattr(error, "code", "ValidationException")
    return Refusal(str(code), str(getattr(error, "message", "")))
