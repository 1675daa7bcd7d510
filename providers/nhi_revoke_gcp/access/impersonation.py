"""Who may become the account by its own policy: trusts, which end only where the operator names them.

facts gcp.md 1 (row 8) and 7 (6, 11, 17): read and written at version 3 with the etag; whoever changed the policy in
between is read again, never overwritten; only the members that are named are taken out, conditions stay. Tokens that
were had so live on. Policies that it inherits are another kind (`inherited.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Conflict
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_gcp.access.behind import SHUT, is_disabled, told, unread_roles
from nhi_revoke_gcp.access.keys import SECONDS, TOKENS, with_tokens
from nhi_revoke_gcp.access.operators_own import without_own
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.letting_in import let_in
from nhi_revoke_gcp.named import Named
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.naming import account_of, is_agent, resource_of
from nhi_revoke_gcp.permissions import GET_ACCOUNT, GET_POLICY, GET_POOL, GET_ROLE, LIST_POOL_PROVIDERS, SET_POLICY
from nhi_revoke_gcp.policy import ITSELF, VERSION, Trust, trust_of, trusts_of, with_all, without
from nhi_revoke_gcp.roles import in_words, judged
from nhi_revoke_gcp.stopping import IMPERSONATION, seconds_of, standing

KIND = IMPERSONATION
SETTLE = 420.0
"""Seconds until a policy is obeyed everywhere: two minutes are typical, "7 minutes or longer" are documented."""
TRIES = 3
"""How often a policy that somebody changes at the same time is read again."""
CUT: Json = {"state": "cut"}


def policy_on(conn: GcpConnection, resource: str) -> Any:
    """With its conditions and its etag. Raises Denied, Missing."""
    asked = {"resource": resource, "options": {"requested_policy_version": VERSION}}
    return conn.iam.read("get_iam_policy", asked, GET_POLICY)


def rewrite(conn: GcpConnection, resource: str, edit: Callable[[Any], Any]) -> bool:
    """Reads, edits and writes with the etag of what was read. Whether anything was to be changed.

    Raises Conflict where somebody else was faster each time. To write twice is safe: the etag of the second is stale.
    """

    def write(policy: Any) -> None:
        conn.iam.send("set_iam_policy", {"resource": resource, "policy": policy}, SET_POLICY, again=True)

    return rewritten(lambda: policy_on(conn, resource), edit, write)


def rewritten(read: Callable[[], Any], edit: Callable[[Any], Any], write: Callable[[Any], Any]) -> bool:
    """The same, wherever a policy stands."""
    for last in range(TRIES):
        present = read()
        edited = edit(present)
        if list(edited.bindings) == list(present.bindings):
            return False
        try:
            write(edited)
        except Conflict:
            if last == TRIES - 1:
                raise
            continue
        return True
    return False


class CutTrust(Doer[GcpConnection]):
    """One step for all of an account's trusts that are cut: each write replaces the whole policy."""

    name: ClassVar[str] = "cut"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (SET_POLICY, GET_POLICY)
    says: ClassVar[str] = "takes the member out of the account's policy"
    undone: ClassVar[str] = "the same member gets the same role again, under the same condition"
    survives: ClassVar[str] = "tokens that were had through it, and what the account inherits from above"
    source: ClassVar[str] = "Google Cloud docs: serviceAccounts.setIamPolicy, Policy.etag"
    settle: ClassVar[float] = SETTLE

    def present(self, conn: GcpConnection, resource: str) -> Any:
        """The policy as it is now. Raises Denied."""
        return policy_on(conn, resource)

    def rewrite(self, conn: GcpConnection, resource: str, edit: Callable[[Any], Any]) -> bool:
        """Whether anything was to be changed. Raises Conflict, Denied."""
        return rewrite(conn, resource, edit)

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        cut = {trust.text for trust in _cut(step)}
        changed = self.rewrite(conn, str(step.before["resource"]), lambda policy: without(policy, cut))
        left = with_tokens(conn, step, CUT)
        return Done(left, conn.now()) if changed else Already(left)

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        present = {trust.text for trust in trusts_of(self.present(conn, str(step.before["resource"])))}
        if present & {trust.text for trust in _cut(step)}:
            return None
        return run.left(step.id) or with_tokens(conn, step, CUT)

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        if left.get("state") != "cut":
            return Failed("this run did not cut the trust: nothing was changed")
        changed = self.rewrite(conn, str(step.before["resource"]), lambda policy: with_all(policy, _cut(step)))
        return Done({"state": "there"}, conn.now()) if changed else Already({"state": "there"})


