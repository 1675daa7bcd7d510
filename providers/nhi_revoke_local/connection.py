"""This machine needs no login."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.io import Io


class LocalConnection:
    """Has the engine's clock, and nobody's credentials."""

    def __init__(self, io: Io) -> None:
        self._io = io

    @property
    def io(self) -> Io:
        """Retries, and clients."""
        return self._io

    @property
    def scope(self) -> str:
        return ""

    def whoami(self) -> Sequence[PrincipalRef]:
        """Nobody: the operating system's user is no principal that this tool could cut off."""
        return ()

    def now(self) -> datetime:
        return self._io.now()
