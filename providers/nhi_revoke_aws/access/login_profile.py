"""The console password of a user. AWS docs: API_GetLoginProfile, API_DeleteLoginProfile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import typed_name
from nhi_revoke_aws.principals import name_in

KIND = "aws:login-profile"
GONE: Json = {"LoginProfile": "gone"}


class Delete(Doer[AwsConnection]):
    """AWS can only delete it, or set another password: nobody knows the old one to put it back."""

    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = ("iam:DeleteLoginProfile", "iam:GetLoginProfile")
    says: ClassVar[str] = "deletes the console password"
    survives: ClassVar[str] = "open console sessions, up to 12 hours: the user's sessions are cut separately"
    source: ClassVar[str] = "AWS docs: API_DeleteLoginProfile"
    reversible: ClassVar[bool] = False
    settle: ClassVar[float] = 60.0

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        try:
            conn.call("iam", "DeleteLoginProfile", UserName=typed_name(step.on)[0])
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        try:
            conn.call("iam", "GetLoginProfile", UserName=typed_name(step.on)[0])
        except Missing:
            return GONE
        return None


class LoginProfiles(AccessKind[AwsConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "console password"
    family: ClassVar[Family] = "password"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = ("iam:GetLoginProfile", "iam:GetUser")
    remedies = (Delete(),)
    survives: ClassVar[str] = Delete.survives

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """None (NoSuchEntity) is none; denied is a blind spot."""
        found = conn.call("iam", "GetLoginProfile", UserName=name_in(conn, ref))["LoginProfile"]
        created = found.get("CreateDate")
        yield Access(
            id=f"{KIND}/{{scope}}/{{name}}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label="console password of {name}",
            created=created,
            evidence="iam:GetLoginProfile",
            door="{scope}/{name}",
            before={"CreateDate": created.isoformat() if created else None},
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if intent.covers(access):
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"delete the console password of {view.who.name}",
                    breaks="people who sign in to the console as this user",
                )  # fmt: skip