def _cut(step: Step) -> list[Trust]:
    return [trust_of(each) for each in step.before["cut"]]


def _exposure(trust: Trust, named: Named) -> Literal["", "anyone", "foreign", "local"]:
    """By an account's own policy nobody's private address is at home in its project; by that of a whole project, which
    may be of no organisation, it may be the owner's.
    """
    if trust.is_dead:
        return ""
    return "foreign" if trust.is_anybodys else trust.exposure(named.project, named.email)


class Impersonations(AccessKind[GcpConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "who may become the account by its own policy"
    family: ClassVar[Family] = "trust"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (GET_ACCOUNT, GET_POLICY, GET_POOL, LIST_POOL_PROVIDERS, GET_ROLE)
    remedies = (CutTrust(),)
    survives: ClassVar[str] = CutTrust.survives

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        if is_agent(account_of(ref)):
            return
        # By what was typed, beside the look-up that confirms it: the pools that the policy names are read after it.
        named, policy, off = conn.side_by_side(
            lambda: conn.named(ref),
            lambda: policy_on(conn, resource_of(ref)),
            lambda: is_disabled(conn, resource_of(ref)),
        )
        trusts = trusts_of(policy)
        members, means = conn.side_by_side(
            lambda: let_in(conn, trusts), lambda: judged(conn, (trust.role for trust in trusts))
        )
        held = ((trust.role, trust.member) for trust in trusts if not trust.is_dead)
        yield from told(unread_roles(ref, KIND, held, means), off=off)
        for trust, workloads in zip(trusts, members, strict=True):
            said = means[trust.role]
            if not said:
                continue
            if workloads.unread:
                why = f"whom {trust.member} stands for: {workloads.unread}"
                yield BlindSpot(ref, KIND, why, workloads.needs)
            yield Access(
                id=f"{KIND}/{named.email}/{trust.hash}",
                on=ref,
                kind=KIND,
                family=self.family,
                state="live",
                label=f"{trust.member} as {trust.role.rpartition('/')[2]}",
                evidence="IAM GetIamPolicy",
                door=trust.text,
                before={"resource": named.resource, **trust.before},
                lets_in=(*trust.lets_in, *workloads.globs),
                exposure=_exposure(trust, named),
                opens=not trust.is_dead,
                shut=SHUT if off else "",
                note="; ".join(
                    filter(
                        None,
                        (
                            f"{trust.means(in_words(said))}{ITSELF if trust.names(named.email) else ''}",
                            workloads.said,
                        ),
                    )
                ),
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Nothing by itself: a cut trust stops whoever rightly works through it, too."""
        wanted = [a for a in view.of(KIND) if a.id in intent.cut_trust]
        if not wanted or view.who.untouchable:
            return
        cut, said = without_own(view, wanted)
        yield from said
        if not cut:
            return
        names = ", ".join(str(a.before["member"]) for a in cut)
        yield draft_step(
            self, self.remedies[0], view, *cut, says=f"take {names} out of the policy of {view.who.name}",
            before={
                "resource": cut[0].before["resource"],
                "cut": [{k: v for k, v in a.before.items() if k != "resource"} for a in cut],
                TOKENS: standing(view.who.scope, view.who.unique_id),
                SECONDS: seconds_of(view),
            },
            lock=f"{view.who.ref}:policy", rearms="always", breaks=f"whatever works as {view.who.name} through {names}",
        )  # fmt: skip
