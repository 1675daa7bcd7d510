"""From an inventory to a plan. Pure: the same inventory and intent give the same plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from nhi_revoke.engine.deliveries import CREATES, deliveries_of, delivery_steps, flush_steps
from nhi_revoke.engine.edges import Mints, minters, on_cycle_with, upstream
from nhi_revoke.engine.order import ordered
from nhi_revoke.model.found import SESSION_FAMILIES, Access, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.nearest import nearest
from nhi_revoke.model.plan import Plan, access_digest
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, OpenDoor, Phase, Residual, Step
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke.provider.kind import AccessKind, View


class Catalog(Protocol):
    """The part of the registry that planning needs."""

    def kinds(self, provider: str, principal_kinds: Sequence[str], /) -> Sequence[AccessKind[Any]]: ...
    def doer(self, key: str, /) -> Doer[Any]: ...
    def store(self, name: str, /) -> Store[Any]: ...


class ScopeOfTarget(Protocol):
    """Which connection a store or flush needs."""

    def __call__(self, key: str, address: str, /) -> str: ...


def make_plan(inventory: Inventory, intent: Intent, catalog: Catalog, scope_of_target: ScopeOfTarget) -> Plan:
    """Draft, narrow, add deliveries and flushes, order. Raises Usage for a delivery to an unknown store."""
    drafts = [d for p in inventory.principals for d in _drafts(View(p, inventory), intent, catalog)]
    steps = [d for d in drafts if isinstance(d, Step)]
    mints = minters(inventory.principals, inventory.accesses, trusts_unseen(inventory, catalog))
    notes = [d for d in drafts if not isinstance(d, Step)]
    steps = [replace(step, id=f"draft-{number}") for number, step in enumerate(_needed(steps, mints))]
    steps, unreplaced = _deliverable(steps, inventory)
    steps, held = _braked(steps, intent, catalog)
    notes += [*unreplaced, *held]
    if intent.order == "rollover":
        steps, said = _rolled_over(steps, inventory, intent, mints, catalog)
        notes += said
    steps += delivery_steps(steps, inventory, catalog, scope_of_target)
    steps += flush_steps(steps, inventory, catalog, scope_of_target)
    steps = ordered(steps, mints, intent, catalog)
    return Plan(
        identity=inventory.identity,
        intent=intent,
        at=inventory.at,
        principals=inventory.principals,
        accesses=inventory.accesses,
        steps=tuple(steps),
        residuals=tuple(d for d in notes if isinstance(d, Residual)),
        manual=tuple(d for d in notes if isinstance(d, Manual)),
        open=(
            *(d for d in notes if isinstance(d, OpenDoor)),
            *open_trusts((a for a in inventory.accesses if not a.shut), steps, intent),
            *beyond(inventory.leads, inventory.principals),
        ),
        notices=(
            *(d for d in notes if isinstance(d, Notice)),
            *_haste(steps, intent),
            *_patience(steps, inventory, intent, catalog),
            *_circles(_whole(steps, catalog), mints),
            *_scope_notices(inventory, steps, intent),
        ),
        blind=inventory.blind,
        leads=inventory.leads,
        unreachable=inventory.unreachable,
        operator=inventory.operator,
        unordered=circular(_whole(steps, catalog), mints),
        targets=_targets(inventory.accesses, steps),
    )


def trusts_unseen(inventory: Inventory, catalog: Catalog) -> tuple[PrincipalRef, ...]:
    """Principals whose trusts could not be listed: nobody knows who can mint for them."""
    return tuple(
        p.ref
        for p in inventory.principals
        for kind in catalog.kinds(p.ref.provider, (p.kind,))
        if kind.family == "trust" and any(b.on == p.ref and b.kind == kind.name and b.counts for b in inventory.blind)
    )


def plan_mints(plan: Plan, catalog: Catalog) -> Mints:
    """Who can mint for whom among a plan's principals, as far as its inventory told."""
    inventory = Inventory(plan.identity, plan.at, plan.principals, plan.accesses, (), plan.blind)
    return minters(plan.principals, plan.accesses, trusts_unseen(inventory, catalog))


def _drafts(view: View, intent: Intent, catalog: Catalog) -> Iterable[Draft]:
    for kind in catalog.kinds(view.who.ref.provider, (view.who.kind,)):
        for draft in kind.draft(view, intent):
            if isinstance(draft, Step):
                if view.who.untouchable or draft.phase is Phase.FINISH:
                    continue
                yield replace(draft, on=view.who.ref)
            else:
                yield draft
    if view.who.untouchable:
        yield Manual(view.who.ref, view.who.kind, view.who.untouchable, tuple(a.id for a in view.accesses))


def _needed(steps: Sequence[Step], mints: Mints) -> list[Step]:
    """Drops second cuts of principals for which nothing that mints is ended in this run."""
    ended = {s.on for s in steps if s.phase in (Phase.CUT, Phase.END)}
    return [s for s in steps if s.when == "always" or upstream(s.on, mints) & ended]


