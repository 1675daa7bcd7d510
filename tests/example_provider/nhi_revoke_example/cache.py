"""`example-cache`: a gateway that keeps accepting what it saw until it is flushed."""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Change, Done
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Run
from nhi_revoke_example.connection import Cloud


class Flush(Doer[Cloud]):
    name: ClassVar[str] = "example-cache"
    phase: ClassVar[Phase] = Phase.FLUSH
    permissions: ClassVar[tuple[str, ...]] = ("cache.flush",)
    says: ClassVar[str] = "makes the gateway forget what it has seen"
    reversible: ClassVar[bool] = True

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        match = str(step.before["match"])
        flushed = conn.call("POST", "/cache/flush", {"match": match})["flushed"]
        return Done({"match": match, "flushed": flushed}, conn.now())

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        """The answer itself is the evidence: the gateway refills by itself, and rightly."""
        return run.left(step.id) or None
