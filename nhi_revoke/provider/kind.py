"""One kind of access: how it is listed, what ends it, what replaces it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.step import Draft, Step
from nhi_revoke.provider.doer import C, Doer, Mint

if TYPE_CHECKING:
    from nhi_revoke.model.found import BlindSpot
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.intent import Intent
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.provider.io import Io


class View:
    """One principal and all that was found of it: what a kind drafts from."""

    def __init__(self, who: Principal, inventory: Inventory) -> None:
        self.who = who
        self.inventory = inventory
        self.accesses: tuple[Access, ...] = tuple(a for a in inventory.accesses if a.on == who.ref)
        self.blind: tuple[BlindSpot, ...] = tuple(b for b in inventory.blind if b.on == who.ref)

    def of(self, kind: str) -> tuple[Access, ...]:
        """The accesses of one kind."""
        return tuple(a for a in self.accesses if a.kind == kind)


class AccessKind(ABC, Generic[C]):
    """One file each. `collect` is the first wave and must not wait for `resolve`: it works from the typed reference."""

    name: ClassVar[str]
    """`provider:kind`, for example `example:token`."""
    title: ClassVar[str]
    family: ClassVar[Family]
    on: ClassVar[tuple[str, ...]]
    """Kinds of principal it belongs to, for example `("user",)`."""
    reads: ClassVar[tuple[str, ...]]
    """Permissions that listing needs."""
    reads_logs: ClassVar[tuple[str, ...]] = ()
    remedies: Sequence[Doer[C]] = ()
    """The gentlest first."""
    mint: Mint[C] | None = None
    manual: ClassVar[str] = ""
    """The way by hand, where no API exists."""
    survives: ClassVar[str] = ""

    @abstractmethod
    def collect(self, conn: C, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """First wave: state APIs by name, and the before-state. Yields nothing where there is nothing.

        Raises Denied where the listing is refused: the engine makes it a blind spot. Missing means "none".
        Whatever is on `ref` itself is yielded with `on=ref`: the engine puts the canonical reference in its place.
        Ids, labels and parents may hold `{scope}` and `{name}`: the engine fills in the resolved principal's.
        A session kind always yields one standing access whose id ends in `/*`, state unknown.
        """

    def enrich(self, conn: C, found: Sequence[Access], io: Io) -> Iterable[Access]:
        """Second wave, beside the writes: last use and the like; the same ids, never another state or before."""
        return ()

    def observe(self, conn: C, who: Principal, accesses: Sequence[Access], since: datetime, io: Io) -> Iterable[Found]:
        """Logs: slow, lagging, a lower bound. Children of known accesses, leads, and the lag as a BlindSpot.

        A session found on another principal is yielded as an Access with that principal's canonical reference: the
        engine makes it a Lead where the plan does not name that principal.
        """
        return ()

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Pure. The default ends each live access in scope by the first remedy.

        Taking that back makes the access work again, whoever holds it: it re-arms at any time.
        """
        if not self.remedies:
            return
        first = self.remedies[0]
        for access in view.of(self.name):
            if access.state in ("live", "unknown") and intent.covers(access):
                says = f"{first.name} {access.label or access.id}"
                rearms = "always" if first.reversible else "no"
                yield draft_step(self, first, view, access, says=says, rearms=rearms)


def draft_step(
    kind: AccessKind[Any], doer: Doer[Any], view: View, *ends: Access, says: str, lock: str = "", **more: Any
) -> Step:
    """A step of one of the kind's own doers, with the accesses it ends and the first one's before-state."""
    settings: dict[str, Any] = {
        "before": dict(ends[0].before) if ends else {},
        "reversible": doer.reversible,
        "brake": doer.brake,
        "scope": view.who.scope,
    }
    settings.update(more)
    return Step(
        id="",
        does=f"{kind.name}/{doer.name}",
        on=view.who.ref,
        phase=settings.pop("phase", doer.phase),
        says=says,
        ends=tuple(a.id for a in ends),
        lock=lock or (ends[0].id if ends else ""),
        **settings,
    )
