"""`aws-secretsmanager:NAME[#json-key or format]`: staged as AWSPENDING, read back, proven, then made AWSCURRENT.

AWS docs: API_PutSecretValue, API_UpdateSecretVersionStage. Every read names its stage or version.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider import merging
from nhi_revoke.provider.doer import Doer, Store, Unit
from nhi_revoke.provider.fault import Conflict, Fault, Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.merging import public_id
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.store.secret import (
    CURRENT,
    DESCRIBE,
    LIST,
    MOVE,
    NAME,
    PENDING,
    PREVIOUS,
    READ,
    Vault,
    at,
    stages_of,
)
from nhi_revoke_aws.store.secret_copies import copies_of, field_of, served_says
from nhi_revoke_aws.store.secret_forget import Forget

NAMESPACE = uuid.UUID("6f2b1c1e-6f5e-5b43-9d0e-2d6f7f0f6a51")
"""Of our request tokens: the same run and step give the same token, also after a crash."""
EXISTS = "ResourceExistsException"
FAILED = "Failed"
"""Of a copy in another Region (AWS docs: API_ReplicationStatusType)."""


def token_of(run_id: str, step_id: str, key_id: str = "") -> str:
    """ClientRequestToken, which becomes the version id. `key_id`: for a second mint within one step."""
    return str(uuid.uuid5(NAMESPACE, "/".join(filter(None, (run_id, step_id, key_id)))))


class Stage(Doer[AwsConnection]):
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = (DESCRIBE, READ, "secretsmanager:PutSecretValue", MOVE)
    says: ClassVar[str] = "writes the new key into the secret as AWSPENDING and reads it back"
    undone: ClassVar[str] = "AWSPENDING is taken off the new version"
    survives: ClassVar[str] = "replicas in other regions follow later"
    source: ClassVar[str] = "AWS docs: API_PutSecretValue"

    def check(self, conn: AwsConnection, step: Step) -> Impossible | None:
        vault = Vault(conn, step.to)
        name = vault.at.secret
        try:
            told = vault.call("DescribeSecret")
        except Missing:
            by_hand = f"create it: aws secretsmanager create-secret --name {name}"
            return Impossible(f"there is no secret {name}", by_hand)
        if told.get("DeletedDate"):
            by_hand = "aws secretsmanager restore-secret, then resume"
            return Impossible(f"secret {name} is scheduled for deletion", by_hand)
        if why := vault.unfit(vault.value(stage=CURRENT)):
            return Impossible(
                f"the new key cannot be merged into what secret {name} holds: {why}",
                f"store a text of that form ({merging.start(vault.at.key)} will do), or deliver to another secret",
            )
        return None

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        vault, secret = Vault(conn, step.to), run.take(step.takes or "")
        pending = vault.version_at(PENDING)
        text = vault.merged(vault.value(stage=CURRENT), secret)
        for key_id in ("", public_id(secret.public) or "again"):
            token = token_of(run.id, step.id, key_id)
            left = {"secret": vault.at.secret, "version": token, **_moved(pending, token)}
            try:
                vault.call("PutSecretValue", ClientRequestToken=token, SecretString=text, VersionStages=[PENDING])
            except Rejected as fault:
                if fault.code != EXISTS:
                    raise
                if vault.holds(vault.value(version=token), secret):
                    return Already(left)  # a crash ate the answer
                continue  # an earlier mint of this very step: its value is never changed
            return Done(left, conn.now())
        raise Conflict(f"secret {vault.at.secret} has other versions under this run's tokens")

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        vault, left = Vault(conn, step.to), run.left(step.id)
        version = str(left.get("version") or token_of(run.id, step.id))
        labels = vault.stages().get(version) or []
        if not {PENDING, CURRENT} & set(labels):
            return None
        if not vault.minted(vault.value(version=version), step, run):
            return None
        return left or {"secret": vault.at.secret, "version": version}

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        vault, version = Vault(conn, step.to), str(left.get("version"))
        labels = vault.stages().get(version) or []
        if PENDING not in labels:
            return Already({"stage": None})
        back = {"MoveToVersionId": left["pending"]} if left.get("pending") else {}
        vault.move(VersionStage=PENDING, RemoveFromVersionId=version, **back)
        return Done({"stage": None}, conn.now())


class Serve(Doer[AwsConnection]):
    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    permissions: ClassVar[tuple[str, ...]] = (DESCRIBE, READ, MOVE, LIST)
    says: ClassVar[str] = "makes the new version AWSCURRENT"
    shows_within: ClassVar[float] = 300.0
    undone: ClassVar[str] = "the version of before is made AWSCURRENT again"
    survives: ClassVar[str] = "AWSPREVIOUS still holds the old key, until finish: whoever may read that stage reads it"
    source: ClassVar[str] = "AWS docs: API_UpdateSecretVersionStage, API_ListSecretVersionIds"

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        vault = Vault(conn, step.to)
        stages = vault.stages()
        staged, current = at(stages, PENDING), at(stages, CURRENT)
        if not staged or not vault.minted(vault.value(version=staged), step, run):
            return Failed(f"AWSPENDING of secret {vault.at.secret} is not what this run staged: nothing was changed")
        if staged == current:
            return Already(_served(vault, staged, at(stages, PREVIOUS), step, run))
        taken = {"RemoveFromVersionId": current} if current else {}
        vault.move(VersionStage=CURRENT, MoveToVersionId=staged, **taken)
        return Done(_served(vault, staged, current, step, run), conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        """Copies in other Regions follow later, and whoever reads one of them gets the old key until then."""
        vault = Vault(conn, step.to)
        told, left = vault.described(), run.left(step.id)
        stages = stages_of(told)
        current = at(stages, CURRENT)
        version = str(left.get("version") or current)
        if not current or current != version or not vault.minted(vault.value(version=version), step, run):
            return None
        behind, unseen = _elsewhere(vault, told, step, run)
        if behind:
            return None
        return _also(left or _served(vault, version, at(stages, PREVIOUS), step, run), unseen)

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        vault, version, previous = Vault(conn, step.to), str(left.get("version")), str(left.get("previous") or "")
        current = vault.version_at(CURRENT)
        after = {"secret": vault.at.secret, "version": previous}
        if current == previous:
            return Already(after)
        if current != version:
            return Failed(f"AWSCURRENT of secret {vault.at.secret} is not as this run left it: nothing was changed")
        if not previous:
            return Impossible("the secret had no version before", "delete the secret, or put a value into it")
        vault.move(VersionStage=CURRENT, MoveToVersionId=previous, RemoveFromVersionId=version)
        return Done(after, conn.now())


class SecretsManager(Store[AwsConnection]):
    name: ClassVar[str] = NAME
    says: ClassVar[str] = "AWS Secrets Manager: NAME or ARN, with #json-key for the secret part alone"
    unit: ClassVar[Unit] = "text"
    keeps: ClassVar[str] = "the version of before keeps the old one, as AWSPREVIOUS, until finish"
    stage = Stage()
    serve = Serve()
    forget = Forget()

    def recall(self, conn: AwsConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        vault = Vault(conn, step.to)
        key_id = public_id(shape.public) or "again"
        versions = (token_of(run.id, step.id), token_of(run.id, step.id, key_id))
        found = (merging.taken(vault.value(version=version), shape, vault.at.key) for version in versions)
        return next((secret for secret in found if secret is not None), None)


def _served(vault: Vault, version: str, previous: str, step: Step, run: Run) -> Json:
    left = {"secret": vault.at.secret, "version": version, "previous": previous}
    if not previous:
        return left
    said = served_says(vault, previous, copies_of(vault, previous, version, field_of(step, run)))
    return {**left, "leaves": said} if said else left


def _elsewhere(vault: Vault, told: Json, step: Step, run: Run) -> tuple[list[str], list[str]]:
    """Regions whose copy still serves another value; and what is not known of copies, in words."""
    status = {str(r["Region"]): str(r.get("Status") or "") for r in told.get("ReplicationStatus") or ()}
    regions = [region for region, state in status.items() if state != FAILED]
    name, behind = vault.at.secret, []
    unseen = [
        f"AWS does not keep the copy of secret {name} in {region} ({state}): whoever reads it there may get the old one"
        for region, state in status.items()
        if state == FAILED
    ]
    answers = vault.served_in(regions, str(told.get("ARN") or "")) if regions else []
    for region, text in zip(regions, answers, strict=True):
        if isinstance(text, Fault):
            unseen.append(f"unseen: what the copy of secret {name} in {region} serves ({text.code or 'no answer'})")
        elif not vault.minted(text, step, run):
            behind.append(region)
    return behind, unseen


def _also(left: Json, said: list[str]) -> Json:
    """With this for the report, besides what it says already."""
    known = str(left.get("leaves") or "")
    leaves = "; ".join([*filter(None, (known,)), *(one for one in said if one not in known)])
    return {**left, "leaves": leaves} if leaves else left


def _moved(pending: str, token: str) -> Json:
    """A version of somebody's rotation that AWSPENDING is taken from; undo gives it back."""
    return {"pending": pending} if pending and pending != token else {}
