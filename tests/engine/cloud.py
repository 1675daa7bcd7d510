"""A vendor in memory: its state, what it is told to answer next, and who asked for what."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from nhi_revoke.model.change import Change, Done, Impossible
from nhi_revoke.model.found import Access, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import NoAnswer
from tests.engine.tick import Tick

Answer = Exception | Change | Callable[[], object] | None
LOST = NoAnswer("the answer never came")


def bot(name: str) -> PrincipalRef:
    return PrincipalRef("fake", "bot", name)


ME = bot("responder")


@dataclass
class Bot:
    """One principal."""

    keys: dict[str, str] = field(default_factory=lambda: {"old": "live"})
    cutoff: str = ""
    denied: bool = False
    trusts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    exposure: str = "local"
    stopped: bool = False
    unique: str = "1"
    untouchable: str | None = None
    delicate: str | None = None


class Cloud:
    """Safe on threads. `tell` scripts the next answers of one call; what is not scripted works."""

    def __init__(self) -> None:
        self.clock = Tick()
        self.bots: dict[str, Bot] = {"ci": Bot()}
        self.calls: list[str] = []
        self.logs: list[Found] = []
        self.shelf: dict[str, dict[str, str]] = {}
        """Per address: `staged`, `current`, `former`: values; `by`: the run and step that staged."""
        self.purged: list[str] = []
        self.secrets: dict[str, str] = {}
        """Key id by secret value."""
        self.used: dict[str, datetime | None] = {}
        """When a key was used last; of one that is not here: now."""
        self.minted = 0
        self.preflight: Impossible | None = None
        self.braked = ""
        """"stop", "gate" or "both": which brakes the drafts use."""
        self.rearms: float = 3600.0
        self.until: str = ""
        """What a settled cut-off says of what stays usable."""
        self.remark = ""
        """What the kind of accounts has to say besides steps."""
        self.whoami: tuple[PrincipalRef, ...] = (ME,)
        self._script: defaultdict[str, deque[Answer]] = defaultdict(deque)
        self._lock = threading.RLock()

    def tell(self, call: str, *answers: Answer) -> None:
        """`call`: `apply fake:key/disable`. An exception is raised, a change returned, a callable called first.

        `LOST` on an apply: it happens, and the answer is lost. `None`: as usual.
        """
        self._script[call].extend(answers)

    def unsay(self, call: str) -> None:
        """What of `tell` was not asked for yet."""
        self._script.pop(call, None)

    def called(self, begins: str) -> list[str]:
        with self._lock:
            return [call for call in self.calls if call.startswith(begins)]

    def asked(self, verb: str, does: str, on: object, work: Callable[[], object]) -> Change | None:
        """Count the call and play the script. Raises what the script says; a change stands for the doer's own."""
        with self._lock:
            self.calls.append(f"{verb} {does} {on}")
            queue = self._script[f"{verb} {does}"]
            answer = queue.popleft() if queue else None
        if answer is None:
            return None
        if answer is LOST and verb == "apply":
            work()
            raise NoAnswer("the answer never came")
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer()
            return None
        return answer

    def done(self, left: dict[str, object]) -> Done:
        return Done(left, self.clock.now())

    def key(self, name: str, key: str) -> Access:
        state = "live" if self.bots[name].keys[key] == "live" else "disabled"
        return Access(
            f"fake:key/{name}/{key}",
            bot(name),
            "fake:key",
            "key",
            state,  # type: ignore[arg-type]  # one of two words
            label=f"key {key}",
            before={"state": self.bots[name].keys[key]},
        )

    def session(self, name: str, number: str, born: datetime, **more: object) -> Access:
        return Access(
            f"fake:session/{name}/{number}",
            bot(name),
            "fake:session",
            "session",
            "live",
            created=born,
            **more,  # type: ignore[arg-type]  # fields by name
        )
