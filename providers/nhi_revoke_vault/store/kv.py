"""`vault:MOUNT/PATH[#json-key]`: looked at, and written as a new version once the new one is proven.

KV version 2 has no pending version: the newest is what is read. So nothing is written before the proof. A write says
which version it was merged into (check-and-set): where somebody wrote meanwhile, it is merged anew, and nothing of
theirs is lost. The version of before stays, by its number, until `finish` deletes it. None is ever destroyed.
"""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer, Store, Unit
from nhi_revoke.provider.fault import Conflict, Denied, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.merging import same_public
from nhi_revoke.provider.secret import Secret
from nhi_revoke_vault.connection import VaultConnection
from nhi_revoke_vault.permissions import CAPABILITIES, CREATE, DELETE_VERSIONS, READ, READ_METADATA, UPDATE
from nhi_revoke_vault.store.address import FORM, HINT, SCHEME
from nhi_revoke_vault.store.forget import Forget
from nhi_revoke_vault.store.versions import DELETED, VaultSecret, Version, Written

NEEDED = (READ, READ_METADATA, CREATE, UPDATE)
UNWRITTEN = "Vault has no place beside the newest version: it is written once it is proven"
TRIED = 5
"""How many of the newest versions are looked at for what this run may have written."""
MERGED_ANEW = 5
"""How often a write is tried where others write at the same moment."""
EVERYTHING = "root"


class Stage(Doer[VaultConnection]):
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = (*NEEDED, CAPABILITIES)
    says: ClassVar[str] = "looks whether the secret can be written, and writes nothing: what is written is read at once"
    undone: ClassVar[str] = "nothing was written"
    source: ClassVar[str] = "Vault docs: api-docs/secret/kv/kv-v2, api-docs/system/capabilities-self"

    def check(self, conn: VaultConnection, step: Step) -> Impossible | None:
        try:
            secret = VaultSecret(conn, step.to)
        except Rejected as fault:
            return Impossible(fault.message, fault.hint)
        allowed, newest = conn.side_by_side(secret.capabilities, lambda: _newest_or_denied(secret))
        is_new = isinstance(newest, Version) and newest.number == 0
        needed = {"read", "create" if is_new else "update"}
        if allowed is not None and EVERYTHING not in allowed and (lacking := sorted(needed - allowed)):
            path, quoted = secret.at.api("data"), ", ".join(f'"{each}"' for each in sorted(needed))
            by_hand = f'a policy of the token has to say: path "{path}" {{ capabilities = [{quoted}] }}'
            return Impossible(f"the operator's token lacks {', '.join(lacking)} on {path}", by_hand)
        if isinstance(newest, Denied):
            raise newest
        if newest.number and newest.text is None:
            why = f"version {newest.number} of {secret.word} is the newest, and is {newest.state}"
            return Impossible(f"{why}: what else it holds would be lost", _way_back(secret, newest))
        if why := secret.address.unfit(newest.text):
            return Impossible(f"{secret.word} takes no credential of this form: {why}", HINT)
        return None

    def apply(self, conn: VaultConnection, step: Step, run: Run) -> Change:
        return Done(_looked(VaultSecret(conn, step.to)), conn.now())

    def seen(self, conn: VaultConnection, step: Step, run: Run) -> Json | None:
        return run.left(step.id) or _looked(VaultSecret(conn, step.to))

    def prove(self, conn: VaultConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, f"Vault shows the newest version. {UNWRITTEN}")

    def undo(self, conn: VaultConnection, step: Step, left: Json, run: Run) -> Change:
        return Already({"written": None})


class Serve(Doer[VaultConnection]):
    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    permissions: ClassVar[tuple[str, ...]] = (*NEEDED, DELETE_VERSIONS)
    says: ClassVar[str] = "writes the new one as the newest version, by check-and-set, and reads it back"
    undone: ClassVar[str] = (
        "the text of the version before is written as the newest; where there was none, it is deleted"
    )
    survives: ClassVar[str] = "versions before still hold the old one, until finish: whoever names one by its number"
    source: ClassVar[str] = "Vault docs: api-docs/secret/kv/kv-v2 (create/update secret)"

    def apply(self, conn: VaultConnection, step: Step, run: Run) -> Change:
        secret, new = VaultSecret(conn, step.to), run.take(step.takes or "")
        kept, present = conn.side_by_side(secret.kept, secret.newest)
        for _ in range(MERGED_ANEW):
            # What an answer that was lost may hide is looked for before anything is written again.
            if mine := _ours(secret, present, new):
                if mine[-1] != present.number:
                    return Failed(
                        f"somebody wrote {secret.word} after this run did (version {mine[-1]}): it was left so"
                    )
                return Already(_served(secret, Written(present.number), mine[0] - 1, kept, new.field))
            if present.number and present.text is None:
                return Failed(f"version {present.number} of {secret.word} is {present.state}: nothing was written")
            try:
                made = secret.write(secret.address.written(present.text, new), present.number)
            except Conflict:
                present = secret.newest()
                continue
            held = secret.address.taken(present.text, Secret("", field=new.field)) is not None
            return Done(_served(secret, made, present.number, kept, new.field, held=held), conn.now())
        return Failed(f"others write {secret.word} all the time: it was merged anew each time, and nothing was written")

    def seen(self, conn: VaultConnection, step: Step, run: Run) -> Json | None:
        """Read back: our text, where this process holds it; else what this run left, or what the mint left of it."""
        secret, left, mint = VaultSecret(conn, step.to), run.left(step.id), step.takes or ""
        present = secret.newest()
        if present.text is None:
            return None
        first = present.number
        if run.holds(mint):
            mine = _ours(secret, present, run.take(mint)) if secret.address.holds(present.text, run.take(mint)) else []
            is_ours, first = bool(mine), mine[0] if mine else first
        elif left:
            is_ours = _as_left(secret, present, left)
        else:
            is_ours = secret.address.plain and same_public(present.text, run.left(mint), "")
        if not is_ours:
            return None
        field = run.take(mint).field if run.holds(mint) else str(run.left(mint).get("field") or "")
        return left or _served(secret, Written(present.number), first - 1, None, field)

    def undo(self, conn: VaultConnection, step: Step, left: Json, run: Run) -> Change:
        secret = VaultSecret(conn, step.to)
        present = secret.newest()
        after = {"secret": secret.word, "version": present.number}
        if not left:
            # The answer may have died with the process: what the mint left of it tells whose the newest version is.
            if not secret.address.plain or not same_public(present.text, run.left(step.takes or ""), ""):
                return Already(after)
            left = {"version": present.number, "previous": present.number - 1}
        if not (previous := int(left["previous"])):
            return _unmade(secret, present, left, conn)
        former = secret.version(previous)
        if not _is_whole(secret, present, left):
            is_back = former.text is not None and present.text == former.text
            return Already(after) if is_back else Failed(_changed(secret))
        if former.text is None:
            return Impossible(f"version {previous} of {secret.word} is {former.state}", _way_back(secret, former))
        try:
            made = secret.write(former.text, present.number)
        except Conflict:
            return Failed(_changed(secret))
        return Done({"secret": secret.word, "version": made.number}, conn.now())


