"""One look at everything an identity has: every first-level read at once, on every provider."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.found import SESSION_FAMILIES, Access, BlindSpot, Found, Lead
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory, Unreachable
from nhi_revoke.model.ref import AccessId, PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Denied, Fault, Missing, NotInstalled, Unauthenticated
from nhi_revoke.provider.kind import AccessKind

LOG_WINDOW = timedelta(hours=36)
"""The longest life of a session that any provider here mints; older log lines show no live one."""

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

    def look(self, identity: Identity, *, enrich: bool, experimental: bool, late: bool = True) -> Inventory:
        """Resolve, whoami and every kind's `collect`, all in one wave; then last use, where asked. Without `late`,
        kinds whose listing takes long are left out; without `experimental`, principals of that sort are not looked at,
        and that is said.

        Raises Interrupted: half a look must not read like "nothing there".
        """
        at = self._io.now()
        looks = [Look(ref, found=[]) for ref in identity.principals]
        jobs: list[Future[None]] = []
        operators: dict[tuple[str, str], Future[Sequence[PrincipalRef]]] = {}
        for look in looks:
            try:
                if not experimental and (said := self._experimental(look.ref)):
                    look.unreachable = said
                    continue
                jobs += self._start(look, operators, late)
            except Trouble as wrong:
                look.unreachable = unreachable(look.ref, wrong)
        for job in jobs:
            job.result()
        self._stopped()
        operator: list[PrincipalRef] = []
        for key, chain in operators.items():
            try:
                operator += chain.result()
            except Exception as fault:  # noqa: BLE001 - one provider's fault is told and never blocks the others
                self._nobody(looks, key, fault)
        inventory = assemble(identity, looks, at, tuple(dict.fromkeys(operator)))
        return self.enrich(inventory) if enrich else inventory

    def _start(
        self, look: Look, operators: dict[tuple[str, str], Future[Sequence[PrincipalRef]]], late: bool
    ) -> Iterable[Future[None]]:
        registry = self._connections.registry
        plugin = registry.provider(look.ref.provider)
        conn = self._connections.of_ref(look.ref)
        key = (look.ref.provider, self._connections.scope_of(look.ref))
        if key not in operators:
            operators[key] = self._pool.submit(conn.whoami)
        yield self._pool.submit(self._resolve, look, plugin, conn)
        for kind in registry.kinds(plugin.name, plugin.kind_of(look.ref)):
            if late or not kind.late:
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
        start = intent.since or self._io.now() - LOG_WINDOW
        jobs: list[Callable[[], list[Found]]] = []
        for principal in inventory.principals:
            conn = self._connections.of_ref(principal.ref)
            readers = [k for k in self._kinds(principal) if type(k).observe is not AccessKind.observe]
            jobs += [self._watcher(kind, conn, principal, inventory, start) for kind in readers]
        results = [self._pool.submit(job) for job in jobs]
        found = [f for result in results for f in result.result()]
        self._stopped()
        seen = outsiders_become_leads(found, {p.ref for p in inventory.principals})
        known = (*inventory.accesses, *self._beyond(seen, intent))
        return tuple(denied_already(f, known) for f in seen)

    def _beyond(self, seen: Sequence[Found], intent: Intent) -> tuple[Access, ...]:
        """What stands on the principals that leads point at: somebody may have cut them already."""
        refs = tuple(dict.fromkeys(f.to for f in seen if isinstance(f, Lead) and f.session))
        if not refs:
            return ()
        return self.look(Identity("leads", refs), enrich=False, experimental=intent.experimental, late=False).accesses

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


def outsiders_become_leads(found: Iterable[Found], insiders: set[PrincipalRef]) -> tuple[Found, ...]:
    """A session on a principal that the plan does not name is a lead: this plan never touches it."""
    out: dict[tuple[str, str], Found] = {}
    for one in found:
        item = as_lead(one) if isinstance(one, Access) and one.on not in insiders else one
        key = (type(item).__name__, item.id if isinstance(item, Access) else msgspec.json.encode(item).decode())
        out.setdefault(key, item)
    return tuple(out.values())


def denied_already(item: Found, accesses: Sequence[Access]) -> Found:
    """A session issued before a cut-off that stands on its principal can do nothing, whoever put the cut-off there."""
    on = item.on if isinstance(item, Access) and item.family in SESSION_FAMILIES else None
    born = item.created if isinstance(item, Access) else None
    if isinstance(item, Lead) and item.session:
        on, born = item.to, item.at
    cutoffs = [a.denied_before for a in accesses if a.on == on and a.denied_before is not None]
    if born is None or not any(born < cutoff for cutoff in cutoffs):
        return item
    why = f"what was issued before {max(cutoffs):%Y-%m-%dT%H:%M:%SZ} is denied there already"
    if isinstance(item, Lead):
        return replace(item, shut=why)
    if isinstance(item, Access) and not item.id.endswith("/*"):
        return replace(item, state="disabled", note=f"{item.note}; {why}".lstrip("; "))
    return item


def as_lead(access: Access) -> Lead:
    """A session on a principal outside of the plan."""
    name = access.label or access.id
    why = f"{name}, begun with {access.parent}" if access.parent else name
    return Lead(access.on, why, access.evidence, at=access.created, session=access.id, until=access.expires)


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
