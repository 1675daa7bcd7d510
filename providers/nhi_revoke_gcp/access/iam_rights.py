"""What a live token of an account makes more ways in with, and the deny policy that takes that away while the account
stays enabled.

facts gcp.md 2 and 7 (18): with `--brake off` nothing ends a token before its time; a deny policy leaves it valid, and
denies it what an intruder would come back by. It holds in the account's project and what is below; nothing of it stops
tokens that were had of other accounts. Propagation: iam/docs/access-change-propagation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Residual, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Conflict, Denied, Fault
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_gcp import deny_policy as deny
from nhi_revoke_gcp.access.behind import REFUSED, is_disabled
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.permissions import CREATE_DENY, DELETE_DENY, GET_ACCOUNT, GET_DENY, LIST_DENY
from nhi_revoke_gcp.stopping import RIGHTS, brake_of, hours, seconds_of
from nhi_revoke_gcp.universe import PUBLIC

KIND = RIGHTS
SETTLE = 120.0
"""Seconds until a policy is taken to be obeyed: "typically 2 minutes, potentially 7 minutes or longer"; more would keep
a new key from the workload for as long.
"""
SOURCE = "Google Cloud docs: iam/docs/deny-overview, deny-permissions-support, access-change-propagation"
WHY = "a live token makes keys, tokens and rights, wherever the account may, until it expires"
WHO = (
    "Whoever holds Deny Admin (roles/iam.denyAdmin, which is given on an organisation alone) can attach it; or "
    "--brake on, which disables the account"
)
MOST_NAMED = 3


class Deny(Doer[GcpConnection]):
    """It stops no token: what it denies is said in the plan, and what it does not, too."""

    name: ClassVar[str] = "deny"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (CREATE_DENY, GET_DENY, DELETE_DENY)
    says: ClassVar[str] = (
        "attaches a deny policy to the account's project: with a live token nobody makes credentials, tokens or rights"
    )
    undone: ClassVar[str] = "this run's deny policy is deleted"
    survives: ClassVar[str] = (
        "whatever else the account may do with a live token; other projects, folders and the organisation; tokens that "
        "it had of other accounts; and whoever may manage deny policies can take it off"
    )
    source: ClassVar[str] = SOURCE
    brake: ClassVar[bool] = True
    partial: ClassVar[bool] = True
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        standing = str(step.before["standing"])
        if standing and (there := _covering(conn, step, standing)) is not None:
            return Already(there)
        mine = _own(step, run)
        try:
            deny.attach(conn, _project(step), mine, deny.body_of(run.id, str(step.before["email"])))
        except Denied as denied:
            why = f"{denied.message}: its live tokens go on to make keys, tokens and rights. {WHO}"
            return Failed(why, denied.needs or CREATE_DENY)
        except Conflict:
            # Of this run's own id: an earlier attempt made it, or is still at it.
            row = deny.read(conn, _project(step), mine)
            if row is not None and not deny.covers(row, _names(step)):
                raise
        return Done({"policy": mine}, conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        return _covering(conn, step, str(run.left(step.id).get("policy") or _own(step, run)))

    def prove(self, conn: GcpConnection, step: Step, run: Run) -> Proven:
        how = (
            "the deny policy was read twice, two minutes apart, as it was asked for; Google's documents have it obeyed "
            "after 2 minutes typically, and 7 or more at times: nobody here tried"
        )
        return Proven(Proof.RECORDED, how)

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        mine, project = _own(step, run), _project(step)
        policy = str(left.get("policy") or mine)
        row = deny.read(conn, project, policy)
        if row is None:
            return Already({"policy": ""})
        by_hand = f"gcloud iam policies delete {policy} --kind=denypolicies --attachment-point={_point(project)}"
        if policy != mine:
            return Impossible(f"deny policy {policy} stood before this run: it is left to whoever attached it", by_hand)
        if row.get("etag") != left.get("etag", row.get("etag")):
            return Failed(f"somebody changed deny policy {policy} since: nothing was deleted. By hand: {by_hand}")
        deny.take_off(conn, project, policy, str(row.get("etag") or ""))
        return Done({"policy": ""}, conn.now())


def _covering(conn: GcpConnection, step: Step, policy: str) -> Json | None:
    """What a policy leaves, where it denies all that is meant to be denied. Raises Denied."""
    row = deny.read(conn, _project(step), policy)
    if row is None or not deny.covers(row, _names(step)):
        return None
    return {"policy": policy, "etag": str(row.get("etag") or "")}


def _own(step: Step, run: Run) -> str:
    return deny.policy_id(run.id, str(step.before["unique_id"]))


def _project(step: Step) -> str:
    return str(step.before["project"])


def _names(step: Step) -> tuple[str, str]:
    return str(step.before["email"]), str(step.before["unique_id"])


def _point(project: str) -> str:
    return f"cloudresourcemanager.googleapis.com/projects/{project}"


def access_id(project: str, unique_id: str) -> AccessId:
    """Stands for all tokens of the account."""
    return f"{KIND}/{project}/{unique_id}/*"


class IamRights(AccessKind[GcpConnection]):
    """Of whatever its tokens may do, that by which an intruder comes back."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "new credentials and rights by its tokens"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (LIST_DENY, GET_DENY, GET_ACCOUNT)
    remedies = (Deny(),)
    survives: ClassVar[str] = Deny.survives

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """Whether it may do any of that is not looked at: rights come by groups and from many policies."""
        named = conn.named(ref)
        if named.agent or not named.project:
            return
        names = (named.email, named.unique_id)
        (found, unfit, told), off = conn.side_by_side(
            lambda: _policies(conn, ref, named.project), lambda: is_disabled(conn, named.resource)
        )
        yield from told
        covering = [deny.id_of(row) for row in found if deny.covers(row, names)]
        yield Access(
            id=access_id("{scope}", named.unique_id),
            on=ref,
            kind=KIND,
            family=self.family,
            state="unknown",
            label="what tokens of {name} may make: keys, tokens of accounts, rights",
            evidence="GET …/denypolicies",
            door=named.unique_id,
            before={
                "project": named.project,
                "email": named.email,
                "unique_id": named.unique_id,
                "standing": min(covering, default=""),
                "unfit": unfit,
            },
            note=_noted(WHY, [deny.id_of(row) for row in found if deny.touches(row, names)], covering),
            shut=REFUSED if off else "",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Only where the account is enabled and stays so: disabled, none of its tokens makes anything."""
        if intent.order != "contain" or brake_of(view, intent).on:
            return
        on, seconds = view.who.ref, seconds_of(view)
        for access in view.of(KIND):
            if access.shut:
                continue
            unfit = str(access.before["unfit"])
            if intent.covers(access) and not unfit:
                yield from self._denied(view, access, seconds)
                continue
            yield Residual(on, access.id, view.inventory.at + timedelta(seconds=seconds), WHY, SOURCE)
            if intent.covers(access):
                yield Notice(on, f"{WHY}: no deny policy takes that away ({unfit}). {WHO}", "danger")

    def _denied(self, view: View, access: Access, seconds: float) -> Iterable[Draft]:
        name, project, lives = view.who.name, str(access.before["project"]), hours(seconds)
        standing = str(access.before["standing"])
        breaks = (
            f"what {name} does in project {project} by signing as itself or another account (signed URLs, ID tokens), "
            "by deploying as one, or by managing credentials and policies, until release, "
            f"{lives} later at the earliest"
        )
        yield draft_step(
            self, self.remedies[0], view, access,
            says=f"keep {name} denied new credentials and rights in project {project}: deny policy {standing} stands"
            if standing
            else f"deny {name} new credentials, tokens of accounts and rights in project {project}, by a deny policy",
            lock=f"deny policies of {project}",
            brake=not standing,  # what stood before is not this run's to release
            rearms="no" if standing else seconds,
            breaks="" if standing else breaks,
        )  # fmt: skip
        says = f"the deny policy stops no token of {name}. What goes on: {Deny.survives}"
        yield Notice(view.who.ref, says, "warning")


def _policies(
    conn: GcpConnection, ref: PrincipalRef, project: str
) -> tuple[Sequence[Mapping[str, Any]], str, list[BlindSpot]]:
    """Those of the project; why none can be attached, empty where nothing is known against it; and what is unseen: a
    policy that denies hides nobody's way in, so that it is told, and no more.
    """
    what = f"which deny policies of project {project} name it"
    if conn.universe != PUBLIC:
        why = f"how deny policies of universe {conn.universe} name accounts and permissions is not known here"
        return (), why, [_unseen(ref, f"{what}: {why}")]
    try:
        found, more = deny.of_project(conn, project)
    except Denied as denied:
        return (), denied.message, [_unseen(ref, f"{what}: {denied.message}", denied.needs or LIST_DENY)]
    except Fault as fault:
        return (), "", [_unseen(ref, f"{what}: {fault.message}")]
    return found, "", [_unseen(ref, f"{what}: {deny.MOST} were read, and there are more")] if more else []


def _unseen(ref: PrincipalRef, why: str, needs: str = "") -> BlindSpot:
    return BlindSpot(ref, KIND, why, needs, counts=False)


def _noted(why: str, touching: Sequence[str], covering: Sequence[str]) -> str:
    if not touching:
        return why
    named = ", ".join(sorted(touching)[:MOST_NAMED]) + (" and more" if len(touching) > MOST_NAMED else "")
    how = "denies it all of that" if covering else "denies it some of what it may do"
    return f"{why}; deny policy {named} {how}, and is left as it is"
