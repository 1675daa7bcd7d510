"""What secrets and certificates share at their end: they cannot be disabled, and are removed for good.

In a containment only before the brake is released, or where no brake holds them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Run
from nhi_revoke_entra.access.credential import ABROAD, BRAKED, GONE, NEEDED, SETTLE, SURVIVES, key_of, place_of
from nhi_revoke_entra.access.places import Place
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lifetimes import after_end


class Removal(Doer[EntraConnection]):
    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    survives: ClassVar[str] = SURVIVES
    reversible: ClassVar[bool] = False
    settle: ClassVar[float] = SETTLE

    @abstractmethod
    def there(self, conn: EntraConnection, place: Place) -> Container[str]:
        """The keyIds that stand on the object; none where it is gone. Raises Denied."""

    @abstractmethod
    def remove(self, conn: EntraConnection, place: Place, key: str) -> bool:
        """Safe to repeat. Whether it was there."""

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        removed = self.remove(conn, place_of(step.before), key_of(step.ends[0]))
        left = {**GONE, "residuals": residuals(conn, step)}
        return Done(left, conn.now()) if removed else Already(left)

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        if key_of(step.ends[0]) in self.there(conn, place_of(step.before)):
            return None
        return run.left(step.id) or {**GONE, "residuals": residuals(conn, step)}


def residuals(conn: EntraConnection, step: Step) -> dict[str, str]:
    """Until when tokens live that the credential may have minted until now."""
    braked = step.before.get(BRAKED)
    if braked is None:
        return {}
    abroad = bool(step.before.get(ABROAD))
    return after_end(conn.now(), conn.scope, step.on.id, braked=bool(braked), abroad=abroad)
