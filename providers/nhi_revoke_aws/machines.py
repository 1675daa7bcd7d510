"""EC2 instances that machines of given names may be, and the roles whose credentials those hold.

A name is all that tells: an instance's id in it, its private address in the form that EC2 gives host names
(`ip-10-0-1-23`), or the instance's tag `Name`. Whoever registers a machine chooses its name, so that a match is told as
one by name. AWS docs: API_DescribeInstances (filters; values with `*`, `?` and `\\` escaped; 200 values at most),
hostname-types (IP name), API_GetInstanceProfile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke.model.command import command
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke_aws.access.instance import KIND, MOST
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import canonical
from nhi_revoke_aws.regions import READ as REGIONS
from nhi_revoke_aws.regions import everywhere, paged

LIST, PROFILE = "ec2:DescribeInstances", "iam:GetInstanceProfile"
READS = (LIST, PROFILE, REGIONS)
INSTANCE_ID = re.compile(r"(?<![0-9A-Za-z])i-(?:[0-9a-f]{17}|[0-9a-f]{8})(?![0-9A-Za-z])")
IP_NAME = re.compile(r"(?<![0-9A-Za-z])ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(?!\d)")
SPECIAL = re.compile(r"[*?\\]")
AT_ONCE = 200
"""Values of one filter."""
BY_ID, BY_ADDRESS, BY_TAG = "instance-id", "private-ip-address", "tag:Name"
SAYS = {
    BY_ID: "the name holds its id",
    BY_ADDRESS: "the name holds its private address",
    BY_TAG: "it is the instance's tag Name",
}


class Match(Struct, frozen=True):
    """An instance that a machine may be."""

    machine: str
    by: str
    region: str
    row: dict[str, Any]

    @property
    def profile(self) -> str:
        """ARN; empty where the instance has none."""
        return str((self.row.get("IamInstanceProfile") or {}).get("Arn") or "")

    @property
    def says(self) -> str:
        state = str((self.row.get("State") or {}).get("Name") or "in no known state")
        what = f"instance {self.row['InstanceId']} in {self.region} ({state})"
        return f"{self.machine} is {what} by its name alone ({SAYS[self.by]})"


def on_machines(conn: AwsConnection, who: Principal, names: Sequence[str]) -> Iterable[Lead | BlindSpot]:
    """Raises Unauthenticated where the credentials are another account's."""
    conn.account()
    regions = conn.regions()
    wanted = sought(names)
    swept = everywhere(conn.io, regions.on, lambda region: _matches(conn, region, wanted))
    yield from regions.spots(who.ref, KIND, "EC2 instances by the machines' names")
    yield from swept.spots(who.ref, KIND, "EC2 instances by the machines' names")
    matches = [match for _, found in swept.found for match in found]
    profiles = sorted({match.profile for match in matches if match.profile})
    roles = dict(zip(profiles, conn.io.map(lambda profile: _roles(conn, profile), profiles), strict=True))
    for match in matches:
        yield from _told(match, roles.get(match.profile, ()), who)


def sought(names: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """By filter and value, the machines' names; each name by the surest thing that it tells."""
    found: dict[str, dict[str, list[str]]] = {}
    for name in dict.fromkeys(names):
        instance, address = INSTANCE_ID.search(name), IP_NAME.search(name)
        if instance:
            by, value = BY_ID, instance[0]
        elif address:
            by, value = BY_ADDRESS, ".".join(str(int(part)) for part in address.groups())
        else:
            by, value = BY_TAG, name
        found.setdefault(by, {}).setdefault(value, []).append(name)
    return found


def _matches(conn: AwsConnection, region: str, wanted: dict[str, dict[str, list[str]]]) -> list[Match]:
    """A filter for each way: several filters in one request would all have to hold."""
    asks = [
        (by, values[n : n + AT_ONCE]) for by, named in wanted.items() for values in [list(named)]
        for n in range(0, len(values), AT_ONCE)
    ]  # fmt: skip
    found = conn.io.map(lambda ask: (ask[0], _instances(conn, region, *ask)), asks)
    return [
        Match(machine, by, region, row)
        for by, rows in found
        for row in rows
        for machine in wanted[by].get(_value(row, by), ())
    ]


def _instances(conn: AwsConnection, region: str, by: str, values: Sequence[str]) -> list[dict[str, Any]]:
    only = [{"Name": by, "Values": [SPECIAL.sub(lambda special: f"\\{special[0]}", value) for value in values]}]
    reservations = paged(
        conn, "ec2", "DescribeInstances", "Reservations", region, mark="NextToken", Filters=only, MaxResults=MOST
    )
    return [row for reservation in reservations for row in reservation.get("Instances") or ()]


def _value(row: dict[str, Any], by: str) -> str:
    """What the filter looked at."""
    if by == BY_TAG:
        return next((str(tag.get("Value")) for tag in row.get("Tags") or () if tag.get("Key") == "Name"), "")
    return str(row.get("InstanceId" if by == BY_ID else "PrivateIpAddress") or "")


def _roles(conn: AwsConnection, profile: str) -> Sequence[str] | Fault:
    """ARNs of the roles in an instance profile: one at most."""
    try:
        found = conn.call("iam", "GetInstanceProfile", InstanceProfileName=profile.rpartition("/")[2])
    except Fault as fault:
        return fault
    return [str(role["Arn"]) for role in found["InstanceProfile"].get("Roles") or ()]


def _told(match: Match, roles: Sequence[str] | Fault, who: Principal) -> Iterable[Lead | BlindSpot]:
    """An instance without a profile, or with an empty one, gives out no credentials of a role."""
    holds = f"instance profile {match.profile.rpartition('/')[2]}"
    if isinstance(roles, Missing):
        why = f"{match.says}: its {holds} is gone; credentials that it gave out before may live on, up to 6 hours"
        yield BlindSpot(who.ref, KIND, why)
    elif isinstance(roles, Fault):
        needs = roles.needs if isinstance(roles, Denied) else ""
        yield BlindSpot(
            who.ref, KIND, f"{match.says}: the role of its {holds} could not be read ({roles.message})", needs
        )
    else:
        for role in roles:
            to = canonical(role)
            why = f"{match.says}; {holds} gives it the role"
            yield Lead(to, why, f"{LIST}, {PROFILE}", of=who.ref, next=command("list", to))
