"""AWS Organizations: one root, and the service control policies that bind its member accounts.

They bind neither the management account nor service-linked roles (AWS docs: orgs_manage_policies_scps).
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.condition import Context
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, page
from nhi_revoke_aws.sandbox.policy import Malformed, Policy, decide, parse

NAME = "organization"
MANAGEMENT = "111122223333"
SCP = "SERVICE_CONTROL_POLICY"
ROOT = "r-abcd"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
FULL = {
    "Name": "FullAWSAccess",
    "Content": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
}


def denied_in_organization(state: Mapping[str, Any], account: str, action: str, context: Context) -> bool:
    """Whether a policy at the root denies it to a principal of this account. `state`: the management account's own."""
    if account == MANAGEMENT:
        return False
    policies = [Policy(name, name, "none", parse(content)) for name, content in state.get(NAME) or ()]
    return any(decide([p], action, "*", context).effect == "explicitDeny" for p in policies)


class Organization(OwnService):
    model: ClassVar[str] = "organizations"
    name: ClassVar[str] = NAME

    def __init__(self, random: Random) -> None:
        self._random = random
        self.features = "ALL"
        self.enabled = True
        """Whether service control policies are, at the root."""
        self.management = MANAGEMENT
        self.policies: dict[str, dict[str, str]] = {}
        self.attached: set[str] = set()
        self.clear()

    def clear(self) -> None:
        self.features, self.enabled, self.management = "ALL", True, MANAGEMENT
        self.policies = {"p-FullAWSAccess": dict(FULL)}
        self.attached = {"p-FullAWSAccess"}

    def operations(self) -> Mapping[str, Handler]:
        return {
            "DescribeOrganization": self._organization,
            "ListRoots": self._roots,
            "ListPolicies": lambda a: self._listed(a, list(self.policies)),
            "ListPoliciesForTarget": lambda a: self._listed(a, sorted(self.attached)),
            "DescribePolicy": self._describe,
            "CreatePolicy": self._create,
            "AttachPolicy": self._attach,
            "DetachPolicy": self._detach,
            "DeletePolicy": self._delete,
        }

    def _organization(self, asking: Asking) -> dict[str, Any]:
        where = f"arn:{asking.partition}:organizations::{self.management}"
        return {
            "Organization": {
                "Id": "o-exampleorgid",
                "Arn": f"{where}:organization/o-exampleorgid",
                "FeatureSet": self.features,
                "MasterAccountId": self.management,
                "MasterAccountArn": f"{where}:account/o-exampleorgid/{self.management}",
            }
        }

    def _may(self, asking: Asking) -> None:
        """Raises Refusal outside the management account."""
        if asking.account != self.management:
            raise Refusal("AccessDeniedException", "You don't have permissions to access this resource.")

    def _roots(self, asking: Asking) -> dict[str, Any]:
        self._may(asking)
        types = [{"Type": SCP, "Status": "ENABLED"}] if self.enabled else []
        some, token = page([{"Id": ROOT, "Name": "Root", "PolicyTypes": types}], asking, **PAGES)
        return {"Roots": some, "NextToken": token}

    def _summary(self, policy: str) -> dict[str, Any]:
        told = {"Id": policy, "Name": self.policies[policy]["Name"], "Type": SCP}
        return {**told, "AwsManaged": policy == "p-FullAWSAccess"}

    def _listed(self, asking: Asking, ids: list[str]) -> dict[str, Any]:
        self._may(asking)
        some, token = page([self._summary(p) for p in ids], asking, **PAGES)
        return {"Policies": some, "NextToken": token}

    def _found(self, asking: Asking) -> str:
        self._may(asking)
        policy = str(asking.params["PolicyId"])
        if policy not in self.policies:
            raise Refusal("PolicyNotFoundException", "The specified policy does not exist.")
        return policy

    def _describe(self, asking: Asking) -> dict[str, Any]:
        policy = self._found(asking)
        return {"Policy": {"PolicySummary": self._summary(policy), "Content": self.policies[policy]["Content"]}}

    def _create(self, asking: Asking) -> dict[str, Any]:
        self._may(asking)
        name, content = str(asking.params["Name"]), str(asking.params["Content"])
        try:
            parse(content)
        except Malformed as error:
            raise Refusal("MalformedPolicyDocumentException", str(error)) from error
        if any(p["Name"] == name for p in self.policies.values()):
            raise Refusal("DuplicatePolicyException", "A policy with the same name already exists.")
        policy = "p-" + "".join(self._random.choices(LETTERS, k=8))
        self.policies[policy] = {"Name": name, "Content": content}
        return {"Policy": {"PolicySummary": self._summary(policy), "Content": content}}

    def _attach(self, asking: Asking) -> dict[str, Any]:
        policy = self._found(asking)
        if not self.enabled:
            raise Refusal("PolicyTypeNotEnabledException", "The policy type isn't enabled in this root.")
        if policy in self.attached:
            raise Refusal("DuplicatePolicyAttachmentException", "The policy is already attached.")
        self.attached.add(policy)
        return {}

    def _detach(self, asking: Asking) -> dict[str, Any]:
        policy = self._found(asking)
        if policy not in self.attached:
            raise Refusal("PolicyNotAttachedException", "The policy isn't attached to the specified target.")
        self.attached.remove(policy)
        return {}

    def _delete(self, asking: Asking) -> dict[str, Any]:
        policy = self._found(asking)
        if policy in self.attached:
            raise Refusal("PolicyInUseException", "The policy is attached to one or more entities.")
        del self.policies[policy]
        return {}

    def snapshot(self, account: str, iam: Any) -> Any:
        """What is attached to the root."""
        if account != self.management:
            return None
        return tuple((self.policies[p]["Name"], self.policies[p]["Content"]) for p in sorted(self.attached))


PAGES: dict[str, Any] = {"token": "NextToken", "size": "MaxResults", "default": 20, "most": 20}