class VaultKv(Store[VaultConnection]):
    name: ClassVar[str] = SCHEME
    says: ClassVar[str] = f"HashiCorp Vault or OpenBao, KV version 2: {FORM}"
    unit: ClassVar[Unit] = "keys"
    beside: ClassVar[bool] = False
    stage = Stage()
    serve = Serve()
    forget = Forget()

    def recall(self, conn: VaultConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        """What was written since this run looked, the newest first. A secret part that stood there by then is the old
        one, whatever version shows it now.
        """
        secret, base = VaultSecret(conn, step.to), run.left(step.id).get("base")
        if base is None:
            return None
        newest = secret.newest().number
        found = secret.versions([*range(newest, max(int(base), newest - TRIED), -1), int(base)])
        before = found.pop(int(base)).text
        for version in found.values():
            if version.text is not None and not secret.address.same(version.text, before, shape.field):
                taken = secret.address.taken(version.text, shape)
                if taken is not None:
                    return taken
        return None


def _newest_or_denied(secret: VaultSecret) -> Version | Denied:
    """What the token lacks is told better by its capabilities."""
    try:
        return secret.newest()
    except Denied as denied:
        return denied


def _ours(secret: VaultSecret, present: Version, new: Secret) -> list[int]:
    """Numbers of the newest versions that hold what this run minted, the oldest first."""
    numbers = range(present.number - 1, max(0, present.number - TRIED), -1)
    found = [present, *secret.versions(numbers).values()]
    return sorted(each.number for each in found if each.number and secret.address.holds(each.text, new))


def _as_left(secret: VaultSecret, present: Version, left: Json) -> bool:
    """Whether the newest version still holds what this run wrote: others may have added to it."""
    version, field = int(left.get("version") or 0), str(left.get("field") or "")
    return present.number == version or secret.address.same(present.text, secret.version(version).text, field)


def _is_whole(secret: VaultSecret, present: Version, left: Json) -> bool:
    """Whether nothing at all differs from what this run wrote."""
    version = int(left.get("version") or 0)
    if present.text is None:
        return False
    return present.number == version or present.text == secret.version(version).text


def _unmade(secret: VaultSecret, present: Version, left: Json, conn: VaultConnection) -> Change:
    """There was none before: the version that made it is deleted, which leaves nothing to read."""
    after = {"secret": secret.word, "version": present.number, "deleted": True}
    if present.number != left.get("version"):
        return Failed(_changed(secret))
    if present.text is None:
        return Already(after)
    secret.delete([present.number])
    return Done(after, conn.now())


def _looked(secret: VaultSecret) -> Json:
    newest, kept = secret.newest(), secret.kept()
    said = [UNWRITTEN]
    if not newest.number:
        said.append(f"there is no {secret.word} yet: it is made then")
    elif kept == 1:
        said.append(f"{secret.word} keeps one version alone: the one of before is lost then, and is not put back")
    return {"secret": secret.word, "base": newest.number, "unwritten": "; ".join(said)}


def _served(
    secret: VaultSecret, written: Written, previous: int, kept: int | None, field: str, *, held: bool = True
) -> Json:
    """`previous`: the version that it was merged into; zero: there was none. `held`: an old credential stands there.
    `kept`: how many versions Vault keeps; None: not known. `field`: name of the secret part, for `finish`.
    """
    left: Json = {"secret": secret.word, "version": written.number, "previous": previous, "field": field}
    said: list[str] = []
    if previous and held and kept != 1:
        said.append(
            f"version {previous} of {secret.word} still holds the old credential, until finish: whoever names it by "
            f"its number gets no new one, and has to read version {written.number} or the newest"
        )
    if written.deleted_at:
        said.append(f"Vault deletes version {written.number} of {secret.word} at {written.deleted_at} by itself")
    return {**left, "leaves": "; ".join(said)} if said else left


def _way_back(secret: VaultSecret, version: Version) -> str:
    """What to type where a version cannot be read."""
    if version.state == DELETED:
        return f"vault kv undelete -versions={version.number} {secret.at.flags}"
    return f"vault kv rollback -version=N {secret.at.flags}, with a version that can be read; or put the fields in anew"


def _changed(secret: VaultSecret) -> str:
    return f"{secret.word} is not as this run left it: nothing was changed"
