"""`find NAME`: principals that look like one identity, over every provider and connected account, side by side.

Two waves: what resembles the name, everywhere; then, along their trusts, whom those that are sure name, and who names
them. What joins by the second is followed once more, and no further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.entry import entry, name_in_map
from nhi_revoke.engine.inventory import unreachable
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.likeness import Alike, bears, weighed
from nhi_revoke.engine.resolve import one_ref
from nhi_revoke.engine.search import FoundPrincipals, search
from nhi_revoke.model.alike import Candidate, Resemblance
from nhi_revoke.model.command import command
from nhi_revoke.model.consumer import Mark
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.inventory import Unreachable
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault, Missing, NotInstalled, Unauthenticated
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.resembling import rule_of

KIND = "alike"
ELSEWHERE = "*"
"""In place of a principal's id: whatever there is in an account that could not be asked."""
LOOKS = {
    "alike": "principals that resemble the name",
    "linked": "principals that those which are sure name, or that name them",
}
SHOWN = 3
"""So many commands of one sort are told."""
ROUNDS = 2
"""How often those that joined are followed."""


class _Told(Struct, frozen=True):
    """What one account answered, and why it said no more."""

    place: tuple[str, str]
    scope: str
    found: tuple[Candidate | BlindSpot, ...]
    fault: Exception | None = None


