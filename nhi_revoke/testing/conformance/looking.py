"""Checks 1, 2, 3 and 9: what looking does, what it admits not to have seen, and whom nobody touches."""

from __future__ import annotations

from collections import Counter

from nhi_revoke.engine.service import Engine
from nhi_revoke.model.error import NotFound, NothingCanStart, Refused, Trouble
from nhi_revoke.model.found import Access, Lead
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke.testing.conformance.crashing import chosen
from nhi_revoke.testing.conformance.declared import permissions
from nhi_revoke.testing.conformance.ending import told
from nhi_revoke.testing.conformance.world import YES, World


class Looking:
    """A part of `Conformance`."""

    listings: int | None = None
    """How many denied listings to try, spread evenly; None: every one."""

    def test_01_a_dry_run_changes_nothing(self, world: World) -> None:
        plan = world.plan()
        world.look()
        with world.engine() as engine:
            engine.guard(plan, YES)
            engine.find(world.plan().principals[0].name)
        asked = [call for call in world.sandbox.calls() if call.by == "operator"]
        assert asked, "the sandbox saw no request of the operator: its call log proves nothing"
        changed = [f"{call.name} on {call.target}" for call in asked if call.mutates]
        assert not changed, f"a dry run made changing requests: {told(changed)}"
        assert plan.steps, "the plan is empty: nothing of this provider is ended"

    def test_02_a_denied_listing_is_a_blind_spot(self, world: World) -> None:
        whole = world.look()
        everything = permissions(world.provider)
        silent: list[str] = []
        tries = [(kind, each) for kind in world.provider.kinds() for each in sorted({*kind.reads, *kind.reads_logs})]
        for kind, denied in (tries[n] for n in chosen(len(tries), self.listings)):
            world.sandbox.allow_only(sorted(everything - {denied}))
            try:
                seen = world.look()
            except (NothingCanStart, NotFound):
                continue  # it could not look at anything, and says so
            finally:
                world.sandbox.allow_only(None)
            silent += [f"without {denied}: {gone}" for gone in _missing_in_silence(kind, whole, seen)]
        assert not silent, f"listings that were denied read as if there were nothing:\n{told(silent)}"

    def test_03_small_pages_hide_nothing(self, world: World) -> None:
        calls: list[Counter[str]] = []
        found = []
        for size in (1000, 1):
            world.sandbox.page_size(size)
            before = len(world.sandbox.calls())
            found.append(_names(world.look()))
            calls.append(Counter(call.name for call in world.sandbox.calls()[before:]))
        # Call by call: those who ask for the same at once share an answer, now more of them and now fewer.
        assert calls[1] - calls[0], "the sandbox does not page: this check proves nothing"
        assert found[0] == found[1], f"only with large pages: {sorted(found[0] - found[1])}"

    def test_09_own_protected_and_managed_principals_are_refused(self, world: World) -> None:
        seen = world.look(logs=False)
        assert seen.operator, "the connection does not say who the operator is: it could lock itself out"
        own = [str(ref) for ref in seen.operator]
        assert not world.operator or world.operator in own, f"the operator is {world.operator}, and is taken for {own}"
        plain = [_refused(world, name) for name in own]
        assert any(word == "refused" for word in plain), f"the operator's own principals {own}: {plain}"
        assert not [word for word in plain if word == "allowed"], f"the operator's own principals {own}: {plain}"
        for principal in seen.principals:
            with world.engine(protect=[str(principal.ref)]) as engine:
                assert _guarded(world, engine, world.name), f"{principal.ref} is protected and was not refused"
        if world.managed:
            plan = world.plan(name=world.managed)
            assert not plan.steps, f"{world.managed} is the vendor's own, and the plan would change it"
            assert plan.manual, f"{world.managed} is the vendor's own, and the plan does not say what to do by hand"
        assert world.mutations() == 0, "a refused run made changing requests"


def _names(seen: Inventory) -> set[str]:
    """What was found, by id and state; leads by whom they name."""
    leads = {f"lead to {lead.to}: {lead.why}" for lead in seen.leads}
    blind = {f"blind to {spot.kind} on {spot.on}: {spot.why}" for spot in seen.blind}
    return {f"{a.id} {a.state}" for a in seen.accesses} | leads | blind


def _missing_in_silence(kind: AccessKind[object], whole: Inventory, seen: Inventory) -> list[str]:  # type: ignore[type-var]
    """What is gone from the list without a word that it could not be seen."""
    unseen = {spot.on for spot in seen.blind if spot.kind == kind.name and spot not in whole.blind}
    away = {entry.ref for entry in seen.unreachable}
    gone: list[str] = []
    for who in whole.principals:
        typed = {ref for ref in whole.identity.principals if str(ref) == who.typed} | {who.ref}
        if who.kind in kind.on and who.ref not in unseen and not typed & away:
            have = {f.id for f in seen.accesses}
            gone += [f.id for f in _of(kind, whole, who.ref) if f.id not in have]
            if kind.reads_logs or not kind.remedies:
                gone += [f"lead to {f.to}" for f in _leads(kind, whole) if f not in seen.leads]
    return gone


def _of(kind: AccessKind[object], seen: Inventory, ref: object) -> list[Access]:  # type: ignore[type-var]
    return [a for a in seen.accesses if a.kind == kind.name and a.on == ref]


def _leads(kind: AccessKind[object], seen: Inventory) -> list[Lead]:  # type: ignore[type-var]
    return [lead for lead in seen.leads if lead.session and lead.session.startswith(kind.name)]


def _refused(world: World, name: str) -> str:
    """`refused`, `allowed`, or why it could not even be tried."""
    with world.engine() as engine:
        try:
            return "refused" if _guarded(world, engine, name) else "allowed"
        except Trouble as trouble:
            return trouble.code


def _guarded(world: World, engine: Engine, name: str) -> bool:
    """Whether the guard refuses a plan for this name, whatever the operator consents to."""
    found = engine.inventory(engine.resolve([name]), world.intent, logs=False)
    try:
        engine.guard(engine.plan(found, world.intent), YES)
    except Refused:
        return True
    return False
