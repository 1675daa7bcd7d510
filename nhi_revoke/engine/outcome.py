"""What became of each access, judged from a journal alone. Never better than what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from nhi_revoke.engine.history import History, StepHistory
from nhi_revoke.model.change import Failed, Impossible, Lost, Skipped
from nhi_revoke.model.found import SESSION_FAMILIES, Access
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import AccessId
from nhi_revoke.model.report import Outcome
from nhi_revoke.model.step import Phase

ENDS = (Phase.CUT, Phase.END, Phase.SEAL)


class Judge:
    """Reads the steps of a run once and answers for each access."""

    def __init__(self, history: History, now: datetime) -> None:
        self._history = history
        self._now = now
        self._steps = tuple(history.steps.values())
        self._undone = {h.step.undoes for h in self._steps if h.step.undoes and h.settled}
        self._minted = {str(h.left["id"]) for h in self._steps if h.step.phase is Phase.MINT and "id" in h.left}

    def accesses(self) -> tuple[tuple[Access, bool], ...]:
        """Every access known to the run, in its newest form, and whether it appeared while the run worked."""
        known: dict[AccessId, tuple[Access, bool]] = {}
        for section in self._history.sections:
            for access in section.plan.accesses:
                known.setdefault(access.id, (access, section is not self._history.first))
        for found, note in self._history.found:
            if isinstance(found, Access):
                old = known.get(found.id)
                known[found.id] = (found, old[1] if old else note.source == "state")
        return tuple(known.values())

    def all(self) -> tuple[Outcome, ...]:
        return tuple(replace(self._shielded(self.one(a)), appeared=appeared) for a, appeared in self.accesses())

    def _shielded(self, outcome: Outcome) -> Outcome:
        """Whatever could not be ended itself is still shut while everything on its principal is denied."""
        if outcome.fate not in ("open", "failed", "left") or outcome.access.family == "trust":
            return outcome
        for history in self.deny_alls():
            if history.step.on == outcome.access.on:
                how = f"{outcome.how}; but everything on its principal is denied while this holds: {history.step.says}"
                return replace(outcome, fate="ended", proof=self._proof(history), how=how)
        return outcome

    def deny_alls(self) -> tuple[StepHistory, ...]:
        """Settled cuts that deny everything and that no seal or release swapped out."""
        swapped = {h.step.replaces for h in self._steps if h.step.replaces and (h.accepted or h.asked)}
        return tuple(
            h
            for h in self._steps
            if h.step.phase is Phase.CUT
            and h.settled
            and denies_everything(h)
            and h.step.id not in swapped
            and h.step.id not in self._undone
        )

    def one(self, access: Access) -> Outcome:
        """The worst that its steps leave possible."""
        intent = self._history.first.plan.intent
        if access.id in self._minted:
            return Outcome(access, "kept", None, "minted by this run: the replacement")
        if access.expires is not None and access.expires <= self._now:
            return Outcome(access, "expired", Proof.RECORDED, f"expired {access.expires:%Y-%m-%dT%H:%MZ}")
        mine = [h for h in self._steps if access.id in h.step.ends and _ends(h) and not h.step.undoes]
        if not mine and access.family in SESSION_FAMILIES and not access.id.endswith("/*"):
            return self._child(access)
        if mine:
            return self._by_steps(access, mine)
        return self._without_steps(access, intent)

    def _by_steps(self, access: Access, mine: Sequence[StepHistory]) -> Outcome:
        swapped = {h.step.replaces for h in self._steps if h.step.replaces and h.accepted}
        last = [h for h in mine if h.step.id not in swapped]
        if last and all(h.step.id in self._undone for h in last):
            return Outcome(access, "open", Proof.RECORDED, "taken back: it works again")
        bad = [h for h in last if not h.settled]
        if not bad and access.family in SESSION_FAMILIES and self._unordered(access, last):
            why = "sealed, but a session begun in between may live: no order of the seals here is known to be right"
            return Outcome(access, "unseen", None, why)
        if not bad:
            proof = max((self._proof(h) for h in last), key=lambda p: p.rank, default=Proof.UNPROVEN)
            how = next((h.proven.how for h in last if h.proven and h.proven.proof is proof), "")
            return Outcome(access, "ended", proof, how or "read twice, the second time when the change had settled")
        return _unfinished(access, bad[0])

    def _unordered(self, access: Access, last: Sequence[StepHistory]) -> bool:
        unordered = access.on in self._history.first.plan.unordered
        return unordered and not any(denies_everything(h) for h in last)

    def _proof(self, history: StepHistory) -> Proof:
        return history.proven.proof if history.proven else Proof.RECORDED

    def _child(self, access: Access) -> Outcome:
        """A session that the logs show: ended by a settled cut of its principal that is later than its birth."""
        swapped = {h.step.replaces for h in self._steps if h.step.replaces and h.accepted}
        cuts = [
            h
            for h in self._steps
            if h.step.on == access.on
            and (h.step.phase in (Phase.CUT, Phase.SEAL) or (h.step.phase is Phase.RELEASE and "cutoff" in h.left))
            and h.step.does.rpartition("/")[0] == access.kind
            and h.step.id not in self._undone | swapped
        ]
        standing = [h for h in cuts if h.settled and _covers(h, access)]
        if standing:
            best = min(standing, key=lambda h: self._proof(h).rank)
            return Outcome(access, "ended", self._proof(best), f"covered by: {best.step.says}")
        if not cuts:
            return self._without_steps(access, self._history.first.plan.intent)
        return Outcome(access, "open", None, "no settled cut is later than its birth", access.expires)

    def _without_steps(self, access: Access, intent: Intent) -> Outcome:
        if access.family == "trust":
            kept = access.id in intent.keep_trust
            opened = access.exposure in ("anyone", "foreign") and not kept
            why = access.note or "a trust: whoever it names can begin new sessions"
            return Outcome(access, "open" if opened else "kept", None, why)
        if access.family == "factor":
            return Outcome(access, "kept", None, access.note or "reported, never removed")
        if access.state == "disabled":
            return Outcome(
                access, "already", Proof.RECORDED, "disabled before this run; whoever may can enable it again"
            )
        if access.state == "expired":
            return Outcome(access, "expired", Proof.RECORDED, "expired before this run", access.expires)
        if not intent.covers(access):
            return Outcome(access, "left", None, f"outside --scope {intent.scope}: it keeps working", access.expires)
        return Outcome(access, "left", None, "nothing in the plan ends it: by hand", access.expires)


def _ends(history: StepHistory) -> bool:
    """A delete that frees a slot, or that finishes, ends an access once it is done; until then it changes nothing."""
    return history.step.phase in ENDS or (history.step.phase in (Phase.MINT, Phase.FINISH) and history.settled)


def denies_everything(history: StepHistory) -> bool:
    """Not only what was issued before a moment: whatever the principal does is denied while it holds."""
    return history.left.get("denies") == "everything"


def _covers(history: StepHistory, access: Access) -> bool:
    cutoff = history.left.get("cutoff")
    if denies_everything(history) or not cutoff:
        return True
    if access.created is None:
        return False
    return access.created < datetime.fromisoformat(str(cutoff))


def _unfinished(access: Access, history: StepHistory) -> Outcome:
    change = history.change
    if history.gone:
        return Outcome(access, "open", None, "somebody took the change back")
    if isinstance(change, Failed):
        return Outcome(access, "failed", None, change.why)
    if isinstance(change, Lost):
        return Outcome(access, "open", Proof.UNPROVEN, f"no answer: {change.why}")
    if isinstance(change, Impossible):
        return Outcome(access, "left", None, f"{change.why}. By hand: {change.manual}" if change.manual else change.why)
    if isinstance(change, Skipped):
        return Outcome(access, "open", None, change.why)
    if history.accepted:
        word = "seen once, not yet settled" if history.seen_at else "accepted, not yet seen"
        return Outcome(access, "open", Proof.REQUESTED, word)
    return Outcome(access, "open", None, "not done yet")
