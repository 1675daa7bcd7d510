"""The engine's front door: what every command calls. One object per command."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Literal

from msgspec.structs import replace

from nhi_revoke.config import Config
from nhi_revoke.engine import guard, takeback
from nhi_revoke.engine.approval import must_be_approved
from nhi_revoke.engine.checkup import check_identities
from nhi_revoke.engine.clock import Clock, LiveClock, SandboxClock
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.consent import Consent
from nhi_revoke.engine.consumers import FoundConsumers, Seeker
from nhi_revoke.engine.event import SaysEvent, Tell
from nhi_revoke.engine.foresight import flush_looks
from nhi_revoke.engine.handover import Handover, handover
from nhi_revoke.engine.held import HeldByJobs
from nhi_revoke.engine.history import History
from nhi_revoke.engine.inventory import Surveyor
from nhi_revoke.engine.io import EngineIo, Show
from nhi_revoke.engine.journal import BeforeAppend, Journal
from nhi_revoke.engine.leaks import hold_leaks, must_be_held, unclaimed
from nhi_revoke.engine.liveness import ask_alive
from nhi_revoke.engine.lock import Locking, Locks
from nhi_revoke.engine.lookalikes import Lookalikes
from nhi_revoke.engine.nobody import nothing_there
from nhi_revoke.engine.owners import Owner, resolve_owners
from nhi_revoke.engine.planner import make_plan, named_in_vain
from nhi_revoke.engine.report import make_report
from nhi_revoke.engine.repository import Search
from nhi_revoke.engine.resolve import resolve
from nhi_revoke.engine.rights import Asked, holdings
from nhi_revoke.engine.runs import RunSummary, find_run, summary
from nhi_revoke.engine.search import FoundPrincipals
from nhi_revoke.engine.sharing import Share
from nhi_revoke.engine.stale import refreshed
from nhi_revoke.engine.states import left_over, require, require_unmoved
from nhi_revoke.engine.store import Journals, RunFolder
from nhi_revoke.engine.work import Work
from nhi_revoke.model.checkup import Finding
from nhi_revoke.model.error import NotFound
from nhi_revoke.model.found import Access, BlindSpot, Lead, Leak
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.line import Verb
from nhi_revoke.model.liveness import Liveness
from nhi_revoke.model.nearest import nearest
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import AccessId, PrincipalRef, Utc
from nhi_revoke.model.report import Report
from nhi_revoke.model.right import Holding
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.secret import Secret

__all__ = ["Consent", "Engine", "FoundConsumers", "FoundPrincipals", "HeldByJobs", "RunSummary"]

WORKERS = 64
"""Vendor calls wait on the network: many threads, little work. Five vendors' first reads go side by side."""

OLD_AFTER = 15.0
"""Seconds after which a plan that was shown is held against the world again."""


