"""What ends the sessions of a user or role: one policy of ours, denying all or what was issued before a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Missing, Rejected, Unavailable
from nhi_revoke.provider.io import Run
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.holder import LIMIT, Holder, Place
from nhi_revoke_aws.policy import (
    CONSOLE_NAME,
    LOGIN_LIFE,
    NAME,
    Deny,
    console_cutoff,
    cutoff_after,
    later,
    moment,
    read,
    sid_of,
    stamp,
)
from nhi_revoke_aws.simulate import PERMISSION, verdicts

SETTLE = 60.0
"""Seconds. 3 to 4 were measured, "a few minutes" are documented; the margin is ours."""
BEFORE_CUT = timedelta(seconds=3)
UNMODIFIABLE = "UnmodifiableEntity"
WAS, GONE = "was", "gone"
"""In what a cut left: the deny-all of another run that the plan relied on was not there any more."""
BY_HAND = "AWS lets nobody change this principal: stop what uses it through the service that owns it"


def needed(word: str) -> tuple[str, ...]:
    """What writing, reading, judging and taking back our policy needs on a `User` or a `Role`."""
    return (
        f"iam:Put{word}Policy", f"iam:Get{word}Policy", f"iam:Delete{word}Policy", PERMISSION,
        f"iam:Attach{word}Policy", f"iam:Detach{word}Policy", f"iam:ListAttached{word}Policies",
        "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion",
        "iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions",
    )  # fmt: skip


def put(holder: Holder, place: Place, document: Any, run: Run, part: str = "") -> Place | Impossible:
    """Writes it, inline or managed, and tells where it stands; Impossible where AWS has no way or no room."""
    try:
        return holder.put(place, document, run.id, part)
    except Rejected as fault:
        if fault.code == UNMODIFIABLE:
            return Impossible(fault.message, BY_HAND)
        if fault.code == LIMIT:
            return Impossible(
                f"{fault.message}: no room for an inline policy, and no further managed one can be attached",
                f"detach a policy of {holder.name} that allows something, then resume",
            )
        raise


class Present(Struct, frozen=True):
    """What stands on the principal before a write."""

    place: Place
    ours: Deny | None = None
    cutoffs: tuple[str | None, ...] = ()
    """All that hold now, the console's own included: none of them moves backwards."""
    login_until: str | None = None


