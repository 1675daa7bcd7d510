"""One parameter of Parameter Store, as a delivery names it, and what is staged for it. Values stay in memory.

AWS docs: API_GetParameter, API_GetParameterHistory, API_DescribeParameters, API_PutParameter.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Conflict, Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.layout import JSON, split
from nhi_revoke.provider.merging import holds, public_id, public_of, same_public
from nhi_revoke_aws.connection import AwsConnection

NAME = "aws-ssm"
NAMESPACE = uuid.UUID("3c0f0a52-9a52-5c0e-8a53-5a3a3d1f6b10")
"""Of the names of what is staged: the same run and mint give the same name, also after a crash."""
KEPT = ("Type", "KeyId", "Tier", "DataType", "AllowedPattern", "Description")
"""Said again with each write: a key that is not named becomes the account's default one. Policies stay without it."""
ABSENT = ("ParameterNotFound", "ParameterVersionNotFound")
BUSY = "TooManyUpdates"
READ, PUT, DELETE = "ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"
DESCRIBE, HISTORY = "ssm:DescribeParameters", "ssm:GetParameterHistory"
MOST = 50
"""Of a page of the history."""


class Address(Struct, frozen=True):
    """Where it goes."""

    name: str
    key: str = ""
    """JSON key that takes the secret part alone, or a format; empty: the default fields are merged."""
    region: str = ""
    """An ARN tells it."""


def parse_address(text: str) -> Address:
    """With or without the scheme. PutParameter takes no ARN, so that its parts are used."""
    place, spelled = split(text.removeprefix(f"{NAME}:"))
    name, _, key = place.partition("#")
    key = "" if spelled == JSON.spelled else spelled or key
    parts = name.split(":", 5)
    if parts[0] != "arn" or len(parts) < 6:
        return Address(name, key)
    path = parts[5].removeprefix("parameter")
    return Address(path if path.count("/") > 1 else path.lstrip("/"), key, parts[3])


class Version:
    """One version of a parameter; its text stays in memory, and out of every `repr`."""

    def __init__(self, text: str, number: int, labels: Iterable[str] = ()) -> None:
        self.text = text
        self.number = number
        self.labels = tuple(labels)


class Parameter:
    """One parameter and what is staged for it."""

    def __init__(self, conn: AwsConnection, to: str) -> None:
        self._conn = conn
        self.at = parse_address(to)

    def call(self, operation: str, *, repeatable: bool | None = None, **params: Any) -> dict[str, Any]:
        try:
            return self._conn.call("ssm", operation, region=self.at.region, repeatable=repeatable, **params)
        except Rejected as fault:
            if fault.code in ABSENT:
                raise Missing(f"there is no parameter {params.get('Name')}", code=fault.code) from None
            if fault.code == BUSY:
                raise Conflict(f"parameter {params.get('Name')} ({fault.code})", code=fault.code) from None
            raise

    def read(self, name: str = "", version: int = 0) -> Version | None:
        """The newest version, or this one; None where there is none."""
        which = f"{name or self.at.name}:{version}" if version else name or self.at.name
        try:
            found = self.call("GetParameter", Name=which, WithDecryption=True)["Parameter"]
        except Missing:
            return None
        return Version(str(found["Value"]), int(found["Version"]))

    def history(self) -> list[Version]:
        """Every version that AWS keeps, with its labels. Raises Denied, Missing."""
        found: list[Version] = []
        token: dict[str, Any] = {}
        while True:
            page = self.call("GetParameterHistory", Name=self.at.name, WithDecryption=True, MaxResults=MOST, **token)
            rows = page.get("Parameters") or ()
            found += [
                Version(str(row.get("Value") or ""), int(row["Version"]), row.get("Labels") or ()) for row in rows
            ]
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    def numbered(self, numbers: Iterable[int]) -> list[Version]:
        """Those of these versions that there are, side by side, without labels. Raises Denied."""
        found = self._conn.io.map(lambda number: self.read(version=number), list(numbers))
        return [each for each in found if each is not None]

    def described(self) -> dict[str, Any] | None:
        """All but the value. A page may be empty and yet not the last."""
        wanted = [{"Key": "Name", "Option": "Equals", "Values": [self.at.name]}]
        token: dict[str, Any] = {}
        while True:
            page = self.call("DescribeParameters", ParameterFilters=wanted, **token)
            for row in page.get("Parameters") or ():
                return dict(row)
            if not page.get("NextToken"):
                return None
            token = {"NextToken": page["NextToken"]}

    def kept(self) -> dict[str, Any]:
        """What a write must say again. Raises Missing."""
        told = self.described()
        if told is None:
            raise Missing(f"there is no parameter {self.at.name}")
        return {k: told[k] for k in KEPT if told.get(k) and (k != "KeyId" or told.get("Type") == "SecureString")}

    def put(self, text: str, **attributes: Any) -> int:
        """The number of the version that it made. Never repeated blindly: each one pushes an old version out."""
        made = self.call(
            "PutParameter", repeatable=False, **{"Name": self.at.name, **attributes}, Value=text, Overwrite=True
        )
        return int(made["Version"])

    def delete(self, name: str) -> bool:
        """Whether it was there."""
        try:
            self.call("DeleteParameter", Name=name)
        except Missing:
            return False
        return True

    def pending(self, step: Step, run: Run) -> str:
        """Name of what is staged: one for each run and mint, since a deleted name cannot be used again at once."""
        mint = step.takes or ""
        public = run.take(mint).public if run.holds(mint) else public_of(run.left(mint))
        token = uuid.uuid5(NAMESPACE, "/".join((run.id, mint, public_id(public)))).hex[:12]
        return f"{self.at.name}.nhi-revoke-pending-{token}"

    def minted(self, version: Version | None, step: Step, run: Run) -> bool:
        """Whether it holds what this run minted; without the secret, only public parts can be compared."""
        if version is None:
            return False
        if step.takes and run.holds(step.takes):
            return holds(version.text, run.take(step.takes), self.at.key)
        return same_public(version.text, run.left(step.takes or ""), self.at.key)
