"""What three kinds of a user's credentials share: listed with a Status, set Inactive, deleted. IAM's own pattern."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, Found, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import typed_name
from nhi_revoke_aws.principals import name_in

SETTLE = 60.0
STATES: dict[str, State] = {"Active": "live", "Inactive": "disabled", "Expired": "expired"}
GONE: Json = {"Status": "gone"}


class Api(Struct, frozen=True):
    """What AWS calls one such kind of credential."""

    kind: str
    """Of access, for example `aws:ssh-key`."""
    what: str
    """In a sentence: `SSH public key`."""
    many: str
    """`SSHPublicKeys` in `ListSSHPublicKeys`."""
    one: str
    """`SSHPublicKey` in `UpdateSSHPublicKey` and `DeleteSSHPublicKey`."""
    rows: str
    """The list's member of the answer."""
    key: str
    """The id's name in requests and rows."""

    @property
    def reads(self) -> str:
        """The IAM action that lists them."""
        return f"iam:List{self.many}"

    @property
    def sets(self) -> tuple[str, str]:
        """What disabling one needs."""
        return f"iam:Update{self.one}", self.reads

    @property
    def deletes(self) -> tuple[str, str]:
        """What deleting one needs."""
        return f"iam:Delete{self.one}", self.reads

    def listed(self, conn: AwsConnection, user: str) -> dict[str, dict[str, Any]]:
        """By id. Always with the user's name: without one, AWS lists the caller's own."""
        return {row[self.key]: row for row in conn.pages("iam", f"List{self.many}", self.rows, UserName=user)}

    def status(self, conn: AwsConnection, step: Step) -> str:
        """Of the one that the step ends; `gone` where there is none."""
        row = self.listed(conn, user_of(step)).get(id_of(step.ends[0]), GONE)
        return str(row["Status"])

    def update(self, conn: AwsConnection, step: Step, status: str) -> Change:
        """Sets the status of the one that the step ends. Safe to repeat."""
        which = self._which(user_of(step), step.ends[0])
        try:
            conn.call("iam", f"Update{self.one}", Status=status, **which)
        except Missing:
            return Already(GONE)
        return Done({"Status": status}, conn.now())

    def remove(self, conn: AwsConnection, user: str, access: AccessId) -> Change:
        """Safe to repeat."""
        try:
            conn.call("iam", f"Delete{self.one}", **self._which(user, access))
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def _which(self, user: str, access: AccessId) -> dict[str, Any]:
        return {"UserName": user, self.key: id_of(access)}


def id_of(access: AccessId) -> str:
    """AWS's own id, in an access id."""
    return access.rpartition("/")[2]


def utc(when: datetime | None) -> datetime | None:
    """botocore gives this machine's time zone, and what is printed says Z."""
    return when.astimezone(UTC) if when is not None else None


def user_of(step: Step) -> str:
    """Name of the user that a step is about."""
    return typed_name(step.on)[0]


class Disable(Doer[AwsConnection]):
    """Inactive at once; whoever may update it can bring it back, until it is deleted."""

    api: ClassVar[Api]
    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.END
    says: ClassVar[str] = "sets it Inactive"
    undone: ClassVar[str] = "sets it Active again: a leaked credential has no safe time for that"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        return self.api.update(conn, step, "Inactive")

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        status = self.api.status(conn, step)
        return None if status == "Active" else {"Status": status}

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        status, was = self.api.status(conn, step), str(step.before["Status"])
        if status == was:
            return Already({"Status": was})
        if status != left.get("Status"):
            it = f"{self.api.what} {id_of(step.ends[0])}"
            return Failed(f"{it} is {status}, not as this run left it: nothing was changed")
        return self.api.update(conn, step, was)


class Delete(Doer[AwsConnection]):
    """For good: AWS keeps nothing of it."""

    api: ClassVar[Api]
    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.FINISH
    says: ClassVar[str] = "deletes it"
    reversible: ClassVar[bool] = False

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        return self.api.remove(conn, user_of(step), step.ends[0])

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        return GONE if self.api.status(conn, step) == GONE["Status"] else None


class StatusCredentials(AccessKind[AwsConnection]):
    """Lists them, Inactive ones too: whoever may update one brings it back. The first remedy is a `Disable`."""

    api: ClassVar[Api]
    on: ClassVar[tuple[str, ...]] = ("user",)
    breaks: ClassVar[str]
    """What stops with it."""

    def label(self, row: dict[str, Any]) -> str:
        """What a responder reads; never a secret."""
        return f"{self.api.what} {row[self.api.key]}"

    def notes(self, row: dict[str, Any]) -> list[str]:
        """What must be said of this one."""
        again = f"can be set Active again by whoever may iam:Update{self.api.one}"
        return [again] if row["Status"] == "Inactive" else []

    def before(self, row: dict[str, Any]) -> Json:
        """All that undo needs, and nothing that is a secret or a body."""
        return {"Status": str(row["Status"])}

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for its_id, row in self.api.listed(conn, name_in(conn, ref)).items():
            yield Access(
                id=f"{self.name}/{its_id}",
                on=ref,
                kind=self.name,
                family=self.family,
                state=STATES.get(str(row["Status"]), "unknown"),
                label=self.label(row),
                created=utc(row.get("CreateDate") or row.get("UploadDate")),
                expires=utc(row.get("ExpirationDate")),
                evidence=self.api.reads,
                door=its_id,
                before=self.before(row),
                note="; ".join(self.notes(row)),
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(self.name):
            if access.state in ("live", "unknown") and intent.covers(access):
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"set {access.label} Inactive", breaks=self.breaks,
                    rearms="always",
                )  # fmt: skip