class Cut(Doer[AwsConnection]):
    """Shared by all four. `before`: policy (its free name; empty: unread), doc (ours, from before the run)."""

    undone: ClassVar[str] = "the policy of before is put back, or ours removed, where nobody changed it since"
    survives: ClassVar[str] = (
        "sessions of roles it chained into; presigned work under way; open connections (RDS, SSM, WebSocket); "
        "KMS grants"
    )
    source: ClassVar[str] = "AWS docs: id_roles_use_revoke-sessions"
    settle: ClassVar[float] = SETTLE

    # -- writing ---------------------------------------------------------------------------------------------------

    def wanted(self, conn: AwsConnection, step: Step, run: Run, present: Present) -> Deny:
        """The policy to write at this moment."""
        raise NotImplementedError

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        holder = Holder.of(conn, step.on)
        present = self.present(holder, step, run)
        ours = present.ours
        if ours and ours.cutoff is None and ours.sid != sid_of(run.id):
            free = _left_by_theirs(holder, present.place, run) if step.phase is Phase.CUT else None
            if free is None:
                return self.theirs(present.place, ours)
            change = self.write(conn, holder, free, self.wanted(conn, step, run, Present(free)), run)
            return Done({**change.left, WAS: GONE}, change.at) if isinstance(change, Done) else change
        deny = self.wanted(conn, step, run, present)
        change = self.write(conn, holder, present.place, deny, run)
        moved = isinstance(change, Done) and change.left.get("mechanism") != present.place.mechanism
        if moved and ours and not deny.stops(ours):
            # A longer one found no room in the stronger one's place: that one would deny on, and nobody would lift it.
            before = read(step.before.get("doc"))
            holder.give_back(present.place, before.document() if before else None)
        return change

    def theirs(self, place: Place, brake: Deny) -> Change:
        """Another run's deny-all is at least as strong, and taking it off is not ours."""
        return Already(_left(place, brake))

    def write(self, conn: AwsConnection, holder: Holder, place: Place, deny: Deny, run: Run) -> Change:
        """Puts it, inline or managed."""
        stands = put(holder, place, deny.document(), run)
        if isinstance(stands, Impossible):
            return stands
        now = conn.now()
        return Done(_left(stands, deny, stamp(now)), now)

    def present(self, holder: Holder, step: Step, run: Run) -> Present:
        """As it was when the plan was made: a first cut waits for nothing."""
        before = read(step.before.get("doc"))
        place = Place.of(run.left(step.id)) or _place(step, run)
        if run.left(step.id) and _foreign(holder, place):
            place = Place(f"{NAME}-{run.id}")  # this cut was taken off, and somebody wrote another in its place
        return Present(place, before, (before.cutoff,), before.login_until) if before else Present(place)

    # -- looking ---------------------------------------------------------------------------------------------------

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        holder, left = Holder.of(conn, step.on), run.left(step.id)
        for place in _places(holder, step, run, left):
            found = read(holder.document(place))
            if found and self.holds(found, run, left):
                was = {WAS: left[WAS]} if WAS in left else {}
                return {**_left(place, found, str(left.get("cutoff") or "")), **was}
        return None

    def holds(self, found: Deny, run: Run, left: Json) -> bool:
        """Whether what stands there does what this step was for. Without `left` (a crash ate the answer) an earlier cut
        of this run cannot be told from this one: it is asked again, which only moves the cut-off forward.
        """
        ours = read(left.get("doc"))
        return ours is not None and found.stops(ours)

    def prove(self, conn: AwsConnection, step: Step, run: Run) -> Proven:
        left = run.left(step.id)
        issued = moment(str(left.get("cutoff") or stamp(conn.now()))) - BEFORE_CUT
        try:
            found = verdicts(conn, step.on.id, issued)
        except (Denied, Rejected, Missing, Unavailable) as fault:
            return Proven(Proof.RECORDED, f"read back; the simulator could not be asked ({fault.message})", conn.now())
        if found and all(v.denied for v in found):
            how = f"iam:SimulatePrincipalPolicy denies a session issued at {stamp(issued)}"
            return Proven(Proof.SIMULATED, how, conn.now())
        return Proven(Proof.UNPROVEN, f"the simulator still allows a session issued at {stamp(issued)}", conn.now())

    # -- taking back -----------------------------------------------------------------------------------------------

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        holder = Holder.of(conn, step.on)
        place = Place.of(left) or _place(step, run)
        document = holder.document(place)
        kept = place.mechanism == "inline" and left.get(WAS) != GONE
        before = read(step.before.get("doc")) if kept else None
        after: Json = {"policy": place.policy, "doc": before.document() if before else None}
        found = read(document)
        if document is None and before is None:
            return Already(after)
        if found is None or (found.document() != left.get("doc") and found.sid != sid_of(run.id)):
            return Failed(f"policy {place.policy} of {holder.name} is not as this run left it: nothing was changed")
        if found == before:
            return Already(after)
        if before is None:
            holder.remove(place)
        else:
            holder.put(place, before.document(), run.id)
        return Done(after, conn.now())


class DenyAll(Cut):
    """Everything, at once; with --brake on it stays."""

    name: ClassVar[str] = "deny-all"
    phase: ClassVar[Phase] = Phase.CUT
    says: ClassVar[str] = "denies everything by an inline policy"

    def wanted(self, conn: AwsConnection, step: Step, run: Run, present: Present) -> Deny:
        return Deny(sid_of(run.id))

    def holds(self, found: Deny, run: Run, left: Json) -> bool:
        return found.cutoff is None


