"""Users and groups of IAM Identity Center. moto pages nothing of this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.own.identity_center_state import MANAGEMENT, Center, unknown
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, page


class IdentityStore(OwnService):
    """Users and groups of the same instance."""

    model: ClassVar[str] = "identitystore"
    name: ClassVar[str] = "identity-store"

    def __init__(self, center: Center) -> None:
        self.center = center

    def operations(self) -> Mapping[str, Handler]:
        return {
            "GetUserId": self._user_id,
            "DescribeUser": self._user,
            "DescribeGroup": self._group,
            "ListGroupMembershipsForMember": self._memberships,
        }

    def _here(self, asking: Asking) -> str:
        center, wanted = self.center, str(asking.params["IdentityStoreId"])
        if asking.account != MANAGEMENT or not center.store or wanted != center.store or asking.region != center.region:
            raise unknown(wanted)
        return wanted

    def _user_id(self, asking: Asking) -> dict[str, Any]:
        store = self._here(asking)
        unique = (asking.params.get("AlternateIdentifier") or {}).get("UniqueAttribute") or {}
        if unique.get("AttributePath") != "userName":
            raise Refusal("ValidationException", "this sandbox looks by userName alone")
        for user, told in self.center.users.items():
            if told["UserName"] == unique.get("AttributeValue"):
                return {"IdentityStoreId": store, "UserId": user, "UserArn": f"arn:aws:identitystore:::user/{user}"}
        raise Refusal("ResourceNotFoundException", "USER not found.")

    def _user(self, asking: Asking) -> dict[str, Any]:
        store, user = self._here(asking), str(asking.params["UserId"])
        if user not in self.center.users:
            raise Refusal("ResourceNotFoundException", "USER not found.")
        told = {"IdentityStoreId": store, "UserArn": f"arn:aws:identitystore:::user/{user}", "Revision": "1"}
        return {**told, **self.center.users[user]}

    def _group(self, asking: Asking) -> dict[str, Any]:
        store, group = self._here(asking), str(asking.params["GroupId"])
        if group not in self.center.groups:
            raise Refusal("ResourceNotFoundException", "GROUP not found.")
        told = {"IdentityStoreId": store, "GroupId": group, "GroupArn": f"arn:aws:identitystore:::group/{group}"}
        return {**told, "DisplayName": self.center.groups[group], "Revision": "1"}

    def _memberships(self, asking: Asking) -> dict[str, Any]:
        store, member = self._here(asking), asking.params["MemberId"]
        rows = [
            {
                "IdentityStoreId": store,
                "GroupId": group,
                "MemberId": member,
                "MembershipId": group[:10] + user[10:],
                "MembershipArn": f"arn:aws:identitystore:::membership/{group[:10]}{user[10:]}",
            }
            for group, user in self.center.members
            if user == member["UserId"]
        ]
        some, token = page(rows, asking, token="NextToken", size="MaxResults", default=100, most=100)
        return {"GroupMemberships": some, "NextToken": token}
