"""The front door: what Entra access this knows, how its principals are named, and how a tenant is opened."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider, Settings
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke.provider.rate import Rate
from nhi_revoke_entra.access.access_token import AccessTokens, CaeTokens, ForeignTokens, UserTokens
from nhi_revoke_entra.access.agent import Agents
from nhi_revoke_entra.access.app_role import AppRoles
from nhi_revoke_entra.access.application import Applications
from nhi_revoke_entra.access.authentication_method import AuthenticationMethods, TemporaryAccessPasses
from nhi_revoke_entra.access.azure_role import AzureRoles
from nhi_revoke_entra.access.certificate import Certificates
from nhi_revoke_entra.access.client_secret import ClientSecrets
from nhi_revoke_entra.access.delegated_grant import DelegatedGrants
from nhi_revoke_entra.access.directory_role import DirectoryRoles
from nhi_revoke_entra.access.federated_credential import FederatedCredentials
from nhi_revoke_entra.access.managed_trust import ManagedTrusts
from nhi_revoke_entra.access.managing_app import ManagingApps
from nhi_revoke_entra.access.owner import Owners
from nhi_revoke_entra.access.planted import PlantedThings
from nhi_revoke_entra.access.service_principal import ServicePrincipals
from nhi_revoke_entra.access.user import Users
from nhi_revoke_entra.access.user_password import UserPasswords
from nhi_revoke_entra.access.user_session import UserSessions
from nhi_revoke_entra.alike import READS as ALIKE
from nhi_revoke_entra.alike import alike
from nhi_revoke_entra.alive import alive
from nhi_revoke_entra.cloud import cloud_of
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.consumers.consumers import FINDS as CONSUMERS
from nhi_revoke_entra.consumers.consumers import consumers
from nhi_revoke_entra.consumers.marks import marks
from nhi_revoke_entra.naming import KINDS, is_native, parse_ref
from nhi_revoke_entra.principals import find, resolve
from nhi_revoke_entra.recognising import recognised
from nhi_revoke_entra.rights.documents import documents
from nhi_revoke_entra.rights.holding import holds
from nhi_revoke_entra.settings import EntraSettings
from nhi_revoke_entra.store.key_vault import KeyVaultSecrets
from nhi_revoke_entra.trusting import FINDS, trusting

if TYPE_CHECKING:
    from nhi_revoke.model.alike import Candidate
    from nhi_revoke.model.consumer import Consumer, Mark, Sought
    from nhi_revoke.model.found import Access, Lead
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.liveness import Liveness
    from nhi_revoke.model.right import Document, Holding, Stage
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.kind import AccessKind
    from nhi_revoke.provider.recognised import Recognised
    from nhi_revoke.provider.sandbox.contract import Sandbox

MACHINES = "managed identities of virtual machines in Azure that may be {names}: not looked at"
BY_HAND = "az vm identity show for a machine of that name"


class EntraProvider(Provider[EntraConnection]):
    """Apps of one tenant, with both of their objects and whatever signs in for them; and its service users."""

    name: ClassVar[str] = "entra"
    title: ClassVar[str] = "Microsoft Entra ID"
    aliases: ClassVar[tuple[str, ...]] = ("azure", "azure-ad")
    extra: ClassVar[str] = "entra"
    requires: ClassVar[tuple[str, ...]] = ("msal", "cryptography")
    settings: ClassVar[type[Settings]] = EntraSettings
    finds: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys((*ALIKE, *FINDS, *CONSUMERS)))
    principal_kinds: ClassVar[tuple[str, ...]] = KINDS

    def kinds(self) -> Sequence[AccessKind[EntraConnection]]:
        """In the order in which a containment begins them: the brake, rights to repair it, what signs in."""
        return (
            ServicePrincipals(),
            Applications(),
            AppRoles(),
            DirectoryRoles(),
            AzureRoles(),
            Owners(),
            ManagingApps(),
            DelegatedGrants(),
            FederatedCredentials(),
            ManagedTrusts(),
            ClientSecrets(),
            Certificates(),
            AccessTokens(),
            CaeTokens(),
            UserTokens(),
            ForeignTokens(),
            Users(),
            UserPasswords(),
            TemporaryAccessPasses(),
            UserSessions(),
            AuthenticationMethods(),
            Agents(),
            PlantedThings(),
        )

    def targets(self) -> Sequence[Store[EntraConnection] | Doer[EntraConnection]]:
        return (KeyVaultSecrets(),)

    def parse(self, text: str) -> PrincipalRef | None:
        return parse_ref(text)

    def native(self, text: str) -> bool:
        return is_native(text)

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return (ref.kind,)

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        return ""

    def connect(self, scope: str, settings: Any, io: Io) -> EntraConnection:
        return EntraConnection(scope, settings, io)

    def resolve(self, conn: EntraConnection, ref: PrincipalRef) -> Principal:
        return resolve(conn, ref)

    def find(self, conn: EntraConnection, name: str) -> Iterable[PrincipalRef]:
        return find(conn, name)

    def alike(self, conn: EntraConnection, name: str) -> Iterable[Candidate | BlindSpot]:
        return alike(conn, name)

    def trusting(self, conn: EntraConnection, who: Principal) -> Iterable[Lead | BlindSpot]:
        """Raises Denied where no app can be listed, Unauthenticated where nobody signs in."""
        return trusting(conn, who)

    def on_machines(self, conn: EntraConnection, who: Principal, names: Sequence[str]) -> Iterable[Lead | BlindSpot]:
        """What machines in Azure hold is not looked at: that is told."""
        yield BlindSpot(who.ref, ManagedTrusts.name, MACHINES.format(names=", ".join(names)), BY_HAND)

    def marks(self, who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
        return marks(who, accesses)

    def consumers(self, conn: EntraConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
        return consumers(conn, sought)

    def recognise(self, text: str) -> Iterable[Recognised]:
        return recognised(text)

    def alive(self, found: Recognised, settings: Any, io: Io) -> Liveness:
        return alive(found, settings, io, os.environ)

    def documents(self, stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
        return documents(stage, permissions)

    def holds(self, conn: EntraConnection, permissions: Sequence[str]) -> Iterable[Holding]:
        return holds(conn, permissions)

    def rate(self, settings: Any) -> Rate:
        """Microsoft docs: throttling-limits, "Identity and access": 3,500 resource units in ten seconds for one app in
        a tenant of the smallest size; no request costs more than 5, and 1 for `$expand`.
        """
        return Rate(3500 // 6, 10.0)

    def on_loopback(self, settings: Any) -> bool:
        try:
            cloud = cloud_of(settings, os.environ)
        except Unauthenticated:
            return False
        urls = (cloud.login_url, cloud.graph_url, cloud.arm_url, cloud.vault_url("any"))
        return all(is_loopback(each) for each in urls)

    def sandbox(self) -> Sandbox | None:
        from nhi_revoke_entra.sandbox.sandbox import EntraSandbox

        return EntraSandbox()
