"""Temporary delegation: a product provider asks a principal for access, and holds a session once its token was sent.

AWS docs: temporary-delegation-building-integration (states), API_ListDelegationRequests,
temporary-delegation-revoke-access.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.found import Access, Family, Found, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Residual, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import Arn
from nhi_revoke_aws.whose import arn_of, is_of

KIND = "aws:delegation"
LIST = "iam:ListDelegationRequests"
BREAKS = "what the product provider asked for: it must ask again"
WAITING = ("ASSIGNED", "PENDING_APPROVAL", "ACCEPTED")
"""These can be rejected; from ACCEPTED its token may be sent at any moment."""
SENT = "FINALIZED"
"""Its token was sent: this cannot be rolled back (AWS docs: API_SendDelegationToken)."""
OVER = ("REJECTED", "EXPIRED")
GONE = "gone"
BOUNDS = "RolePermissionRestrictionArns"
BY_HAND = "IAM console: Temporary delegation requests, the request, Actions, Revoke access"
"""No API of it is in AWS's service model; not for what a root user approved (AWS docs)."""


def listed(conn: AwsConnection, **filters: Any) -> Iterator[dict[str, Any]]:
    """Every row. botocore has no paginator for it, and the flag of a cut list begins with a small letter."""
    marker: dict[str, Any] = {}
    while True:
        page = conn.call("iam", "ListDelegationRequests", **filters, **marker)
        yield from page.get("DelegationRequests") or ()
        if not page.get("Marker"):
            if page.get("isTruncated"):
                raise Rejected(f"{LIST}: AWS cut the list short and gave no marker")
            return
        marker = {"Marker": str(page["Marker"])}


def request_of(access: AccessId) -> str:
    return access.rpartition("/")[2]


def state_of(conn: AwsConnection, access: AccessId) -> str:
    try:
        found = conn.call("iam", "GetDelegationRequest", DelegationRequestId=request_of(access))
    except Missing:
        return GONE
    return str(found["DelegationRequest"].get("State") or "")


class Reject(Doer[AwsConnection]):
    """A rejected request cannot be accepted later: the product provider must ask anew."""

    name: ClassVar[str] = "reject"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = ("iam:RejectDelegationRequest", "iam:GetDelegationRequest")
    says: ClassVar[str] = "rejects the delegation request"
    survives: ClassVar[str] = "delegations whose token was sent before: their sessions end by themselves, or by hand"
    source: ClassVar[str] = "AWS docs: API_RejectDelegationRequest; temporary-delegation-building-integration"
    reversible: ClassVar[bool] = False
    settle: ClassVar[float] = 60.0

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        request = request_of(step.ends[0])
        try:
            conn.call("iam", "RejectDelegationRequest", DelegationRequestId=request, Notes=f"nhi-revoke {run.id}")
        except Missing:
            return Already({"State": GONE})
        except Rejected:
            state = state_of(conn, step.ends[0])
            if state in (*OVER, GONE):
                return Already({"State": state})
            if state == SENT:
                return Impossible(f"the token of delegation {request} was sent meanwhile", BY_HAND)
            raise
        return Done({"State": "REJECTED"}, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        state = state_of(conn, step.ends[0])
        return {"State": state} if state in (*OVER, GONE) else None


class Delegations(AccessKind[AwsConnection]):
    """Those that the principal owns, and those of the account that it approved: they act with the approver's rights."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "temporary delegations"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("user", "role")
    reads: ClassVar[tuple[str, ...]] = (LIST, "iam:GetUser", "iam:GetRole")
    remedies = (Reject(),)
    manual: ClassVar[str] = BY_HAND
    survives: ClassVar[str] = (
        "requests without an owner, which AWS lists for nobody; sessions whose token was sent, until they end; roles "
        "that a product provider made with it"
    )

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """By owner, and all that AWS shows without one: a role's owner may be written as a session of it."""

        def owned() -> tuple[Arn | None, list[dict[str, Any]]]:
            who = arn_of(conn, ref)
            return who, list(listed(conn, OwnerId=str(who)))

        def every() -> tuple[Arn | None, list[dict[str, Any]]]:
            return None, list(listed(conn))

        (who, mine), (_, others) = io.map(lambda ask: ask(), (owned, every))
        assert who is not None
        theirs = (r for r in others if any(is_of(str(r.get(k) or ""), who) for k in ("OwnerId", "ApproverId")))
        for row in {str(r["DelegationRequestId"]): r for r in (*mine, *theirs)}.values():
            if row.get("State") not in OVER:
                access = _access(row, ref, who, conn.now())
                if access.state != "expired" or row.get(BOUNDS):  # what it may have left behind is still told
                    yield access

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if access.state not in ("live", "unknown"):
                continue
            if access.before["State"] in WAITING:
                if intent.covers(access):
                    says = f"reject the {access.label} of {view.who.kind} {view.who.name}"
                    yield draft_step(self, self.remedies[0], view, access, says=says, breaks=BREAKS)
                continue
            why = f"{access.label}: its session is the product provider's, and no API ends it. By hand: {BY_HAND}"
            if access.id in intent.cut_trust:
                yield Manual(view.who.ref, KIND, why, (access.id,))
            yield Notice(view.who.ref, why, "danger")
            yield Residual(
                view.who.ref, access.id, access.expires,
                f"{access.label}: no API ends its session; that a deny on {view.who.name} reaches it is unproven",
                "AWS docs: API_SendDelegationToken, API_CreateDelegationRequest (SessionDuration)",
            )  # fmt: skip


def _access(row: dict[str, Any], ref: PrincipalRef, who: Arn, now: datetime) -> Access:
    state, request = str(row.get("State") or ""), str(row["DelegationRequestId"])
    provider = str(row.get("RequestorName") or row.get("RequestorId") or "an unnamed provider")
    expires = _ends(row) if state == SENT else None
    shown: State = "live" if state in (SENT, *WAITING) else "unknown"
    return Access(
        id=f"{KIND}/{{scope}}/{request}",
        on=ref,
        kind=KIND,
        family="grant",
        state="expired" if expires is not None and expires <= now else shown,
        label=f"delegation to {provider} ({state})",
        created=row.get("CreateDate"),
        expires=expires,
        evidence=LIST,
        door=f"{row.get('RequestorId') or ''}:{request}",
        before={k: row.get(k) for k in ("State", "OwnerId", "ApproverId", "RequestorId")},
        elsewhere=shown == "live",
        note="; ".join(_notes(row, state, who)),
    )


def _ends(row: dict[str, Any]) -> datetime | None:
    """The session's time runs from the sending, which is no later than the last update."""
    sent, seconds = row.get("UpdatedTime"), row.get("SessionDuration")
    return sent + timedelta(seconds=int(seconds)) if isinstance(sent, datetime) and seconds else None


def _notes(row: dict[str, Any], state: str, who: Arn) -> Iterator[str]:
    if state == "ACCEPTED":
        yield "approved, its token not sent yet: whoever may send it lets the product provider in"
    elif state in WAITING:
        yield "not approved yet: whoever may approve and send it lets the product provider in"
    approver = str(row.get("ApproverId") or "")
    if approver and not is_of(approver, who):
        yield f"it acts with the rights of {approver}"
    bounds = [str(arn) for arn in row.get(BOUNDS) or ()]
    if bounds:
        yield f"with it roles may be made that outlast it, bounded by {', '.join(bounds)}"
