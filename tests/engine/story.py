"""Journals written by hand: what a run meant to do and what came of it, in a few words."""

from __future__ import annotations

from typing import Any

from nhi_revoke.engine.history import History
from nhi_revoke.engine.journal import Journal
from nhi_revoke.engine.report import make_report
from nhi_revoke.model.change import Change, Done
from nhi_revoke.model.found import Access, Found
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import (
    Closed,
    Destroyed,
    Extended,
    Intended,
    Line,
    Looked,
    Noted,
    Opened,
    Proved,
    Resulted,
    Vanished,
    Verb,
)
from nhi_revoke.model.plan import Plan, plan_digest
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Outcome, Report
from nhi_revoke.model.step import Phase, Step
from tests.engine.cloud import ME, bot
from tests.engine.tick import NOON, after

CI = bot("ci")
KEY = "fake:key/ci/old"
STANDING = "fake:session/ci/*"


def principal(name: str = "ci", **more: Any) -> Principal:
    return Principal(bot(name), "bot", name, "org", "1", aliases=(f"org/{name}",), **more)


def access(id_: str = KEY, *, family: str = "key", state: str = "live", on: PrincipalRef = CI, **more: Any) -> Access:
    return Access(id_, on, id_.partition("/")[0], family, state, **more)  # type: ignore[arg-type]  # words of a test


def standing(**more: Any) -> Access:
    return access(STANDING, family="session", state="unknown", **more)


def step(id_: str, does: str = "fake:key/disable", phase: Phase = Phase.END, **more: Any) -> Step:
    """A step on `ci`; `ends` is the old key unless told."""
    more.setdefault("on", CI)
    more.setdefault("ends", (KEY,) if phase is Phase.END else ())
    return Step(id=id_, does=does, phase=phase, says=more.pop("says", f"does {id_}"), **more)


def cut(id_: str = "cut", **more: Any) -> Step:
    more.setdefault("ends", (STANDING,))
    return step(id_, "fake:session/deny-all", Phase.CUT, **more)


def seal(id_: str = "seal", **more: Any) -> Step:
    more.setdefault("ends", (STANDING,))
    return step(id_, "fake:session/deny-older", Phase.SEAL, **more)


def plan_of(*steps: Step, **more: Any) -> Plan:
    more.setdefault("identity", Identity("it", (CI,)))
    more.setdefault("intent", Intent())
    more.setdefault("principals", (principal(),))
    more.setdefault("accesses", ())
    more.setdefault("operator", (ME,))
    return Plan(at=NOON, steps=steps, **more)


def opened(*steps: Step, verb: Verb = "revoke", run: str = "run-1", **more: Any) -> Opened:
    plan = plan_of(*steps, **more)
    return Opened(run, verb, plan, plan_digest(plan), (str(ME),), "--yes", "0", NOON)


class Story:
    """Lines in order; each word adds some."""

    def __init__(self, *steps: Step, **more: Any) -> None:
        self.lines: list[Line] = [opened(*steps, **more)]

    def then(self, *steps: Step, verb: Verb, **more: Any) -> Story:
        return self._add(opened(*steps, verb=verb, **more))

    def asked(self, *ids: str, at: float = 0) -> Story:
        return self._add(*(Intended(i, 1, after(at)) for i in ids))

    def ended(self, id_: str, change: Change, *, at: float = 0) -> Story:
        return self.asked(id_, at=at)._add(Resulted(id_, change, after(at)))

    def accepted(self, *ids: str, at: float = 0, **left: Any) -> Story:
        for i in ids:
            self.ended(i, Done(left, after(at)), at=at)
        return self

    def seen(self, *ids: str, at: float = 0, **left: Any) -> Story:
        self.accepted(*ids, at=at, **left)
        return self._add(*(Looked(i, left, after(at)) for i in ids))

    def did(self, *ids: str, at: float = 0, **left: Any) -> Story:
        """Asked, accepted, seen, settled."""
        self.seen(*ids, at=at, **left)
        return self._add(*(Looked(i, left, after(at), True) for i in ids))

    def vanished(self, id_: str) -> Story:
        return self._add(Vanished(id_, NOON))

    def proved(self, id_: str, proof: Proof, how: str = "tried") -> Story:
        return self._add(Proved(id_, Proven(proof, how), NOON))

    def destroyed(self, id_: str, access_id: str) -> Story:
        return self._add(Destroyed(id_, access_id, NOON))

    def found(self, *found: Found, source: Any = "state", at: float = 0) -> Story:
        return self._add(Noted(found, source, after(at)))

    def extended(self, *steps: Step, number: int = 1) -> Story:
        return self._add(Extended(steps, number, "appeared", NOON))

    def closed(self, *, at: float = 100) -> Story:
        return self._add(Closed(self.report(at), after(at)))

    def _add(self, *lines: Line) -> Story:
        self.lines += lines
        return self

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def history(self) -> History:
        return History(self.lines)

    def report(self, at: float = 100, **more: Any) -> Report:
        return make_report(Journal(Nowhere(), "run-1"), self.history, after(at), **more)

    def outcome(self, id_: str = KEY, at: float = 100) -> Outcome:
        (found,) = [o for o in self.report(at).outcomes if o.access.id == id_]
        return found


class Nowhere:
    """A store that nobody writes to."""

    def append(self, run: str, line: bytes) -> None:
        raise AssertionError

    def read(self, run: str) -> bytes:
        return b""
