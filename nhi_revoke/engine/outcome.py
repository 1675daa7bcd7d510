"""What became of each access, judged from a journal alone. Never better than what was seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec.structs import replace

from nhi_revoke.engine.blindness import blind_spots
from nhi_revoke.engine.history import History, StepHistory
from nhi_revoke.engine.namesakes import NAMESAKE
from nhi_revoke.engine.residual import residuals, told_by
from nhi_revoke.engine.verdict import outcome_open
from nhi_revoke.model.change import Already, Failed, Impossible, Lost, Skipped
from nhi_revoke.model.found import KEY_FAMILIES, SESSION_FAMILIES, Access
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import AccessId, PrincipalRef
from nhi_revoke.model.report import Outcome
from nhi_revoke.model.step import Phase

ENDS = (Phase.CUT, Phase.END, Phase.SEAL)


class Judge:
    """Reads the steps of a run once and answers for each access."""

    def __init__(self, history: History, now: datetime) -> None:
        self._history = history
        self._now = now
        self._steps = tuple(history.steps.values())
        self._until = {r.access: r.until for r in residuals(history) if r.until and r.counts}
        self._undone = {h.step.undoes for h in self._steps if h.step.undoes and h.settled}
        self._shut = {a.id for a in history.first.plan.accesses if a.shut}
        """Before this run. What this run shut lets somebody in again once that is taken back."""
        spots = blind_spots(history, now)
        self._hiding = {b.on for b in spots if b.counts and b.until is None}
        """Principals of which something could not be listed: that may be a key."""
        self._namesakes = {b.on: b.why for b in spots if b.kind == NAMESAKE}
        """Principals whose name another one has: what was seen of them since was the other one's."""
        self._swapped = {h.step.replaces for h in self._steps if h.step.replaces and h.accepted}
        self._ending: dict[AccessId, list[StepHistory]] = {}
        self._of: dict[PrincipalRef, list[StepHistory]] = {}
        for h in self._steps:
            self._of.setdefault(h.step.on, []).append(h)
            if _ends(h) and not h.step.undoes:
                for ended in dict.fromkeys(h.step.ends):
                    self._ending.setdefault(ended, []).append(h)
        self._denying = {h.step.on: h for h in reversed(self._deny_alls())}
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
        outcomes = [
            replace(self._unknown(self._shielded(self.one(a))), appeared=appeared) for a, appeared in self.accesses()
        ]
        if not any(o.fate == "left" for o in outcomes):
            return tuple(outcomes)
        minting = {o.access.on for o in outcomes if _may_mint(o) and self._mints(o.access)}
        return tuple(self._lasting(o, minting) for o in outcomes)

    def _unknown(self, outcome: Outcome) -> Outcome:
        """What was seen to be shut under a name that another principal has by now."""
        why = self._namesakes.get(outcome.access.on)
        if why is None or outcome.fate not in ("ended", "already", "lasts"):
            return outcome
        return replace(outcome, fate="unseen", proof=None, how=why, until=None)

    def _lasting(self, outcome: Outcome, minting: Collection[PrincipalRef]) -> Outcome:
        """What no step ends, and what ends by itself: once nothing on its principal is left that could make more."""
        if outcome.fate != "left" or not (lasts := self._ends_by(outcome.access)):
            return outcome
        on = outcome.access.on
        if on in minting:
            return outcome
        if on in self._hiding:
            why = f"what was seen of it ends by {lasts:%Y-%m-%dT%H:%MZ}; what could not be listed there may make more"
            return replace(outcome, fate="unseen", how=why, until=None)
        if lasts <= self._now:
            why = f"what it hides expired {lasts:%Y-%m-%dT%H:%MZ}, as the vendor documents"
            return replace(outcome, fate="expired", proof=Proof.RECORDED, how=why, until=lasts)
        why = "nothing ends it before its time, and nothing is left that makes more"
        return replace(outcome, fate="lasts", how=why, until=lasts)

    def _ends_by(self, access: Access) -> datetime | None:
        """As the plan foretells; of one of the sessions for which a standing access stands, by its own expiry."""
        told = self._until.get(access.id)
        if told or access.expires is None:
            return told
        foretold = any(a.endswith("/*") and access.id.startswith(a.removesuffix("*")) for a in self._until)
        return access.expires if foretold else None

    def _mints(self, access: Access) -> bool:
        """Keys, trusts, whatever signs in; and sessions and tokens (a refresh token), but what ends by itself."""
        if access.family in SESSION_FAMILIES:
            return self._ends_by(access) is None
        return access.family in KEY_FAMILIES | {"principal", "grant", "trust"}

    def _shielded(self, outcome: Outcome) -> Outcome:
        """Whatever could not be ended itself is still shut while everything on its principal is denied."""
        beyond_it = outcome.access.family == "trust" or outcome.access.elsewhere
        if outcome.fate not in ("open", "failed", "left") or beyond_it:
            return outcome
        if history := self._denying.get(outcome.access.on):
            how = f"{outcome.how}; but everything on its principal is denied while this holds: {history.step.says}"
            return replace(outcome, fate="ended", proof=self._proof(history), how=how)
        return outcome

    def _deny_alls(self) -> tuple[StepHistory, ...]:
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
        mine = self._ending.get(access.id, [])
        if not mine and access.family in SESSION_FAMILIES and not access.id.endswith("/*"):
            return self._child(access)
        if mine:
            return self._by_steps(access, mine)
        return self._without_steps(access, intent)

    def _by_steps(self, access: Access, mine: Sequence[StepHistory]) -> Outcome:
        last = [h for h in mine if h.step.id not in self._swapped]
        if not last and not access.opens:
            return Outcome(access, "kept", None, "stopped in this run, and released; it lets nobody in by itself")
        if not last and (let_go := self._let_go(access, mine)) is not None:
            return let_go
        if last and all(h.step.id in self._undone for h in last):
            return self._taken_back(access, last)
        bad = [h for h in last if not h.settled]
        if not bad and access.family in SESSION_FAMILIES and self._unordered(access, last):
            why = "sealed, but a session begun in between may live: no order of the seals here is known to be right"
            return Outcome(access, "unseen", None, why)
        if not bad and (until := self._lives_on(access, last)):
            why = f"no more of it is made: {last[0].step.says}; what was made before lives on for its time"
            return Outcome(access, "lasts", None, why, until)
        if not bad:
            proof = max((self._proof(h) for h in last), key=lambda p: p.rank, default=Proof.UNPROVEN)
            how = next((h.proven.how for h in last if h.proven and h.proven.proof is proof), "")
            return Outcome(access, "ended", proof, how or "read twice, the second time when the change had settled")
        return _unfinished(access, bad[0])

    def _taken_back(self, access: Access, last: Sequence[StepHistory]) -> Outcome:
        """By `undo`; or by `finish`, which takes a cut off only when nothing from before it can live."""
        if not access.opens:
            return Outcome(access, "kept", None, "taken away in this run, and given back; it lets nobody in by itself")
        finished = {h.step.undoes for h in self._steps if h.step.undoes and h.settled and h.step.phase is Phase.FINISH}
        if access.family in SESSION_FAMILIES and all(h.step.id in finished for h in last):
            why = "the cut was taken off by finish, once nothing from before it could live"
            return Outcome(access, "expired", Proof.RECORDED, why)
        return Outcome(access, "open", Proof.RECORDED, "taken back: it works again")

    def _let_go(self, access: Access, held: Sequence[StepHistory]) -> Outcome | None:
        """What brakes alone held, which were released since; None where they were not. A session is over where each
        brake was on for as long as one can live.
        """
        brakes = {h.step.id: h for h in held if h.step.brake}
        releases = [
            h for h in self._steps if h.step.phase is Phase.RELEASE and h.step.replaces in brakes and h.accepted
        ]
        if not releases:
            return None
        outlived = all(_outlived(brakes[str(h.step.replaces)], h) for h in releases)
        if outlived and access.family in SESSION_FAMILIES:
            why = "none could be had while the brake was on, and that was as long as one can live"
            return Outcome(access, "expired", Proof.RECORDED, why)
        if any(isinstance(h.change, Already) for h in releases):
            why = "the brake alone held it, and was found taken off: since when, nobody here knows"
            return Outcome(access, "open", None, why)
        return Outcome(access, "open", None, "the brake alone held it, and was released")

    def _lives_on(self, access: Access, last: Sequence[StepHistory]) -> datetime | None:
        """Until when, where each step that ends it tells that it only ends more of it; None where it is over."""
        told = [told_by(h).get(access.id) for h in last]
        until = max((t for t in told if t), default=None)
        return until if until and all(told) and until > self._now else None

    def _unordered(self, access: Access, last: Sequence[StepHistory]) -> bool:
        unordered = access.on in self._history.first.plan.unordered
        return unordered and not any(denies_everything(h) for h in last)

    def _proof(self, history: StepHistory) -> Proof:
        return history.proven.proof if history.proven else Proof.RECORDED

    def _child(self, access: Access) -> Outcome:
        """A session that the logs show: ended by a settled cut of its principal that is later than its birth."""
        cuts = [
            h
            for h in self._of.get(access.on, ())
            if (h.step.phase in (Phase.CUT, Phase.SEAL) or (h.step.phase is Phase.RELEASE and "cutoff" in h.left))
            and h.step.does.rpartition("/")[0] == access.kind
            and _concerns(h, access)
            and h.step.id not in self._undone | self._swapped
        ]
        standing = [h for h in cuts if h.settled and _covers(h, access)]
        if standing:
            best = min(standing, key=lambda h: self._proof(h).rank)
            return Outcome(access, "ended", self._proof(best), f"covered by: {best.step.says}")
        if not cuts:
            return self._without_steps(access, self._history.first.plan.intent)
        return Outcome(access, "open", None, "no settled cut is later than its birth", access.expires)

    def _without_steps(self, access: Access, intent: Intent) -> Outcome:
        if access.shut and access.id in self._shut:
            return Outcome(access, "already", Proof.RECORDED, access.shut)
        if access.family == "trust":
            kept = access.id in intent.keep_trust
            opened = access.exposure in ("anyone", "foreign") and not kept
            why = access.note or "a trust: whoever it names can begin new sessions"
            return Outcome(access, "open" if opened else "kept", None, why)
        if access.family == "factor":
            return Outcome(access, "kept", None, access.note or "reported, never removed")
        if not access.opens:
            return Outcome(access, "kept", None, access.note or "it lets nobody in by itself")
        if access.state == "disabled":
            return Outcome(
                access, "already", Proof.RECORDED, "disabled before this run; whoever may can enable it again"
            )
        if access.state == "expired":
            return Outcome(access, "expired", Proof.RECORDED, "expired before this run", access.expires)
        if not intent.covers(access):
            return Outcome(access, "left", None, f"outside --scope {intent.scope}: it keeps working", access.expires)
        if intent.order == "rollover":
            return Outcome(access, "left", None, "no part of this rotation: `revoke` ends it", access.expires)
        return Outcome(access, "left", None, "nothing in the plan ends it: by hand", access.expires)


