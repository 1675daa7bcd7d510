"""`aws-secretsmanager:NAME[#json-key]`: staged as AWSPENDING, read back, proven, then made AWSCURRENT.

AWS docs: API_PutSecretValue, API_UpdateSecretVersionStage. Every read names its stage or version.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke.provider.fault import Conflict, Missing, Rejected
from nhi_revoke.provider.io import Run
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
    """JSON key that takes the secret part alone; empty: the default fields are merged."""

    @property
    def region(self) -> str:
        """An ARN tells its region."""
        return self.secret.split(":")[3] if self.secret.startswith("arn:") else ""


def parse_address(text: str) -> Address:
    """With or without the scheme."""
    secret, _, key = text.removeprefix(f"{NAME}:").partition("#")
    return Address(secret, key)


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
        return next((v for v, labels in self.stages().items() if stage in labels), "")

    def merged(self, current: str | None, secret: Secret) -> str:
        """The current value with the new credential in it: every other field is kept."""
        fields = _fields(current)
        if fields is None:
            raise Rejected(f"secret {self.at.secret} does not hold a JSON object: the new key was not delivered")
        fields.update({self.at.key: secret.reveal()} if self.at.key else secret.fields())
        return json.dumps(fields)

    def holds(self, text: str | None, secret: Secret) -> bool:
        """Compared in memory, by fingerprint."""
        fields = _fields(text) or {}
        held = fields.get(self.at.key or secret.field)
        if not isinstance(held, str) or Secret(held, field=secret.field).fingerprint() != secret.fingerprint():
            return False
        return bool(self.at.key) or all(fields.get(k) == v for k, v in secret.public.items())


def _fields(text: str | None) -> dict[str, Any] | None:
    """A secret without a value yet is an empty object; None for what is no JSON object."""
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


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
        if _fields(vault.value(stage=CURRENT)) is None:
            return Impossible(
                f"secret {name} does not hold a JSON object, which the new key could be merged into",
                "store a JSON object in it (an empty one, {}, will do), or deliver to another secret",
            )
        return None

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        vault, secret = Vault(conn, step.to), run.take(step.takes or "")
        pending = vault.version_at(PENDING)
        text = vault.merged(vault.value(stage=CURRENT), secret)
        for key_id in ("", secret.public.get("AccessKeyId", "again")):
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
        text = vault.value(version=version)
        if step.takes and run.holds(step.takes):
            good = vault.holds(text, run.take(step.takes))
        else:
            good = self._same_key(text, vault, run.left(step.takes or ""))
        return (left or {"secret": vault.at.secret, "version": version}) if good else None

    def _same_key(self, text: str | None, vault: Vault, minted: Json) -> bool:
        """Another process minted it: only the public part can be compared."""
        fields = _fields(text) or {}
        return bool(fields) if vault.at.key else fields.get("AccessKeyId") == _public_id(minted)

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
    survives: ClassVar[str] = "AWSPREVIOUS still holds the old key: whoever may read that stage reads it"
    source: ClassVar[str] = "AWS docs: API_UpdateSecretVersionStage"

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        vault = Vault(conn, step.to)
        stages = vault.stages()
        staged = next((v for v, labels in stages.items() if PENDING in labels), "")
        current = next((v for v, labels in stages.items() if CURRENT in labels), "")
        if not staged or not self._minted(vault, staged, step, run):
            return Failed(f"AWSPENDING of secret {vault.at.secret} is not what this run staged: nothing was changed")
        left = {"secret": vault.at.secret, "version": staged}
        if staged == current:
            return Already({**left, "previous": next((v for v, ls in stages.items() if PREVIOUS in ls), "")})
        taken = {"RemoveFromVersionId": current} if current else {}
        vault.move(VersionStage=CURRENT, MoveToVersionId=staged, **taken)
        return Done({**left, "previous": current}, conn.now())

    def _minted(self, vault: Vault, version: str, step: Step, run: Run) -> bool:
        text = vault.value(version=version)
        if step.takes and run.holds(step.takes):
            return vault.holds(text, run.take(step.takes))
        minted, fields = run.left(step.takes or ""), _fields(text) or {}
        if not vault.at.key and not minted:
            return False
        return bool(vault.at.key) or fields.get("AccessKeyId") == _public_id(minted)

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        vault = Vault(conn, step.to)
        stages, left = vault.stages(), run.left(step.id)
        current = next((v for v, labels in stages.items() if CURRENT in labels), "")
        version = str(left.get("version") or current)
        if not current or current != version or not self._minted(vault, version, step, run):
            return None
        previous = next((v for v, labels in stages.items() if PREVIOUS in labels), "")
        return left or {"secret": vault.at.secret, "version": version, "previous": previous}

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
    stage = Stage()
    serve = Serve()

    def recall(self, conn: AwsConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        vault = Vault(conn, step.to)
        key_id = shape.public.get("AccessKeyId", "")
        for token in (token_of(run.id, step.id), token_of(run.id, step.id, key_id or "again")):
            fields = _fields(vault.value(version=token)) or {}
            value = fields.get(vault.at.key or shape.field)
            theirs = vault.at.key or all(fields.get(k) == v for k, v in shape.public.items())
            if isinstance(value, str) and value and theirs:
                return Secret(value, field=shape.field, public=shape.public)
        return None


def _public_id(minted: Json) -> str:
    """Of what a mint left; empty where it is not known."""
    return str((minted.get("public") or {}).get("AccessKeyId") or "")


def _moved(pending: str, token: str) -> Json:
    """A version of somebody's rotation that AWSPENDING is taken from; undo gives it back."""
    return {"pending": pending} if pending and pending != token else {}