def _deliverable(steps: Sequence[Step], inventory: Inventory) -> tuple[list[Step], list[Notice]]:
    """Nothing is minted, and no slot freed, for a principal whose replacement nobody would receive."""
    homeless = {
        (s.on, _kind_of(s.does))
        for s in steps
        if s.phase is Phase.MINT and s.does.endswith(CREATES) and not deliveries_of(s, inventory)
    }
    kept = [s for s in steps if s.phase is not Phase.MINT or (s.on, _kind_of(s.does)) not in homeless]
    said = "ended, not replaced (no delivery target)"
    return kept, [Notice(on, f"{kind}: {said}", "info") for on, kind in sorted(homeless)]


def _braked(steps: Sequence[Step], intent: Intent, catalog: Catalog) -> tuple[list[Step], list[Notice]]:
    """Nothing new can be proven while a brake is on: `auto` brakes are released for it, a demanded one is not.

    A principal may have several, each of which stops it by itself.
    """
    brakes = sorted((s for s in _whole(steps, catalog) if s.brake), key=lambda s: s.on)
    mints = {s.on for s in steps if s.phase is Phase.MINT} & {s.on for s in brakes}
    if intent.brake == "on":
        why = "not replaced while the brake is on, since nothing could prove the new one: release, then rotate"
        kept = [s for s in steps if s.phase is not Phase.MINT or s.on not in mints]
        return kept, [Notice(on, why) for on in sorted(mints)]
    return [*steps, *(release_step(brake, catalog) for brake in brakes if brake.on in mints)], []


def _whole(steps: Iterable[Step], catalog: Catalog) -> list[Step]:
    """Without what only takes rights away (`Doer.partial`)."""
    return [s for s in steps if s.phase is Phase.PROVE or not catalog.doer(s.does).partial]


def release_step(brake: Step, catalog: Catalog) -> Step:
    """Takes a brake off: by the doer that its own names, else by taking it back."""
    return replace(
        brake,
        id=f"release-{brake.id}",
        does=catalog.doer(brake.does).released_by or brake.does,
        phase=Phase.RELEASE,
        says=f"take the brake off {brake.on}; what was ended stays ended",
        replaces=brake.id,
        after=(),
        brake=False,
        breaks="",
        reversible=True,
    )


def _rolled_over(
    steps: Sequence[Step], inventory: Inventory, intent: Intent, mints: Mints, catalog: Catalog
) -> tuple[list[Step], list[Residual]]:
    """Rollover ends what was replaced and the sessions born of it, at the end, and nothing else."""
    replaced = {s.on for s in steps if s.phase is Phase.MINT}
    beside = _replaced_beside(steps, inventory, catalog)
    born = replaced | {s.on for s in steps if upstream(s.on, mints) & replaced}
    sealed = {s.on for s in steps if s.phase is Phase.SEAL}
    out: list[Step] = []
    for step in steps:
        if step.phase in (Phase.CUT, Phase.SEAL):
            # A cut that comes before the seal would stop the new credential, too; a lone cut by issue time is the seal.
            wanted = step.on in born and not intent.keep_sessions and not step.brake
            if wanted and (step.phase is Phase.SEAL or step.on not in sealed):
                out.append(replace(step, phase=Phase.SEAL))
        elif (
            step.phase is not Phase.END
            or (step.on in replaced and _kind_of(step.does) in intent.replace)
            or (step.on, _kind_of(step.does)) in beside
        ):
            out.append(step)
    kept = (a for a in inventory.accesses if intent.keep_sessions and a.family in SESSION_FAMILIES and a.on in born)
    why = "sessions of the old credential were kept: --keep-sessions"
    return out, [Residual(a.on, a.id, None, why, "operator") for a in kept]


def _replaced_beside(steps: Sequence[Step], inventory: Inventory, catalog: Catalog) -> set[tuple[PrincipalRef, str]]:
    """Kinds that a mint of another kind takes the place of (`AccessKind.replaces`)."""
    made = {(s.on, _kind_of(s.does)) for s in steps if s.phase is Phase.MINT and s.does.endswith(CREATES)}
    return {
        (who.ref, other)
        for who in inventory.principals
        for kind in catalog.kinds(who.ref.provider, (who.kind,))
        if (who.ref, kind.name) in made
        for other in kind.replaces
    }


def _kind_of(does: str) -> str:
    return does.rpartition("/")[0]


def open_trusts(accesses: Iterable[Access], steps: Sequence[Step], intent: Intent) -> tuple[OpenDoor, ...]:
    """Trusts that let somebody outside this run begin new sessions, until cut or knowingly kept."""
    cut = {a for s in steps for a in s.ends}
    return tuple(
        OpenDoor(
            a.on,
            a.id,
            f"{a.label or a.id}: whoever holds that can begin sessions at once, until it is cut (or knowingly kept: "
            f"--keep-trust {a.id})",
            f"--cut-trust {a.id}",
            kept=a.id in intent.keep_trust,
        )
        for a in accesses
        if a.family == "trust" and a.exposure in ("anyone", "foreign") and a.id not in cut and a.state == "live"
    )


