"""`find --consumers`: what uses the credentials of an identity, or may, over every provider and account, side by side.

Two waves: what tells its credentials (state APIs, no logs), then everybody who can tell what holds that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.formats import ENV
from nhi_revoke.engine.inventory import Surveyor, unreachable
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.proposal import Map, proposal, spelled, words_for
from nhi_revoke.model.command import command
from nhi_revoke.model.consumer import Basis, Consumer, Mark, Sought
from nhi_revoke.model.error import Ambiguous, NotFound, NothingCanStart, Trouble
from nhi_revoke.model.found import KEY_FAMILIES, BlindSpot
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.inventory import Inventory, Unreachable
from nhi_revoke.model.ref import PrincipalRef, Utc
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.fault import Fault, NotInstalled, Unauthenticated
from nhi_revoke.provider.registry import Registry

ELSEWHERE = "*"
"""In place of a principal's id: whatever there is in an account that could not be asked."""
KIND = "consumers"
STRENGTH: tuple[Basis, ...] = get_args(Basis)
TELLING = {*KEY_FAMILIES, "token"}
"""Families of accesses whose ids a configuration may hold: what hides one of them hides its consumers, too."""


class Told(Consumer, frozen=True):
    """A consumer, held against the map."""

    in_map: bool = False
    """All that could be proposed for it stands in the map already."""


