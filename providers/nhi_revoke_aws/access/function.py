"""Lambda functions that run with a role, in every Region. AWS docs: lambda API_ListFunctions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.holding import listed, names_role
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.regions import everywhere

KIND = "aws:function"
LIST = "lambda:ListFunctions"
UNPUBLISHED = "$LATEST"
CACHED = "execution environments cache credentials: a configuration change recycles them (flush aws-lambda)"


class RoleFunctions(AccessKind[AwsConnection]):
    """Published versions are read, too: each keeps the role that the function had when it was published."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "Lambda functions with a role"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("role",)
    reads: ClassVar[tuple[str, ...]] = (LIST,)
    late: ClassVar[bool] = True
    manual: ClassVar[str] = (
        "Change the function's configuration (flush aws-lambda): its environments start anew. Reserved concurrency 0 "
        "stops it."
    )

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        role, regions = name_in(conn, ref), conn.regions()
        yield from regions.spots(ref, KIND, "Lambda functions")
        swept = everywhere(io, regions.on, lambda region: functions(conn, region))
        yield from swept.spots(ref, KIND, "Lambda functions")
        account = conn.account()
        for region, rows in swept.found:
            held: dict[str, list[dict[str, Any]]] = {}
            for row in rows:
                if names_role(row.get("Role"), role, account):
                    held.setdefault(str(row["FunctionName"]), []).append(row)
            for function, versions in held.items():
                yield _access(function, versions, region, ref)


def functions(conn: AwsConnection, region: str) -> Sequence[dict[str, Any]]:
    """The marker goes in and out by two names."""
    rows: list[dict[str, Any]] = []
    going: dict[str, Any] = {}
    while True:
        answer = conn.call("lambda", "ListFunctions", region=region, FunctionVersion="ALL", **going)
        rows += answer.get("Functions") or ()
        if not answer.get("NextMarker"):
            return rows
        going = {"Marker": str(answer["NextMarker"])}


def _access(function: str, versions: Sequence[dict[str, Any]], region: str, ref: PrincipalRef) -> Access:
    published = [str(row.get("Version")) for row in versions if row.get("Version") not in (None, UNPUBLISHED)]
    notes = [CACHED]
    if len(published) == len(versions):
        notes.insert(0, "only published versions have the role, the function itself has another now")
    if published:
        notes.append(f"published with it: {listed(published)}")
    return Access(
        id=f"{KIND}/{{scope}}/{{name}}/{region}/{function}",
        on=ref,
        kind=KIND,
        family="grant",
        state="live",
        label=f"function {function} in {region}",
        evidence=LIST,
        door=f"{region}/{function}",
        before={"Region": region, "FunctionName": function},
        exposure="service",
        opens=False,
        note="; ".join(notes),
    )
