"""Whether a project writes Data Access entries of the tokens that its accounts' bearers get: `auditConfigs`. Pure.

Google Cloud docs: AuditConfig, AuditLogConfig (discovery document cloudresourcemanager.v3): of `allServices` and of one
service the union holds, of types and of exempted members; logging/docs/audit/configure-data-access: what a level above
turns on nothing below it turns off; audit-logging-iamcreds: tokens are not turned on by themselves but with the IAM
API. Of which log type they are Google's pages tell differently: ADMIN_READ in most copies, DATA_READ in a newer one.
So they are taken to be written where both are on, and where one is on and a token shows.
"""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke_gcp.audit_entry import ACCOUNT, Entry
from nhi_revoke_gcp.hierarchy import Hierarchy, sort_of, words_of
from nhi_revoke_gcp.permissions import GET_POLICY_OF, SEE_PROJECT

SERVICE, ALL = "iam.googleapis.com", "allServices"
CARRY = ("ADMIN_READ", "DATA_READ")
WHOLES = ("allUsers", "allAuthenticatedUsers", "group:", "domain:", "principalSet:")
"""What stands for many, of whom nobody here knows whether an account is one."""


class Turned(Struct, frozen=True):
    """A log type of the IAM API that a policy turns on. `exempted`: members, of whom nothing is written."""

    type: str
    resource: str
    exempted: tuple[str, ...] = ()


class Unread(Struct, frozen=True):
    """A level, or all above the project, whose policy is not known."""

    words: str
    fault: Fault
    needs: str


class AuditConfig(Struct, frozen=True):
    """Of one project, from its own policy and those above it."""

    on: tuple[Turned, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def types(self) -> tuple[str, ...]:
        """Those of `CARRY` that are on."""
        return tuple(each for each in CARRY if any(turned.type == each for turned in self.on))

    @property
    def resources(self) -> tuple[str, ...]:
        """Whose policies turn something on."""
        return tuple(dict.fromkeys(turned.resource for turned in self.on))

    def exempted(self, email: str = "") -> list[tuple[str, str]]:
        """Members, each with the resource whose policy exempts it. `email`: only those who may be this account."""
        found = dict.fromkeys((member, turned.resource) for turned in self.on for member in turned.exempted)
        return [each for each in found if not email or may_be(each[0], email)]


def may_be(member: str, email: str) -> bool:
    """Whether a member of a policy is this account, or stands for many who may hold it."""
    return member.lower() == f"{ACCOUNT}{email}".lower() or member.startswith(WHOLES)


def audit_config(above: Hierarchy) -> AuditConfig:
    """What is on, and what could not be read."""
    from google.iam.v1 import policy_pb2

    on: list[Turned] = []
    unread: list[Unread] = []
    for at in above.levels:
        if at.unread is not None:
            unread.append(_unread(f"the policy of {at.words}", at.unread, GET_POLICY_OF[sort_of(at.resource)]))
            continue
        for config in at.policy.audit_configs:
            if config.service in (SERVICE, ALL):
                for each in config.audit_log_configs:
                    name = policy_pb2.AuditLogConfig.LogType.Name(each.log_type)
                    if name in CARRY:
                        on.append(Turned(name, at.resource, tuple(each.exempted_members)))
    if above.above_unread is not None:
        unread.append(_unread("what stands above the project", above.above_unread, SEE_PROJECT))
    return AuditConfig(tuple(on), tuple(unread))


def _unread(words: str, fault: Fault, needs: str) -> Unread:
    return Unread(words, fault, (fault.needs or needs) if isinstance(fault, Denied) else "")


def changes_it(entry: Entry) -> bool:
    """Whether an entry of an Admin Activity log changed what is written of the IAM API.

    Google Cloud docs: google.iam.v1 PolicyDelta, AuditConfigDelta, SetIamPolicyRequest.update_mask.
    """
    data = entry.payload.get("serviceData")
    policy = data.get("policyDelta") if isinstance(data, dict) else None
    deltas = policy.get("auditConfigDeltas") if isinstance(policy, dict) else None
    if isinstance(deltas, list) and deltas:
        return any(not isinstance(each, dict) or each.get("service") in (SERVICE, ALL, None) for each in deltas)
    return "audit" in entry.field("request", "updateMask").lower()


def where(resources: tuple[str, ...]) -> str:
    """`project shop-prod, organisation 9`."""
    return ", ".join(map(words_of, resources))
