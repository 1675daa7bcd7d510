"""This machine as a provider without principals: files that hold replacements, what makes caches forget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.right import Holding
from nhi_revoke.provider.contract import TargetProvider
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke.provider.io import Io
from nhi_revoke_local.connection import LocalConnection
from nhi_revoke_local.flush.caep import Caep
from nhi_revoke_local.flush.exec import Exec
from nhi_revoke_local.flush.http import Http
from nhi_revoke_local.flush.redis import Redis
from nhi_revoke_local.store.exec import ExecStore
from nhi_revoke_local.store.file import FileStore


class LocalProvider(TargetProvider[LocalConnection]):
    name: ClassVar[str] = "local"
    title: ClassVar[str] = "This machine (files, commands, caches and receivers that it reaches)"

    def targets(self) -> Sequence[Store[LocalConnection] | Doer[LocalConnection]]:
        return (FileStore(), ExecStore(), Exec(), Redis(), Http(), Caep())

    def connect(self, scope: str, settings: Any, io: Io) -> LocalConnection:
        return LocalConnection(io)

    def holds(self, conn: LocalConnection, permissions: Sequence[str]) -> Iterable[Holding]:
        """Each is of one file, command or receiver."""
        why = "of each address by itself: a plan looks at those that it has"
        return (Holding(each, "unknown", "", why, True) for each in permissions)

    def on_loopback(self, settings: Any) -> bool:
        """Nothing here is a vendor whose time is waited for. Where a sandbox's clock is in play, receivers of `http`
        and `caep` are told its time.
        """
        return True


provider = LocalProvider()
