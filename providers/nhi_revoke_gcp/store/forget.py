"""At `finish`: versions that still hold the old credential are disabled. They can be enabled again; none is destroyed.

facts gcp.md 4 and 7 (23). Google Cloud docs: secrets.versions.disable, secret-manager/etags.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Fault, Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.permissions import (
    ACCESS_VERSION,
    DISABLE_VERSION,
    ENABLE_VERSION,
    GET_VERSION,
    LIST_VERSIONS,
)
from nhi_revoke_gcp.store.versions import ENABLED, LOOKED, GcpSecret, Version


class Copies(Struct, frozen=True):
    """Versions besides the one of before that can be read, as far as was looked."""

    same: tuple[Version, ...] = ()
    """They hold the old credential, too, and are older than the new one."""
    later: tuple[Version, ...] = ()
    """They hold it, and were written after the new one."""
    other: tuple[int, ...] = ()
    """They hold something else, or could not be compared."""
    more: bool = False
    """There are older ones, which were not looked at."""


class Forget(Doer[GcpConnection]):
    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (
        LIST_VERSIONS, GET_VERSION, ACCESS_VERSION, DISABLE_VERSION, ENABLE_VERSION,
    )  # fmt: skip
    says: ClassVar[str] = "disables the versions that hold the old one"
    undone: ClassVar[str] = "they are enabled again"
    survives: ClassVar[str] = "whoever may enable versions can enable them again: they are disabled, never destroyed"
    source: ClassVar[str] = "Google Cloud docs: secrets.versions.disable"

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        secret = GcpSecret(conn, step.to)
        served, previous = _of_serve(step, run)
        former = secret.version(previous) if previous else None
        if former is not None and former.number >= served:
            return Failed(f"version {previous} of {secret.at.word} is not older than the new one: it was left so")
        copies = _copies(secret, previous, served, _field(step, run))
        if former is None or former.state != ENABLED:
            return Already(_forgotten(secret, previous, (), copies, gone=former is None))
        if not secret.disable(former):
            return Already(_forgotten(secret, previous, (), copies))
        ended, stubborn = [previous], []
        for version in copies.same:
            try:
                secret.disable(version)
                ended.append(version.number)
            except Fault:  # the one that is asked for is disabled: which one is not is told
                stubborn.append(version.number)
        return Done(_forgotten(secret, previous, tuple(ended), copies, stubborn=tuple(stubborn)), conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        secret = GcpSecret(conn, step.to)
        _, previous = _of_serve(step, run)
        former = secret.version(previous) if previous else None
        if former is not None and former.state == ENABLED:
            return None
        return run.left(step.id) or _forgotten(secret, previous, (previous,), Copies(), gone=former is None)

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        secret, back = GcpSecret(conn, step.to), [int(number) for number in left.get("disabled") or ()]
        if not back:
            return Already({"secret": secret.at.word})
        try:
            for number in back:
                secret.enable(number)
        except Missing:
            return Impossible(f"{secret.at.word} has no such version any more", "")
        except Rejected as refused:
            return Impossible(f"{refused.message}: a version that was destroyed is gone for good", "")
        return Done({"secret": secret.at.word, "enabled": back}, conn.now())


def _copies(secret: GcpSecret, previous: int, served: int, field: str) -> Copies:
    """Compared in memory, by fingerprint, with the version of before, where that can be read."""
    all_ = secret.listed()
    held = [each for each in all_ if each.state == ENABLED and each.number not in (previous, served)]
    texts = secret.texts([previous, *(each.number for each in held)])
    old = secret.at.secret_part(texts.get(previous, ""), field)
    same: list[Version] = []
    other: list[int] = []
    for version in held:
        part = secret.at.secret_part(texts.get(version.number, ""), field)
        if old is not None and part is not None and part.fingerprint() == old.fingerprint():
            same.append(version)
        else:
            other.append(version.number)
    lowest = min((each.number for each in all_), default=1)
    return Copies(
        tuple(v for v in same if v.number < served),
        tuple(v for v in same if v.number > served),
        tuple(sorted(n for n in other if n < served)),
        more=len(all_) >= LOOKED and lowest > 1,
    )


def _forgotten(
    secret: GcpSecret,
    previous: int,
    ended: tuple[int, ...],
    copies: Copies,
    *,
    stubborn: tuple[int, ...] = (),
    gone: bool = False,
) -> Json:
    left: Json = {"secret": secret.at.word, "version": previous, "disabled": list(ended)}
    said: list[str] = []
    if not gone:
        all_off = ", ".join(map(str, sorted(ended or (previous,))))
        said.append(
            f"disabled in {secret.at.word}, and still holding the old credential: version {all_off} (whoever may "
            "enable versions can)"
        )
    if stubborn:
        said.append(f"holding it, and NOT disabled: {', '.join(map(str, stubborn))}")
    if copies.later:
        said.append(f"written later, holding it, left so: {', '.join(str(v.number) for v in copies.later)}")
    if copies.other:
        told = ", ".join(map(str, copies.other))
        said.append(f"older versions of {secret.at.word}, enabled, holding something else or not to compare: {told}")
    if copies.more:
        said.append(f"older than the {LOOKED} newest were not looked at")
    return {**left, "leaves": "; ".join(said)} if said else left


def _of_serve(step: Step, run: Run) -> tuple[int, int]:
    """The version that the serve step wrote, and the one of before; `finish` names its steps after those."""
    left = run.left(step.id.removeprefix("finish-"))
    return int(left.get("version") or 0), int(left.get("previous") or 0)


def _field(step: Step, run: Run) -> str:
    return str(run.left(step.takes or "").get("field") or "")
