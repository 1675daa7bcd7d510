"""`aws-secretsmanager:NAME[#json-key or format]`: staged as AWSPENDING, read back, proven, then made AWSCURRENT.

AWS docs: API_PutSecretValue, API_UpdateSecretVersionStage. Every read names its stage or version.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider import merging
from nhi_revoke.provider.doer import Doer, Store, Unit
from nhi_revoke.provider.fault import Conflict, Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.layout import JSON, split
from nhi_revoke.provider.merging import public_id, same_public
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.connection import AwsConnection

NAME = "aws-secretsmanager"
PENDING, CURRENT, PREVIOUS = "AWSPENDING", "AWSCURRENT", "AWSPREVIOUS"
NAMESPACE = uuid.UUID("6f2b1c1e-6f5e-5b43-9d0e-2d6f7f0f6a51")
"""Of our request tokens: the same run and step give the same token, also after a crash."""
EXISTS = "ResourceExistsException"


class Address(Struct, frozen=True):
    """Where it goes."""

    secret: str
    """Name or ARN."""
    key: str = ""
    """JSON key that takes the secret part alone, or a format; empty: the default fields are merged."""

    @property
    def region(self) -> str:
        """An ARN tells its region."""
        return self.secret.split(":")[3] if self.secret.startswith("arn:") else ""


def parse_address(text: str) -> Address:
    """With or without the scheme."""
    place, spelled = split(text.removeprefix(f"{NAME}:"))
    secret, _, key = place.partition("#")
    return Address(secret, "" if spelled == JSON.spelled else spelled or key)


def account_in_address(text: str) -> str:
    """The account of an ARN; empty for a name."""
    parts = parse_address(text).secret.split(":")
    return parts[4] if parts[0] == "arn" and len(parts) > 4 else ""


def token_of(run_id: str, step_id: str, key_id: str = "") -> str:
    """ClientRequestToken, which becomes the version id. `key_id`: for a second mint within one step."""
    return str(uuid.uuid5(NAMESPACE, "/".join(filter(None, (run_id, step_id, key_id)))))


class Vault:
    """One secret, asked by stage or version. Values stay in memory."""

    def __init__(self, conn: AwsConnection, to: str) -> None:
        self._conn = conn
        self.at = parse_address(to)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self._conn.call("secretsmanager", operation, region=self.at.region, SecretId=self.at.secret, **params)

    def move(self, **params: Any) -> None:
        """Moves a stage. Never repeated blindly: the second of two is refused, and hides that the first was done."""
        self._conn.call(
            "secretsmanager", "UpdateSecretVersionStage", region=self.at.region, repeatable=False,
            SecretId=self.at.secret, **params,
        )  # fmt: skip

    def value(self, *, stage: str = "", version: str = "") -> str | None:
        """None where no version has this stage or id; an empty text for a binary value."""
        which = {"VersionId": version} if version else {"VersionStage": stage}
        try:
            return str(self.call("GetSecretValue", **which).get("SecretString") or "")
        except Missing:
            return None

    def stages(self) -> dict[str, list[str]]:
        """Labels by version id. Raises Missing."""
        found: dict[str, list[str]] = self.call("DescribeSecret").get("VersionIdsToStages") or {}
        return found

    def version_at(self, stage: str) -> str:
        return _at(self.stages(), stage)

    def merged(self, current: str | None, secret: Secret) -> str:
        """The current value with the new credential in it: everything else is kept."""
        text = None if (why := self.unfit(current)) else merging.merged(current, secret, self.at.key)
        if text is None:
            raise Rejected(f"secret {self.at.secret} does not take it: {why}. The new key was not delivered")
        return text

    def unfit(self, current: str | None) -> str:
        """Why no credential can be merged into this value; empty where one can."""
        return "it is binary, or empty" if current == "" else merging.unfit(current, self.at.key)

    def holds(self, text: str | None, secret: Secret) -> bool:
        """Compared in memory, by fingerprint."""
        return merging.holds(text, secret, self.at.key)

    def minted(self, text: str | None, step: Step, run: Run) -> bool:
        """Whether it is what this run minted; where another process minted it, only public parts can be compared."""
        if step.takes and run.holds(step.takes):
            return self.holds(text, run.take(step.takes))
        return same_public(text, run.left(step.takes or ""), self.at.key)


class Stage(Doer[AwsConnection]):
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = (
        "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
    )  # fmt: skip
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
    permissions: ClassVar[tuple[str, ...]] = (
        "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:UpdateSecretVersionStage",
    )  # fmt: skip
    says: ClassVar[str] = "makes the new version AWSCURRENT"
    undone: ClassVar[str] = "the version of before is made AWSCURRENT again"
    survives: ClassVar[str] = "AWSPREVIOUS still holds the old key, until finish: whoever may read that stage reads it"
    source: ClassVar[str] = "AWS docs: API_UpdateSecretVersionStage"

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        vault = Vault(conn, step.to)
        stages = vault.stages()
        staged, current = _at(stages, PENDING), _at(stages, CURRENT)
        if not staged or not vault.minted(vault.value(version=staged), step, run):
            return Failed(f"AWSPENDING of secret {vault.at.secret} is not what this run staged: nothing was changed")
        if staged == current:
            return Already(_served(vault, staged, _at(stages, PREVIOUS)))
        taken = {"RemoveFromVersionId": current} if current else {}
        vault.move(VersionStage=CURRENT, MoveToVersionId=staged, **taken)
        return Done(_served(vault, staged, current), conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        vault = Vault(conn, step.to)
        stages, left = vault.stages(), run.left(step.id)
        current = _at(stages, CURRENT)
        version = str(left.get("version") or current)
        if not current or current != version or not vault.minted(vault.value(version=version), step, run):
            return None
        return left or _served(vault, version, _at(stages, PREVIOUS))

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


class Forget(Doer[AwsConnection]):
    """At `finish`: the version of before loses AWSPREVIOUS. Without a label, AWS may delete it; nobody else can."""

    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (
        "secretsmanager:DescribeSecret",
        "secretsmanager:UpdateSecretVersionStage",
    )
    says: ClassVar[str] = "takes AWSPREVIOUS off the version that holds the old key"
    survives: ClassVar[str] = "the version without a label can be read by its id until Secrets Manager deletes it"
    source: ClassVar[str] = "AWS docs: API_UpdateSecretVersionStage, API_PutSecretValue"
    reversible: ClassVar[bool] = False

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        vault, version = Vault(conn, step.to), _former(step, run)
        labels = vault.stages().get(version) or []
        if CURRENT in labels:
            return Failed(f"the version of before is AWSCURRENT of secret {vault.at.secret} again: it was left alone")
        if PREVIOUS not in labels:
            return Already(_forgotten(vault, version, labels))
        vault.move(VersionStage=PREVIOUS, RemoveFromVersionId=version)
        return Done(_forgotten(vault, version, [label for label in labels if label != PREVIOUS]), conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        vault, version = Vault(conn, step.to), _former(step, run)
        labels = vault.stages().get(version) or []
        return None if {PREVIOUS, CURRENT} & set(labels) else _forgotten(vault, version, labels)


class SecretsManager(Store[AwsConnection]):
    name: ClassVar[str] = NAME
    says: ClassVar[str] = "AWS Secrets Manager: NAME or ARN, with #json-key for the secret part alone"
    unit: ClassVar[Unit] = "text"
    stage = Stage()
    serve = Serve()
    forget = Forget()

    def recall(self, conn: AwsConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        vault = Vault(conn, step.to)
        key_id = public_id(shape.public) or "again"
        versions = (token_of(run.id, step.id), token_of(run.id, step.id, key_id))
        found = (merging.taken(vault.value(version=version), shape, vault.at.key) for version in versions)
        return next((secret for secret in found if secret is not None), None)


def _at(stages: Json, label: str) -> str:
    """The version that has this label; empty where none has."""
    return next((str(version) for version, labels in stages.items() if label in labels), "")


def _served(vault: Vault, version: str, previous: str) -> Json:
    left = {"secret": vault.at.secret, "version": version, "previous": previous}
    if not previous:
        return left
    what = f"AWSPREVIOUS of secret {vault.at.secret} (version {previous}) still holds the old credential, until finish"
    return {**left, "leaves": what}


def _forgotten(vault: Vault, version: str, labels: Sequence[str]) -> Json:
    """`labels`: somebody's own, which keep the version."""
    left = {"secret": vault.at.secret, "version": version, "labels": list(labels)}
    if not version:
        return left
    kept = f"is kept by {', '.join(labels)}" if labels else "has no label any more"
    until = "" if labels else " until Secrets Manager deletes it; no API deletes it at once"
    what = f"version {version} of secret {vault.at.secret} holds the old credential and {kept}: its id reads it{until}"
    return {**left, "leaves": what}


def _former(step: Step, run: Run) -> str:
    """The version that the serve step took AWSCURRENT from. `finish` names its steps after those that they finish."""
    return str(run.left(step.id.removeprefix("finish-")).get("previous") or "")


def _moved(pending: str, token: str) -> Json:
    """A version of somebody's rotation that AWSPENDING is taken from; undo gives it back."""
    return {"pending": pending} if pending and pending != token else {}
