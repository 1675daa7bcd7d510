"""IAM Identity Center: permission sets, who has them, and what their sessions may do in the accounts.

A permission set's policy binds in an account only once it was provisioned there, which takes a while. A user who is
disabled keeps the portal session (AWS docs: singlesignon revoke-user-permissions, prereqs-revoking-user-permissions).
moto provisions nothing and pages nothing of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.doors import StolenDoor
from nhi_revoke_aws.sandbox.own.identity_center_state import (
    IN_PROGRESS,
    MANAGEMENT,
    Assignment,
    Center,
    PermissionSet,
    Work,
    inline_at,
    unknown,
)
from nhi_revoke_aws.sandbox.own.organization import denied_in_organization
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Scene, Used, page
from nhi_revoke_aws.sandbox.policy import Malformed, Policy, decide, parse

if TYPE_CHECKING:
    from nhi_revoke.provider.sandbox.contract import Door

NAME = "sso-session"
TAKES = timedelta(seconds=5)
LIFE, PORTAL_LIFE = timedelta(hours=12), timedelta(hours=8)
FIRST_DAY = timedelta(days=200)
USED_ACTION = "s3:ListAllMyBuckets"
BOT, GROUP = "payments-deploy", "deployers"
FOREIGN = (
    '{\n  "Version": "2012-10-17",\n  "Statement": [\n'
    '    {"Sid": "KeepBuckets", "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}\n  ]\n}'
)


class IdentityCenter(OwnService):
    """`sso-admin`, and the data plane `sso-session`."""

    model: ClassVar[str] = "sso-admin"
    name: ClassVar[str] = NAME
    signed_as: ClassVar[str] = "sso"
    prefix: ClassVar[str] = "sso"

    def __init__(self, center: Center) -> None:
        self.center = center
        self.takes = TAKES
        """How long AWS works on what it was asked."""
        self.fails = False
        """Whether what is asked from now on fails in the end."""
        self.shows_groups = False
        """Whether a user's list of assignments holds those of its groups, too: AWS does not document it."""

    def clear(self) -> None:
        self.center.clear()
        self.takes, self.fails, self.shows_groups = TAKES, False, False

    def operations(self) -> Mapping[str, Handler]:
        return {
            "ListInstances": self._instances,
            "DescribePermissionSet": self._describe,
            "ListAccountAssignmentsForPrincipal": self._assigned,
            "GetInlinePolicyForPermissionSet": lambda a: {"InlinePolicy": self._set(a).inline or None},
            "PutInlinePolicyToPermissionSet": self._put,
            "DeleteInlinePolicyFromPermissionSet": self._drop,
            "ProvisionPermissionSet": self._provision,
            "DescribePermissionSetProvisioningStatus": self._provisioning,
            "ListAccountsForProvisionedPermissionSet": self._accounts,
            "CreateAccountAssignment": self._create,
            "DeleteAccountAssignment": self._delete,
            "DescribeAccountAssignmentCreationStatus": self._creation,
            "DescribeAccountAssignmentDeletionStatus": self._deletion,
        }

    def resource(self, asking: Asking) -> str:
        return str(asking.params.get("PermissionSetArn") or asking.params.get("InstanceArn") or "*")

    # -- reading ---------------------------------------------------------------------------------------------------

    def _instances(self, asking: Asking) -> dict[str, Any]:
        center = self.center
        everywhere = asking.params.get("RegionScope") == "ALL_REGIONS"
        here = center.instance and asking.account == MANAGEMENT and (everywhere or asking.region == center.region)
        one = {"InstanceArn": center.instance, "IdentityStoreId": center.store, "OwnerAccountId": MANAGEMENT}
        rows = [{**one, "Status": "ACTIVE", "PrimaryRegion": center.region}] if here else []
        some, token = page(rows, asking, token="NextToken", size="MaxResults", default=10, most=100)
        return {"Instances": some, "NextToken": token}

    def _set(self, asking: Asking) -> PermissionSet:
        """Raises Refusal: also in another account or Region than the instance's."""
        self._here(asking)
        arn = str(asking.params["PermissionSetArn"])
        if arn not in self.center.sets:
            raise unknown(arn)
        return self.center.sets[arn]

    def _here(self, asking: Asking) -> None:
        if asking.account != MANAGEMENT or asking.params["InstanceArn"] != self.center.instance:
            raise Refusal("AccessDeniedException", "not your instance", 400)
        if asking.region != self.center.region:
            raise unknown(str(asking.params["InstanceArn"]))

    def _describe(self, asking: Asking) -> dict[str, Any]:
        one = self._set(asking)
        told = {"Name": one.name, "PermissionSetArn": one.arn, "CreatedDate": one.made, "SessionDuration": "PT12H"}
        return {"PermissionSet": told}

    def _assigned(self, asking: Asking) -> dict[str, Any]:
        self._here(asking)
        kind, principal, center = asking.params["PrincipalType"], asking.params["PrincipalId"], self.center
        known = center.users if kind == "USER" else center.groups
        if principal not in known:
            raise unknown(str(principal))
        mine = {(kind, principal)}
        if kind == "USER" and self.shows_groups:
            mine |= {("GROUP", group) for group, user in center.members if user == principal}
        rows = [
            {
                "AccountId": a.account, "PermissionSetArn": a.permission_set,
                "PrincipalType": a.kind, "PrincipalId": a.principal,
            }
            for a in center.assignments
            if (a.kind, a.principal) in mine and a.holds(asking.now)
        ]  # fmt: skip
        some, token = page(rows, asking, token="NextToken", size="MaxResults", default=100, most=100)
        return {"AccountAssignments": some, "NextToken": token}

    def _accounts(self, asking: Asking) -> dict[str, Any]:
        one = self._set(asking)
        found = self.center.accounts_of(one.arn, asking.now)
        wanted = asking.params.get("ProvisioningStatus")
        if wanted:
            latest = wanted == "LATEST_PERMISSION_SET_PROVISIONED"
            found = [a for a in found if (self.center.present(one.arn, a, asking.now) == one.inline) is latest]
        some, token = page(found, asking, token="NextToken", size="MaxResults", default=100, most=100)
        return {"AccountIds": some, "NextToken": token}

    # -- writing ---------------------------------------------------------------------------------------------------

    def _put(self, asking: Asking) -> dict[str, Any]:
        one, text = self._set(asking), str(asking.params["InlinePolicy"])
        if len(text) > 32_768:
            raise Refusal("ValidationException", "inlinePolicy: length must be at most 32768")
        try:
            parse(text)
        except Malformed as error:
            raise Refusal("ValidationException", str(error)) from error
        one.inline = text
        return {}

    def _drop(self, asking: Asking) -> dict[str, Any]:
        self._set(asking).inline = ""
        return {}

    def _work(self, asking: Asking, **parts: str) -> Work:
        """Raises Refusal while something else is done to the same permission set."""
        for work in self.center.works.values():
            same = dict(work.parts)["PermissionSetArn"] == parts["PermissionSetArn"]
            if same and work.status(asking.now) == IN_PROGRESS:
                raise Refusal("ConflictException", "the permission set is being worked on")
        made = Work(self.center.uuid(), asking.now, asking.now + self.takes, self.fails, tuple(parts.items()))
        self.center.works[made.id] = made
        return made

    def _provision(self, asking: Asking) -> dict[str, Any]:
        one = self._set(asking)
        accounts = self.center.accounts_of(one.arn, asking.now)
        if asking.params["TargetType"] == "AWS_ACCOUNT":
            accounts = [a for a in accounts if a == asking.params.get("TargetId")]
        if not accounts:
            raise unknown(one.arn)
        work = self._work(asking, PermissionSetArn=one.arn)
        if not work.failed:
            for account in accounts:
                self.center.provision(one.arn, account, work.ready)
        return {"PermissionSetProvisioningStatus": work.told(asking.now)}

    def _told(self, asking: Asking, member: str) -> dict[str, Any]:
        self._here(asking)
        request = str(asking.params[member])
        if request not in self.center.works:
            raise unknown(request)
        return self.center.works[request].told(asking.now)

    def _provisioning(self, asking: Asking) -> dict[str, Any]:
        return {"PermissionSetProvisioningStatus": self._told(asking, "ProvisionPermissionSetRequestId")}

    def _creation(self, asking: Asking) -> dict[str, Any]:
        return {"AccountAssignmentCreationStatus": self._told(asking, "AccountAssignmentCreationRequestId")}

    def _deletion(self, asking: Asking) -> dict[str, Any]:
        return {"AccountAssignmentDeletionStatus": self._told(asking, "AccountAssignmentDeletionRequestId")}

    def _parts(self, asking: Asking) -> dict[str, str]:
        names = ("TargetId", "TargetType", "PermissionSetArn", "PrincipalType", "PrincipalId")
        return {name: str(asking.params[name]) for name in names}

    def _create(self, asking: Asking) -> dict[str, Any]:
        one, wanted = self._set(asking), self._parts(asking)
        work = self._work(asking, **wanted)
        there = any(a.same(wanted) and a.holds(asking.now) for a in self.center.assignments)
        if not work.failed and not there:
            account = wanted["TargetId"]
            made = Assignment(account, one.arn, wanted["PrincipalType"], wanted["PrincipalId"], work.ready)
            self.center.assignments.append(made)
            self.center.provision(one.arn, account, work.ready)
        return {"AccountAssignmentCreationStatus": work.told(asking.now)}

    def _delete(self, asking: Asking) -> dict[str, Any]:
        one, wanted = self._set(asking), self._parts(asking)
        mine = [a for a in self.center.assignments if a.same(wanted) and a.holds(asking.now)]
        if not mine:
            raise unknown(one.arn)
        work = self._work(asking, **wanted)
        if not work.failed:
            self.center.assignments = [
                Assignment(a.account, a.permission_set, a.kind, a.principal, a.since, work.ready) if a in mine else a
                for a in self.center.assignments
            ]
        return {"AccountAssignmentDeletionStatus": work.told(asking.now)}

    # -- the accounts ------------------------------------------------------------------------------------------------

    def snapshot(self, account: str, iam: Any) -> Any:
        """Both what is and what is under way: each with its time."""
        if account != MANAGEMENT:
            return None
        center = self.center
        return tuple(center.provisioned), tuple(center.assignments), tuple(center.members)

    def use(self, used: Used) -> None:
        """`token`; with a portal session also the `account` and `permission_set` of the role session that it begins."""
        held = self.center.stolen.get(used.form.get("token", ""))
        if held is None or held.expires <= used.now:
            raise Refusal("UnauthorizedException", "Session token not found or invalid", 403)
        state = used.obeyed(MANAGEMENT).own
        provisioned, assignments, members = state.get(NAME) or ((), (), ())
        account, permission_set = held.account, held.permission_set
        if not account:
            account, permission_set = used.form["account"], used.form["permission_set"]
            groups = {("GROUP", group) for group, user in members if user == held.user}
            mine = {("USER", held.user), *groups}
            if not any(
                (a.account, a.permission_set) == (account, permission_set)
                and (a.kind, a.principal) in mine and a.holds(used.now)
                for a in assignments
            ):  # fmt: skip
                raise Refusal("ForbiddenException", "No access", 403)
        inline = inline_at(provisioned, permission_set, account, used.now)
        if inline is None:
            raise Refusal("ForbiddenException", "No such role", 403)
        context = {"identitystore:userid": (held.user,)}
        if inline:
            policy = Policy("AwsSSOInlinePolicy", "role", "role", parse(inline))
            if decide([policy], USED_ACTION, "*", context).effect == "explicitDeny":
                raise Refusal("AccessDenied", "with an explicit deny in an identity-based policy", 403)
        if denied_in_organization(state, account, USED_ACTION, context):
            raise Refusal("AccessDenied", "with an explicit deny in a service control policy", 403)

    def secrets(self) -> Sequence[str]:
        return tuple(self.center.stolen)

    # -- the demo ----------------------------------------------------------------------------------------------------

    def principals(self) -> Sequence[str]:
        return (f"aws:sso-user/{BOT}",)

    def seed(self, scene: Scene) -> Sequence[Door]:
        """A user with one permission set of its own and one through a group, and both kinds of session stolen."""
        center, world, now = self.center, scene.world, scene.world.vendor_now()
        then = now - FIRST_DAY
        center.region = world.region
        user = center.add_user(BOT)
        group = center.add_group(GROUP, user)
        deploy = center.add_set("Deploy", then, FOREIGN)
        read = center.add_set("ReadAll", then)
        for account in (world.other, world.account):
            center.assign(account, deploy, "USER", user, then)
        center.assign(world.account, read, "GROUP", group, then)
        role = center.steal(user, now + LIFE, world.other, deploy)
        portal = center.steal(user, now + PORTAL_LIFE)
        whole = f"aws:sso-session/{MANAGEMENT}/{BOT}/*"
        knock = scene.burglar.knock
        return (
            StolenDoor(
                "aws/sso-session", "sso-session", "a role session of an Identity Center user", whole,
                lambda: knock(NAME, token=role),
            ),
            StolenDoor(
                "aws/sso-portal", "sso-portal", "a new role session, begun with the stolen portal session", whole,
                lambda: knock(NAME, token=portal, account=world.account, permission_set=read),
            ),
        )  # fmt: skip
