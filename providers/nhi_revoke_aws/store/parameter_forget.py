"""At `finish`: what is still staged goes. The history stays, and is named: AWS deletes no version alone.

A label is somebody's own, and whoever reads by it can read the same version by its number: to take it off ends nothing.
"""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Run
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.store.parameter import DELETE, HISTORY, READ, Parameter
from nhi_revoke_aws.store.parameter_copies import copies_of, field_of, says


class Forget(Doer[AwsConnection]):
    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (READ, HISTORY, DELETE)
    says: ClassVar[str] = "deletes what is still staged, and names the versions that hold the old key"
    survives: ClassVar[str] = "older versions, until 100 newer ones have pushed them out, or the parameter is deleted"
    source: ClassVar[str] = "AWS docs: API_DeleteParameter, API_PutParameter (100 versions), API_GetParameterHistory"
    reversible: ClassVar[bool] = False

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        place = Parameter(conn, step.to)
        left = _forgotten(place, step, run)
        return Done(left, conn.now()) if place.delete(place.pending(step, run)) else Already(left)

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        place = Parameter(conn, step.to)
        if place.read(place.pending(step, run)):
            return None
        return run.left(step.id) or _forgotten(place, step, run)


def _forgotten(place: Parameter, step: Step, run: Run) -> Json:
    """`finish` names its steps after those that they finish."""
    served = run.left(step.id.removeprefix("finish-"))
    before, number = int(served.get("previous") or 0), int(served.get("version") or 0)
    left: Json = {"parameter": place.at.name, "pending": None}
    told = says(place, copies_of(place, before, number, field_of(step, run))) if before else ""
    return {**left, "leaves": told} if told else left
