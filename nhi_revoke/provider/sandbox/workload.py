"""Who may use the identity's credential: a workload that takes what its store holds at each call.

For the demo's rollover and for tests that count calls that fail while a credential is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from nhi_revoke.provider.sandbox.contract import Door


class Workload(Protocol):
    """One client of one provider, with a credential of its own kind."""

    @property
    def kind(self) -> str:
        """Access kind of the long-term credential that it uses."""
        ...

    def call(self) -> bool:
        """Reads the store and uses what it holds, once, by the vendor's data plane. False: clearly refused. Raises what
        is no clear answer.
        """
        ...

    def session(self) -> bool | None:
        """Likewise by a session that it began with the credential; a refused one is begun anew at the next call. None
        where it holds none.
        """
        ...


@runtime_checkable
class Employs(Protocol):
    """A sandbox whose identity does legitimate work, too."""

    def workload(self, folder: str) -> Workload:
        """After `seed` into the same folder. Puts the credential of now where the map delivers to."""
        ...


class StoredWorkload:
    """`read`: what the store holds now. `door`: the way in with it."""

    def __init__(
        self, kind: str, read: Callable[[], Mapping[str, str]], door: Callable[[Mapping[str, str]], Door]
    ) -> None:
        self.kind = kind
        self._read, self._door = read, door

    def call(self) -> bool:
        return self._door(self._read()).open()

    def session(self) -> bool | None:
        return None


def file_store(path: Path, held: Mapping[str, str]) -> Callable[[], Mapping[str, str]]:
    """A JSON file (0600) as a store, which holds this now."""
    path.touch(0o600)
    path.write_text(json.dumps(dict(held), indent=2))

    def read() -> Mapping[str, str]:
        found: dict[str, str] = json.loads(path.read_text())
        return found

    return read
