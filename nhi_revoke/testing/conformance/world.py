"""A provider, its started and seeded sandbox, one clock that is moved, and engines on one state folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.config import Config, load_config
from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.journal import Journal
from nhi_revoke.engine.service import Consent, Engine
from nhi_revoke.engine.store import RunFolder
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.line import Line, Verb
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.report import Report
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import Sandbox, Seeded
from nhi_revoke.testing.conformance import toml
from nhi_revoke.testing.conformance.heard import Heard

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
YES = Consent(how="--yes", allow_irreversible=True, force=True, max_accesses=1000)


class Loaded(Struct, frozen=True):
    """Stands in for an installed package's entry point."""

    name: str
    plugin: Provider[Any]

    def load(self) -> Provider[Any]:
        return self.plugin


class World:
    """Made without I/O; `with` starts it. `restart` gives a new sandbox, a new clock and an empty state folder."""

    def __init__(
        self,
        provider: Provider[Any],
        folder: Path,
        *,
        beside: Sequence[Provider[Any]] = (),
        beside_settings: Mapping[str, Mapping[str, Any]] | None = None,
        intent: Intent | None = None,
        managed: str = "",
        operator: str = "",
        environ: Mapping[str, str] | None = None,
        make_sandbox: Callable[[], Sandbox] | None = None,
        leaked: Callable[[Sandbox], str] | None = None,
    ) -> None:
        """`beside`: other providers that the seeded map needs (stores). `intent`: settings of the runs; by default
        everything, replaced at once. `managed`: a principal that the vendor itself manages, and `operator`: the one
        whose credentials the sandbox lends us (canonical), where there are such. `environ`: for real processes, what
        they need to find the provider. `leaked`: what the operator was handed of what the intruder holds, if anything
        was (`--leaked-from`).
        """
        self.provider = provider
        self.managed = managed
        self.operator = operator
        self.environ = dict(environ or {})
        self._root = folder
        self._beside = tuple(beside)
        self._beside_settings = dict(beside_settings or {})
        self._make = make_sandbox
        self.leaked = leaked
        """Handed over to each engine from now on."""
        self._intent = intent or Intent(rotate="now")
        self._lives = 0
        self._sandbox: Sandbox | None = None
        self._seeded: Seeded | None = None
        self.clock = MovableClock(NOON)
        self.heard = Heard()

    def __enter__(self) -> World:
        self.restart()
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def restart(self) -> World:
        """As if nothing had happened yet. Raises what the sandbox kept as its own defect."""
        self._close()
        self._lives += 1
        self.folder.mkdir(parents=True)
        sandbox = self._make() if self._make else self.provider.sandbox()
        if sandbox is None:
            raise TypeError(f"{self.provider.name} has no sandbox: the kit cannot run")
        self._sandbox, self.clock = sandbox, MovableClock(NOON)
        sandbox.start(self.clock)
        self._seeded = sandbox.seed(str(self.folder))
        return self

    def _close(self) -> None:
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            sandbox.close()

    # -- what there is ---------------------------------------------------------------------------------------------

    @property
    def sandbox(self) -> Sandbox:
        if self._sandbox is None:
            raise RuntimeError("the world is not started")
        return self._sandbox

    @property
    def seeded(self) -> Seeded:
        if self._seeded is None:
            raise RuntimeError("the world is not started")
        return self._seeded

    @property
    def name(self) -> str:
        """The seeded identity."""
        return self.seeded.name

    @property
    def folder(self) -> Path:
        """Of this life: nhi.toml, the state, files of stores."""
        return self._root / f"life-{self._lives}"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def registry(self) -> Registry:
        return Registry([Loaded(p.name, p) for p in (self.provider, *self._beside)])

    def config(self, protect: Sequence[str] = ()) -> Config:
        """Writes nhi.toml and reads it back, as a command would."""
        tables = {**self._beside_settings, self.provider.name: self.sandbox.settings()}
        text = [f"protect = {toml.value(list(protect))}", self.seeded.map]
        text += [toml.table(name, settings) for name, settings in tables.items()]
        text.append(toml.table("sandbox", {"control": self.sandbox.control}))
        path = self.folder / "nhi.toml"
        path.write_text("\n".join(text))
        environ = {"NHI_REVOKE_STATE": str(self.state)}
        return load_config(str(path), environ, self.folder, providers=self.registry.known())

    @property
    def intent(self) -> Intent:
        """With the access kinds that have a delivery target."""
        identity = self.config().identities[self.name]
        return replace(self._intent, replace=tuple(sorted({d.kind for d in identity.deliver})))

    # -- what can be done ------------------------------------------------------------------------------------------

    @contextmanager
    def engine(
        self, *, before_append: Callable[[int], None] | None = None, protect: Sequence[str] = ()
    ) -> Iterator[Engine]:
        """A process of its own, as far as memory goes."""
        clock = SandboxClock(self.clock)
        with Engine(
            self.registry, self.config(protect), self.heard.told, clock=clock, before_append=before_append
        ) as engine:
            try:
                if self.leaked is not None:
                    engine.hold_leaked(self.leaked(self.sandbox))
                yield engine
            except BaseException as error:
                self.heard.raised(error)
                raise

    def look(self, *, logs: bool = True, name: str = "") -> Inventory:
        with self.engine() as engine:
            found = engine.inventory(engine.resolve([name or self.name]), self.intent, logs=logs)
        self.heard.result("inventory", found)
        return found

    def plan(self, intent: Intent | None = None, *, name: str = "") -> Plan:
        with self.engine() as engine:
            return self._planned(engine, intent or self.intent, name or self.name)

    def _planned(self, engine: Engine, intent: Intent, name: str) -> Plan:
        made = engine.plan(engine.inventory(engine.resolve([name]), intent, logs=False), intent)
        self.heard.result("plan", made)
        return made

    def run(
        self, plan: Plan | None = None, *, verb: Verb = "revoke", before_append: Callable[[int], None] | None = None
    ) -> Report:
        """A whole run in one process."""
        with self.engine(before_append=before_append) as engine:
            return self._reported(engine.run(plan or self._planned(engine, self.intent, self.name), verb, YES))

    def resume(self, run: str) -> Report:
        with self.engine() as engine:
            return self._reported(engine.resume(run))

    def report(self, run: str) -> Report:
        """From the journal alone."""
        with self.engine() as engine:
            return self._reported(engine.report(run))

    def undo(self, run: str, *, rearm: Sequence[str] = ()) -> Report:
        with self.engine() as engine:
            return self._reported(engine.act(run, "undo", engine.plan_undo(run, (), rearm), YES))

    def verify(self, run: str) -> Report:
        with self.engine() as engine:
            return self._reported(engine.verify(run))

    def _reported(self, report: Report) -> Report:
        self.heard.result("report", report)
        return report

    # -- what can be seen ------------------------------------------------------------------------------------------

    def runs(self) -> tuple[str, ...]:
        return RunFolder(self.state / "runs").runs()

    def lines(self, run: str) -> tuple[Line, ...]:
        """The journal."""
        return Journal.open(RunFolder(self.state / "runs"), run).lines

    def doors(self) -> dict[str, bool]:
        """Every stolen way in, tried now."""
        return {door.id: door.open() for door in self.sandbox.doors()}

    def mutations(self) -> int:
        """How many changing requests the operator has made."""
        return sum(call.mutates and call.by == "operator" for call in self.sandbox.calls())
