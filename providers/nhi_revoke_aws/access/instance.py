"""EC2 instances that hold a role, in every Region. AWS docs: API_DescribeIamInstanceProfileAssociations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_aws.access.instance_profile import LIST as PROFILES
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.regions import everywhere, paged

KIND = "aws:instance"
LIST = "ec2:DescribeIamInstanceProfileAssociations"
MOST = 1000
HOLDING = ("associating", "associated")
STALE = (
    "IMDS serves the denied credentials for up to 6 h (uptycs); stop and start it, or associate a NEW instance profile "
    "and role; a reboot or re-adding the same role does not help"
)


class RoleInstances(AccessKind[AwsConnection]):
    """The profiles first, then their associations: what no profile holds needs no Region to be read."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "EC2 instances with a role"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("role",)
    reads: ClassVar[tuple[str, ...]] = (LIST, PROFILES)
    late: ClassVar[bool] = True
    manual: ClassVar[str] = (
        "Stop and start the instance once the sessions are cut. Launch templates and Auto Scaling groups that name the "
        "instance profile start further ones with it: they are not listed here."
    )

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        role = name_in(conn, ref)
        profiles = list(conn.pages("iam", "ListInstanceProfilesForRole", "InstanceProfiles", RoleName=role))
        if not profiles:
            return
        known = {str(row[field]) for row in profiles for field in ("Arn", "InstanceProfileId") if row.get(field)}
        regions = conn.regions()
        yield from regions.spots(ref, KIND, "EC2 instances")
        swept = everywhere(io, regions.on, lambda region: _associations(conn, region))
        yield from swept.spots(ref, KIND, "EC2 instances")
        for region, rows in swept.found:
            for row in rows:
                profile = row.get("IamInstanceProfile") or {}
                if known & {str(profile.get("Arn")), str(profile.get("Id"))}:
                    yield _access(row, region, ref)


def _associations(conn: AwsConnection, region: str) -> Sequence[dict[str, Any]]:
    only = [{"Name": "state", "Values": list(HOLDING)}]
    return list(
        paged(
            conn, "ec2", "DescribeIamInstanceProfileAssociations", "IamInstanceProfileAssociations", region,
            mark="NextToken", Filters=only, MaxResults=MOST,
        )
    )  # fmt: skip


def _access(row: dict[str, Any], region: str, ref: PrincipalRef) -> Access:
    instance = str(row["InstanceId"])
    return Access(
        id=f"{KIND}/{{scope}}/{{name}}/{region}/{instance}",
        on=ref,
        kind=KIND,
        family="grant",
        state="live",
        label=f"instance {instance} in {region}",
        created=row.get("Timestamp"),
        evidence=LIST,
        door=f"{region}/{instance}",
        before={"Region": region, "Arn": str((row.get("IamInstanceProfile") or {}).get("Arn") or "")},
        exposure="service",
        opens=False,
        note=STALE,
    )
