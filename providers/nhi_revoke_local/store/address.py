"""`/path/to/file[#json-key or format]`, and the names of the files that a delivery keeps beside it."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import split

if TYPE_CHECKING:
    from nhi_revoke.model.ref import Json
    from nhi_revoke.model.step import Step
    from nhi_revoke.provider.io import Run

SCHEME = "file:"
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")
"""What a step's id may have and a file's name should not."""


class Address(Struct, frozen=True):
    """One file. The names beside it carry the run and the mint step, so that two deliveries never meet."""

    path: str
    """Absolute."""
    key: str
    """The one JSON key that takes the secret part, or a format; empty: all fields are merged into JSON."""
    mark: str = ""

    @property
    def folder(self) -> str:
        return os.path.dirname(self.path)

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    @property
    def pending(self) -> str:
        """Staged: complete and synced, but nobody reads it yet."""
        return f"{self.name}.{self.mark}.pending"

    @property
    def previous(self) -> str:
        """What the file held before: the old secret, until `finish` or an undo."""
        return f"{self.name}.{self.mark}.previous"

    @property
    def absent(self) -> str:
        """Empty: says that there was no file before."""
        return f"{self.name}.{self.mark}.absent"


def parse(text: str) -> Address:
    """Split at the last `#`. A relative path counts from the present folder. Raises Rejected."""
    place, spelled = split(text.removeprefix(SCHEME))
    path, hash_, key = (place, "#", spelled) if spelled else place.rpartition("#")
    if not hash_:
        path, key = key, ""
    if not path or path.endswith("/") or "\0" in path or (hash_ and not key):
        raise Rejected(f'"{text}" is no address of a file', hint="Write file:/path/to/file or file:/path#json-key.")
    return Address(os.path.abspath(path), key)


def of_step(step: Step, run: Run, left: Json | None = None) -> Address:
    """The address of a step of this run, by the mint whose secret it carries.

    The path that the run left wins: a resumed run or an undo may stand in another folder.
    """
    found = parse(step.to)
    path = (left or run.left(step.id)).get("path") or found.path
    key = f"-{hashlib.sha256(found.key.encode()).hexdigest()[:8]}" if found.key else ""
    return Address(str(path), found.key, _UNFIT.sub("_", f"{run.id}-{step.takes or step.id}{key}"))
