"""One look at everything an identity has: every first-level read at once, on every provider."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.outsiders import denied_already, outsiders_become_leads
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.found import Access, BlindSpot, Found, Lead
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory, Unreachable
from nhi_revoke.model.ref import AccessId, PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Denied, Fault, Missing, NotInstalled, Unauthenticated
from nhi_revoke.provider.kind import AccessKind

T = TypeVar("T")
LOG_WINDOW = timedelta(hours=36)
"""The longest life of a session that any provider here mints; older log lines show no live one."""

GOOD_FOR = timedelta(seconds=15)
"""How long a look at whom leads point at is good for a plan of them; as long as a plan that is shown."""

CODES: dict[type[Fault], str] = {
    Missing: "not-found",
    AmbiguousName: "ambiguous",
    Unauthenticated: "no-credentials",
    Denied: "denied",
    NotInstalled: "not-installed",
}


class Reading(Struct):
    """What one kind's listing brought."""

    kinds: tuple[str, ...]
    """The principal kinds that it belongs to: a bare name may have been read as several."""
    found: Sequence[Found] = ()


class Look(Struct):
    """What one principal's reads brought."""

    ref: PrincipalRef
    principal: Principal | None = None
    found: list[Reading] = []
    """In the order of the provider's kinds, whichever answered first."""
    unreachable: Unreachable | None = None


def unreachable(ref: PrincipalRef, fault: Exception) -> Unreachable:
    """A principal that could not be looked at, in words."""
    if isinstance(fault, Trouble):
        return Unreachable(ref, fault.code, fault.message, fault.hint)
    if isinstance(fault, Fault):
        code = next((c for t, c in CODES.items() if isinstance(fault, t)), "unavailable")
        return Unreachable(ref, code, fault.message, fault.hint)
    return Unreachable(ref, "bug", f"{type(fault).__name__} in the provider", "Please report it; --debug shows more.")


def blind(ref: PrincipalRef, kind: AccessKind[Any], fault: Exception, *, logs: bool = False) -> BlindSpot:
    """A listing that failed is unseen, never "none"."""
    what = "logs of " if logs else ""
    needs = ", ".join(kind.reads_logs if logs else kind.reads)
    if isinstance(fault, Denied):
        return BlindSpot(ref, kind.name, f"{what}{kind.title}: not allowed ({fault.message})", fault.needs or needs)
    if isinstance(fault, Fault):
        return BlindSpot(ref, kind.name, f"{what}{kind.title}: could not be read ({fault.message})", "")
    return BlindSpot(
        ref, kind.name, f"{what}{kind.title}: {type(fault).__name__} in the provider (a bug: report it)", ""
    )


