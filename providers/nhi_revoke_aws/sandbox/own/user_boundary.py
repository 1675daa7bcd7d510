"""Permissions boundaries of users, which moto lacks; of roles it has them (AWS docs: access_policies_boundaries)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService


class UserBoundaries(OwnService):
    """It stands on moto's user: GetUser shows it, and the account's snapshot obeys it."""

    model: ClassVar[str] = "iam"
    name: ClassVar[str] = "user-boundary"

    def operations(self) -> Mapping[str, Handler]:
        return {"PutUserPermissionsBoundary": self._put, "DeleteUserPermissionsBoundary": self._delete}

    def resource(self, asking: Asking) -> str:
        user = asking.iam.users.get(str(asking.params["UserName"]))
        return str(user.arn) if user is not None else "*"

    def _put(self, asking: Asking) -> dict[str, Any]:
        user, arn = _user(asking), str(asking.params["PermissionsBoundary"])
        if arn not in asking.iam.managed_policies:
            raise Refusal("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)
        user.permissions_boundary = {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": arn,
        }
        return {}

    def _delete(self, asking: Asking) -> dict[str, Any]:
        user = _user(asking)
        if not getattr(user, "permissions_boundary", None):
            raise Refusal("NoSuchEntity", f"User {user.name} does not have a permissions boundary.", 404)
        user.permissions_boundary = None
        return {}


def _user(asking: Asking) -> Any:
    name = str(asking.params["UserName"])
    user = asking.iam.users.get(name)
    if user is None:
        raise Refusal("NoSuchEntity", f"The user with name {name} cannot be found.", 404)
    return user
