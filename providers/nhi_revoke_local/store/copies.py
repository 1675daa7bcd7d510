"""Files beside a file that still hold the old secret: compared in memory, and named. None of them is this run's.

Editors and people leave them (`bot.json~`, `bot.json.bak`, `.bot.json.swp`), and so does an earlier run that nobody
finished (`bot.json.RUN-….previous`).
"""

from __future__ import annotations

import shlex

from msgspec import Struct

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.secret import Secret
from nhi_revoke_local.store import content
from nhi_revoke_local.store.address import Address
from nhi_revoke_local.store.place import Place

LOOKED = 50
"""How many files are looked at: those whose names begin as the file's own does, in the order of the names."""
LARGEST = 1 << 20
"""Bytes of a file that is read."""


class Copies(Struct, frozen=True):
    """As far as was looked."""

    previous: bool = False
    """The `.previous` file of this run holds the old secret, or may."""
    same: tuple[str, ...] = ()
    """Names of other files that hold it."""
    unread: tuple[str, ...] = ()
    """Names of those that could not be read."""
    unseen: str = ""
    """Why not everything was looked at."""


def copies_of(place: Place, at: Address, field: str) -> Copies:
    """Compared with what the file held before, which the `.previous` file keeps. `field`: the secret part's name where
    all fields are merged; empty: not known. Raises no Fault.
    """
    if not place.has(at.previous):
        return Copies()  # there was no file before, or what it held is gone
    try:
        kept = place.read(at.previous)
    except Rejected as why:
        return Copies(previous=True, unseen=why.message)
    if kept is None or not (field or at.key):
        return Copies(previous=kept is not None, unseen="what is looked for is not known")
    old = content.extracted(kept.content, field, at.key)
    if not old:
        return Copies()  # no credential stood there before
    try:
        names = [name for name in place.names() if _beside(name, at)]
    except Rejected as why:
        return Copies(previous=True, unseen=why.message)
    same, unread = [], []
    for name in names[:LOOKED]:
        try:
            found = place.read(name, largest=LARGEST)
        except Rejected:
            unread.append(name)
            continue
        if found is not None and _holds(found.content, Secret(old, field=field), at.key):
            same.append(name)
    unseen = f"more than {LOOKED} files have names like it" if len(names) > LOOKED else ""
    return Copies(True, tuple(same), tuple(unread), unseen)


def says(at: Address, copies: Copies, *, forgotten: bool) -> str:
    """For the report; empty where nothing holds the old one."""
    said = []
    if copies.previous and not forgotten:
        said.append(f"{at.folder}/{at.previous} still holds the old credential, until finish: its owner alone reads it")
    if copies.same:
        paths = [f"{at.folder}/{name}" for name in copies.same]
        verb = "holds" if len(paths) == 1 else "hold"
        word = "the old credential" if forgotten or not said else "it, too"
        said.append(
            f"{', '.join(paths)} {verb} {word}, and this run made none of them (by hand: rm -- {shlex.join(paths)})"
        )
    if copies.unread:
        said.append(f"could not be compared, and may hold it: {', '.join(f'{at.folder}/{n}' for n in copies.unread)}")
    if copies.unseen:
        said.append(f"other copies in {at.folder} were not looked for ({copies.unseen})")
    return "; ".join(said)


def _beside(name: str, at: Address) -> bool:
    return name.lstrip(".").startswith(at.name.lstrip(".")) and name not in (
        at.name, at.pending, at.previous, at.absent,
    )  # fmt: skip


def _holds(text: bytes, old: Secret, key: str) -> bool:
    """In its place in a JSON object, or anywhere in what is none."""
    value = content.extracted(text, old.field, key)
    if value is not None and Secret(value, field=old.field).fingerprint() == old.fingerprint():
        return True
    return old.reveal().encode() in text
