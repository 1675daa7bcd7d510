"""Session Manager sessions: a shell on a node, which no key and no policy of its owner closes once it is open.

AWS docs: API_DescribeSessions, API_TerminateSession.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import Arn, parse_arn
from nhi_revoke_aws.principals import kinds_in, name_in
from nhi_revoke_aws.regions import everywhere, paged

KIND = "aws:ssm-session"
LIST = "ssm:DescribeSessions"
MOST = 200
ENDED = ("Terminated", "Failed")
SETTLE = 5.0
"""Seconds between our two looks. AWS documents no delay of it."""


def session_of(access: AccessId) -> str:
    return access.removeprefix(f"{KIND}/")


def active(conn: AwsConnection, region: str, **filters: Any) -> list[dict[str, Any]]:
    """Connected and disconnected ones: a disconnected one can be resumed."""
    asked = paged(
        conn, "ssm", "DescribeSessions", "Sessions", region, mark="NextToken", State="Active", MaxResults=MOST,
        **filters,
    )  # fmt: skip
    return [row for row in asked if row.get("Status") not in ENDED]


class Terminate(Doer[AwsConnection]):
    """AWS answers well whether or not there was such a session: only the list tells."""

    name: ClassVar[str] = "terminate"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = ("ssm:TerminateSession", LIST)
    says: ClassVar[str] = "ends the session and closes its connection"
    survives: ClassVar[str] = (
        "what was done on the node: look there; sessions that a user's federated session opened are not found"
    )
    source: ClassVar[str] = "AWS docs: API_TerminateSession"
    reversible: ClassVar[bool] = False
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        region = str(step.before["Region"])
        conn.call("ssm", "TerminateSession", region=region, SessionId=session_of(step.ends[0]))
        return Done({"Status": "Terminated"}, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        only = [{"key": "SessionId", "value": session_of(step.ends[0])}]
        found = active(conn, str(step.before["Region"]), Filters=only)
        return None if any(row["SessionId"] == only[0]["value"] for row in found) else {"Status": "Terminated"}


class SsmSessions(AccessKind[AwsConnection]):
    """All active ones of each Region are listed and matched here: the filter by owner wants the whole ARN, and a role's
    sessions have one each.

    Late, although a shell is urgent: where no Regions are set, it takes three requests one after the other before the
    first is found, and no first cut should wait for every Region's answer. It is ended in the first round.
    """

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "Session Manager sessions"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = ("user", "role")
    reads: ClassVar[tuple[str, ...]] = (LIST,)
    remedies = (Terminate(),)
    survives: ClassVar[str] = Terminate.survives
    late: ClassVar[bool] = True

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        name, kinds, regions = name_in(conn, ref), kinds_in(conn, ref), conn.regions()
        yield from regions.spots(ref, KIND, "Session Manager sessions")
        swept = everywhere(io, regions.on, lambda region: active(conn, region))
        yield from swept.spots(ref, KIND, "Session Manager sessions")
        account = conn.account()
        for region, rows in swept.found:
            for row in rows:
                owner = owner_of(row)
                if owner and owner.account == account and owner.name == name and _kind(owner) in kinds:
                    yield _access(row, region, ref)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if intent.covers(access):
                says = f"terminate the {access.label}"
                yield draft_step(self, self.remedies[0], view, access, says=says, breaks="whoever works in it")


def owner_of(row: dict[str, Any]) -> Arn | None:
    """Who began it. AWS's own examples leave out `arn:` in places."""
    text = str(row.get("Owner") or "")
    return parse_arn(text) or parse_arn(f"arn:{text}")


def _kind(owner: Arn) -> str:
    return "role" if owner.kind == "assumed-role" else owner.kind


def _access(row: dict[str, Any], region: str, ref: PrincipalRef) -> Access:
    session, status = str(row["SessionId"]), str(row.get("Status") or "")
    return Access(
        id=f"{KIND}/{session}",
        on=ref,
        kind=KIND,
        family="session",
        state="live",
        label=f"Session Manager session {session} on {row.get('Target') or 'a node'} in {region}",
        created=row.get("StartDate"),
        evidence=LIST,
        door=session,
        elsewhere=True,
        before={"Region": region, "Target": row.get("Target"), "Owner": row.get("Owner")},
        note=f"{status.lower()}: a terminated session cannot be resumed" if status == "Disconnected" else "",
    )
