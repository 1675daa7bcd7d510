"""Who can begin new sessions of a role. Cutting a trust stops new sessions only; sessions are cut by issue time.

AWS docs: API_UpdateAssumeRolePolicy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.cutting import BY_HAND, SETTLE, UNMODIFIABLE
from nhi_revoke_aws.naming import parse_arn, typed_name
from nhi_revoke_aws.policy import as_json, compact
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.trust import same, trusted, without

KIND = "aws:role-trust"
READ = "iam:GetRole"


def document(conn: AwsConnection, role: str) -> Any:
    """The trust policy as it stands. Raises Missing."""
    return as_json(conn.call("iam", "GetRole", RoleName=role)["Role"]["AssumeRolePolicyDocument"])


class CutTrust(Doer[AwsConnection]):
    """One step for all of a role's trusts that are cut: each write replaces the whole policy."""

    name: ClassVar[str] = "cut"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = ("iam:UpdateAssumeRolePolicy", READ)
    says: ClassVar[str] = "takes the principal out of the role's trust policy"
    undone: ClassVar[str] = "the trust policy of before is put back, where nobody changed it since"
    survives: ClassVar[str] = "sessions begun before: they are cut by issue time"
    source: ClassVar[str] = "AWS docs: API_UpdateAssumeRolePolicy"
    settle: ClassVar[float] = SETTLE

    def _put(self, conn: AwsConnection, step: Step, policy: Any, was: Any) -> Change:
        try:
            conn.call("iam", "UpdateAssumeRolePolicy", RoleName=typed_name(step.on)[0], PolicyDocument=compact(policy))
        except Rejected as fault:
            if fault.code == UNMODIFIABLE:
                return Impossible(fault.message, BY_HAND)
            raise
        return Done({"document": policy, "was": was}, conn.now())

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        """Out of the policy as it stands by now: a write replaces all of it, and what others changed since the plan was
        made (a principal that a colleague took out by hand, a condition) must not come back by it.
        """
        present, left = document(conn, typed_name(step.on)[0]), run.left(step.id)
        if not _named_in(present, step):
            return Already({"document": present, "was": present})
        policy = without(present, step.before["cut"])
        # Where somebody only put back what this run took out, an undo means what was there at first.
        again = left and same(policy, left.get("document"))
        return self._put(conn, step, policy, left.get("was", present) if again else present)

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        present = document(conn, typed_name(step.on)[0])
        # Somebody may have changed something else since: what counts is that these are out.
        if _named_in(present, step):
            return None
        # What this run wrote stays what an undo compares with.
        return run.left(step.id) or {"document": wanted(step) if same(present, wanted(step)) else present}

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        present, was = document(conn, typed_name(step.on)[0]), left.get("was") or step.before["document"]
        if same(present, was):
            return Already({"document": was})
        if not same(present, left.get("document")):
            return Failed("the trust policy is not as this run left it: nothing was changed")
        return self._put(conn, step, was, present)


def _named_in(policy: Any, step: Step) -> bool:
    """Whether it still lets in any of those that the step takes out."""
    return bool({t.text for t in trusted(policy)} & set(step.before["cut"]))


def wanted(step: Step) -> dict[str, Any]:
    """The policy of before without what is cut."""
    return without(step.before["document"], step.before["cut"])


class RoleTrusts(AccessKind[AwsConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "trust of a role"
    family: ClassVar[Family] = "trust"
    on: ClassVar[tuple[str, ...]] = ("role",)
    reads: ClassVar[tuple[str, ...]] = (READ,)
    remedies = (CutTrust(),)
    survives: ClassVar[str] = CutTrust.survives

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        role = conn.entity("role", name_in(conn, ref))
        arn = parse_arn(str(role["Arn"]))
        account = arn.account if arn else ""
        policy = as_json(role["AssumeRolePolicyDocument"])
        for one in trusted(policy):
            yield Access(
                id=f"{KIND}/{{scope}}/{{name}}/{one.hash}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="live",
                label=f"role {{name}} trusts {one.value}",
                evidence=READ,
                door=one.text,
                before={"document": policy},
                lets_in=one.whoms,
                exposure=one.exposure(account),
                note=one.means(account),
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Nothing by itself: a cut trust stops the workload, too."""
        cut = [a for a in view.of(KIND) if a.id in intent.cut_trust]
        if not cut or view.who.untouchable:
            return
        names = ", ".join(a.door.partition(":")[2] for a in cut)
        yield draft_step(
            self, self.remedies[0], view, *cut, says=f"take {names} out of the trust policy of role {view.who.name}",
            before={"document": cut[0].before["document"], "cut": [a.door for a in cut]},
            lock=f"{view.who.ref}:trust", breaks=f"new sessions of role {view.who.name} begun by {names}",
        )  # fmt: skip
