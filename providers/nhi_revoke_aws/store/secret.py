"""One secret of Secrets Manager, as a delivery names it: asked by stage or version. Values stay in memory.

AWS docs: API_DescribeSecret, API_GetSecretValue, API_ListSecretVersionIds. Every read names its stage or version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider import merging
from nhi_revoke.provider.fault import Fault, Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.layout import JSON, split
from nhi_revoke.provider.merging import same_public
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.connection import AwsConnection

NAME = "aws-secretsmanager"
PENDING, CURRENT, PREVIOUS = "AWSPENDING", "AWSCURRENT", "AWSPREVIOUS"
DESCRIBE, READ = "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"
MOST = 100
"""Of a page."""
LIST, MOVE = "secretsmanager:ListSecretVersionIds", "secretsmanager:UpdateSecretVersionStage"


class Address(Struct, frozen=True):
    """Where it goes."""

    secret: str
    """Name or ARN."""
    key: str = ""
    """JSON key that takes the secret part alone, or a format; empty: the default fields are merged."""

    @property
    def region(self) -> str:
        """An ARN tells its region."""
        return self.secret.split(":")[3] if self.secret.startswith("arn:") else ""


def parse_address(text: str) -> Address:
    """With or without the scheme."""
    place, spelled = split(text.removeprefix(f"{NAME}:"))
    secret, _, key = place.partition("#")
    return Address(secret, "" if spelled == JSON.spelled else spelled or key)


def account_in_address(text: str) -> str:
    """The account of an ARN; empty for a name."""
    parts = parse_address(text).secret.split(":")
    return parts[4] if parts[0] == "arn" and len(parts) > 4 else ""


class Version(Struct, frozen=True):
    """One version, without its value."""

    id: str
    labels: tuple[str, ...] = ()
    created: datetime | None = None


class Vault:
    """One secret, asked by stage or version. Values stay in memory."""

    def __init__(self, conn: AwsConnection, to: str) -> None:
        self._conn = conn
        self.at = parse_address(to)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self._conn.call("secretsmanager", operation, region=self.at.region, SecretId=self.at.secret, **params)

    def move(self, **params: Any) -> None:
        """Moves a stage. Never repeated blindly: the second of two is refused, and hides that the first was done."""
        self._conn.call(
            "secretsmanager", "UpdateSecretVersionStage", region=self.at.region, repeatable=False,
            SecretId=self.at.secret, **params,
        )  # fmt: skip

    def value(self, *, stage: str = "", version: str = "") -> str | None:
        """None where no version has this stage or id; an empty text for a binary value."""
        which = {"VersionId": version} if version else {"VersionStage": stage}
        try:
            return str(self.call("GetSecretValue", **which).get("SecretString") or "")
        except Missing:
            return None

    def described(self) -> dict[str, Any]:
        """All but the value. Raises Missing."""
        return self.call("DescribeSecret")

    def stages(self) -> dict[str, list[str]]:
        """Labels by version id. Raises Missing."""
        return stages_of(self.described())

    def served_in(self, regions: Sequence[str], arn: str) -> list[str | Fault]:
        """What the copies of the secret in other Regions serve now, side by side; what refused one in its place.

        `arn`: of the secret. A copy's differs in the Region alone (AWS docs: secretsmanager, multi-Region secrets).
        """

        def served(region: str) -> str | Fault:
            parts = arn.split(":")
            copy = ":".join([*parts[:3], region, *parts[4:]])
            try:
                told = self._conn.call(
                    "secretsmanager", "GetSecretValue", region=region, SecretId=copy, VersionStage=CURRENT
                )
            except Fault as fault:
                return fault
            return str(told.get("SecretString") or "")

        return list(self._conn.io.map(served, regions))

    def listed(self) -> list[Version]:
        """Every version that has a value, also those without a label; the newest first. Raises Denied, Missing."""
        found: list[Version] = []
        token: dict[str, Any] = {}
        while True:
            page = self.call("ListSecretVersionIds", IncludeDeprecated=True, MaxResults=MOST, **token)
            found += [_version(row) for row in page.get("Versions") or ()]
            if not page.get("NextToken"):  # a page may be empty and yet not the last
                return sorted(found, key=_age)
            token = {"NextToken": page["NextToken"]}

    def texts(self, versions: Sequence[str]) -> dict[str, str | Fault | None]:
        """Their values, side by side, as `value` gives them; what refused one in its place."""
        return dict(zip(versions, self._conn.io.map(self._text, versions), strict=True))

    def _text(self, version: str) -> str | Fault | None:
        try:
            return self.value(version=version)
        except Fault as fault:
            return fault

    def version_at(self, stage: str) -> str:
        return at(self.stages(), stage)

    def merged(self, current: str | None, secret: Secret) -> str:
        """The current value with the new credential in it: everything else is kept."""
        text = None if (why := self.unfit(current)) else merging.merged(current, secret, self.at.key)
        if text is None:
            raise Rejected(f"secret {self.at.secret} does not take it: {why}. The new key was not delivered")
        return text

    def unfit(self, current: str | None) -> str:
        """Why no credential can be merged into this value; empty where one can."""
        return "it is binary, or empty" if current == "" else merging.unfit(current, self.at.key)

    def holds(self, text: str | None, secret: Secret) -> bool:
        """Compared in memory, by fingerprint."""
        return merging.holds(text, secret, self.at.key)

    def minted(self, text: str | None, step: Step, run: Run) -> bool:
        """Whether it is what this run minted; where another process minted it, only public parts can be compared."""
        if step.takes and run.holds(step.takes):
            return self.holds(text, run.take(step.takes))
        return same_public(text, run.left(step.takes or ""), self.at.key)


def stages_of(told: Json) -> dict[str, list[str]]:
    """Labels by version id, as DescribeSecret tells them."""
    found: dict[str, list[str]] = told.get("VersionIdsToStages") or {}
    return found


def at(stages: Json, label: str) -> str:
    """The version that has this label; empty where none has."""
    return next((str(version) for version, labels in stages.items() if label in labels), "")


def _version(row: Mapping[str, Any]) -> Version:
    return Version(str(row["VersionId"]), tuple(map(str, row.get("VersionStages") or ())), row.get("CreatedDate"))


def _age(version: Version) -> float:
    return -version.created.timestamp() if version.created else 0.0
