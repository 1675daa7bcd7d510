"""What a principal may do, taken away and given again: the same right is meant, whatever id it has.

What is given anew has another id. So the one of the plan is removed by its id, and at the same time whatever else is
the same right is looked for.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.io import Run
from nhi_revoke_entra.access.credential import SETTLE, key_of
from nhi_revoke_entra.connection import EntraConnection


class RightRemoval(Doer[EntraConnection]):
    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.END
    settle: ClassVar[float] = SETTLE
    gone: ClassVar[Json]
    """What it leaves."""
    there: ClassVar[Json]
    """What an undo leaves."""
    kept: ClassVar[str]
    """What an undo says where this run did not take it away."""

    @abstractmethod
    def held(self, conn: EntraConnection, step: Step) -> Sequence[str]:
        """Ids of the same right, as it is now. Raises Denied."""

    @abstractmethod
    def delete(self, conn: EntraConnection, step: Step, its_id: str) -> None:
        """Safe to repeat. Raises Missing where it is no more."""

    @abstractmethod
    def give(self, conn: EntraConnection, step: Step) -> None:
        """The same right again, from what was kept before. A create: never repeated."""

    def left(self, conn: EntraConnection, step: Step) -> Json:
        """Residuals besides, where something lives on."""
        return self.gone

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        left, planned = self.left(conn, step), key_of(step.ends[0])
        removed, held = conn.side_by_side(
            lambda: self._deleted(conn, step, planned), lambda: self._looked_for(conn, step)
        )
        if isinstance(held, Fault):
            if removed:  # it happened: whether the same right stands there under another id, `seen` still has to tell
                return Done(left, conn.now())
            raise held
        again = [self._deleted(conn, step, each) for each in held if each.lower() != planned.lower()]
        return Done(left, conn.now()) if removed or any(again) else Already(left)

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        return None if self.held(conn, step) else run.left(step.id) or self.left(conn, step)

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        if self.held(conn, step):
            return Already(self.there)
        if any(left.get(name) != value for name, value in self.gone.items()):
            return Failed(f"{self.kept}: nothing was changed")
        self.give(conn, step)
        return Done(self.there, conn.now())

    def _looked_for(self, conn: EntraConnection, step: Step) -> Sequence[str] | Fault:
        try:
            return self.held(conn, step)
        except Fault as fault:
            return fault

    def _deleted(self, conn: EntraConnection, step: Step, its_id: str) -> bool:
        try:
            self.delete(conn, step, its_id)
        except Missing:
            return False
        return True
