"""`azure-keyvault:VAULT/NAME[#json-key]`: looked at, and written as a new version once the new one is proven.

Key Vault has no pending version: the newest is what is read, and a newest one that is disabled is refused to all who
read. So nothing is written before the proof; the version of before stays as it is, by its id, until `finish` disables
it. Microsoft docs: set-secret, update-secret, about-secrets.
"""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer, Store, Unit
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.permissions import GET_SECRETS, LIST_SECRETS, SET_SECRETS
from nhi_revoke_entra.store.address import FORM, SCHEME
from nhi_revoke_entra.store.versions import (
    KEY_ID,
    REPLACES,
    RUN,
    VaultSecret,
    Version,
    content_type_of,
    expiry_of,
    key_id_of,
)

UNWRITTEN = "Key Vault has no place beside the current version: it is written once it is proven"
KEPT = ("exp", "nbf")
"""Attributes that are written again with a former text."""


class Stage(Doer[EntraConnection]):
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = (GET_SECRETS, LIST_SECRETS)
    says: ClassVar[str] = "looks whether the secret can be written, and writes nothing: what is written is read at once"
    undone: ClassVar[str] = "nothing was written"
    survives: ClassVar[str] = "that the operator may write is known only once it is written"
    source: ClassVar[str] = "Microsoft docs: get-secret, get-secret-versions"

    def check(self, conn: EntraConnection, step: Step) -> Impossible | None:
        try:
            secret = VaultSecret(conn, step.to)
        except Rejected as fault:
            return Impossible(fault.message, fault.hint)
        at, versions = secret.at, secret.listed()
        if not versions:
            return _absent(secret)
        present = secret.read()
        named = f"--vault-name {at.vault} --name {at.name}"
        if present is None:
            by_hand = f"az keyvault secret set-attributes --enabled true {named}"
            return Impossible(f"the current version of {at.word} is disabled: nobody reads it", by_hand)
        if present.managed:
            return Impossible(f"{at.word} belongs to a certificate of the vault", "deliver to a secret of its own")
        if why := at.unfit(present.text):
            return Impossible(why, f"{SCHEME}:{FORM}")
        return None

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        secret = VaultSecret(conn, step.to)
        present = secret.read()
        if present is None:
            return Failed(f"{secret.at.word} has no current version that can be read: nothing was written")
        return Done(_looked(secret, present), conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        secret = VaultSecret(conn, step.to)
        present = secret.read()
        return None if present is None else run.left(step.id) or _looked(secret, present)

    def prove(self, conn: EntraConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, f"the vault shows its current version. {UNWRITTEN}")

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        return Already({"written": None})


class Serve(Doer[EntraConnection]):
    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    permissions: ClassVar[tuple[str, ...]] = (GET_SECRETS, LIST_SECRETS, SET_SECRETS)
    says: ClassVar[str] = "writes the new one as the secret's newest version, and reads it back"
    undone: ClassVar[str] = "the text of the version before is written as the newest"
    survives: ClassVar[str] = "the version before still holds the old one, until finish: whoever names it reads it"
    source: ClassVar[str] = "Microsoft docs: set-secret"

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        secret, mint = VaultSecret(conn, step.to), step.takes or ""
        present, mine = secret.read(), secret.ours(run, mint)
        if present is None:
            return Failed(f"{secret.at.word} has no current version that can be read: nothing was written")
        if mine is not None and mine.id != present.id:
            return Failed(f"somebody wrote {secret.at.word} after this run did (version {present.id}): it was left so")
        if mine is not None and secret.at.holds(mine.text, run.take(mint)):
            return Already(_served(secret, mine))
        # It may have changed since it was looked at: merged into what it holds now.
        text = secret.at.written(present.text, run.take(mint))
        tags = {**present.tags, KEY_ID: key_id_of(run, mint), RUN: run.id, REPLACES: present.id}
        kind = present.content_type or content_type_of(text)
        made = secret.write(text, tags, content_type=kind, attributes=expiry_of(run, mint))
        return Done(_served(secret, made), conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        """Read back: our tags, and our text where this process holds it."""
        secret, mint = VaultSecret(conn, step.to), step.takes or ""
        present = secret.read()
        if present is None or not present.marks(run.id, key_id_of(run, mint)):
            return None
        if run.holds(mint) and not secret.at.holds(present.text, run.take(mint)):
            return None
        return run.left(step.id) or _served(secret, present)

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        secret = VaultSecret(conn, step.to)
        present = secret.read()
        if present is None or not present.marks(run.id, key_id_of(run, step.takes or "")):
            after = {"secret": secret.at.word, "version": present.id if present else ""}
            restored = present is not None and present.tags.get(REPLACES) == left.get("version") != ""
            return Already(after) if restored or not left else Failed(_changed(secret))
        former = secret.read(present.tags.get(REPLACES, ""))
        if former is None:
            by_hand = "put the former value in from the workload's own backup"
            return Impossible(f"the version before of {secret.at.word} cannot be read", by_hand)
        kept = {name: former.attributes[name] for name in KEPT if former.attributes.get(name)}
        tags = {**former.tags, RUN: run.id, REPLACES: present.id}
        tags.pop(KEY_ID, None)
        made = secret.write(former.text, tags, content_type=former.content_type, attributes=kept)
        return Done({"secret": secret.at.word, "version": made.id}, conn.now())


class Forget(Doer[EntraConnection]):
    """At `finish`: the version before is disabled. It can be enabled again, by whoever may write to the vault."""

    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (GET_SECRETS, LIST_SECRETS, SET_SECRETS)
    says: ClassVar[str] = "disables the version that holds the old one"
    undone: ClassVar[str] = "it is enabled again"
    survives: ClassVar[str] = "whoever may write to the vault can enable it again: no API deletes one version alone"
    source: ClassVar[str] = "Microsoft docs: update-secret"

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        secret, version = VaultSecret(conn, step.to), _former(step, run)
        present = secret.read()
        if present is not None and present.id == version:
            return Failed(f"the version before is current in {secret.at.word} again: it was left alone")
        found = next((each for each in secret.listed() if each.id == version), None)
        if found is None or not found.enabled:
            return Already(_forgotten(secret, version, gone=found is None))
        secret.enable(version, enabled=False)
        return Done(_forgotten(secret, version), conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        secret, version = VaultSecret(conn, step.to), _former(step, run)
        found = next((each for each in secret.listed() if each.id == version), None)
        return None if found is not None and found.enabled else _forgotten(secret, version, gone=found is None)

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        secret, version = VaultSecret(conn, step.to), _former(step, run)
        try:
            secret.enable(version, enabled=True)
        except Missing:
            return Impossible(f"{secret.at.word} has no such version any more", "")
        return Done({"version": version, "enabled": True}, conn.now())


class KeyVaultSecrets(Store[EntraConnection]):
    name: ClassVar[str] = SCHEME
    says: ClassVar[str] = f"Azure Key Vault: {FORM}"
    unit: ClassVar[Unit] = "text"
    beside: ClassVar[bool] = False
    stage = Stage()
    serve = Serve()
    forget = Forget()

    def recall(self, conn: EntraConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        secret = VaultSecret(conn, step.to)
        mine = secret.ours(run, step.takes or "")
        return secret.at.taken(mine.text, shape) if mine is not None else None


def _absent(secret: VaultSecret) -> Impossible:
    """A name that nobody reads yet may be mistyped: it is made by whoever knows."""
    at = secret.at
    named = f"--vault-name {at.vault} --name {at.name}"
    if secret.is_deleted():
        return Impossible(f"{at.word} is deleted, and its name is kept", f"az keyvault secret recover {named}")
    by_hand = f"create it: az keyvault secret set --value '{at.start}' {named}"
    return Impossible(f"there is no {at.word}", by_hand)


def _looked(secret: VaultSecret, present: Version) -> Json:
    return {"secret": secret.at.word, "base": present.id, "unwritten": UNWRITTEN}


def _served(secret: VaultSecret, version: Version) -> Json:
    former = version.tags.get(REPLACES, "")
    left = {"secret": secret.at.word, "version": version.id, "previous": former}
    what = f"version {former} of {secret.at.word} still holds the old credential, until finish: its id reads it"
    return {**left, "leaves": what} if former else left


def _forgotten(secret: VaultSecret, version: str, *, gone: bool = False) -> Json:
    left = {"secret": secret.at.word, "version": version, "enabled": False}
    what = f"version {version} of {secret.at.word} is disabled, and still holds the old credential"
    return left if gone else {**left, "leaves": f"{what}: who may write there can enable it"}


def _changed(secret: VaultSecret) -> str:
    return f"the current version of {secret.at.word} is not the one that this run wrote: nothing was changed"


def _former(step: Step, run: Run) -> str:
    """The version that the serve step took the place of. `finish` names its steps after those that they finish."""
    return str(run.left(step.id.removeprefix("finish-")).get("previous") or "")
