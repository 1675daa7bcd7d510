"""Steps that carry a replacement to its store and make caches forget the old one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nhi_revoke.engine.formats import addressed
from nhi_revoke.model.error import Usage
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Mint

if TYPE_CHECKING:
    from nhi_revoke.engine.planner import Catalog, ScopeOfTarget

CREATES = "/create"
"""Last part of the registry key of every mint."""
PROVE = "prove"
SAYS = {
    ("stage", True): "deliver the new one to",
    ("serve", True): "make it current in",
    ("stage", False): "look, before anything is written, at",
    ("serve", False): "write the new one, current at once, to",
}
"""Of a step, by what it does and by whether the store has a place beside what is read."""
UNREADABLE = "; nobody can read it back"


def deliveries_of(step: Step, inventory: Inventory) -> list[Delivery]:
    """Where the replacement that this mint makes goes."""
    kind = step.does.removesuffix(CREATES)
    who = next(p for p in inventory.principals if p.ref == step.on)
    mine = {str(who.ref), who.typed, who.name, ""}
    return [d for d in inventory.identity.deliver if d.kind == kind and d.principal in mine]


def delivery_steps(
    steps: Sequence[Step], inventory: Inventory, catalog: Catalog, scope_of_target: ScopeOfTarget
) -> list[Step]:
    """For each mint: stage at every store, prove once, serve at every store."""
    out: list[Step] = []
    for number, mint in enumerate(s for s in steps if s.phase is Phase.MINT and s.does.endswith(CREATES)):
        targets = deliveries_of(mint, inventory)
        for place, delivery in enumerate(targets):
            name, _, address = delivery.to.partition(":")
            store = catalog.store(name)
            to, as_format = addressed(delivery, _mint(mint, catalog), store)
            scope = scope_of_target(f"{name}/stage", address)
            for doer, verb in ((store.stage, "stage"), (store.serve, "serve")):
                kept = f"; {store.keeps}" if verb == "serve" and store.keeps else ""
                kept += "" if doer.shows else UNREADABLE
                out.append(
                    Step(
                        id=f"{verb}-{number}-{place}",
                        does=f"{name}/{verb}",
                        on=mint.on,
                        phase=doer.phase,
                        says=f"{SAYS[verb, store.beside]} {delivery.to}{as_format}{kept}",
                        scope=scope,
                        lock=delivery.to,
                        reversible=doer.reversible,
                        takes=mint.id,
                        to=to,
                    )
                )
        out.append(
            Step(
                id=f"prove-{number}",
                does=f"{mint.does.removesuffix(CREATES)}/{PROVE}",
                on=mint.on,
                phase=Phase.PROVE,
                says="prove the new one with a fresh client",
                scope=mint.scope,
                takes=mint.id,
            )
        )
    return out


def _mint(step: Step, catalog: Catalog) -> Mint[Any] | None:
    doer = catalog.doer(step.does)
    return doer if isinstance(doer, Mint) else None


def flush_steps(
    steps: Sequence[Step], inventory: Inventory, catalog: Catalog, scope_of_target: ScopeOfTarget
) -> list[Step]:
    """What still trusts the old credential forgets it: right after the seal, and again after a delivery."""
    ends = any(s.phase in (Phase.CUT, Phase.END, Phase.SEAL) for s in steps)
    serves = any(s.phase is Phase.SERVE for s in steps)
    if not ends and not serves:
        return []
    moments = [m for m, wanted in (("after the seal", ends), ("after the delivery", serves)) if wanted]
    out: list[Step] = []
    for target in inventory.identity.flush:
        if catalog.doer(target.use).phase is not Phase.FLUSH:
            raise Usage("not-a-flush", f"{target.use!r} is no flush: nothing can forget a credential by it")
        on = inventory.principals[0].ref
        says, breaks = catalog.doer(target.use).tells(target.settings)
        for moment in moments:
            out.append(
                Step(
                    id=f"flush-{len(out)}",
                    does=target.use,
                    on=on,
                    phase=Phase.FLUSH,
                    says=f"{says or f'flush {target.use}'} {moment}",
                    breaks=breaks,
                    scope=scope_of_target(target.use, str(target.settings.get("url", ""))),
                    before=dict(target.settings),
                    lock=f"flush:{target.use}",
                    # A cache fills again by itself: a flush takes nothing away for good.
                    reversible=True,
                    to=moment,
                )
            )
    return out
