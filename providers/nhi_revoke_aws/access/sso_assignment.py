"""Which permission sets a user of Identity Center has in which accounts, directly and through groups.

AWS docs: singlesignon API_ListAccountAssignmentsForPrincipal, API_DeleteAccountAssignment.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.identity_center import (
    ADMIN,
    LISTING,
    Assigned,
    Instance,
    Listing,
    ask,
    given_to,
    listing,
    locate,
    needs_of,
)
from nhi_revoke_aws.permission_set import changing

KIND = "aws:sso-assignment"
READ = "sso:ListAccountAssignmentsForPrincipal"
GROUP = "GROUP"


def short(permission_set: str) -> str:
    """`ps-…`: the last part of its ARN."""
    return permission_set.rpartition("/")[2]


class Remove(Doer[AwsConnection]):
    """Asynchronous at AWS's: seen when the list no longer shows it and the deletion is not under way."""

    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (
        "sso:DeleteAccountAssignment", "sso:DescribeAccountAssignmentDeletionStatus", "sso:CreateAccountAssignment",
        READ,
    )  # fmt: skip
    says: ClassVar[str] = "takes the permission set in that account from the user"
    undone: ClassVar[str] = "the same permission set in that account is given back"
    survives: ClassVar[str] = (
        "role sessions begun before, while the role is in that account: they are denied separately"
    )
    source: ClassVar[str] = "AWS docs: singlesignon API_DeleteAccountAssignment"

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        try:
            told = changing(conn, "DeleteAccountAssignment", **_assignment(step))
        except Missing:
            return Already({"assigned": False, "request": ""})
        request = str(told["AccountAssignmentDeletionStatus"]["RequestId"])
        return Done({"assigned": False, "request": request}, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        if assigned(conn, step):
            request = str(left.get("request") or "")
            if request and self._status(conn, step, request) == "FAILED":
                why = f"AWS could not take the assignment away (deletion request {request} says why)"
                raise Denied(f"{why}: it stands")
            return None
        return {"assigned": False, "request": str(left.get("request") or "")}

    def _status(self, conn: AwsConnection, step: Step, request: str) -> str:
        which = {"InstanceArn": str(step.before["instance"]), "AccountAssignmentDeletionRequestId": request}
        try:
            told = ask(conn, ADMIN, "DescribeAccountAssignmentDeletionStatus", **which)
        except Missing:
            return ""
        return str(told["AccountAssignmentDeletionStatus"]["Status"])

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        if assigned(conn, step):
            return Already({"assigned": True})
        changing(conn, "CreateAccountAssignment", **_assignment(step))
        return Done({"assigned": True}, conn.now())


def assigned(conn: AwsConnection, step: Step) -> bool:
    """Whether AWS shows it now."""
    before = step.before
    wanted = Assigned(
        str(before["account"]),
        str(before["permission_set"]),
        str(before["principal_type"]),
        str(before["principal_id"]),
    )
    return wanted in given_to(conn, Instance(str(before["instance"]), ""), wanted.principal_type, wanted.principal_id)


def _assignment(step: Step) -> dict[str, str]:
    before = step.before
    return {
        "InstanceArn": str(before["instance"]),
        "TargetId": str(before["account"]),
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": str(before["permission_set"]),
        "PrincipalType": str(before["principal_type"]),
        "PrincipalId": str(before["principal_id"]),
    }


class SsoAssignments(AccessKind[AwsConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "permission sets of an Identity Center user"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("sso-user",)
    reads: ClassVar[tuple[str, ...]] = LISTING
    remedies = (Remove(),)
    manual: ClassVar[str] = "what comes through a group: take the user out of the group where it is kept"
    survives: ClassVar[str] = Remove.survives

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        instance, user_id = locate(conn, ref)
        found = listing(conn, instance, user_id, io)
        for one in found.found:
            yield _access(ref, instance, one, found)
        for what, fault in found.unseen:
            yield BlindSpot(ref, KIND, f"{what}: could not be read ({fault.message})", needs_of(fault))
        for what, fault in found.unnamed:
            why = f"names of {what}: could not be read ({fault.message})"
            yield BlindSpot(ref, KIND, why, needs_of(fault), counts=False)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """The user is denied in the permission set itself; what is assigned is taken away when they leave for good."""
        for access in view.of(KIND):
            named = intent.scope == access.id
            if not named and not (intent.reason is Reason.OFFBOARDING and intent.covers(access)):
                continue
            if access.before["principal_type"] == GROUP:
                what = f"{access.label}: take {view.who.name} out of that group, where the group is kept"
                yield Manual(view.who.ref, KIND, what, (access.id,))
                continue
            yield draft_step(
                self, self.remedies[0], view, access, says=f"take {access.label} away", rearms="always",
                lock=str(access.before["permission_set"]), breaks=f"{access.label}: new sessions of {view.who.name}",
            )  # fmt: skip


def _access(ref: PrincipalRef, instance: Instance, one: Assigned, found: Listing) -> Access:
    details: dict[str, Any] = found.sets.get(one.permission_set, {})
    name = str(details.get("Name") or short(one.permission_set))
    access_id = f"{KIND}/{{scope}}/{{name}}/{one.account}/{short(one.permission_set)}"
    label = f"permission set {name} in account {one.account}"
    notes = [f"role sessions of up to {details['SessionDuration']}"] if details.get("SessionDuration") else []
    if one.principal_type == GROUP:
        access_id += f"/{one.principal_id}"
        group = found.groups.get(one.principal_id, one.principal_id)
        label += f", through group {group}"
        notes.append(f"others may be in group {group}: it is left as it is")
    return Access(
        id=access_id,
        on=ref,
        kind=KIND,
        family="grant",
        state="live",
        label=label,
        created=None,
        evidence=READ,
        door=f"{one.account}/{short(one.permission_set)}/{one.principal_id}",
        before={
            "instance": instance.arn,
            "permission_set": one.permission_set,
            "name": name,
            "account": one.account,
            "principal_type": one.principal_type,
            "principal_id": one.principal_id,
        },
        note="; ".join(notes),
    )
