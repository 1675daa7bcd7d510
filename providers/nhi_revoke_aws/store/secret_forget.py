"""At `finish`: AWSPREVIOUS comes off the version that holds the old credential, and goes back at an undo.

Nothing more can be done to a version: it cannot be disabled, and no API deletes it. A label of somebody's own keeps a
version for a reason that nobody here knows, and once it is off, AWS may delete what else that version holds. So it is
named, with the command. AWS docs: API_UpdateSecretVersionStage.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Run
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.store.secret import CURRENT, DESCRIBE, LIST, MOVE, PREVIOUS, READ, Vault, at
from nhi_revoke_aws.store.secret_copies import Copies, copies_of, field_of, forgotten_says, label_on


class Forget(Doer[AwsConnection]):
    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (DESCRIBE, LIST, READ, MOVE)
    says: ClassVar[str] = "takes AWSPREVIOUS off the version that holds the old key, and names every version that does"
    undone: ClassVar[str] = "AWSPREVIOUS is put back, as long as Secrets Manager has not deleted the version"
    survives: ClassVar[str] = (
        "the version without a label can be read by its id until Secrets Manager deletes it; one with a label of "
        "somebody's own stays"
    )
    source: ClassVar[str] = "AWS docs: API_UpdateSecretVersionStage, API_ListSecretVersionIds, API_PutSecretValue"

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        vault, served, previous = Vault(conn, step.to), *_of_serve(step, run)
        stages = vault.stages()
        if previous and CURRENT in (stages.get(previous) or ()):
            return Failed(f"the version of before is AWSCURRENT of secret {vault.at.secret} again: it was left alone")
        copies = _copies(vault, step, run)
        if back := next((each.id for each in copies.same if CURRENT in each.labels), ""):
            why = f"version {back} of secret {vault.at.secret} is AWSCURRENT and holds the old credential again"
            return Failed(f"{why}: nothing was taken off")
        held = at(stages, PREVIOUS)
        if not held or held == served or held not in {each.id for each in copies.same}:
            return Already({**_forgotten(vault, previous, copies), "removed": ""})
        vault.move(VersionStage=PREVIOUS, RemoveFromVersionId=held)
        return Done({**_forgotten(vault, previous, copies), "removed": held}, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        vault, (_, previous) = Vault(conn, step.to), _of_serve(step, run)
        left = run.left(step.id)
        labels = vault.stages().get(str(left.get("removed") or previous)) or ()
        if {PREVIOUS, CURRENT} & set(labels):
            return None
        # After a crash nothing tells whether this run took the label off: an undo leaves it so, and says it.
        return left or _forgotten(vault, previous, _copies(vault, step, run))

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        vault, removed = Vault(conn, step.to), str(left.get("removed") or "")
        after: Json = {"secret": vault.at.secret, "version": removed}
        if "removed" not in left:
            by_hand = label_on(vault.at.secret, str(left.get("version") or "VERSION"), PREVIOUS)
            return Impossible("whether this run took AWSPREVIOUS off is not known: its answer was lost", by_hand)
        if not removed:
            return Already(after)
        now = vault.version_at(PREVIOUS)
        if now == removed:
            return Already(after)
        if now:
            return Failed(f"AWSPREVIOUS of secret {vault.at.secret} is on version {now} by now: it was left there")
        if vault.value(version=removed) is None:
            return Impossible(f"Secrets Manager has deleted version {removed} of secret {vault.at.secret}", "")
        vault.move(VersionStage=PREVIOUS, MoveToVersionId=removed)
        return Done(after, conn.now())


def _copies(vault: Vault, step: Step, run: Run) -> Copies:
    served, previous = _of_serve(step, run)
    return copies_of(vault, previous, served, field_of(step, run)) if previous else Copies()


def _forgotten(vault: Vault, previous: str, copies: Copies) -> Json:
    """As it will be without AWSPREVIOUS on any of them."""
    bare = tuple(
        replace(each, labels=tuple(label for label in each.labels if label != PREVIOUS)) for each in copies.same
    )
    left: Json = {
        "secret": vault.at.secret,
        "version": previous,
        "labels": [label for each in bare if each.id == previous for label in each.labels],
    }
    said = forgotten_says(vault, replace(copies, same=bare))
    return {**left, "leaves": said} if said else left


def _of_serve(step: Step, run: Run) -> tuple[str, str]:
    """The version that the serve step made current, and the one that it took AWSCURRENT from; `finish` names its steps
    after those.
    """
    left = run.left(step.id.removeprefix("finish-"))
    return str(left.get("version") or ""), str(left.get("previous") or "")
