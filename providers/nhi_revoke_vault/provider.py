"""The front door: a provider without principals, whose one target is the store `vault`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke.provider.contract import Settings, TargetProvider
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_vault.connection import VaultConnection
from nhi_revoke_vault.consumers import READS, consumers
from nhi_revoke_vault.rights import documents, holds
from nhi_revoke_vault.server import scope_of, url_of
from nhi_revoke_vault.settings import VaultSettings
from nhi_revoke_vault.store.kv import VaultKv

if TYPE_CHECKING:
    from nhi_revoke.model.consumer import Consumer, Sought
    from nhi_revoke.model.found import BlindSpot
    from nhi_revoke.model.right import Document, Holding, Stage
    from nhi_revoke.provider.doer import Doer, Store
    from nhi_revoke.provider.io import Io


class VaultProvider(TargetProvider[VaultConnection]):
    name: ClassVar[str] = "vault"
    title: ClassVar[str] = "HashiCorp Vault and OpenBao"
    extra: ClassVar[str] = "vault"
    requires: ClassVar[tuple[str, ...]] = ("hvac",)
    settings: ClassVar[type[Settings]] = VaultSettings
    finds: ClassVar[tuple[str, ...]] = READS

    def targets(self) -> Sequence[Store[VaultConnection] | Doer[VaultConnection]]:
        return (VaultKv(),)

    def scope_of_target(self, address: str, settings: Any) -> str:
        """Kept with the run: a later command with another VAULT_ADDR does not go elsewhere."""
        return scope_of(settings, os.environ)

    def scopes(self, settings: Any) -> Sequence[str]:
        """As a delivery names it: so that a Vault is one connection."""
        return (scope_of(settings, os.environ),)

    def connect(self, scope: str, settings: Any, io: Io) -> VaultConnection:
        return VaultConnection(scope, settings, io)

    def consumers(self, conn: VaultConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
        return consumers(conn, sought)

    def documents(self, stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
        return documents(stage, permissions)

    def holds(self, conn: VaultConnection, permissions: Sequence[str]) -> Iterable[Holding]:
        return holds(conn, permissions)

    def on_loopback(self, settings: Any) -> bool:
        try:
            return is_loopback(url_of(settings, os.environ))
        except Unauthenticated:
            return False