class DenyOlder(Cut):
    """What was issued before now; a live key or a trusted principal begins new sessions.

    As a seal it reads first: never does a cut-off move backwards, and never is somebody else's policy written over.
    """

    name: ClassVar[str] = "deny-older"
    phase: ClassVar[Phase] = Phase.CUT
    says: ClassVar[str] = "denies every session issued before now by an inline policy"
    again: ClassVar[bool] = True

    def wanted(self, conn: AwsConnection, step: Step, run: Run, present: Present) -> Deny:
        cutoff = cutoff_after(conn.now(), *present.cutoffs)
        login = present.login_until
        if step.to:  # the console password that this principal has, or may have
            login = later(login, stamp(moment(cutoff) + LOGIN_LIFE))
        return Deny(sid_of(run.id), cutoff, login)

    def present(self, holder: Holder, step: Step, run: Run) -> Present:
        was = super().present(holder, step, run)
        if step.phase is Phase.CUT:
            return was
        places = _places(holder, step, run, run.left(step.id) or run.left(step.replaces or ""))
        try:
            # Side by side: nothing is sealed before both were read.
            console_found, (place, document) = holder.side_by_side(
                partial(holder.inline, CONSOLE_NAME), partial(_standing, holder, places, was.place)
            )
            console = console_cutoff(console_found)
        except Denied:
            return was  # writing needs no reading: the name was free, or it is this run's own
        ours = read(document)
        if document is not None and ours is None:
            place = Place(f"{NAME}-{run.id}")  # somebody wrote over ours since: theirs stays
        if ours is None:
            return Present(place, None, (*was.cutoffs, console), was.login_until)
        return Present(place, ours, (*was.cutoffs, ours.cutoff, console), later(was.login_until, ours.login_until))


class Seal(DenyOlder):
    """The final cut: swaps the deny-all for a deny by issue time, so that a new key works and no older session does."""

    name: ClassVar[str] = "seal"
    phase: ClassVar[Phase] = Phase.SEAL
    says: ClassVar[str] = "swaps that policy for a deny of every session issued before now"


class Release(Seal):
    """Takes a brake off: what was issued before now stays dead."""

    name: ClassVar[str] = "release"
    phase: ClassVar[Phase] = Phase.RELEASE
    says: ClassVar[str] = "swaps the brake for a deny of every session issued before now"
    undone: ClassVar[str] = "the brake is put back"

    def theirs(self, place: Place, brake: Deny) -> Change:
        return Failed(f"policy {place.policy} is a deny-all of run {brake.sid}: release that run")

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        holder = Holder.of(conn, step.on)
        place = Place.of(left) or _place(step, run)
        found = read(holder.document(place))
        if found is None or found.sid != sid_of(run.id):
            return Failed(f"policy {place.policy} of {holder.name} is not as this run left it: nothing was changed")
        return self.write(conn, holder, place, Deny(sid_of(run.id)), run)


def _standing(holder: Holder, places: Sequence[Place], otherwise: Place) -> tuple[Place, Any]:
    """The first place where a policy stands, and its document."""
    for place in places:
        document = holder.document(place)
        if document is not None:
            return place, document
    return otherwise, None


def _place(step: Step, run: Run) -> Place:
    """The name found free when the plan was made; this run's own where no name could be read."""
    return Place(str(step.before.get("policy") or f"{NAME}-{run.id}"))


def _left_by_theirs(holder: Holder, place: Place, run: Run) -> Place | None:
    """Where to write in place of another run's deny-all that somebody took off since the plan was made: anybody can
    write one of that shape, for this run to rely on it, and take it off again. None where it stands, where its run has
    released it, or where that cannot be read.
    """
    try:
        document = holder.document(place)
    except Denied:
        return None
    if document is None:
        return place
    return Place(f"{NAME}-{run.id}") if read(document) is None else None


def _foreign(holder: Holder, place: Place) -> bool:
    """Whether a policy stands there that is none of ours. One that cannot be read is taken for ours."""
    try:
        document = holder.document(place)
    except Denied:
        return False
    return document is not None and read(document) is None


def _places(holder: Holder, step: Step, run: Run, left: Json) -> list[Place]:
    """After a crash the answer is lost, and with it the mechanism: both places are looked at."""
    known = Place.of(left)
    return [known] if known else [_place(step, run), holder.managed_place(run.id)]


def _left(place: Place, deny: Deny, at: str = "") -> Json:
    """What undo and resume need. A deny-all tells its moment as a cut-off, too: it ended what was issued before."""
    left: Json = {**place.json(), "doc": deny.document()}
    if deny.cutoff is None:
        left["denies"] = "everything"
    cutoff = deny.cutoff or at
    return {**left, "cutoff": cutoff} if cutoff else left
