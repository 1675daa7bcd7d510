"""At `finish`: versions that still hold the old credential are deleted. They can be undeleted; none is destroyed.

Vault docs: api-docs/secret/kv/kv-v2 (delete, undelete and destroy secret versions).
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_vault.connection import VaultConnection
from nhi_revoke_vault.permissions import DELETE_VERSIONS, READ, UNDELETE_VERSIONS
from nhi_revoke_vault.store.versions import DELETED, DESTROYED, LOST, VaultSecret

LOOKED = 25
"""How many versions are looked at, the newest first. Vault keeps ten unless it is told otherwise."""


class Copies(Struct, frozen=True):
    """Versions besides the newest, as far as was looked."""

    same: tuple[int, ...] = ()
    """They hold the old credential, and are older than the new one."""
    later: tuple[int, ...] = ()
    """They hold it, and were written after the new one."""
    other: tuple[int, ...] = ()
    """They hold another secret in that place, and are older than the new one."""
    closed: tuple[int, ...] = ()
    """Deleted before: what they hold cannot be compared, and can be undeleted."""
    more: bool = False
    """There are older ones, which were not looked at."""


class Forget(Doer[VaultConnection]):
    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (READ, DELETE_VERSIONS, UNDELETE_VERSIONS)
    says: ClassVar[str] = "deletes the versions that hold the old one, as Vault deletes: what they hold is kept"
    undone: ClassVar[str] = "they are undeleted"
    survives: ClassVar[str] = "whoever may undelete versions can read them again: they are deleted, never destroyed"
    source: ClassVar[str] = "Vault docs: api-docs/secret/kv/kv-v2 (delete secret versions)"

    def apply(self, conn: VaultConnection, step: Step, run: Run) -> Change:
        secret, (served, previous, field) = VaultSecret(conn, step.to), _of_serve(step, run)
        copies = _copies(secret, previous, served, field)
        if not copies.same:
            return Already(_forgotten(secret, copies, ()))
        secret.delete(copies.same)
        return Done(_forgotten(secret, copies, copies.same), conn.now())

    def seen(self, conn: VaultConnection, step: Step, run: Run) -> Json | None:
        secret, (served, previous, field) = VaultSecret(conn, step.to), _of_serve(step, run)
        copies = _copies(secret, previous, served, field)
        if copies.same:
            return None
        ended = (previous,) if secret.version(previous).state == DELETED else ()
        return run.left(step.id) or _forgotten(secret, copies, ended)

    def undo(self, conn: VaultConnection, step: Step, left: Json, run: Run) -> Change:
        secret, back = VaultSecret(conn, step.to), [int(number) for number in left.get("deleted") or ()]
        if not back:
            return Already({"secret": secret.word})
        secret.undelete(back)
        gone = sorted(each.number for each in secret.versions(back).values() if each.text is None)
        if gone:
            told = ", ".join(map(str, gone))
            return Impossible(f"version {told} of {secret.word} was destroyed, or dropped for newer ones", "")
        return Done({"secret": secret.word, "undeleted": back}, conn.now())


def _copies(secret: VaultSecret, previous: int, served: int, field: str) -> Copies:
    """Compared in memory, by fingerprint, with the version of before, where that can be read."""
    newest = secret.newest().number
    lowest = max(1, newest - LOOKED + 1)
    found = secret.versions({*range(newest, lowest - 1, -1), previous} - {0})
    old = found[previous].text if previous else None
    if old is not None and not (field or secret.address.key or secret.address.spelled):
        return Copies(same=(previous,))  # after a crash nothing tells which field it is: what is known is the version
    same = sorted(n for n, each in found.items() if n != served and secret.address.same(each.text, old, field))
    shape, known = Secret("", field=field), {served, *same}
    held = [n for n, each in found.items() if n < served and secret.address.taken(each.text, shape) is not None]
    return Copies(
        tuple(n for n in same if n < served),
        tuple(n for n in same if n > served),
        tuple(sorted(n for n in held if n not in known)),
        tuple(sorted(n for n, each in found.items() if each.state == DELETED and n not in (previous, served))),
        more=lowest > 1 and found[lowest].state not in (LOST, DESTROYED),
    )


def _forgotten(secret: VaultSecret, copies: Copies, ended: tuple[int, ...]) -> Json:
    left: Json = {"secret": secret.word, "deleted": list(ended)}
    said: list[str] = []
    if ended:
        told = ",".join(map(str, ended))
        said.append(
            f"deleted in {secret.word}, and still holding the old credential: version {told} (whoever may undelete "
            f"can; for good: vault kv destroy -versions={told} {secret.at.flags})"
        )
    if copies.later:
        said.append(f"written later, holding it, left so: {', '.join(map(str, copies.later))}")
    if copies.other:
        other = ", ".join(map(str, copies.other))
        said.append(f"older, holding another secret in that place, left so: version {other} of {secret.word}")
    if copies.closed:
        closed = ", ".join(map(str, copies.closed))
        said.append(f"deleted before, can be undeleted, not compared: version {closed} of {secret.word}")
    if copies.more:
        said.append(f"older than the {LOOKED} newest were not looked at")
    return {**left, "leaves": "; ".join(said)} if said else left


def _of_serve(step: Step, run: Run) -> tuple[int, int, str]:
    """The version that the serve step wrote, the one of before, and the name of the secret part; `finish` names its
    steps after those.
    """
    left = run.left(step.id.removeprefix("finish-"))
    return int(left.get("version") or 0), int(left.get("previous") or 0), str(left.get("field") or "")
