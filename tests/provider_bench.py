"""A provider against its sandbox: by itself, without an engine, and as a whole world. For providers over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.found import Access, BlindSpot, Found, Lead
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.ref import Json, PrincipalRef, StepId
from nhi_revoke.model.report import Outcome, Report
from nhi_revoke.model.step import Draft, Step
from nhi_revoke.provider.connection import Connection
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.kind import View
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import Sandbox
from nhi_revoke.provider.secret import Secret
from nhi_revoke.testing.conformance.world import World

S = TypeVar("S", bound=Sandbox)
C = TypeVar("C", bound=Connection)
Open = Callable[[Any, EngineIo, Mapping[str, str]], C]


class Notes:
    """A run that remembers what steps left."""

    def __init__(self, run_id: str = "20261128T120000Z-7f3a") -> None:
        self.id = run_id
        self.lefts: dict[StepId, Json] = {}
        self.secrets: dict[StepId, Secret] = {}

    def left(self, step: StepId) -> Json:
        return self.lefts.get(step, {})

    def give(self, step: StepId, secret: Secret) -> None:
        self.secrets[step] = secret

    def take(self, step: StepId) -> Secret:
        return self.secrets[step]

    def holds(self, step: StepId) -> bool:
        return step in self.secrets


class ProviderBench(Generic[S, C]):
    """One sandbox, one connection to it, and the provider between. Waits move the sandbox's clock."""

    def __init__(self, provider: Provider[C], sandbox: S, clock: MovableClock, open_: Open[C]) -> None:
        """`open_`: a connection from settings, the engine's side, and the whole environment that it sees."""
        self.sandbox, self.provider, self._open = sandbox, provider, open_
        self.io = EngineIo(SandboxClock(clock))
        self.settings: Any = msgspec.convert(sandbox.settings(), provider.settings)
        self.conn = self.connect()
        self.run = Notes()
        self.kinds = {k.name: k for k in provider.kinds()}

    def connect(self, environ: dict[str, str] | None = None, **changes: Any) -> C:
        """`environ`: the whole environment that it sees; by default an empty one."""
        return self._open(msgspec.structs.replace(self.settings, **changes), self.io, environ or {})

    def resolve(self, text: str) -> Principal:
        return self.provider.resolve(self.conn, PrincipalRef.parse(text))

    def collect(self, text: str, kind: str = "") -> list[Found]:
        """By every kind of its principal, or one, as the engine fills it in. Raises Denied."""
        ref, who = PrincipalRef.parse(text), self.resolve(text)
        found: list[Found] = []
        for each in self.kinds.values():
            if who.kind in each.on and kind in ("", each.name):
                with contextlib.suppress(Missing):  # means "none"
                    found += each.collect(self.conn, ref, self.io)
        return [filled(f, who) for f in found]

    def accesses(self, text: str, kind: str = "") -> dict[str, Access]:
        return {f.id: f for f in self.collect(text, kind) if isinstance(f, Access)}

    def view(self, text: str, **more: Any) -> View:
        who, found = self.resolve(text), self.collect(text)
        inventory = Inventory(
            identity=more.pop("identity", Identity(who.name, (who.ref,))),
            at=self.conn.now(),
            principals=(who,),
            accesses=tuple(f for f in found if isinstance(f, Access)),
            blind=tuple(f for f in found if isinstance(f, BlindSpot)),
            leads=tuple(f for f in found if isinstance(f, Lead)),
            **more,
        )
        return View(who, inventory)

    def observe(self, text: str, kind: str, since: datetime) -> list[Found]:
        view = self.view(text)
        return list(self.kinds[kind].observe(self.conn, view.who, view.accesses, since, self.io))

    def draft(self, text: str, **intent: Any) -> list[Draft]:
        view = self.view(text)
        return [d for k in self.kinds.values() if view.who.kind in k.on for d in k.draft(view, Intent(**intent))]

    def steps(self, text: str, **intent: Any) -> list[Step]:
        """With ids, in the order of the draft."""
        drafted = [d for d in self.draft(text, **intent) if isinstance(d, Step)]
        return [msgspec.structs.replace(step, id=f"s{number}") for number, step in enumerate(drafted)]

    def doer(self, key: str) -> Any:
        kind = self.kinds[key.rpartition("/")[0]]
        name = key.rpartition("/")[2]
        return next(d for d in (*kind.remedies, *([kind.mint] if kind.mint else [])) if d.name == name)

    def do(self, step: Step) -> Any:
        """Apply, and remember what it left."""
        change = self.doer(step.does).apply(self.conn, step, self.run)
        if hasattr(change, "left"):
            self.run.lefts[step.id] = change.left
        return change

    def seen(self, step: Step) -> Any:
        return self.doer(step.does).seen(self.conn, step, self.run)

    def prove(self, step: Step) -> Any:
        return self.doer(step.does).prove(self.conn, step, self.run)

    def undo(self, step: Step) -> Any:
        return self.doer(step.does).undo(self.conn, step, self.run.left(step.id), self.run)

    def writes(self) -> list[str]:
        """What the operator changed, in order."""
        return [c.name for c in self.sandbox.calls() if c.by == "operator" and c.mutates]

    def doors(self) -> dict[str, bool]:
        """By the door's name without its provider's."""
        return {d.id.partition("/")[2]: d.open() for d in self.sandbox.doors()}


def filled(found: Found, who: Principal) -> Found:
    """As the engine puts the canonical reference and the resolved names in."""
    if isinstance(found, Lead):
        return msgspec.structs.replace(found, of=who.ref) if found.of is not None else found
    changes: dict[str, Any] = {"on": who.ref}
    if isinstance(found, Access):
        for field in ("id", "label", "door"):
            changes[field] = str(getattr(found, field)).replace("{scope}", who.scope).replace("{name}", who.name)
        if found.parent:
            changes["parent"] = found.parent.replace("{scope}", who.scope).replace("{name}", who.name)
    return msgspec.structs.replace(found, **changes)


class ProviderWorld(World):
    """The seeded identity under the real engine, with the store `file:` beside it."""

    def outcome(self, report: Report, access: str) -> Outcome:
        [found] = [o for o in report.outcomes if o.access.id == access or o.access.id.startswith(access)]
        return found

    def open_doors(self) -> set[str]:
        return {name.partition("/")[2] for name, is_open in self.doors().items() if is_open}
