"""One text of the corpus: a made-up credential, and exactly what must be recognised in it.

`samples_VENDOR.py` beside this holds `SAMPLES: tuple[Sample, ...]` and `LOOKALIKES: tuple[LookAlike, ...]`; they are
found by their names. Values are made by code, with valid checksums, and no real one is among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nhi_revoke.model.liveness import Alive


@dataclass(frozen=True)
class Sample:
    """A text that holds exactly one credential."""

    name: str
    """Of the case, for the test's id: unique over all vendors."""
    text: str
    """As it leaks: bare, in a line of a log, in a configuration. No provider but one finds anything in it."""
    kind: str
    """`Leak.kind`; what stands before its `:` is the provider that must recognise it."""
    public_id: str
    """`Leak.public_id`, exactly."""
    value: str
    """What must stand in no output: `Recognised.value.reveal()`; empty where only a public part stands in the text."""
    owner: str = ""
    """`str(Leak.owner)`; empty: the shape does not tell."""
    state: Alive = "dead"
    """What `alive` says of it at the vendor's sandbox, which never issued it: `dead`, or `unknown` where no harmless
    call can tell or nothing can be tried.
    """


@dataclass(frozen=True)
class LookAlike:
    """A text that looks like a credential and holds none: a wrong checksum, a wrong length, a hash, a placeholder."""

    name: str
    text: str
