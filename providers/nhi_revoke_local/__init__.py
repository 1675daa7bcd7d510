"""This machine as a provider without principals: files that hold replacements, commands that make caches forget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_local.connection import LocalConnection
from nhi_revoke_local.flush.exec import Exec
from nhi_revoke_local.store.file import FileStore


class LocalProvider(Provider[LocalConnection]):
    name: ClassVar[str] = "local"
    title: ClassVar[str] = "This machine (files and commands)"

    def kinds(self) -> Sequence[AccessKind[LocalConnection]]:
        return ()

    def targets(self) -> Sequence[Store[LocalConnection] | Doer[LocalConnection]]:
        return (FileStore(), Exec())

    def parse(self, text: str) -> PrincipalRef | None:
        return None

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return ()

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        return ""

    def connect(self, scope: str, settings: Any, io: Io) -> LocalConnection:
        return LocalConnection(io)

    def on_loopback(self, settings: Any) -> bool:
        """Nothing here is a live vendor whose clock a sandbox's could run ahead of."""
        return True

    def resolve(self, conn: LocalConnection, ref: PrincipalRef) -> Principal:
        raise Missing(f"{ref}: this machine has stores and flushes, and no principals")


provider = LocalProvider()
