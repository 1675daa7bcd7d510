"""`find --repo`: every identity that jobs of a repository could hold, over all providers, side by side.

Two waves, the second as soon as the first shows by which names the repository and its machines are known elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.held import DeliveredThere, HeldByJobs, acting
from nhi_revoke.engine.inventory import blind, canonical, unreachable
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.resolve import one_ref
from nhi_revoke.model.command import command
from nhi_revoke.model.error import Ambiguous, NotFound, Trouble, Usage
from nhi_revoke.model.found import Access, BlindSpot, Found, Lead
from nhi_revoke.model.identity import Delivery, Identity, Principal
from nhi_revoke.model.inventory import Unreachable
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.fault import Fault, Missing, NotInstalled, Unauthenticated
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke.provider.registry import Registry

FORM = "Write OWNER/NAME, or the whole reference: PROVIDER:KIND/OWNER/NAME."
ELSEWHERE = "*"
"""In place of a principal's id: whatever there is in an account that could not be asked."""

NAMED = 8
"""So many of the machines are told by name."""


class Search:
    """One use: `held` looks. Everything runs on the engine's pool of vendor calls; workers never wait for another."""

    def __init__(
        self,
        text: str,
        registry: Registry,
        connections: Connections,
        identities: Iterable[Identity],
        io: EngineIo,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._text, self._registry, self._connections, self._io, self._pool = text, registry, connections, io, pool
        self._identities = tuple(identities)
        self._missing: list[Unreachable] = []
        self._found: list[Found] = []
        self._asked: list[str] = []

    def held(self) -> HeldByJobs:
        """Raises NotFound where no provider knows the repository, Ambiguous where several do, Usage for what is none.

        Raises Interrupted: half a look must not read like "nothing there".
        """
        at = self._io.now()
        looks = [look for ref in self._candidates() if (look := self._started(ref)) is not None]
        look = self._known(looks)
        trusts, machines = self._elsewhere(look) if look else ([], [])
        if self._io.stop.is_set():
            raise Interrupted
        who = look.who if look else None
        refs = [who.ref] if who else [each.ref for each in looks]
        identities = tuple(one for ref in refs for one in self._delivered(ref, look.found() if look else ()))
        every = (*(look.found() if look else ()), *self._found)
        return HeldByJobs(
            name=self._text,
            at=at,
            repository=who,
            secrets=look.accesses("secret") if look else (),
            subjects=look.accesses("subject") if look else (),
            runners=look.accesses("machine") if look else (),
            identities=identities,
            trusts=_once(trusts),
            machines=_once(machines),
            asked=tuple(dict.fromkeys(self._asked)),
            blind=tuple(dict.fromkeys(f for f in every if isinstance(f, BlindSpot))),
            unreachable=tuple({(u.ref, u.code): u for u in self._missing}.values()),
            next=acting(who, (*trusts, *machines), identities),
        )

    # -- the repository itself -------------------------------------------------------------------------------------

    def _candidates(self) -> Sequence[PrincipalRef]:
        if ":" in self._text:
            ref = one_ref(self._text, self._registry)
            if self._registry.provider(ref.provider).repository(ref.id) != ref:
                raise Usage("no-repository", f"{self._text!r} names no repository. Nothing was looked at.", FORM)
            return (ref,)
        refs: list[PrincipalRef] = []
        for name in self._registry.names():
            try:
                ref_there = self._registry.provider(name).repository(self._text)
            except Trouble as wrong:
                self._missing.append(unreachable(PrincipalRef(name, "", ELSEWHERE), wrong))
                continue
            if ref_there is not None:
                refs.append(ref_there)
        if not refs and not self._missing:
            why = f"no provider that is installed knows a repository {self._text!r}. Nothing was looked at."
            raise NotFound("not-found", why, FORM)
        return refs

    def _started(self, ref: PrincipalRef) -> _Look | None:
        try:
            plugin: Provider[Any] = self._registry.provider(ref.provider)
            conn = self._connections.of_ref(ref)
        except Trouble as wrong:
            self._missing.append(unreachable(ref, wrong))
            return None
        kinds = [k for k in self._registry.kinds(ref.provider, plugin.kind_of(ref)) if k.for_jobs]
        resolving = self._pool.submit(plugin.resolve, conn, ref)
        listings = {kind: self._pool.submit(_collected, kind, conn, ref, self._io) for kind in kinds}
        return _Look(ref, resolving, listings)

    def _known(self, looks: Sequence[_Look]) -> _Look | None:
        """The one that its provider confirms."""
        known: list[_Look] = []
        absent: list[Missing] = []
        for look in looks:
            try:
                look.who = replace(look.resolving.result(), typed=str(look.ref))
                known.append(look)
            except Missing as fault:
                absent.append(fault)
            except Interrupted:
                raise
            except Exception as fault:  # noqa: BLE001 - one provider's fault is told and never blocks the others
                self._missing.append(unreachable(look.ref, fault))
        if len(known) > 1:
            refs = [str(look.ref) for look in known]
            why = f"{self._text!r} is more than one repository: {', '.join(refs)}"
            raise Ambiguous("ambiguous", f"{why}. Nothing was changed.", "Type one of these in full.")
        if not known and absent and not self._missing:
            raise NotFound("not-found", f"{absent[0].message}. Nothing was changed.", absent[0].hint)
        return known[0] if known else None

    # -- elsewhere -------------------------------------------------------------------------------------------------

    def _elsewhere(self, look: _Look) -> tuple[list[Lead], list[Lead]]:
        """Trusts are read as soon as the names of the jobs are known; machines, as soon as theirs are."""
        assert look.who is not None
        doors = [a.door for a in look.accesses("subject")]
        who = replace(look.who, aliases=tuple(dict.fromkeys((*look.who.aliases, *doors))))
        places = self._places(who.ref.provider)
        if not places:
            why = "whose trust lets its jobs in: no provider that is installed and enabled can tell"
            self._found.append(BlindSpot(who.ref, "trusting", why))
        trusting = [self._pool.submit(self._told, place, "trusting", who) for place in places]
        names = tuple(dict.fromkeys(a.door for a in look.accesses("machine")))
        holding = [self._pool.submit(self._told, place, "on_machines", who, names) for place in places if names]
        if names:
            self._found.append(_machines_unseen(look, names))
        return self._gathered(trusting), self._gathered(holding)

    def _places(self, own: str) -> Sequence[tuple[str, str]]:
        """Providers that can tell such trusts, with every account that is connected."""
        places: list[tuple[str, str]] = []
        for name in self._registry.names():
            try:
                plugin = self._registry.provider(name)
                if name != own and type(plugin).trusting is not Provider.trusting:
                    places += [(name, scope) for scope in self._connections.scopes(name)]
            except Trouble as wrong:
                self._missing.append(unreachable(PrincipalRef(name, "", ELSEWHERE), wrong))
        return places

    def _told(self, place: tuple[str, str], what: str, *asked: Any) -> _Told:
        name, scope = place
        try:
            plugin = self._registry.provider(name)
            conn = self._connections.at(name, scope)
            found = list(getattr(plugin, what)(conn, *asked))
        except Interrupted:
            raise
        except Exception as fault:  # noqa: BLE001 - told as a blind spot or an account that could not be asked
            return _Told(place, what, (), fault)
        return _Told((name, conn.scope), what, tuple(found))

    def _gathered(self, answers: Iterable[Future[_Told]]) -> list[Lead]:
        leads: list[Lead] = []
        for answer in answers:
            told = answer.result()
            if told.fault is not None:
                self._failed(told, told.fault)
                continue
            if told.what == "trusting":
                self._asked.append(" ".join(told.place).strip())
            leads += [f for f in told.found if isinstance(f, Lead)]
            self._found += [f for f in told.found if isinstance(f, BlindSpot)]
        return leads

    def _failed(self, told: _Told, fault: Exception) -> None:
        """Who cannot be asked at all, and what was not told."""
        name, scope = told.place
        there = PrincipalRef(name, "", scope or ELSEWHERE)
        if not isinstance(fault, Fault) or isinstance(fault, Unauthenticated | NotInstalled):
            self._missing.append(unreachable(there, fault))
            return
        what = "whose trust lets its jobs in" if told.what == "trusting" else "what its machines hold"
        why = f"{what}, could not be read ({fault.message})"
        self._found.append(BlindSpot(there, told.what.replace("_", "-"), why, getattr(fault, "needs", "")))

    # -- the map ---------------------------------------------------------------------------------------------------

    def _delivered(self, repository: PrincipalRef, found: Sequence[Found]) -> Iterable[DeliveredThere]:
        for identity in self._identities:
            for delivery in identity.deliver:
                kept = self._kept(delivery, identity, repository, found)
                if kept is not False:
                    yield DeliveredThere(
                        identity=identity.name,
                        owner=identity.owner,
                        kind=delivery.kind,
                        to=delivery.to,
                        sure=bool(kept),
                        evidence=f"identity.{identity.name}.deliver of nhi.toml",
                        next=command("list", identity.name),
                    )

    def _kept(
        self, delivery: Delivery, identity: Identity, repository: PrincipalRef, found: Sequence[Found]
    ) -> bool | None:
        store, _, address = delivery.to.partition(":")
        try:
            owner = self._registry.provider_of(f"{store}/stage")
            return owner == repository.provider and self._registry.provider(owner).kept_in(address, repository, found)
        except Trouble as wrong:
            why = f"whether {delivery.to} of identity {identity.name} lies there is not known ({wrong.message})"
            self._found.append(BlindSpot(repository, "deliver", why))
            return False


class _Look:
    """One repository under way."""

    def __init__(
        self,
        ref: PrincipalRef,
        resolving: Future[Principal],
        listings: dict[AccessKind[Any], Future[Sequence[Found]]],
    ) -> None:
        self.ref, self.resolving, self.listings = ref, resolving, listings
        self.who: Principal | None = None

    def found(self, wanted: str = "") -> tuple[Found, ...]:
        """Of these kinds, or of all: waits for them."""
        assert self.who is not None
        listings = [listing for kind, listing in self.listings.items() if wanted in ("", kind.for_jobs)]
        return tuple(canonical(item, self.ref, self.who) for listing in listings for item in listing.result())

    def accesses(self, wanted: str) -> tuple[Access, ...]:
        return tuple(f for f in self.found(wanted) if isinstance(f, Access))


class _Told(Struct, frozen=True):
    """What one account answered."""

    place: tuple[str, str]
    what: str
    found: tuple[Lead | BlindSpot, ...]
    fault: Exception | None = None


def _collected(kind: AccessKind[Any], conn: Any, ref: PrincipalRef, io: EngineIo) -> Sequence[Found]:
    """A listing that failed is a blind spot, never "none"."""
    try:
        return list(kind.collect(conn, ref, io))
    except Missing:
        return ()
    except Interrupted:
        raise
    except Exception as fault:  # noqa: BLE001 - as in every list
        return [blind(ref, kind, fault)]


def _machines_unseen(look: _Look, names: Sequence[str]) -> BlindSpot:
    """No API shows what a machine holds."""
    kind = look.accesses("machine")[0].kind
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    told = f"{', '.join(names[:NAMED])}{more}"
    why = (
        f"what else is on the machines {told}: files, logins, environment, roles that no name tells. Look there, or "
        "build them anew: what their jobs could read counts as taken"
    )
    assert look.who is not None
    return BlindSpot(look.who.ref, kind, why)


def _once(leads: Iterable[Lead]) -> tuple[Lead, ...]:
    """An account may be connected under two scopes."""
    return tuple(dict.fromkeys(leads))
