"""Lambda functions where moto falls short: revisions, an update that takes a while, and execution environments.

AWS docs: lambda API_UpdateFunctionConfiguration (RevisionId, LastUpdateStatus), "Lambda function states". An
environment that was started before an update keeps what it has cached, and is replaced by the update.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any, ClassVar
from uuid import UUID

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Used

LONGEST = 256
"""Characters of a description."""
Function = tuple[str, str, str]
"""Account, Region and name."""


class Functions(OwnService):
    """`takes`: seconds from an update until the function works by it."""

    model: ClassVar[str] = "lambda"
    name: ClassVar[str] = "lambda"

    def __init__(self, random: Random) -> None:
        self.takes = 0.0
        self._random = random
        self._revisions: dict[Function, str] = {}
        self._updated: dict[Function, datetime] = {}

    def clear(self) -> None:
        self.takes = 0.0
        self._revisions.clear()
        self._updated.clear()

    def operations(self) -> Mapping[str, Handler]:
        return {"GetFunctionConfiguration": self._get, "UpdateFunctionConfiguration": self._update}

    def use(self, used: Used) -> None:
        """An environment that was `started` then, with credentials of then: is it still there?"""
        function = (used.form["account"], used.form["region"], used.form["function"])
        updated = self._updated.get(function)
        if updated is not None and datetime.fromisoformat(used.form["started"]) < updated <= used.now:
            raise Refusal("AccessDenied", "this execution environment was replaced", 403)

    def _get(self, asking: Asking) -> dict[str, Any]:
        return self._told(asking, _found(asking).get_configuration())

    def _update(self, asking: Asking) -> dict[str, Any]:
        function, params = _found(asking), dict(asking.params)
        slot = _slot(asking)
        if len(str(params.get("Description") or "")) > LONGEST:
            raise Refusal("InvalidParameterValueException", "Description is too long")
        if self._running(slot, asking.now):
            raise Refusal("ResourceConflictException", "An update is in progress for this function", 409)
        if params.get("RevisionId") not in (None, self._revision(slot)):
            raise Refusal("PreconditionFailedException", "The RevisionId provided does not match the latest", 412)
        changes = {k: v for k, v in params.items() if k not in ("FunctionName", "RevisionId")}
        told = function.update_configuration(changes)
        self._updated[slot] = asking.now + timedelta(seconds=self.takes)
        self._revisions[slot] = self._new()
        return self._told(asking, told)

    def _told(self, asking: Asking, configuration: Mapping[str, Any]) -> dict[str, Any]:
        slot = _slot(asking)
        status = "InProgress" if self._running(slot, asking.now) else "Successful"
        return {**configuration, "RevisionId": self._revision(slot), "LastUpdateStatus": status}

    def _running(self, slot: Function, now: datetime) -> bool:
        updated = self._updated.get(slot)
        return updated is not None and now < updated

    def _revision(self, slot: Function) -> str:
        return self._revisions.setdefault(slot, self._new())

    def _new(self) -> str:
        return str(UUID(bytes=self._random.randbytes(16), version=4))


def _slot(asking: Asking) -> Function:
    name = str(asking.params["FunctionName"])
    return asking.account, asking.region, name.rpartition(":function:")[2].partition(":")[0]


def _found(asking: Asking) -> Any:
    """moto's own. Raises Refusal."""
    from moto.awslambda.exceptions import UnknownFunctionException
    from moto.awslambda.models import lambda_backends

    name = _slot(asking)[2]
    try:
        return lambda_backends[asking.account][asking.region].get_function(name, asking.params.get("Qualifier"))
    except UnknownFunctionException:
        raise Refusal("ResourceNotFoundException", f"Function not found: {name}", 404) from None
