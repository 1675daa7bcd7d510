"""Groups of a user: rights, no way in by itself. AWS docs: API_ListGroupsForUser."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import typed_name
from nhi_revoke_aws.principals import name_in

KIND = "aws:group"
LIST = "iam:ListGroupsForUser"
OUT: Json = {"Member": False}
IN: Json = {"Member": True}


def groups_of(conn: AwsConnection, user: str) -> list[str]:
    """Names, as the account has them."""
    return [str(row["GroupName"]) for row in conn.pages("iam", "ListGroupsForUser", "Groups", UserName=user)]


class Leave(Doer[AwsConnection]):
    """Takes rights away, not credentials: what a resource's own policy grants the user stays."""

    name: ClassVar[str] = "leave"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = ("iam:RemoveUserFromGroup", "iam:AddUserToGroup", LIST)
    says: ClassVar[str] = "takes the user out of the group"
    undone: ClassVar[str] = "the user is put into the group again"
    survives: ClassVar[str] = (
        "every credential, and what resource policies grant the user; a deny of the group's policies goes with it"
    )
    source: ClassVar[str] = "AWS docs: API_RemoveUserFromGroup"
    settle: ClassVar[float] = 60.0

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        try:
            conn.call("iam", "RemoveUserFromGroup", **_which(step))
        except Missing:
            return Already(OUT)  # no member, or no such group
        return Done(OUT, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        return None if _member(conn, step) else OUT

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        if _member(conn, step):
            return Already(IN)
        if left != OUT:
            return Failed("this run did not take the user out of the group: nothing was changed")
        conn.call("iam", "AddUserToGroup", **_which(step))
        return Done(IN, conn.now())


def _which(step: Step) -> dict[str, Any]:
    return {"GroupName": str(step.before["GroupName"]), "UserName": typed_name(step.on)[0]}


def _member(conn: AwsConnection, step: Step) -> bool:
    return step.before["GroupName"] in groups_of(conn, typed_name(step.on)[0])


class Groups(AccessKind[AwsConnection]):
    """Reported; left only for `--reason offboarding`."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "group memberships"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = (LIST,)
    remedies = (Leave(),)
    survives: ClassVar[str] = Leave.survives

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for group in groups_of(conn, name_in(conn, ref)):
            yield Access(
                id=f"{KIND}/{{scope}}/{{name}}/{group}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="live",
                label=f"group {group}",
                evidence=LIST,
                door=f"{{scope}}/{group}",
                before={"GroupName": group},
                opens=False,
                note="rights of the group's policies; no way in by itself",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if intent.reason is not Reason.OFFBOARDING or view.who.untouchable:
            return
        for access in view.of(KIND):
            if intent.covers(access):
                name = str(access.before["GroupName"])
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"take user {view.who.name} out of group {name}",
                    breaks=f"what group {name} allows; a deny of its policies ends, too",
                )  # fmt: skip
