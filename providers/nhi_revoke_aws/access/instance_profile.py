"""Instance profiles that hold a role: what EC2 takes it from. AWS docs: API_ListInstanceProfilesForRole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.principals import name_in

KIND = "aws:instance-profile"
LIST = "iam:ListInstanceProfilesForRole"


class InstanceProfiles(AccessKind[AwsConnection]):
    """What lets EC2 in is the role's trust, which is listed beside: a profile is only how the instance names the role.

    Its own family is no "trust": no principal of a plan begins sessions by it, so unread it hides none that could.
    """

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "instance profiles of a role"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("role",)
    reads: ClassVar[tuple[str, ...]] = (LIST,)
    manual: ClassVar[str] = (
        "Take the role out of the profile (iam:RemoveRoleFromInstanceProfile): its instances get no new sessions then, "
        "and launch templates and Auto Scaling groups that name the profile start instances without the role."
    )

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        role = name_in(conn, ref)
        for row in conn.pages("iam", "ListInstanceProfilesForRole", "InstanceProfiles", RoleName=role):
            profile, arn = str(row["InstanceProfileName"]), str(row["Arn"])
            other = "; its name is not the role's" if profile.lower() != role.lower() else ""
            yield Access(
                id=f"{KIND}/{{scope}}/{{name}}/{profile}",
                on=ref,
                kind=KIND,
                family="trust",
                state="live",
                label=f"instance profile {profile} holds role {{name}}",
                created=row.get("CreateDate"),
                evidence=LIST,
                door=arn,
                before={"Arn": arn, "InstanceProfileId": str(row.get("InstanceProfileId") or "")},
                exposure="service",
                opens=False,
                note=f"EC2 instances with it begin sessions of the role{other}",
            )
