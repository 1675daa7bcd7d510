"""The front door: a provider without principals, with the store `kubernetes` and the flush `kubernetes-restart`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke.provider.contract import Settings, TargetProvider
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_kubernetes.connection import KubernetesConnection
from nhi_revoke_kubernetes.consumers.consumers import consumers
from nhi_revoke_kubernetes.flush.restart import Restart
from nhi_revoke_kubernetes.kubeconfig import scope_of
from nhi_revoke_kubernetes.permissions import LIST_CONSUMERS
from nhi_revoke_kubernetes.rights import documents, holds
from nhi_revoke_kubernetes.settings import KubernetesSettings
from nhi_revoke_kubernetes.store.store import SecretStore

if TYPE_CHECKING:
    from nhi_revoke.model.consumer import Consumer, Sought
    from nhi_revoke.model.found import BlindSpot
    from nhi_revoke.model.right import Document, Holding, Stage
    from nhi_revoke.provider.doer import Doer, Store
    from nhi_revoke.provider.io import Io


class KubernetesProvider(TargetProvider[KubernetesConnection]):
    name: ClassVar[str] = "kubernetes"
    title: ClassVar[str] = "Kubernetes"
    extra: ClassVar[str] = "kubernetes"
    requires: ClassVar[tuple[str, ...]] = ("kubernetes",)
    settings: ClassVar[type[Settings]] = KubernetesSettings
    finds: ClassVar[tuple[str, ...]] = LIST_CONSUMERS

    def targets(self) -> Sequence[Store[KubernetesConnection] | Doer[KubernetesConnection]]:
        return (SecretStore(), Restart())

    def scope_of_target(self, address: str, settings: Any) -> str:
        """Kept with the run: a later command with another current context does not go elsewhere."""
        return scope_of(settings, os.environ)

    def scopes(self, settings: Any) -> Sequence[str]:
        """As a delivery names it: so that a cluster is one connection."""
        return (scope_of(settings, os.environ),)

    def connect(self, scope: str, settings: Any, io: Io) -> KubernetesConnection:
        return KubernetesConnection(scope, settings, io)

    def consumers(self, conn: KubernetesConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
        return consumers(conn, sought)

    def documents(self, stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
        return documents(stage, permissions)

    def holds(self, conn: KubernetesConnection, permissions: Sequence[str]) -> Iterable[Holding]:
        return holds(conn, permissions)

    def on_loopback(self, settings: Any) -> bool:
        return is_loopback(scope_of(settings, os.environ))
