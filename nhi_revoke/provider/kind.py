"""One kind of access: how it is listed, what ends it, what replaces it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal

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

ForJobs = Literal["", "secret", "subject", "machine"]


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
    tries: ClassVar[tuple[str, ...]] = ()
    """Sorts of leaked credentials (`Leak.kind`) whose values it uses, where they were handed over (`Io.leaked`)."""
    by_value: ClassVar[bool] = False
    """Its accesses are seen only where their values were handed over: else a look that lacks them says nothing."""
    remedies: Sequence[Doer[C]] = ()
    """The gentlest first."""
    mint: Mint[C] | None = None
    replaces: ClassVar[tuple[str, ...]] = ()
    """Other kinds of the same principal whose accesses a new one of this kind takes the place of, too."""
    manual: ClassVar[str] = ""
    """The way by hand, where no API exists."""
    survives: ClassVar[str] = ""
    tells_use: ClassVar[bool] = False
    """`Access.last_used` (of `collect` or `enrich`) is a moment, not a day, so that the end of an old credential can
    wait until no use of it shows."""
    late: ClassVar[bool] = False
    """Listing it takes many requests one after the other (every region, every cluster): containment does not wait for
    it. A `revoke` that asks nobody reads it once its cuts have settled, and ends in a round what its remedies can;
    `list`, `plan` and a prompt wait for it."""
    for_jobs: ClassVar[ForJobs] = ""
    """What its accesses are to the jobs of their repository: a secret that they read; the subject that they sign in to
    clouds with (`door` is then one more alias of the repository, a glob); a machine that runs them (`door` is its
    name)."""

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
