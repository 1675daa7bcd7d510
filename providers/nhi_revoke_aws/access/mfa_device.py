"""MFA devices of a user: a second factor, reported and never removed. AWS docs: API_ListMFADevices.

Removing one locks its owner out; one that an intruder added is a way to stay. So the date is told: a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_aws.access.status_credential import utc
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.principals import name_in

KIND = "aws:mfa-device"
LIST = "iam:ListMFADevices"
BY_HAND = "ask the owner; aws iam deactivate-mfa-device --user-name {user} --serial-number {serial}"


class MfaDevices(AccessKind[AwsConnection]):
    """Up to eight."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "MFA devices"
    family: ClassVar[Family] = "factor"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = (LIST,)
    manual: ClassVar[str] = BY_HAND.format(user="NAME", serial="SERIAL")
    survives: ClassVar[str] = "every device: none is removed by this tool"

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for row in conn.pages("iam", "ListMFADevices", "MFADevices", UserName=name_in(conn, ref)):
            serial, enabled = str(row["SerialNumber"]), utc(row.get("EnableDate"))
            since = f"enabled {enabled:%Y-%m-%dT%H:%M:%SZ}" if enabled else "nobody knows since when"
            short = serial.rpartition(":")[2]
            yield Access(
                id=f"{KIND}/{{scope}}/{{name}}/{short}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="live",
                label=f"MFA device {short}",
                created=enabled,
                evidence=LIST,
                door=serial,
                opens=False,
                note=f"{since}; reported, never removed",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Words alone: which device is whose, only a person knows."""
        devices = view.of(KIND)
        for device in devices:
            if intent.since and device.created and device.created >= intent.since:
                says = (
                    f"{device.label} was enabled {device.created:%Y-%m-%dT%H:%M:%SZ}, since the incident began: an "
                    f"intruder may have added it. By hand: {BY_HAND.format(user=view.who.name, serial=device.door)}"
                )
                yield Notice(view.who.ref, says, "warning")
        if len(devices) > 1:
            names = ", ".join(d.label.removeprefix("MFA device ") for d in devices)
            says = f"{view.who.name} has {len(devices)} MFA devices ({names}): each of them passes alone"
            yield Notice(view.who.ref, says, "warning")