def _outlived(brake: StepHistory, release: StepHistory) -> bool:
    """Whether whatever was had before the brake was over when it was taken off, by nobody but this run."""
    if isinstance(release.change, Already):
        return False
    since, until, lives = brake.settled_at, release.changed_at, brake.step.rearms
    if since is None or until is None or brake.gone or not isinstance(lives, int | float):
        return False
    return (until - since).total_seconds() >= lives


def _may_mint(outcome: Outcome) -> bool:
    """Whether a key may still sign in, and so make anew what would end by itself."""
    return outcome.fate == "unseen" or outcome_open(outcome)


def _ends(history: StepHistory) -> bool:
    """A delete that frees a slot, or that finishes, ends an access once it is done; until then it changes nothing. So
    does a release that leaves a cut in the brake's place.
    """
    phase = history.step.phase
    if phase is Phase.RELEASE:
        return "cutoff" in history.left
    return phase in ENDS or (phase in (Phase.MINT, Phase.FINISH) and history.settled)


def denies_everything(history: StepHistory) -> bool:
    """Not only what was issued before a moment: whatever the principal does is denied while it holds."""
    return history.left.get("denies") == "everything"


def _concerns(history: StepHistory, access: Access) -> bool:
    """A cut that leaves `only` ends those sessions alone whose `before` says the same. One that left nothing, and was
    to end no standing access, says nothing of sessions that it does not name.
    """
    only = history.left.get("only")
    if isinstance(only, dict):
        return all(access.before.get(field) == value for field, value in only.items())
    wide = "cutoff" in history.left or denies_everything(history)
    return wide or any(ended.endswith("/*") for ended in history.step.ends)


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