class Lookalikes:
    """One use: `found` looks. Workers never wait for one another."""

    def __init__(
        self,
        name: str,
        identities: Mapping[str, Identity],
        registry: Registry,
        connections: Connections,
        io: EngineIo,
    ) -> None:
        """`identities`: of the map, by name."""
        self._name, self._identities = name, identities
        self._registry, self._connections, self._io = registry, connections, io
        self._blind: list[BlindSpot] = []
        self._missing: list[Unreachable] = []
        self._asked: dict[tuple[str, str], str] = {}
        self._candidates: list[Candidate] = []

    def found(self) -> FoundPrincipals:
        """Raises Interrupted: half a look must not read like "nothing else"."""
        exact = search(self._name, self._registry, self._connections, self._io)
        self._missing += exact.unreachable
        places = self._places()
        self._ask(places, "alike", self._name)
        known = {each.ref for each in self._candidates if bears(each)}
        exactly = Resemblance("exact", "name", "its name", self._name)
        self._candidates += [
            Candidate(ref, ref.kind, self._name, "", resembles=(exactly,)) for ref in exact.refs if ref not in known
        ]
        home = self._home()
        if home:
            self._add_mapped(self._identities[home])
        followed: set[PrincipalRef] = set()
        for _ in range(ROUNDS):
            new = [one.principal for one in self._weighed(home) if one.standing == "sure"]
            new = [each for each in new if each.ref not in followed]
            if not new:
                break
            followed |= {each.ref for each in new}
            self._ask(places, "linked", new)
        if self._io.stop.is_set():
            raise Interrupted
        alike = self._weighed(home)
        text = entry(self._name, home, alike, self._identities)
        return FoundPrincipals(
            name=self._name,
            refs=exact.refs,
            unreachable=tuple({(u.ref, u.code): u for u in self._missing}.values()),
            candidates=alike,
            identity=home,
            asked=tuple(dict.fromkeys(self._asked.values())),
            blind=tuple(dict.fromkeys(self._blind)),
            proposal=text,
            next=self._next(alike, name_in_map(self._name, home, self._identities)),
        )

    def _next(self, found: Sequence[Alike], name: str) -> tuple[str, ...]:
        """What to type once the map has what is sure, and who else lets in the jobs of its repositories; where nothing
        is sure, what tells candidates apart.
        """
        sure = [each.principal.ref for each in found if each.standing == "sure"]
        if not sure:
            return tuple(command("list", each.principal.ref) for each in found[:SHOWN])
        repositories = [ref for ref in sure if self._registry.provider(ref.provider).repository(ref.id) == ref]
        jobs = [command("find", "--repo", ref) for ref in repositories[:SHOWN]]
        return command("list", name), command("identities", "check", name), *jobs

    def _weighed(self, home: str) -> tuple[Alike, ...]:
        return weighed(self._candidates, home, self._mapped())

    # -- who is asked ----------------------------------------------------------------------------------------------

    def _places(self) -> Sequence[tuple[str, str]]:
        """Each connection once. What cannot be asked at all, `search` told."""
        places: dict[int, tuple[str, str]] = {}
        for name in self._registry.names():
            try:
                if not self._registry.provider(name).principal_kinds:
                    continue
                for scope in self._connections.scopes(name):
                    places.setdefault(id(self._connections.at(name, scope)), (name, scope))
            except Trouble:
                continue
        return list(places.values())

    def _ask(self, places: Sequence[tuple[str, str]], what: str, about: Any) -> None:
        def look(place: tuple[str, str]) -> _Told:
            name, scope = place
            found: list[Candidate | BlindSpot] = []
            try:
                conn = self._connections.at(name, scope)
                for each in getattr(self._registry.provider(name), what)(conn, about):
                    found.append(each)  # noqa: PERF402 - what was found stands, whatever could not be looked at after it
            except Interrupted:
                raise
            except Exception as fault:  # noqa: BLE001 - told as a blind spot or an account that could not be asked
                return _Told(place, scope, tuple(found), fault)
            return _Told(place, conn.scope, tuple(found))

        for told in self._io.map(look, places):
            self._candidates += [each for each in told.found if isinstance(each, Candidate)]
            self._blind += [each for each in told.found if isinstance(each, BlindSpot)]
            if told.fault is None:
                self._asked[told.place] = f"{told.place[0]} {told.scope}".strip()
            else:
                self._failed(told.place, told.fault, LOOKS[what])

    def _failed(self, place: tuple[str, str], fault: Exception, what: str) -> None:
        there = PrincipalRef(place[0], "", place[1] or ELSEWHERE)
        if not isinstance(fault, Fault) or isinstance(fault, Unauthenticated | NotInstalled):
            if not any(u.ref.provider == place[0] for u in self._missing):  # as `search` told it
                self._missing.append(unreachable(there, fault))
            return
        why = f"{what}: they could not be read ({fault.message})"
        self._blind.append(BlindSpot(there, KIND, why, getattr(fault, "needs", "")))

    # -- the map ---------------------------------------------------------------------------------------------------

    def _home(self) -> str:
        """The identity that is meant: of this name, else called like it, else the only one with such a principal."""
        if self._name in self._identities:
            return self._name
        rules = {one: rule_of(self._name, one) for one in self._identities}
        like = [one for one, rule in rules.items() if rule is not None and rule[0] == "same"]
        mapped = self._mapped()
        having = {mapped[each.ref] for each in self._candidates if bears(each) and each.ref in mapped}
        meant = like or sorted(having)
        return meant[0] if len(meant) == 1 else ""

    def _mapped(self) -> Mapping[PrincipalRef, str]:
        """Of which identity each candidate is, however the map spells it; the first where it is several'."""
        spelled: dict[str, str] = {}
        for identity in self._identities.values():
            for ref in identity.principals:
                for one in self._parsed(ref):
                    spelled.setdefault(str(one).casefold(), identity.name)
        found: dict[PrincipalRef, str] = {}
        for each in self._candidates:
            of = each.ref.provider
            called = (f"{of}:{each.kind}/{word}" for word in (each.name, each.unique_id))
            words = (str(each.ref), *each.aliases, *called)
            name = next((spelled[word.casefold()] for word in words if word.casefold() in spelled), "")
            if name:
                found[each.ref] = name
        return found

    def _parsed(self, ref: PrincipalRef) -> Iterable[PrincipalRef]:
        try:
            return (ref, *self._registry.refs(str(ref) if ref.provider else ref.id))
        except Trouble:
            return (ref,)

    def _add_mapped(self, identity: Identity) -> None:
        """Its principals are sure, whatever they are called: each is asked for by itself."""

        def look(ref: PrincipalRef) -> Candidate | BlindSpot | Unreachable:
            typed = str(ref) if ref.provider else ref.id
            try:
                asked = one_ref(typed, self._registry)
                plugin = self._registry.provider(asked.provider)
                who = plugin.resolve(self._connections.of_ref(asked), asked)
            except Missing as fault:
                why = f"nhi.toml has {typed} as {identity.name}, and there is none: {fault.message}"
                return BlindSpot(ref, KIND, why, counts=False)
            except (Fault, Trouble) as fault:
                return unreachable(ref, fault)
            return _candidate(who, typed, plugin.marks(who, ()))

        for told in self._io.map(look, identity.principals):
            if isinstance(told, Candidate):
                self._candidates.append(told)
            elif isinstance(told, BlindSpot):
                self._blind.append(told)
            else:
                self._missing.append(told)


def _candidate(who: Principal, typed: str, marks: Iterable[Mark]) -> Candidate:
    """`typed` is among its names, so that the map's spelling is known again. What names its whole account is not."""
    own = tuple(alias for alias in who.aliases if alias.rpartition("/")[2] != who.scope)
    return Candidate(
        who.ref,
        who.kind,
        who.name,
        who.scope,
        who.unique_id,
        aliases=(*own, str(who.ref), typed),
        marks=tuple(mark.text for mark in marks),
    )