class Surveyor:
    """Runs the reads of an inventory side by side."""

    def __init__(self, connections: Connections, io: EngineIo, pool: ThreadPoolExecutor) -> None:
        self._connections = connections
        self._io = io
        self._pool = pool
        self._led: tuple[datetime, dict[PrincipalRef, Look]] | None = None
        """Whom the leads of the last `observe` point at, and when that was looked at."""

    def look(self, identity: Identity, *, enrich: bool, experimental: bool, late: bool = True) -> Inventory:
        """Resolve, whoami and every kind's `collect`, all in one wave; then last use, where asked. Without `late`,
        kinds whose listing takes long are left out; without `experimental`, principals of that sort are not looked at,
        and that is said.

        Raises Interrupted: half a look must not read like "nothing there".
        """
        looks = [Look(ref, found=[]) for ref in identity.principals]
        inventory = self._looked(identity, looks, self._io.now(), experimental=experimental, late=late)
        return self.enrich(inventory) if enrich else inventory

    def look_on(self, identity: Identity, *, experimental: bool) -> Inventory:
        """The same of whom leads point at, for a plan: of those that `observe` looked at just now only what it left
        out. `at` is then when that was. Raises Interrupted.
        """
        now = self._io.now()
        at, known = self._led or (now, {})
        self._led = None
        if now - at > GOOD_FOR:
            known = {}
        looks = [known.get(ref) or Look(ref, found=[]) for ref in identity.principals]
        return self._looked(identity, looks, at if known else now, experimental=experimental, late=True)

    def _looked(
        self, identity: Identity, looks: Sequence[Look], at: datetime, *, experimental: bool, late: bool
    ) -> Inventory:
        operators: dict[tuple[str, str], Future[Sequence[PrincipalRef]]] = {}
        begin: dict[str, list[Iterator[Future[None]]]] = {}
        for look in looks:
            begin.setdefault(look.ref.provider, []).append(self._begun(look, operators, experimental, late))
        # No vendor's first read stands in line behind all of another vendor's.
        for job in list(in_turn(chain.from_iterable(each) for each in begin.values())):
            job.result()
        self._stopped()
        operator: list[PrincipalRef] = []
        for key, whole in operators.items():
            try:
                operator += whole.result()
            except Exception as fault:  # noqa: BLE001 - one provider's fault is told and never blocks the others
                self._nobody(looks, key, fault)
        return assemble(identity, looks, at, tuple(dict.fromkeys(operator)))

    def _begun(
        self,
        look: Look,
        operators: dict[tuple[str, str], Future[Sequence[PrincipalRef]]],
        experimental: bool,
        late: bool,
    ) -> Iterator[Future[None]]:
        """Each read of one principal is begun when it is asked for."""
        try:
            if not experimental and (said := self._experimental(look.ref)):
                look.unreachable = said
            else:
                yield from self._start(look, operators, late)
        except Trouble as wrong:
            look.unreachable = unreachable(look.ref, wrong)

    def _start(
        self, look: Look, operators: dict[tuple[str, str], Future[Sequence[PrincipalRef]]], late: bool
    ) -> Iterator[Future[None]]:
        registry = self._connections.registry
        plugin = registry.provider(look.ref.provider)
        conn = self._connections.of_ref(look.ref)
        key = (look.ref.provider, self._connections.scope_of(look.ref))
        if key not in operators:
            operators[key] = self._pool.submit(conn.whoami)
        known, read = look.principal is not None, iter(look.found)
        look.found = []
        if not known:
            yield self._pool.submit(self._resolve, look, plugin, conn)
        for kind in registry.kinds(plugin.name, plugin.kind_of(look.ref)):
            if known and not kind.late:
                look.found.append(next(read))
            elif late or not kind.late:
                look.found.append(Reading(kind.on))
                yield self._pool.submit(self._collect, look.ref, look.found[-1], kind, conn)

    def _experimental(self, ref: PrincipalRef) -> Unreachable | None:
        plugin = self._connections.registry.provider(ref.provider)
        if not set(plugin.kind_of(ref)) & set(plugin.experimental):
            return None
        why = f"{plugin.title} may still change its interface for it, and what this tool knows of that was never tried"
        return Unreachable(ref, "experimental", why, "--experimental looks at it all the same.")

    def _resolve(self, look: Look, plugin: Any, conn: Any) -> None:
        try:
            who = look.principal = replace(plugin.resolve(conn, look.ref), typed=str(look.ref))
            self._connections.adopt(who.ref.provider, who.scope, conn)
        except Interrupted:
            raise
        except Exception as fault:  # noqa: BLE001 - one provider's fault is told and never blocks the others
            look.unreachable = unreachable(look.ref, fault)

    def _collect(self, ref: PrincipalRef, into: Reading, kind: AccessKind[Any], conn: Any) -> None:
        try:
            into.found = list(kind.collect(conn, ref, self._connections.io(conn)))
        except (Missing, Interrupted):
            return
        except Exception as fault:  # noqa: BLE001 - a listing that failed becomes a blind spot, never "none"
            into.found = [blind(ref, kind, fault)]

    def _stopped(self) -> None:
        if self._io.stop.is_set():
            raise Interrupted

    def operator(self, refs: Iterable[PrincipalRef]) -> tuple[PrincipalRef, ...]:
        """Who acts on these, with the whole chain. Of a login that is missing nothing is told: its steps fail."""
        asked: dict[tuple[str, str], Future[Sequence[PrincipalRef]]] = {}
        told: list[PrincipalRef] = []
        for ref in refs:
            with suppress(Trouble):
                key = (ref.provider, self._connections.scope_of(ref))
                if key not in asked:
                    asked[key] = self._pool.submit(self._connections.of_ref(ref).whoami)
        for whole in asked.values():
            with suppress(Exception):
                told += whole.result()
        self._stopped()
        return tuple(dict.fromkeys(told))

    def _nobody(self, looks: Sequence[Look], key: tuple[str, str], fault: Exception) -> None:
        """Without knowing who the operator is, the guard cannot protect it: that connection is not used."""
        for look in looks:
            if look.ref.provider == key[0] and self._connections.scope_of(look.ref) == key[1] and not look.unreachable:
                look.unreachable = unreachable(look.ref, fault)

    def enrich(self, inventory: Inventory) -> Inventory:
        """Last use and the like. The same accesses, never another state or before."""
        jobs: list[Future[Iterable[Access]]] = []
        for principal in inventory.principals:
            conn = self._connections.of_ref(principal.ref)
            for kind in self._kinds(principal):
                mine = [a for a in inventory.of(principal.ref) if a.kind == kind.name]
                if mine:
                    jobs.append(self._pool.submit(self._enriched, kind, conn, mine))
        better = {a.id: a for job in jobs for a in job.result()}
        return replace(
            inventory,
            accesses=tuple(
                replace(a, last_used=better[a.id].last_used, note=better[a.id].note) if a.id in better else a
                for a in inventory.accesses
            ),
        )

    def _enriched(self, kind: AccessKind[Any], conn: Any, mine: Sequence[Access]) -> Iterable[Access]:
        try:
            return list(kind.enrich(conn, mine, self._connections.io(conn)))
        except Exception as fault:  # noqa: BLE001 - last use is worth no failure
            words = fault.message if isinstance(fault, Fault) else type(fault).__name__
            return [replace(a, note=f"{a.note}; last use unseen: {words}".lstrip("; ")) for a in mine]

    def tells_use(self, access: Access) -> bool:
        """Whether its vendor tells a last use that is exact enough to wait for."""
        return self._connections.registry.kind(access.kind).tells_use

    def last_uses(
        self, accesses: Sequence[Access], principals: Sequence[Principal]
    ) -> dict[AccessId, datetime | str | None]:
        """When each was last used, read now: words where that could not be read; None where no use is told, and for
        what is not there, or lets nobody in, any more.
        """
        groups: dict[tuple[PrincipalRef, str], set[AccessId]] = {}
        for access in accesses:
            groups.setdefault((access.on, access.kind), set()).add(access.id)
        who = {p.ref: p for p in principals}
        found = self._io.map(lambda at: self._last_uses(who[at[0]], at[1], groups[at]), list(groups))
        return {access: last for each in found for access, last in each.items()}

    def _last_uses(self, who: Principal, name: str, ids: Collection[AccessId]) -> dict[AccessId, datetime | str | None]:
        kind = self._connections.registry.kind(name)
        try:
            conn = self._connections.of_ref(who.ref)
            io = self._connections.io(conn)
            rows = (canonical(f, who.ref, who) for f in kind.collect(conn, who.ref, io))
            live = [f for f in rows if isinstance(f, Access) and f.id in ids and f.state in ("live", "unknown")]
            better = {a.id: a for a in kind.enrich(conn, live, io)} if live else {}
        except Interrupted:
            raise
        except Exception as fault:  # noqa: BLE001 - told, and counts as in use
            return dict.fromkeys(ids, fault.message if isinstance(fault, Fault) else type(fault).__name__)
        return dict.fromkeys(ids) | {a.id: better.get(a.id, a).last_used for a in live}

    def observe(self, inventory: Inventory, intent: Intent) -> tuple[Found, ...]:
        """The logs since `intent.since`: slow, lagging, a lower bound. Sessions of principals outside the plan become
        leads.

        Raises Interrupted: what was read of them until then is not what they say.
        """
        readings = [job for p in inventory.principals for job in self.read_logs(p, inventory, intent, self._pool)]
        return self.judge_logs(readings, inventory, intent)

    def read_logs(
        self, principal: Principal, inventory: Inventory, intent: Intent, pool: ThreadPoolExecutor
    ) -> Sequence[Future[list[Found]]]:
        """Begins to read one principal's logs on the pool, and waits for none; `judge_logs` tells what they say."""
        start = intent.since or self._io.now() - LOG_WINDOW
        conn = self._connections.of_ref(principal.ref)
        readers = [k for k in self._kinds(principal) if type(k).observe is not AccessKind.observe]
        return [pool.submit(self._watcher(kind, conn, principal, inventory, start)) for kind in readers]

    def judge_logs(
        self, readings: Iterable[Future[list[Found]]], inventory: Inventory, intent: Intent
    ) -> tuple[Found, ...]:
        """As `observe`, of what was begun by `read_logs`: waits for it. Raises Interrupted."""
        found = [f for reading in readings for f in reading.result()]
        self._stopped()
        seen = outsiders_become_leads(found, {p.ref for p in inventory.principals})
        known = (*inventory.accesses, *self._beyond(seen, intent))
        return tuple(denied_already(f, known) for f in seen)

    def _beyond(self, seen: Sequence[Found], intent: Intent) -> tuple[Access, ...]:
        """What stands on the principals that leads point at: somebody may have cut them already."""
        refs = tuple(dict.fromkeys(f.to for f in seen if isinstance(f, Lead) and f.session))
        if not refs:
            return ()
        looks, at = [Look(ref, found=[]) for ref in refs], self._io.now()
        found = self._looked(Identity("leads", refs), looks, at, experimental=intent.experimental, late=False)
        self._led = at, {look.ref: look for look in looks if look.principal is not None and look.unreachable is None}
        return found.accesses

    def _watcher(
        self, kind: AccessKind[Any], conn: Any, principal: Principal, inventory: Inventory, since: datetime
    ) -> Callable[[], list[Found]]:
        def watch() -> list[Found]:
            try:
                io = self._connections.io(conn)
                return list(kind.observe(conn, principal, inventory.of(principal.ref), since, io))
            except Interrupted:
                return []
            except Exception as fault:  # noqa: BLE001 - unread logs are a blind spot, never "no sessions"
                return [blind(principal.ref, kind, fault, logs=True)]

        return watch

    def _kinds(self, principal: Principal) -> Sequence[AccessKind[Any]]:
        return self._connections.registry.kinds(principal.ref.provider, (principal.kind,))


