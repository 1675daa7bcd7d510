"""`gcp-secretmanager:PROJECT/NAME[#json-key]`: looked at, and written as a new version once the new one is proven.

Secret Manager has no pending version: the newest is what `latest` is. So nothing is written before the proof; the
version of before stays as it is until `finish` disables it. None is ever destroyed. facts gcp.md 4 and 7 (14, 15, 23).
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
from nhi_revoke.provider.merging import same_public
from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.permissions import ACCESS_VERSION, ADD_VERSION, GET_SECRET, LIST_VERSIONS
from nhi_revoke_gcp.store.address import FORM, SCHEME
from nhi_revoke_gcp.store.forget import Forget
from nhi_revoke_gcp.store.versions import GcpSecret

READS = (GET_SECRET, LIST_VERSIONS, ACCESS_VERSION)
NEEDED = (*READS, ADD_VERSION)
UNWRITTEN = "Secret Manager has no place beside the newest version: it is written once it is proven"
SETTLE = 180.0
"""Seconds until `latest` is taken to be the new version: "within minutes" is documented, the margin is ours."""
TRIED = 5
"""How many of the newest versions are looked at for what this run may have written."""


class Stage(Doer[GcpConnection]):
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = "looks whether the secret can be written, and writes nothing: what is written is read at once"
    undone: ClassVar[str] = "nothing was written"
    source: ClassVar[str] = "Google Cloud docs: secrets.get, secrets.testIamPermissions, secrets.versions.access"

    def check(self, conn: GcpConnection, step: Step) -> Impossible | None:
        try:
            secret = GcpSecret(conn, step.to)
        except Rejected as fault:
            return Impossible(fault.message, fault.hint)
        at = secret.at
        try:
            _, lacking = conn.side_by_side(secret.aliases, lambda: secret.lacks(NEEDED))
        except Missing:
            by_hand = f"create it: gcloud secrets create {at.name} --project={at.project}"
            return Impossible(f"there is no {at.word}", by_hand)
        if lacking:
            by_hand = f"grant it on the secret: roles/secretmanager.secretVersionManager and secretAccessor ({SCHEME})"
            return Impossible(f"the operator lacks {', '.join(lacking)} on {at.word}", by_hand)
        number, text = secret.newest()
        if number and text is None and at.merges:
            why = f"version {number} of {at.word} is the newest, and is disabled, destroyed or no text"
            by_hand = f"gcloud secrets versions enable {number} {at.flags}, or add a version ({{}} will do)"
            return Impossible(f"{why}: what else it holds would be lost", by_hand)
        if why := at.unfit(text):
            return Impossible(why, f"{SCHEME}:{FORM}")
        return None

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        secret = GcpSecret(conn, step.to)
        number, _ = secret.newest()
        return Done(_looked(secret, number), conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        secret = GcpSecret(conn, step.to)
        try:
            return run.left(step.id) or _looked(secret, secret.newest()[0])
        except Missing:
            return None

    def prove(self, conn: GcpConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, f"Secret Manager shows its newest version. {UNWRITTEN}")

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        return Already({"written": None})


class Serve(Doer[GcpConnection]):
    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = "writes the new one as the newest version, and reads it back by its number and its CRC32C"
    undone: ClassVar[str] = "the text of the version before is written as the newest"
    survives: ClassVar[str] = "versions before still hold the old one, until finish: whoever names one by its number"
    source: ClassVar[str] = "Google Cloud docs: secrets.addVersion, secret-manager/reference/consistency"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        secret, new = GcpSecret(conn, step.to), run.take(step.takes or "")
        aliases, (number, present) = conn.side_by_side(secret.aliases, secret.newest)
        # What an answer that was lost may hide is looked for before anything is written again.
        mine = _ours(secret, number, present, step, run)
        if mine and mine != number:
            return Failed(f"somebody wrote {secret.at.word} after this run did (version {number}): it was left so")
        if mine:
            return Already(_served(secret, mine, mine - 1, mine - 1, aliases))
        if number and present is None and secret.at.merges:
            return Failed(f"version {number} of {secret.at.word} cannot be read any more: nothing was written")
        # It may have changed since it was looked at: merged into what it holds now.
        made = secret.add(secret.at.written(present, new))
        return Done(_served(secret, made, number, made - 1, aliases), conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        """Read back by its number: our text, where this process holds it; else what the mint left of it."""
        secret, left = GcpSecret(conn, step.to), run.left(step.id)
        number, text = secret.newest()
        if text is None or (left and number != left.get("version")):
            return None
        if run.holds(step.takes or ""):
            is_ours = secret.at.holds(text, run.take(step.takes or ""))
        else:
            is_ours = bool(left) or (not secret.at.key and same_public(text, run.left(step.takes or ""), ""))
        if not is_ours:
            return None
        return left or _served(secret, number, number - 1, number - 1, secret.aliases())

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        secret = GcpSecret(conn, step.to)
        number, text = secret.newest()
        previous = int(left.get("previous") or 0)
        after = {"secret": secret.at.word, "version": number}
        if not left:
            return Already(after)
        former = secret.text(previous) if previous else None
        if number != left.get("version"):
            return Already(after) if former is not None and text == former else Failed(_changed(secret))
        if former is None:
            why = f"version {previous} of {secret.at.word} cannot be read" if previous else "it had no version before"
            by_hand = f"gcloud secrets versions enable {previous} {secret.at.flags}" if previous else ""
            return Impossible(why, by_hand or f"gcloud secrets versions disable {number} {secret.at.flags}")
        return Done({"secret": secret.at.word, "version": secret.add(former)}, conn.now())


class SecretManager(Store[GcpConnection]):
    name: ClassVar[str] = SCHEME
    says: ClassVar[str] = f"Google Cloud Secret Manager: {FORM}"
    unit: ClassVar[Unit] = "text"
    beside: ClassVar[bool] = False
    stage = Stage()
    serve = Serve()
    forget = Forget()

    def recall(self, conn: GcpConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        """What was written since this run looked, the newest first."""
        secret, base = GcpSecret(conn, step.to), run.left(step.id).get("base")
        if base is None:
            return None
        number, _ = secret.newest()
        texts = secret.texts(range(number, max(int(base), number - TRIED), -1))
        found = (secret.at.taken(text, shape) for text in texts.values())
        return next((each for each in found if each is not None), None)


def _ours(secret: GcpSecret, number: int, text: str | None, step: Step, run: Run) -> int:
    """The newest version that holds what this run minted; zero where none does."""
    new = run.take(step.takes or "")
    if text is not None and secret.at.holds(text, new):
        return number
    older = secret.texts(range(number - 1, max(0, number - TRIED), -1))
    return next((each for each, held in older.items() if secret.at.holds(held, new)), 0)


def _looked(secret: GcpSecret, number: int) -> Json:
    return {"secret": secret.at.word, "base": number, "unwritten": UNWRITTEN}


def _served(secret: GcpSecret, number: int, previous: int, below: int, aliases: dict[int, list[str]]) -> Json:
    """`previous`: whose text it was merged into; zero: there was none. `below`: the version right before it."""
    word, said = secret.at.word, []
    if below > previous > 0:
        said.append(f"version {below} was written by somebody else at this moment, and is not in the newest")
    if previous:
        named = [f"{alias} (version {n})" for n, names in aliases.items() if n < number for alias in names]
        also = f"; these aliases do: {', '.join(named)}" if named else ""
        said.append(
            f"version {previous} of {word} still holds the old credential, until finish: whoever is pinned to it, by "
            f"number or alias, gets no new one, and has to be pointed at version {number} or latest{also}"
        )
    left: Json = {"secret": word, "version": number, "previous": previous}
    return {**left, "leaves": "; ".join(said)} if said else left


def _changed(secret: GcpSecret) -> str:
    return f"{secret.at.word} is not as this run left it: nothing was changed"