class FoundConsumers(Struct, frozen=True):
    """What uses the credentials of an identity, or may, and where nobody could look."""

    name: str
    """The identity's; of bare principals, the first one's."""
    at: Utc
    principals: tuple[Principal, ...]
    marks: tuple[Mark, ...]
    """What was looked for: never a secret."""
    consumers: tuple[Told, ...]
    """The strongest evidence first."""
    proposal: str
    """TOML to paste into nhi.toml; what a name alone says is commented out."""
    asked: tuple[str, ...] = ()
    """Providers and accounts that answered: no others were looked at."""
    blind: tuple[BlindSpot, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()
    next: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing that was looked for is unseen."""
        return not self.unreachable and not any(spot.counts for spot in self.blind)


class Seeker:
    """One use: `found` looks. Everything runs on the engine's pool of vendor calls; workers never wait for another."""

    def __init__(
        self,
        identity: Identity,
        identities: Mapping[str, Identity],
        registry: Registry,
        connections: Connections,
        surveyor: Surveyor,
        io: EngineIo,
        pool: ThreadPoolExecutor,
    ) -> None:
        """`identities`: of the map, by name."""
        self._identity, self._identities = identity, identities
        self._registry, self._connections, self._surveyor = registry, connections, surveyor
        self._io, self._pool = io, pool
        self._blind: list[BlindSpot] = []
        self._missing: list[Unreachable] = []
        self._asked: list[str] = []

    def found(self) -> FoundConsumers:
        """Raises NotFound or Ambiguous where none of the principals is there.

        Raises Interrupted: half a look must not read like "nobody uses it".
        """
        there = self._surveyor.look(self._identity, enrich=False, experimental=False, late=False)
        _require(there)
        self._missing += there.unreachable
        self._blind += [spot for spot in there.blind if self._hides_marks(spot)]
        written = self._written(there)
        marks = tuple(dict.fromkeys(mark for who in there.principals for mark in self._marks(who, there)))
        sought = Sought(self._name(written, there), there.principals, marks, written.deliver if written else ())
        answers = [self._pool.submit(self._told, place, sought) for place in self._places(there, sought)]
        seen: list[Consumer] = []
        for answer in answers:
            place, found = answer.result()
            seen += self._weighed(place, found)
        if self._io.stop.is_set():
            raise Interrupted
        if not self._asked and not there.principals:
            first = self._missing[0]
            raise NothingCanStart(first.code, f"{_words(self._missing)}. Nothing was looked at.", first.hint)
        plan = Map(self._identity, written, there.principals, sought.name, self._registry, self._identities)
        consumers = [plan.fitted(each) for each in once(seen)]
        text = proposal(plan, consumers)
        return FoundConsumers(
            name=sought.name,
            at=there.at,
            principals=there.principals,
            marks=marks,
            consumers=tuple(_with_map(each, plan) for each in merged(consumers)),
            proposal=text,
            asked=tuple(dict.fromkeys(self._asked)),
            blind=tuple(dict.fromkeys(self._blind)),
            unreachable=tuple({(u.ref, u.code): u for u in self._missing}.values()),
            next=(command("identities", "check", plan.name),) if "[[" in text else (),
        )

    # -- what is looked for ----------------------------------------------------------------------------------------

    def _written(self, there: Inventory) -> Identity | None:
        """The identity as the map has it: as typed, or the only one that has these principals."""
        if self._identity.name in self._identities:
            return self._identities[self._identity.name]
        words = {word for who in there.principals for word in words_for(who)}
        having = [one for one in self._identities.values() if words & set(spelled(one))]
        return having[0] if len(having) == 1 else None

    def _name(self, written: Identity | None, there: Inventory) -> str:
        """A bare reference is no word that anything would be called by."""
        if written is not None:
            return written.name
        return there.principals[0].name if there.principals else self._identity.principals[0].id.rpartition("/")[2]

    def _hides_marks(self, spot: BlindSpot) -> bool:
        try:
            return self._registry.kind(spot.kind).family in TELLING
        except Trouble:
            return True

    def _marks(self, who: Principal, there: Inventory) -> Iterable[Mark]:
        try:
            told = self._registry.provider(who.ref.provider).marks(who, there.of(who.ref))
            mine = [replace(mark, variable=self._variable(mark)) for mark in told]
            return sorted(mine, key=lambda mark: (bool(mark.access), mark.kind, mark.text))
        except Exception as bug:  # noqa: BLE001 - one provider's bug hides nothing of the others
            why = f"by which marks its credentials are told: {type(bug).__name__} in the provider (a bug: report it)"
            self._blind.append(BlindSpot(who.ref, KIND, why))
            return ()

    def _variable(self, mark: Mark) -> str:
        """What its part is called where a replacement is written as `env`; empty where nobody would write it so."""
        mint = self._registry.mint(mark.kind) if mark.kind and mark.field else None
        parts = (part for each in (mint.layouts if mint else ()) if each.name == ENV for part in each.parts)
        return next((variable for variable, field in parts if field == mark.field), "")

    # -- who is asked ----------------------------------------------------------------------------------------------

    def _places(self, there: Inventory, sought: Sought) -> Sequence[tuple[str, str]]:
        """Providers that can tell, with every account that is connected; each connection once."""
        places: list[tuple[str, str]] = []
        taken: set[int] = set()
        for name in self._registry.names():
            try:
                if type(self._registry.provider(name)).consumers is Provider.consumers:
                    continue
                scopes = [*self._connections.scopes(name), *self._own_scopes(name, sought)]
            except Trouble as wrong:
                self._missing.append(unreachable(PrincipalRef(name, "", ELSEWHERE), wrong))
                continue
            for scope in dict.fromkeys(scopes):
                try:
                    conn = self._connections.at(name, scope)
                except Exception as wrong:  # noqa: BLE001 - told as an account that could not be asked
                    self._missing.append(unreachable(PrincipalRef(name, "", scope or ELSEWHERE), wrong))
                    continue
                if id(conn) not in taken:
                    taken.add(id(conn))
                    places.append((name, scope))
        if not places and not self._missing:
            why = "what uses its credentials: no provider that is installed and enabled can tell"
            self._blind += [BlindSpot(who.ref, KIND, why) for who in there.principals[:1]]
        return places

    def _own_scopes(self, name: str, sought: Sought) -> Iterable[str]:
        """Where its principals are, and what is delivered to, whether the settings list that account or not."""
        yield from (self._connections.scope_of(who.ref) for who in sought.principals if who.ref.provider == name)
        for delivery in sought.delivered:
            store, _, address = delivery.to.partition(":")
            with suppress(Trouble):  # a store that nobody knows: `identities check` tells
                if self._registry.provider_of(store) == name:
                    yield self._connections.scope_of_target(f"{store}/stage", address)

    def _told(
        self, place: tuple[str, str], sought: Sought
    ) -> tuple[tuple[str, str], Sequence[Consumer | BlindSpot] | Exception]:
        name, scope = place
        found: list[Consumer | BlindSpot] = []
        try:
            conn = self._connections.at(name, scope)
            found += self._registry.provider(name).consumers(conn, sought)
        except Interrupted:
            raise
        except Exception as fault:  # noqa: BLE001 - told as a blind spot or an account that could not be asked
            return place, fault
        return (name, conn.scope), found

    def _weighed(self, place: tuple[str, str], found: Sequence[Consumer | BlindSpot] | Exception) -> Iterable[Consumer]:
        """Who cannot be asked at all, and what was not told."""
        name, scope = place
        if not isinstance(found, Exception):
            self._asked.append(f"{name} {scope}".strip())
            self._blind += [each for each in found if isinstance(each, BlindSpot)]
            return [each for each in found if isinstance(each, Consumer)]
        there = PrincipalRef(name, "", scope or ELSEWHERE)
        if not isinstance(found, Fault) or isinstance(found, Unauthenticated | NotInstalled):
            self._missing.append(unreachable(there, found))
        else:
            why = f"what uses its credentials there: could not be read ({found.message})"
            self._blind.append(BlindSpot(there, KIND, why, getattr(found, "needs", "")))
        return ()


def once(seen: Iterable[Consumer]) -> list[Consumer]:
    """An account may be connected under two scopes: of what is told twice, what more can be done about is kept."""
    kept: dict[object, Consumer] = {}
    for each in sorted(seen, key=_order):
        same = (each.what, each.scope, each.basis, each.why)
        before = kept.get(same)
        if before is None or _proposals(each) > _proposals(before):
            kept[same] = each
    return list(kept.values())


def merged(consumers: Iterable[Consumer]) -> list[Consumer]:
    """Each thing once, by its strongest basis, with all that speaks for it."""
    kept: dict[tuple[str, str], Consumer] = {}
    for each in sorted(consumers, key=_order):
        first = kept.get((each.what, each.scope))
        kept[each.what, each.scope] = each if first is None else _both(first, each)
    return sorted(kept.values(), key=_order)


def _both(strong: Consumer, weak: Consumer) -> Consumer:
    return replace(
        strong,
        why="; ".join(dict.fromkeys((strong.why, weak.why))),
        evidence=", ".join(dict.fromkeys((*strong.evidence.split(", "), *weak.evidence.split(", ")))),
        of=tuple(dict.fromkeys((*strong.of, *weak.of))),
        deliver=_union(strong.deliver, weak.deliver),
        flush=_union(strong.flush, weak.flush),
        by_hand="; ".join(dict.fromkeys(text for text in (strong.by_hand, weak.by_hand) if text)),
    )


def _union(first: Sequence[Any], more: Sequence[Any]) -> tuple[Any, ...]:
    """Settings of a flush cannot be hashed."""
    return (*first, *(each for each in more if each not in first))


def _order(each: Consumer) -> tuple[int, str, str]:
    return STRENGTH.index(each.basis), each.scope, each.what


def _proposals(each: Consumer) -> int:
    return len(each.deliver) + len(each.flush)


def _with_map(each: Consumer, plan: Map) -> Told:
    covered = [*(plan.delivers(d) for d in each.deliver), *(plan.flushes(f) for f in each.flush)]
    fields = {name: getattr(each, name) for name in Consumer.__struct_fields__}
    return Told(**fields, in_map=bool(covered) and all(covered))


def _require(there: Inventory) -> None:
    """What could not be looked at may be there: only where every principal is known to be none is there nothing."""
    gone = [u for u in there.unreachable if u.code in ("not-found", "ambiguous")]
    if there.principals or len(gone) < len(there.unreachable) or not gone:
        return
    error = Ambiguous if any(u.code == "ambiguous" for u in gone) else NotFound
    hint = next((u.hint for u in gone if u.hint), "")
    raise error(gone[0].code, f"{_words(gone)}. Nothing was changed.", hint)


def _words(missing: Iterable[Unreachable]) -> str:
    return "; ".join(u.why if u.why.startswith(str(u.ref)) else f"{u.ref}: {u.why}" for u in missing)
