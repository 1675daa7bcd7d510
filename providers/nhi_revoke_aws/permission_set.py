"""What denies everything to one user of Identity Center: a statement in a permission set's inline policy, provisioned.

AWS docs: singlesignon prereqs-revoking-user-permissions, authconcept-revoke-access.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.counting import ask_counted
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Fault, Missing, NoAnswer, Rejected, Throttled
from nhi_revoke.provider.io import Run
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.cutting import SETTLE
from nhi_revoke_aws.identity_center import ADMIN, ask, rows
from nhi_revoke_aws.identity_center_policy import (
    MOST,
    Unreadable,
    added,
    denied_by,
    find,
    removed,
    sid_for,
    statement,
)

CONFLICT = "ConflictException"
"""An earlier write is not everywhere yet: AWS asks to try again (AWS docs: sso-admin ConflictException)."""
STALE = "LATEST_PERMISSION_SET_NOT_PROVISIONED"


def changing(conn: AwsConnection, operation: str, **params: Any) -> dict[str, Any]:
    """One change that may be asked twice. While AWS works on an earlier one it asks to try again, and the engine waits.

    Raises NoAnswer where that does not end: the engine then looks, and asks once more.
    """

    def once() -> dict[str, Any]:
        try:
            return ask(conn, ADMIN, operation, **params)
        except Rejected as fault:
            if fault.code == CONFLICT:
                raise Throttled(fault.message, code=fault.code) from None
            raise

    try:
        return ask_counted(conn.io, once, repeatable=False)
    except Throttled as fault:
        raise NoAnswer(f"{fault.message}: AWS still asks to try again", code=fault.code) from None


class DenyUser(Doer[AwsConnection]):
    """`before`: instance and permission_set, by ARN, and its name."""

    name: ClassVar[str] = "deny"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (
        "sso:GetInlinePolicyForPermissionSet", "sso:PutInlinePolicyToPermissionSet",
        "sso:DeleteInlinePolicyFromPermissionSet", "sso:ProvisionPermissionSet",
        "sso:DescribePermissionSetProvisioningStatus", "sso:ListAccountsForProvisionedPermissionSet",
    )  # fmt: skip
    says: ClassVar[str] = (
        "denies everything to the user by a statement in the permission set's inline policy, provisioned everywhere"
    )
    undone: ClassVar[str] = "that statement alone is taken out of the policy as it is now, and it is provisioned again"
    survives: ClassVar[str] = (
        "the access portal session (no API lists or ends it): it opens applications, and denied role sessions; "
        "permission sets assigned later; open connections; presigned work under way"
    )
    source: ClassVar[str] = "AWS docs: singlesignon prereqs-revoking-user-permissions"
    brake: ClassVar[bool] = True
    settle: ClassVar[float] = SETTLE

    # -- writing ---------------------------------------------------------------------------------------------------

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        text, user_id = inline(conn, step), step.on.id
        sid = sid_for(run.id, user_id)
        try:
            standing = denied_by(text, user_id)
            merged = text if standing else added(text, sid, user_id)
        except Unreadable as fault:
            return Failed(f"permission set {step.before['name']}: {fault}: nothing was changed")
        if standing and standing != sid:
            return Already(self._left(standing, self._provision(conn, step)))
        if len(merged) > MOST:
            return Impossible(
                f"the inline policy of permission set {step.before['name']} has no room: AWS takes {MOST} characters",
                "shorten that policy, or deny the user by a service control policy (--brake on)",
            )
        if merged != text:
            write(conn, step, merged)
        try:
            request = self._provision(conn, step)
        except (Denied, Missing, Rejected) as refused:
            return Failed(self._withdrawn(conn, step, text, merged, refused), getattr(refused, "needs", ""))
        return Done(self._left(sid, request), conn.now())

    @staticmethod
    def _withdrawn(conn: AwsConnection, step: Step, text: str, merged: str, refused: Fault) -> str:
        """A deny that nobody provisions would bind one day by surprise: what was written goes out again."""
        try:
            if merged != text:
                write(conn, step, text)
        except Fault as fault:
            return f"{refused.message}; our statement stands in the policy, and does not bind ({fault.message})"
        return refused.message

    def _provision(self, conn: AwsConnection, step: Step) -> str:
        asked = changing(conn, "ProvisionPermissionSet", TargetType="ALL_PROVISIONED_ACCOUNTS", **_which(step))
        return str(asked["PermissionSetProvisioningStatus"]["RequestId"])

    @staticmethod
    def _left(sid: str, request: str) -> Json:
        return {"sid": sid, "request": request}

    # -- looking ---------------------------------------------------------------------------------------------------

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        """The statement stands in the policy and every account has that policy. Once that was so, a later edit of
        somebody else's that is not provisioned yet says nothing against it.

        Raises Denied where AWS could not provision it.
        """
        left = run.left(step.id)
        sid = str(left.get("sid") or sid_for(run.id, step.on.id))
        if left.get("provisioned"):
            return left if stands(inline(conn, step), sid, step) else self._while_stale(conn, step, left)
        request = str(left.get("request") or "")
        asks: list[Callable[[], Any]] = [partial(inline, conn, step), partial(stale, conn, step)]
        asks += [partial(status, conn, step, request)] if request else []
        text, behind, *told = conn.io.map(lambda do: do(), asks)
        if not stands(text, sid, step):
            return left if left and behind else None
        if told and told[0] == "FAILED":
            raise Denied(
                f"the deny stands in permission set {step.before['name']}, but AWS could not provision it: it does not "
                f"bind yet (sso-admin DescribePermissionSetProvisioningStatus of request {request} says why)",
                hint="Mend that, and revoke again.",
            )
        if behind or (told and told[0] == "IN_PROGRESS"):
            return None
        return {**left, "sid": sid, "provisioned": True}

    def _while_stale(self, conn: AwsConnection, step: Step, left: Json) -> Json | None:
        """Taken out of the policy, it binds in the accounts until they are provisioned again."""
        return left if stale(conn, step) else None

    # -- taking back -----------------------------------------------------------------------------------------------

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        mine, name = sid_for(run.id, step.on.id), step.before["name"]
        sid = str(left.get("sid") or mine)
        if sid != mine:
            return Failed(f"the deny in permission set {name} is another run's ({sid}): take that run back")
        text = inline(conn, step)
        try:
            present = find(text, sid)
            rest = removed(text, sid) if present is not None else text
        except Unreadable as fault:
            return Failed(f"permission set {name}: {fault}: nothing was changed")
        if present is None and not stale(conn, step):
            return Already({"sid": ""})
        if present is not None:
            if present != statement(sid, step.on.id):
                return Failed(
                    f"statement {sid} of permission set {name} is not as this run left it: nothing was changed"
                )
            write(conn, step, rest)
        try:
            request = self._provision(conn, step)
        except Missing:
            if stale(conn, step):
                raise
            request = ""  # its last assignment went since: it is in no account, so nothing has the old form
        return Done(self._left("", request), conn.now())


def inline(conn: AwsConnection, step: Step) -> str:
    """The permission set's inline policy as it is stored; empty where it has none. Raises Missing for a set that is
    gone.
    """
    return str(ask(conn, ADMIN, "GetInlinePolicyForPermissionSet", **_which(step)).get("InlinePolicy") or "")


def write(conn: AwsConnection, step: Step, text: str) -> None:
    """The whole policy anew; none where nothing is left."""
    if text:
        changing(conn, "PutInlinePolicyToPermissionSet", InlinePolicy=text, **_which(step))
    else:
        changing(conn, "DeleteInlinePolicyFromPermissionSet", **_which(step))


def stands(text: str, sid: str, step: Step) -> bool:
    """Whether exactly our statement is in the policy."""
    try:
        return bool(find(text, sid) == statement(sid, step.on.id))
    except Unreadable:
        return False


def stale(conn: AwsConnection, step: Step) -> bool:
    """Whether some account has an older form of the permission set."""
    wanted = {**_which(step), "ProvisioningStatus": STALE}
    return bool(rows(conn, ADMIN, "ListAccountsForProvisionedPermissionSet", "AccountIds", **wanted))


def status(conn: AwsConnection, step: Step, request: str) -> str:
    """What AWS says of a provisioning; empty where it no longer knows it."""
    which = {"InstanceArn": str(step.before["instance"]), "ProvisionPermissionSetRequestId": request}
    try:
        told = ask(conn, ADMIN, "DescribePermissionSetProvisioningStatus", **which)
    except Missing:
        return ""
    return str(told["PermissionSetProvisioningStatus"]["Status"])


def _which(step: Step) -> dict[str, str]:
    return {"InstanceArn": str(step.before["instance"]), "PermissionSetArn": str(step.before["permission_set"])}