class Engine:
    """Built by the command line from the registry, the configuration and a clock; closed at its end."""

    def __init__(
        self,
        registry: Registry,
        config: Config,
        tell: Tell,
        *,
        show: Show | None = None,
        clock: Clock | None = None,
        journals: Journals | None = None,
        locks: Locking | None = None,
        run_id: Callable[[], str] | None = None,
        before_append: BeforeAppend | None = None,
        share: Share | None = None,
        settings_name: str = "",
    ) -> None:
        """`show`: to whoever sits at the terminal. `journals`, `locks`: where they are kept, by default in the state
        folder. `run_id` and `before_append` are for tests: a name for the next run, and a hook before each line.
        `share`: what tenants may be asked, by all workers together; `settings_name`: what these settings are called
        there, where a tenant's own name is not known yet.
        """
        self.registry = registry
        self.config = config
        self.tell = tell
        self.clock = clock or clock_for(config)
        self._io = EngineIo(self.clock, tell=tell, show=show)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="vendor")
        self.connections = Connections(registry, config, self._io, share, settings_name)
        self.surveyor = Surveyor(self.connections, self._io, self._pool)
        self._store: Journals = journals or RunFolder(config.state / "runs")
        self._locks: Locking = locks or Locks(config.state / "locks")
        self._run_id = run_id or self._new_run_id
        self._before_append = before_append
        self._planned: dict[str, int] = {}  # bytes of a run's journal when a plan on it was made

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the pools and clients; waits for calls under way, as long as their sockets do."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._io.close()
        self._store.close()

    def interrupt(self) -> None:
        """First Ctrl-C: start nothing more; what is under way ends and is journaled."""
        self._io.stop.set()

    def _new_run_id(self) -> str:
        return f"{self.clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"

    def hold_leaked(self, text: str, pieces: Sequence[str] = ()) -> None:
        """Credentials that leaked, for whatever can try or end them by value; tells what was recognised, and never a
        value. `pieces`: the findings, where the text is a scanner's report. Raises Usage where nothing was.
        """
        what, wrong = hold_leaks(text, self.registry, self._io, pieces).told()
        self.tell(SaysEvent(what))
        if wrong:
            self.tell(SaysEvent(wrong, "warning"))

    # -- triage ----------------------------------------------------------------------------------------------------

    def alive(self, found: Sequence[tuple[str, Recognised]]) -> tuple[Liveness, ...]:
        """Whether each still opens anything, with the name of the provider that recognised it; in their order."""
        return ask_alive(found, self.registry, self.config, self._io, self._pool)

    def owners(self, refs: Iterable[PrincipalRef]) -> dict[PrincipalRef, Owner]:
        """Who each reference is, by the operator's own login; or why nobody can say."""
        return resolve_owners(refs, self.connections, self._pool)

    def survey(self, refs: Sequence[PrincipalRef], *, logs: bool) -> Inventory:
        """What a `list` of all of these shows, in one look. Raises nothing for who is not there."""
        identity = Identity("triage", tuple(refs))
        found = self.surveyor.look(identity, enrich=False, experimental=False)
        return self._with_logs(found, Intent()) if logs and found.principals else found

    def hold_values(self, pairs: Iterable[tuple[Leak, Secret]]) -> None:
        """Leaked values for whatever can try or end them, as `hold_leaked` does; of a text that was told already."""
        for leak, value in pairs:
            self._io.hold(leak, value)

    # -- looking ---------------------------------------------------------------------------------------------------

    def resolve(self, names: Sequence[str]) -> Identity:
        """An identity of the map, or bare principals. Raises NotFound with the nearest names, Ambiguous, Usage."""
        return resolve(names, self.config, self.registry)

    def inventory(
        self,
        identity: Identity,
        intent: Intent,
        *,
        logs: bool,
        enrich: bool | None = None,
        late: bool = True,
    ) -> Inventory:
        """Raises NothingCanStart when no provider could look at anything, NotFound when no principal exists.

        `enrich` (last use and the like) costs a second wave: by default only with `logs` or where a rotation needs it.
        Without `late`, kinds whose listing takes long are left to the run, but for those that the intent names.
        """
        wanted = logs or bool(intent.replace and intent.rotate != "no") if enrich is None else enrich
        found = self.surveyor.look(
            identity,
            enrich=wanted,
            late=late or names_late(intent, self.registry),
            experimental=intent.experimental,
        )
        if not found.principals:
            raise nothing_there(found)
        found = self._claimed(found)
        return self._with_logs(found, intent) if logs else found

    def _claimed(self, found: Inventory) -> Inventory:
        """With what was handed over and is nobody's here."""
        return replace(found, blind=(*found.blind, *unclaimed(found, self._io.leaks, self.registry)))

    def _with_logs(self, found: Inventory, intent: Intent) -> Inventory:
        seen = self.surveyor.observe(found, intent)
        return replace(
            found,
            accesses=(*found.accesses, *(f for f in seen if isinstance(f, Access))),
            leads=(*found.leads, *(f for f in seen if isinstance(f, Lead))),
            blind=(*found.blind, *(f for f in seen if isinstance(f, BlindSpot))),
        )

    def find(self, name: str) -> FoundPrincipals:
        """Principals that look like one identity of this name, in every connected account."""
        return Lookalikes(name, self.config.identities, self.registry, self.connections, self._io).found()

    def check_identities(self, names: Sequence[str]) -> tuple[Finding, ...]:
        """Whether the map holds, for these identities or all. Raises NotFound with the nearest name."""
        known = self.config.identities
        for name in names:
            if name not in known:
                near = nearest(name, known)
                hint = f"Did you mean {near}?" if near else "nhi-revoke identities  shows those of the map."
                raise NotFound("unknown-identity", f"the map has no identity {name!r}. Nothing was looked at.", hint)
        # What is shared shows only where all of them are looked at.
        found = check_identities(tuple(known.values()), self.connections, self._pool)
        return tuple(each for each in found if not names or each.identity in names)

    def holdings(self, asked: Sequence[Asked]) -> Sequence[dict[str, Holding]]:
        """What the operator may do on each of these connections, side by side; by permission."""
        return self._io.map(
            lambda one: holdings(self.registry.provider(one.provider), one.conn, one.permissions), asked
        )

    def held_by_jobs(self, repository: str) -> HeldByJobs:
        """Every identity that jobs of this repository could hold. Raises NotFound, Ambiguous, Usage."""
        identities = self.config.identities.values()
        return Search(repository, self.registry, self.connections, identities, self._io, self._pool).held()

    def consumers(self, name: str) -> FoundConsumers:
        """What uses the credentials of this identity or principal, or may. Raises NotFound, Ambiguous, Usage."""
        identity, known = self.resolve([name]), self.config.identities
        return Seeker(identity, known, self.registry, self.connections, self.surveyor, self._io, self._pool).found()

    def plan(self, inventory: Inventory, intent: Intent, *, looks: bool = True) -> Plan:
        """Asks nothing but what each flush would meet, and without `looks` nothing at all. Raises Usage for a delivery
        to an unknown store.
        """
        made = make_plan(inventory, intent, self.registry, self.connections.scope_of_target)
        if looks:
            made = replace(made, looks=flush_looks(made, self.connections, self._pool))
        return replace(made, notices=(*made.notices, *named_in_vain(made)))

    # -- acting ----------------------------------------------------------------------------------------------------

    def guard(self, plan: Plan, consent: Consent | None) -> None:
        """Raises Refused with the reason. Without consent: only what no consent could lift."""
        guard.check(plan, self.config.protect, consent)

    def run(self, plan: Plan, verb: Verb, consent: Consent, *, run: str = "") -> Report:
        """Carry out a plan that was shown or saved, guards first. `run`: its id, where the caller names it; else a new.

        Raises Refused, Stopped (Ctrl-C), Partial or NothingChanged (the journal cannot be written).
        """
        self.guard(plan, consent)
        must_be_approved(self.config.approval, plan, consent.approval)
        if verb != "apply" and (self.clock.now() - plan.at).total_seconds() > OLD_AFTER:
            # Somebody thought about it at the prompt: what stands there now is read again before it is written over.
            plan = self.refresh(plan, stale="drop")
            self.guard(plan, consent)
        run = run or self._run_id()
        with self._locks.take((str(p.ref) for p in plan.principals), run, verb):
            work = self._work(Journal.create(self._store, run, before_append=self._before_append))
            return work.begin(plan, verb, consent)

    def refresh(self, saved: Plan, *, stale: Literal["drop", "refuse"]) -> Plan:
        """A saved plan held against the world as it is: changed targets dropped (or refused).

        Raises Refused for a plan of another account, for one with every target stale, and for one that ends by value
        what nobody handed over.
        """
        identity = replace(saved.identity, principals=tuple(p.ref for p in saved.principals))
        late = any(self.registry.kind(kind).late for kind in {a.kind for a in saved.accesses})
        must_be_held(saved, self._io.leaks, self.registry)
        now = self.surveyor.look(identity, enrich=False, late=late, experimental=saved.intent.experimental)
        return refreshed(saved, self._claimed(now), stale=stale)

    def run_id(self, text: str) -> str:
        """A run id, a unique beginning, `@last`, or an identity (its newest run). Raises NotFound."""
        return find_run(self._store, text)

    def resume(self, run: str) -> Report:
        """Goes on after a crash, a Ctrl-C or failed steps. Raises as `run` does."""
        history = self._history(run, "resume")
        if history.now.opened.verb not in ("undo", "release", "finish") or left_over(history):
            self._guard_anew(history)
        with self._opened(run, "resume") as work:
            return work.resume()

    def verify(self, run: str) -> Report:
        """Looks again; changes nothing at the vendor."""
        self._history(run, "verify")
        with self._opened(run, "verify") as work:
            return work.verify()

    def hold(self, run: str, *, interval: float, until: Utc | None) -> Report:
        """Until the last residual has passed, or `until`: re-reads every `interval` seconds, closes what came open."""
        self._guard_anew(self._history(run, "hold"))
        with self._opened(run, "hold") as work:
            return work.hold(interval, until)

    def plan_undo(self, run: str, accesses: Sequence[AccessId], rearm: Sequence[AccessId]) -> Plan:
        """What can be taken back now. Raises Refused with the time before which it would bring sessions back."""
        return takeback.undo_plan(self._planning(run, "undo"), accesses, rearm, self.clock.now())

    def plan_release(self, run: str, *, wait: bool) -> Plan:
        """Takes brakes off. Raises Refused when none is on, or when it would bring old sessions back."""
        return takeback.release_plan(self._planning(run, "release"), self.registry, self.clock.now(), wait=wait)

    def plan_finish(self, run: str) -> Plan:
        """Deletes what the run disabled. Raises Refused when there is nothing to delete yet."""
        return takeback.finish_plan(self._planning(run, "finish"), self.registry, self.clock.now())

    def act(self, run: str, verb: Verb, plan: Plan, consent: Consent) -> Report:
        """Carry out a plan of `plan_undo`, `plan_release` or `plan_finish` on that run."""
        self.guard(plan, consent)
        with self._opened(run, verb) as work:
            require_unmoved(run, verb, self._planned.get(run), len(self._store.read(run)))
            return work.act(verb, plan, consent)

    def report(self, run: str) -> Report:
        """From the journal alone; no vendor is asked."""
        journal = Journal.open(self._store, run)
        history = History(journal.lines)
        last = history.last_report
        if history.now.closed is not None and last is not None:
            # A journal of an older version holds reports without an owner.
            owner = last.owner or history.first.plan.identity.owner
            return replace(last, journal_sha256=journal.sha256(), owner=owner)
        return make_report(journal, history, self.clock.now(), closing=False)

    def runs(self) -> tuple[RunSummary, ...]:
        """Every run on this machine, oldest first; tampered ones too."""
        return tuple(summary(self._store, run) for run in sorted(self._store.runs()))

    def handover(self, run: str) -> Handover:
        """What the next shift must know first of a run. Raises as `report` does."""
        return handover(History(Journal.open(self._store, run).lines), self.report(run))

    def _history(self, run: str, verb: str) -> History:
        history = History(Journal.open(self._store, run).lines)
        require(run, history, verb)
        return history

    def _planning(self, run: str, verb: str) -> History:
        """As a plan sees it that is asked about now, and carried out by `act` later."""
        history = self._history(run, verb)
        self._planned[run] = len(self._store.read(run))
        return history

    def _guard_anew(self, history: History) -> None:
        """Whoever goes on with a run may be somebody else than who began it, and `protect` may have changed since."""
        plan = history.first.plan
        operator = self.surveyor.operator(p.ref for p in plan.principals)
        self.guard(replace(plan, operator=operator), None)

    def _work(self, journal: Journal) -> Work:
        return Work(
            journal,
            self.connections,
            self.surveyor,
            self._io,
            self._pool,
            self.tell,
            protect=self.config.protect,
            plans=self.config.state / "plans",
        )

    @contextmanager
    def _opened(self, run: str, verb: str) -> Iterator[Work]:
        """Under its lock, and read there: what somebody else wrote meanwhile is seen, and never written over."""
        refs = [str(p.ref) for p in History(Journal.open(self._store, run).lines).first.plan.principals]
        with self._locks.take(refs, run, verb):
            journal = Journal.open(self._store, run, before_append=self._before_append)
            require(run, History(journal.lines), verb)
            yield self._work(journal)


def names_late(intent: Intent, registry: Registry) -> bool:
    """Whether the intent names an access of a kind that is listed late: then it is looked at before the plan."""
    named = (*intent.cut_trust, *intent.keep_trust, *intent.free_slot, intent.scope)
    return any(
        access.startswith(f"{kind.name}/")
        for provider in registry.names()
        if any(access.startswith(f"{provider}:") for access in named)
        for kind in registry.kinds(provider)
        for access in named
        if kind.late
    )


def clock_for(config: Config) -> Clock:
    """Real time, unless the settings name a sandbox's clock (loopback only)."""
    if not config.sandbox:
        return LiveClock()
    from nhi_revoke.provider.sandbox.remote import RemoteClock

    return SandboxClock(RemoteClock(config.sandbox))