def in_turn(lines: Iterable[Iterator[T]]) -> Iterator[T]:
    """The first of each line, then the second of each, and so on."""
    waiting = deque(lines)
    while waiting:
        line = waiting.popleft()
        for one in islice(line, 1):
            waiting.append(line)
            yield one


def assemble(identity: Identity, looks: Sequence[Look], at: datetime, operator: tuple[PrincipalRef, ...]) -> Inventory:
    """Canonical references and ids in place of what was typed; each principal once."""
    principals: dict[PrincipalRef, Principal] = {}
    found: list[Found] = []
    missing: list[Unreachable] = []
    for look in looks:
        who = look.principal
        if look.unreachable or who is None:
            missing.append(look.unreachable or Unreachable(look.ref, "unavailable", "interrupted"))
            continue
        if who.ref in principals:
            continue
        principals[who.ref] = who
        found += [canonical(f, look.ref, who) for each in look.found if who.kind in each.kinds for f in each.found]
    known = {f.id for f in found if isinstance(f, Access)}
    return Inventory(
        identity=identity,
        at=at,
        principals=tuple(principals.values()),
        accesses=tuple({f.id: f for f in found if isinstance(f, Access)}.values()),
        leads=tuple(f for f in found if isinstance(f, Lead) and f.to not in principals and f.session not in known),
        blind=tuple(f for f in found if isinstance(f, BlindSpot)),
        unreachable=tuple(missing),
        operator=operator,
    )


def canonical(item: Found, typed: PrincipalRef, who: Principal) -> Found:
    """Fills in what a first-wave read could not know yet."""
    if isinstance(item, Lead):
        return replace(item, of=who.ref) if item.of == typed else item
    on = who.ref if item.on == typed else item.on
    if isinstance(item, BlindSpot):
        return replace(item, on=on)

    def fill(text: str) -> str:
        return text.replace("{scope}", who.scope).replace("{name}", who.name)

    return replace(
        item,
        on=on,
        id=fill(item.id),
        label=fill(item.label),
        door=fill(item.door),
        parent=fill(item.parent) if item.parent else item.parent,
    )
