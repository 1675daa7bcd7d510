"""What ends one session of a user or role and leaves the others: a policy of ours that denies by the session's name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Missing, Rejected, Unavailable
from nhi_revoke.provider.io import Run
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.cutting import SETTLE, Cut, put
from nhi_revoke_aws.holder import Holder, Place
from nhi_revoke_aws.named_session import DenySession, Named, read_session
from nhi_revoke_aws.policy import sid_of
from nhi_revoke_aws.simulate import verdicts


class DenyNamed(Doer[AwsConnection]):
    """`to` tells the name, as `Named` writes it. `left["only"]` tells the report which sessions it ends."""

    name: ClassVar[str] = "deny-session"
    phase: ClassVar[Phase] = Phase.CUT
    says: ClassVar[str] = "denies everything to sessions of one name by an inline policy"
    undone: ClassVar[str] = "our policy is removed, where nobody changed it since"
    survives: ClassVar[str] = (
        f"every session of another name: whoever may begin one can do so at once; of the session itself: {Cut.survives}"
    )
    source: ClassVar[str] = "AWS docs: id_credentials_temp_control-access_disable-perms, reference_policies_variables"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        named = _named(step)
        holder = Holder.of(conn, step.on)
        place, ours = _free(holder, named, run.left(step.id), run)
        if place is None:
            return Failed(f"policies that somebody else wrote stand under every name that ours could have ({named})")
        if ours is not None:
            return Already(_left(place, ours))
        deny = DenySession(sid_of(run.id), named)
        stands = put(holder, place, deny.document(), run, str(named))
        return stands if isinstance(stands, Impossible) else Done(_left(stands, deny), conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        named, holder, known = _named(step), Holder.of(conn, step.on), Place.of(run.left(step.id))
        # After a crash the answer is lost, and with it where it was written to.
        for place in (known,) if known else (*_places(named, run), holder.managed_place(run.id, str(named))):
            found = read_session(holder.document(place))
            if found is not None and found.named == named:
                return _left(place, found)
        return None

    def prove(self, conn: AwsConnection, step: Step, run: Run) -> Proven:
        named = _named(step)
        try:
            found = verdicts(conn, step.on.id, conn.now(), {named.key: named.value})
        except (Denied, Rejected, Missing, Unavailable) as fault:
            return Proven(Proof.RECORDED, f"read back; the simulator could not be asked ({fault.message})", conn.now())
        if found and all(v.denied for v in found):
            return Proven(Proof.SIMULATED, f"iam:SimulatePrincipalPolicy denies a session with {named}", conn.now())
        return Proven(Proof.UNPROVEN, f"the simulator still allows a session with {named}", conn.now())

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        holder, place = Holder.of(conn, step.on), Place.of(left)
        document = holder.document(place) if place else None
        if place is None or document is None:
            return Already({})
        found = read_session(document)
        if found is None or found.document() != left.get("doc"):
            return Failed(f"policy {place.policy} of {holder.name} is not as this run left it: nothing was changed")
        if found.sid != sid_of(run.id):
            return Failed(f"policy {place.policy} of {holder.name} stood before, of run {found.sid}: undo that run")
        holder.remove(place)
        return Done({}, conn.now())


def _named(step: Step) -> Named:
    """Raises Rejected for a plan that was changed by hand."""
    named = Named.of(step.to)
    if named is None:
        raise Rejected(f"{step.to!r} names no session")
    return named


def _places(named: Named, run: Run) -> tuple[Place, ...]:
    """A policy of our name that somebody else wrote keeps its name; ours takes one with the run's id in it."""
    return Place(named.policy), Place(f"{named.policy}-{run.id}")


def _free(holder: Holder, named: Named, left: Json, run: Run) -> tuple[Place, DenySession | None] | tuple[None, None]:
    """Where to write, and ours where it stands there already; nowhere where others took every name.

    The name was not read when the plan was made: it depends on the session's. Without the permission to read it, the
    one with the run's id is written blindly, since nobody else could know it.
    """
    known = Place.of(left)
    *first, last = _unique((known, *_places(named, run)) if known else _places(named, run))
    for place in (*first, last):
        try:
            document = holder.document(place)
        except Denied:
            return last, None
        found = read_session(document)
        if document is None or (found is not None and found.named == named):
            return place, found
    return None, None


def _unique(places: Iterable[Place]) -> list[Place]:
    return list(dict.fromkeys(places))


def _left(place: Place, deny: DenySession) -> dict[str, Any]:
    return {**place.json(), "doc": deny.document(), "only": deny.named.only}