def beyond(leads: Iterable[Lead], principals: Sequence[Principal]) -> tuple[OpenDoor, ...]:
    """Principals within reach where this operator has no login: nobody here can even look at them. One door each."""
    first = principals[0].ref if principals else None
    doors: dict[str, OpenDoor] = {}
    for lead in leads:
        on = lead.of or first
        if lead.beyond and lead.how == "reach" and on is not None:
            why = f"{lead.why}; this operator has no login there"
            doors.setdefault(str(lead.to), OpenDoor(on, str(lead.to), why, lead.next))
    return tuple(doors.values())


def circular(steps: Sequence[Step], mints: Mints) -> tuple[PrincipalRef, ...]:
    """Principals on a circle of trusts of which none is stopped altogether."""
    braked = {s.on for s in steps if s.brake}
    sealed = dict.fromkeys(s.on for s in steps if s.phase in (Phase.CUT, Phase.SEAL) and s.on not in braked)
    return tuple(ref for ref in sealed if on_cycle_with(ref, mints) - {ref} - braked)


def _circles(steps: Sequence[Step], mints: Mints) -> Iterable[Notice]:
    for ref in circular(steps, mints):
        why = (
            "it and another principal of this plan may each begin sessions for the other (or their trusts are unseen): "
            "no order of the seals is right. --brake on stops them until release"
        )
        yield Notice(ref, why, "danger")


def _haste(steps: Sequence[Step], intent: Intent) -> Iterable[Notice]:
    if intent.rotate == "now" and intent.order == "contain":
        for step in steps:
            if step.phase is Phase.MINT and step.does.endswith(CREATES):
                why = "--rotate now: the new one may reach an intruder whose session nobody has found yet"
                yield Notice(step.on, why, "danger")


def _patience(steps: Sequence[Step], inventory: Inventory, intent: Intent, catalog: Catalog) -> Iterable[Notice]:
    """What `--until-unused` waits for, of each that ends; and where there is nothing to wait for."""
    if intent.until_unused <= 0:
        return
    ends = {a: s.on for s in steps if s.phase is Phase.END for a in s.ends}
    shown = {k.name for p in inventory.principals for k in catalog.kinds(p.ref.provider, (p.kind,)) if k.tells_use}
    for access in inventory.accesses:
        name, time = access.label or access.id, f"{intent.until_unused / 60:g} min"
        if access.id not in ends:
            continue
        if access.kind in shown:
            says = f"{name} ends once no use of it has shown for {time}: whoever holds a copy and uses it holds that up"
        else:
            says = f"{name}: its last use is told by days or not at all; it ends {time} after the new one is served"
        yield Notice(ends[access.id], f"--until-unused: {says}", "warning")


def _scope_notices(inventory: Inventory, steps: Sequence[Step], intent: Intent) -> Iterable[Notice]:
    if intent.scope == "all" or intent.order == "rollover":
        return
    ended = {a for s in steps for a in s.ends}
    narrowed = {(s.on, _kind_of(s.does)) for s in steps if s.phase is Phase.CUT}
    for access in inventory.accesses:
        opens = access.opens and not access.shut
        wanted = access.state in ("live", "unknown") and access.family != "trust" and opens
        if wanted and access.id not in ended:
            partly = access.id.endswith("/*") and (access.on, access.kind) in narrowed
            but = ", but for what it names" if partly else ""
            says = f"--scope {intent.scope} leaves {access.label or access.id} working{but}"
            yield Notice(access.on, says, "danger")


def named_in_vain(plan: Plan) -> Iterable[Notice]:
    """What the operator named and this plan does nothing for: a mistyped id must not pass for a trust that was cut.

    No error: one that was cut before is listed no more, and must not hold up the rest of a containment.
    """
    known = {a.id: a for a in plan.accesses}
    ended = {a for s in plan.steps for a in s.ends}
    on = plan.principals[0].ref if plan.principals else None
    intent = plan.intent
    flags = {"--cut-trust": intent.cut_trust, "--keep-trust": intent.keep_trust, "--free-slot": intent.free_slot}
    if intent.scope not in ("all", "sessions", "keys") and not plan.steps:
        flags["--scope"] = (intent.scope,)
    for flag, ids in flags.items():
        for each in ids:
            access = known.get(each)
            if access is None and on is not None:
                close = nearest(each, known)
                hint = f" Did you mean {close}?" if close else ""
                says = f"{flag} {each}: no access of this id is listed here, so that nothing is done for it.{hint}"
                yield Notice(on, says, "danger")
            elif access is not None and flag == "--cut-trust" and access.opens and each not in ended:
                yield Notice(access.on, f"{flag} {each}: no step of this plan cuts it", "danger")


def _targets(accesses: Sequence[Access], steps: Sequence[Step]) -> dict[str, str]:
    ended = {a for s in steps for a in s.ends}
    return {a.id: access_digest(a) for a in accesses if a.id in ended}
