"""What the flushes of this machine share: settings of the map, and secrets that lie elsewhere than in the map."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Struct

from nhi_revoke.model.change import Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import NotInstalled, Rejected, Unauthenticated
from nhi_revoke.provider.flush_settings import read_settings
from nhi_revoke.provider.missing import missing
from nhi_revoke.provider.secret import Secret
from nhi_revoke_local.connection import LocalConnection

S = TypeVar("S", bound=Struct)


class LocalFlush(Doer[LocalConnection], Generic[S]):
    """Its settings are the step's before-state: what stands beside `use` in the map. They are journaled."""

    phase: ClassVar[Phase] = Phase.FLUSH
    reversible: ClassVar[bool] = False
    again: ClassVar[bool] = True
    shape: ClassVar[type[Any]]
    """Of its settings."""
    example: ClassVar[str]
    """What to write in the map."""
    needs_installed: ClassVar[tuple[str, ...]] = ()
    """Import names."""
    extra: ClassVar[str] = ""

    def settings(self, given: Json) -> S:
        """Raises Rejected, with what to write."""
        read: S = read_settings(self.name, given, self.shape, self.example)
        self.weigh(read)
        return read

    @abstractmethod
    def weigh(self, settings: S) -> None:
        """What types alone do not tell. Raises Rejected."""

    @abstractmethod
    def plainly(self, settings: S) -> tuple[str, str]:
        """What it does with these settings, and what breaks meanwhile."""

    @abstractmethod
    def unready(self, conn: LocalConnection, settings: S) -> Impossible | None:
        """Whether it can be done. Changes nothing."""

    def tells(self, settings: Json) -> tuple[str, str]:
        try:
            return self.plainly(self.settings(settings))
        except Rejected as wrong:
            return f"{wrong.message} (it will not be done: {wrong.hint.rstrip('.')})", ""

    def check(self, conn: LocalConnection, step: Step) -> Impossible | None:
        try:
            settings = self.settings(step.before)
            self.installed()
            return self.unready(conn, settings)
        except (Rejected, NotInstalled) as wrong:
            return Impossible(wrong.message, wrong.hint)

    def installed(self) -> None:
        """Raises NotInstalled, with what to type."""
        absent = missing(self.needs_installed)
        if absent:
            why = f"{self.name}: not installed: {', '.join(absent)}"
            raise NotInstalled(why, hint=f"pip install 'nhi-revoke[{self.extra}]'")


def secret_of(use: str, name: str, variable: str, file: str) -> Secret | None:
    """What `NAME_env` or `NAME_file` of the map names; None where neither is there.

    Raises Unauthenticated for one that is not set, empty, or cannot be read. A path is never shown: it may be the
    secret itself.
    """
    if file:
        try:
            text = Path(file).expanduser().read_text(encoding="utf-8-sig").strip("\r\n")
        except (OSError, ValueError, RuntimeError) as error:
            why = type(error).__name__
        else:
            if text:
                return Secret(text, field=name)
            why = "it is empty"
        raise Unauthenticated(f"{use}: the file that {name}_file names cannot be read ({why}): nothing was asked")
    if not variable:
        return None
    text = os.environ.get(variable, "")
    if not text:
        raise Unauthenticated(f"{use}: the variable {variable} ({name}_env) is not set: nothing was asked")
    return Secret(text, field=name)
