"""One step, once: ask, look, prove. Maps the faults of a provider to changes; the runner decides what comes next."""

from __future__ import annotations

from typing import Any

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.deliveries import PROVE
from nhi_revoke.engine.recorder import Recorder
from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible, Lost, Skipped
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer, Mint
from nhi_revoke.provider.fault import Conflict, Denied, Fault, Missing, NoAnswer, Unavailable

GONE = "the new secret is no longer in this process and no store gave it back"


class Doing:
    """Knows which doer and which connection a step needs."""

    def __init__(self, connections: Connections, recorder: Recorder) -> None:
        self.connections = connections
        self.recorder = recorder

    def doer(self, step: Step) -> Doer[Any]:
        """A proof step is done by the mint that made the credential."""
        return self.connections.registry.doer(step.does.removesuffix(PROVE) + "create" if proves(step) else step.does)

    def mint(self, step: Step) -> Mint[Any]:
        doer = self.doer(step)
        if not isinstance(doer, Mint):
            raise TypeError(f"{step.does} mints nothing")
        return doer

    def settle(self, step: Step, override: float | None) -> float:
        """Seconds from seen until every edge of the vendor obeys; zero where nothing propagates."""
        own = 0.0 if proves(step) else self.doer(step).settle
        return own if override is None or own == 0 else override

    def ask(self, step: Step) -> Change:
        """Never raises a Fault: a refusal is Failed, an answer that did not come is Lost."""
        try:
            return self._ask(step, self.connections.of_step(step))
        except NoAnswer as gone:
            return Lost(gone.message)
        except Denied as denied:
            return Failed(denied.message, denied.needs)
        except Missing as gone:
            return Failed(f"it no longer exists: {gone.message}")
        except Conflict as clash:
            return Failed(f"somebody else changed it at the same time: {clash.message}")
        except Fault as fault:
            return Failed(fault.message)
        except Trouble as trouble:
            return Impossible(trouble.message, trouble.hint)
        except Interrupted:
            return Skipped("interrupted before it was asked")
        except Exception as bug:  # noqa: BLE001 - one provider's bug never stops the steps of the others
            return Lost(_bug(bug))

    def _ask(self, step: Step, conn: Any) -> Change:
        if proves(step):
            return self._prove_new(step, conn)
        doer = self.doer(step)
        if takes_back(step, doer):
            former = self.recorder.of(step.undoes or step.replaces or step.id)
            return doer.undo(conn, former.step, former.left, self.recorder)
        if carries(step) and not self.recorder.holds(step.takes or ""):
            return Failed(GONE)
        return doer.check(conn, step) or doer.apply(conn, step, self.recorder)

    def unready(self, step: Step) -> str:
        """Preflight, before anything that this step would carry is made: why it cannot work; empty where it can."""
        try:
            wrong = self.doer(step).check(self.connections.of_step(step), step)
        except (Fault, Trouble) as fault:
            return fault.message
        if wrong is None:
            return ""
        # What to do by hand is a sentence, or begins with a command.
        between = ". " if wrong.manual[:1].isupper() else "; "
        return between.join(filter(None, (wrong.why.rstrip("."), wrong.manual)))

    def look(self, step: Step) -> Json | None:
        """The state that the vendor shows, or None. Raises Fault when it could not be read, for whatever reason."""
        try:
            return self._look(step)
        except (Fault, Interrupted):
            raise
        except Trouble as trouble:
            raise Unavailable(trouble.message, hint=trouble.hint) from trouble
        except Exception as bug:
            raise Unavailable(_bug(bug)) from bug

    def _look(self, step: Step) -> Json | None:
        conn = self.connections.of_step(step)
        if proves(step):
            return self.recorder.left(step.id)
        doer = self.doer(step)
        if takes_back(step, doer):
            former = self.recorder.of(step.undoes or step.replaces or step.id).step
            return {"taken_back": True} if doer.seen(conn, former, self.recorder) is None else None
        return doer.seen(conn, step, self.recorder)

    def prove(self, step: Step) -> Proven:
        """The strongest proof to be had now. A proof that could not be tried is no proof, and says so."""
        try:
            if proves(step):
                left = self.recorder.left(step.id)
                return Proven(Proof(str(left["proof"])), str(left["how"]))
            return self.doer(step).prove(self.connections.of_step(step), step, self.recorder)
        except (Fault, Trouble) as fault:
            return self._untried(step, fault.message)
        except Exception as bug:  # noqa: BLE001 - as in `ask`
            return self._untried(step, _bug(bug))

    def _untried(self, step: Step, why: str) -> Proven:
        """A proof that cannot be tried again makes nothing better than it was."""
        former = self.recorder.of(step.id).proven
        if former is not None and not former.proof.proves:
            return former
        return Proven(Proof.RECORDED, f"read twice; no stronger proof could be had: {why}")

    def undo(self, step: Step, left: Json) -> Change:
        """Takes a step back outside of a plan: only what was staged for nobody."""
        try:
            return self.doer(step).undo(self.connections.of_step(step), step, left, self.recorder)
        except NoAnswer as gone:
            return Lost(gone.message)
        except Fault as fault:
            return Failed(fault.message)

    def _prove_new(self, step: Step, conn: Any) -> Change:
        """Not yet is no failure: the runner asks again for a while."""
        if not step.takes or not self.recorder.holds(step.takes):
            return Failed(GONE)
        proven = self.mint(step).opens(conn, step, self.recorder.take(step.takes))
        if proven.proof.proves:
            return Done({"proof": proven.proof.value, "how": proven.how}, conn.now())
        return Lost(proven.how)


def _bug(error: Exception) -> str:
    """The class alone: what a stranger's exception says may hold anything."""
    return f"{type(error).__name__} in the provider (a bug: report it)"


def proves(step: Step) -> bool:
    """Whether it proves a new credential instead of changing anything."""
    return step.phase is Phase.PROVE


def carries(step: Step) -> bool:
    """Whether it brings a new secret to a store, and so cannot be done without it."""
    return step.takes is not None and step.phase in (Phase.DELIVER, Phase.SERVE)


def takes_back(step: Step, doer: Doer[Any]) -> bool:
    """An undo, or the release of a brake that has no release doer of its own."""
    return step.undoes is not None or (step.phase is Phase.RELEASE and doer.phase is not Phase.RELEASE and doer.brake)


def accepted(change: Change | None) -> bool:
    return isinstance(change, (Done, Already))
