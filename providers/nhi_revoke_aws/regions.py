"""Which Regions an account has switched on, and one question asked in all of them side by side.

AWS docs: account API_ListRegions (ENABLED, ENABLED_BY_DEFAULT, ENABLING, DISABLING, DISABLED). In a Region that is
switched off no API answers and no credential works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke_aws.naming import parse_arn

if TYPE_CHECKING:
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.provider.io import Io
    from nhi_revoke_aws.connection import AwsConnection

T = TypeVar("T")
READ = "account:ListRegions"
GLOBAL_REGION = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Where the events of IAM and of the global STS endpoint land, for each partition."""
ON = ("ENABLED", "ENABLED_BY_DEFAULT", "ENABLING", "DISABLING")
"""While it is switched on or off, its credentials may work."""
SETTING = "regions = [...] in [aws] of nhi.toml"


class Regions(Struct, frozen=True):
    """What is read of an account."""

    on: tuple[str, ...]
    """Read; the one where global events land comes first."""
    off: tuple[str, ...] = ()
    """Switched off in the account: nothing can be done there."""
    skipped: str = ""
    """Why others are not read; empty where these are all."""
    chosen: bool = False
    """The operator named them: whether others are on was not asked."""

    def spots(self, on: PrincipalRef, kind: str, what: str) -> Iterable[BlindSpot]:
        """What was not covered. `what`: "CloudTrail", "instances", …"""
        if self.skipped:
            yield BlindSpot(on, kind, f"{what}: read in {', '.join(self.on)} only ({self.skipped})", SETTING)
        if self.off:
            why = f"{what}: not read in {', '.join(self.off)}, which the account has switched off"
            yield BlindSpot(on, kind, why, counts=False)


def enabled(conn: AwsConnection) -> Regions:
    """Those of nhi.toml; else every Region that is on; where that cannot be asked, the global and the operator's own.

    The one where global events land is always among them: what happens in IAM is told nowhere else.
    Raises Unauthenticated.
    """
    arn = parse_arn(conn.caller().arn)
    home = GLOBAL_REGION.get(arn.partition if arn else "aws", conn.region())
    if conn.settings.regions:
        return Regions(tuple(dict.fromkeys((home, *conn.settings.regions))), chosen=True)
    try:
        rows = list(_rows(conn))
    except Fault as fault:  # a partition without this API does not answer at all
        return Regions(tuple(dict.fromkeys((home, conn.region()))), (), fault.message)
    on = [row["RegionName"] for row in rows if row.get("RegionOptStatus") in ON]
    off = [row["RegionName"] for row in rows if row.get("RegionOptStatus") == "DISABLED"]
    return Regions(tuple(dict.fromkeys((home, *on))), tuple(off))


def _rows(conn: AwsConnection) -> Iterable[dict[str, Any]]:
    token: dict[str, Any] = {}
    while True:
        page = conn.call("account", "ListRegions", MaxResults=50, **token)
        yield from page.get("Regions") or ()
        if not page.get("NextToken"):
            return
        token = {"NextToken": str(page["NextToken"])}


class Swept(Struct, Generic[T]):
    """Answers by Region, and where there was none."""

    found: tuple[tuple[str, T], ...]
    failed: tuple[tuple[str, Fault], ...] = ()

    def spots(self, on: PrincipalRef, kind: str, what: str) -> Iterable[BlindSpot]:
        """One for each reason: a denial is the same everywhere."""
        for regions, fault in by_reason(self.failed):
            needs = fault.needs if isinstance(fault, Denied) else ""
            why = f"{what} in {', '.join(regions)}: could not be read ({fault.message})"
            yield BlindSpot(on, kind, why, needs)


def by_reason(failed: Iterable[tuple[str, Fault]]) -> Iterable[tuple[list[str], Fault]]:
    """Regions that failed alike, with the first of their faults: its message names a request, so no two are equal."""
    groups: dict[tuple[object, ...], tuple[list[str], Fault]] = {}
    for region, fault in failed:
        coded = fault.code or fault.message
        regions, _ = groups.setdefault((type(fault), coded, getattr(fault, "needs", "")), ([], fault))
        if region not in regions:
            regions.append(region)
    return groups.values()


def everywhere(io: Io, regions: Sequence[str], ask: Callable[[str], T]) -> Swept[T]:
    """Asks in each Region, side by side. A fault in one is told and hides no other; Missing means "none there"."""

    def one(region: str) -> T | Fault:
        try:
            return ask(region)
        except Fault as fault:
            return fault

    answers = list(zip(regions, io.map(one, regions), strict=True))
    return Swept(
        tuple((r, a) for r, a in answers if not isinstance(a, Fault)),
        tuple((r, a) for r, a in answers if isinstance(a, Fault) and not isinstance(a, Missing)),
    )


def paged(
    conn: AwsConnection,
    service: str,
    operation: str,
    field: str,
    region: str,
    *,
    mark: str = "nextToken",
    **params: Any,
) -> Iterable[Any]:
    """Every row of a regional listing whose token goes in and out by one name."""
    going: dict[str, Any] = {}
    while True:
        answer = conn.call(service, operation, region=region, **params, **going)
        yield from answer.get(field) or ()
        if not answer.get(mark):
            return
        going = {mark: str(answer[mark])}
