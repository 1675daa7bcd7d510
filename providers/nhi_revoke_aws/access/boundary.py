"""The permissions boundary of a user or role: told, never replaced. AWS docs: access_policies_boundaries.

A boundary with a deny would end sessions, too; but a principal has one at most, and putting ours loses the former one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import ROLE, USER
from nhi_revoke_aws.principals import kinds_in, name_in

KIND = "aws:boundary"
WORDS = {USER: "User", ROLE: "Role"}


class Boundaries(AccessKind[AwsConnection]):
    """One at most for each principal."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "permissions boundary"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (USER, ROLE)
    reads: ClassVar[tuple[str, ...]] = ("iam:GetUser", "iam:GetRole")
    survives: ClassVar[str] = "the boundary: it is never replaced, since the former one would be lost"

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """A bare name may be a user or a role: both are asked. Raises Denied where one of them is."""
        name = name_in(conn, ref)

        def entity(kind: str) -> dict[str, Any]:
            try:
                return conn.entity("user" if kind == USER else "role", name)
            except Missing:
                return {}

        kinds = [kind for kind in kinds_in(conn, ref) if kind in WORDS]
        for kind, found in zip(kinds, io.map(entity, kinds), strict=True):
            arn = str((found.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn") or "")
            if arn:
                yield Access(
                    id=f"{KIND}/{{scope}}/{kind}/{{name}}",
                    on=ref,
                    kind=KIND,
                    family=self.family,
                    state="live",
                    label=f"permissions boundary {arn.partition('policy/')[2] or arn}",
                    evidence=f"iam:Get{WORDS[kind]}",
                    door=arn,
                    opens=False,
                    note=f"{arn}: a limit, no way in; never replaced, since that would lose it",
                )
