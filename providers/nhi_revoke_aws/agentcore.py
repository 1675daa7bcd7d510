"""Bedrock AgentCore: what a principal may use of an account's agent identities and of the vault of their credentials.

botocore's model of bedrock-agentcore-control: ListWorkloadIdentities, ListApiKeyCredentialProviders,
ListOauth2CredentialProviders. Its endpoints list no Regions, and not every Region has the service: only those that
nhi.toml names, or the operator's own, are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Rejected
from nhi_revoke.provider.io import Io
from nhi_revoke_aws.allowed import Decision, decisions
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.policy import ISSUED, NOW
from nhi_revoke_aws.regions import everywhere, paged
from nhi_revoke_aws.simulate import PERMISSION
from nhi_revoke_aws.whose import arn_of

SERVICE = "bedrock-agentcore-control"
PREFIX = "bedrock-agentcore"
SETTING = "agent_regions = [...] in [aws] of nhi.toml"
CHUNK = 50
"""Resources of one question to the simulator."""
UNKNOWN_SERVICE = "UnknownServiceError"
"""botocore's name for a service that its installed version does not have."""
OF_OURS = frozenset({ISSUED.lower(), NOW.lower()})
"""Condition keys of our own policies: a session of now meets them."""


class Listing(Struct, frozen=True):
    """One list of the service, and the right to use what is on it."""

    operation: str
    field: str
    arn: str
    """Member that holds the ARN of a row."""
    use: str
    """IAM action that uses a row."""
    what: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (f"{PREFIX}:{self.operation}", PERMISSION)


class Usable(Struct, frozen=True):
    """One row that the principal may use, as far as its policies say."""

    region: str
    arn: str
    row: dict[str, Any]
    listing: Listing
    sure: bool
    """False where it hangs on a condition, or where a deny of ours hides what stands beneath it."""

    @property
    def name(self) -> str:
        return str(self.row.get("name") or self.arn.rpartition("/")[2])


def usable(
    conn: AwsConnection, ref: PrincipalRef, io: Io, kind: str, listings: Sequence[Listing]
) -> Iterable[Usable | BlindSpot]:
    """What the principal may use; what could not be read, and where nobody looked. Raises Missing, Denied."""
    regions = conn.settings.agent_regions or (conn.region(),)
    rows: list[tuple[Listing, str, dict[str, Any]]] = []
    spots: list[BlindSpot] = []
    for listing in listings:
        swept = everywhere(io, regions, partial(_rows, conn, listing))
        rows += [(listing, region, row) for region, found in swept.found for row in found]
        spots += _spots(swept.failed, ref, kind, listing)
    found = list(_judged(conn, ref, rows)) if rows else []
    yield from found
    yield from spots
    if not conn.settings.agent_regions:
        why = f"{listings[0].what}: read in {', '.join(regions)} only ({SETTING} names others)"
        # A principal that uses no agent here is none elsewhere, as far as is known.
        yield BlindSpot(ref, kind, why, SETTING if found else "", counts=bool(found))


def _rows(conn: AwsConnection, listing: Listing, region: str) -> list[dict[str, Any]]:
    return list(paged(conn, SERVICE, listing.operation, listing.field, region))


def _spots(failed: Sequence[tuple[str, Fault]], ref: PrincipalRef, kind: str, listing: Listing) -> Iterable[BlindSpot]:
    for region, fault in failed:
        if isinstance(fault, Rejected) and fault.code == UNKNOWN_SERVICE:
            why = f"{listing.what}: the installed botocore does not have the service"
            yield BlindSpot(ref, kind, why, "a newer botocore", counts=False)
            return
        needs = fault.needs if isinstance(fault, Denied) else ""
        yield BlindSpot(ref, kind, f"{listing.what} in {region}: could not be read ({fault.message})", needs)


def _judged(
    conn: AwsConnection, ref: PrincipalRef, rows: Sequence[tuple[Listing, str, dict[str, Any]]]
) -> Iterable[Usable]:
    """Without the simulator every row may be usable."""
    arn = str(arn_of(conn, ref))
    for action in dict.fromkeys(listing.use for listing, _, _ in rows):
        mine = [(listing, region, row) for listing, region, row in rows if listing.use == action]
        for start in range(0, len(mine), CHUNK):
            some = mine[start : start + CHUNK]
            said = _asked(conn, arn, action, [str(row[listing.arn]) for listing, _, row in some])
            for listing, region, row in some:
                decision = said.get((action, str(row[listing.arn])))
                if decision is None or decision.allowed or _hangs(decision):
                    sure = decision is not None and decision.allowed
                    yield Usable(region, str(row[listing.arn]), row, listing, sure)


def _hangs(decision: Decision) -> bool:
    """Whether a condition that nobody told, or a deny of ours, stands before it."""
    return decision.by_us or bool({key.lower() for key in decision.missing} - OF_OURS)


def _asked(conn: AwsConnection, arn: str, action: str, arns: Sequence[str]) -> dict[tuple[str, str], Decision]:
    try:
        return decisions(conn, arn, [action], arns)
    except (Denied, Rejected):
        return {}
