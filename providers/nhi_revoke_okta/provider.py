"""The front door: what Okta access this knows, how its principals are named, and how an org is opened."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider, Settings
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke_okta.access.access_token import AccessTokens
from nhi_revoke_okta.access.ai_agent import Agents
from nhi_revoke_okta.access.ai_agent_credential import AgentKeys, AgentSecrets
from nhi_revoke_okta.access.ai_agent_link import AgentLinks
from nhi_revoke_okta.access.ai_agent_token import AgentTokens
from nhi_revoke_okta.access.api_service_secret import ApiServiceSecrets
from nhi_revoke_okta.access.api_service_token import ApiServiceTokens
from nhi_revoke_okta.access.api_token import ApiTokens
from nhi_revoke_okta.access.app import Apps
from nhi_revoke_okta.access.app_grant import AppGrants
from nhi_revoke_okta.access.app_role import AppRoles
from nhi_revoke_okta.access.app_session import AppSessions
from nhi_revoke_okta.access.client_key import ClientKeys
from nhi_revoke_okta.access.client_secret import ClientSecrets
from nhi_revoke_okta.access.factor import Factors
from nhi_revoke_okta.access.planted import PlantedThings
from nhi_revoke_okta.access.refresh_token import RefreshTokens
from nhi_revoke_okta.access.server_token import ServerTokens
from nhi_revoke_okta.access.user import Users
from nhi_revoke_okta.access.user_grant import UserGrants
from nhi_revoke_okta.access.user_role import UserRoles
from nhi_revoke_okta.access.user_session import UserSessions
from nhi_revoke_okta.access.user_token import UserTokens
from nhi_revoke_okta.alike import READS as ALIKE
from nhi_revoke_okta.alike import alike
from nhi_revoke_okta.alive import alive
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.consumers.marks import marks
from nhi_revoke_okta.consumers.used import READS as CONSUMERS
from nhi_revoke_okta.consumers.used import used
from nhi_revoke_okta.naming import AI_AGENT, KINDS, is_native, parse_ref
from nhi_revoke_okta.org import org_url
from nhi_revoke_okta.principals import find, resolve
from nhi_revoke_okta.recognising import recognised
from nhi_revoke_okta.rights.documents import documents
from nhi_revoke_okta.rights.holding import holds
from nhi_revoke_okta.settings import OktaSettings

if TYPE_CHECKING:
    from nhi_revoke.model.alike import Candidate
    from nhi_revoke.model.consumer import Consumer, Mark, Sought
    from nhi_revoke.model.found import Access, BlindSpot
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.liveness import Liveness
    from nhi_revoke.model.right import Document, Holding, Stage
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.kind import AccessKind
    from nhi_revoke.provider.recognised import Recognised
    from nhi_revoke.provider.sandbox.contract import Sandbox


class OktaProvider(Provider[OktaConnection]):
    """Apps, users and API service integrations of one org; AI agents as an experiment."""

    name: ClassVar[str] = "okta"
    title: ClassVar[str] = "Okta"
    extra: ClassVar[str] = "okta"
    requires: ClassVar[tuple[str, ...]] = ("jwt", "cryptography")
    settings: ClassVar[type[Settings]] = OktaSettings
    principal_kinds: ClassVar[tuple[str, ...]] = KINDS
    experimental: ClassVar[tuple[str, ...]] = (AI_AGENT,)
    finds: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys((*ALIKE, *CONSUMERS)))

    def kinds(self) -> Sequence[AccessKind[OktaConnection]]:
        return (
            ClientSecrets(),
            ClientKeys(),
            RefreshTokens(),
            ServerTokens(),
            AccessTokens(),
            AppRoles(),
            AppGrants(),
            Apps(),
            UserRoles(),
            ApiTokens(),
            Users(),
            UserSessions(),
            UserTokens(),
            UserGrants(),
            AppSessions(),
            Factors(),
            ApiServiceSecrets(),
            ApiServiceTokens(),
            Agents(),
            AgentSecrets(),
            AgentKeys(),
            AgentTokens(),
            AgentLinks(),
            PlantedThings(),
        )

    def parse(self, text: str) -> PrincipalRef | None:
        return parse_ref(text)

    def native(self, text: str) -> bool:
        return is_native(text)

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return (ref.kind,)

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        return ""

    def connect(self, scope: str, settings: Any, io: Io) -> OktaConnection:
        return OktaConnection(scope, settings, io)

    def resolve(self, conn: OktaConnection, ref: PrincipalRef) -> Principal:
        return resolve(conn, ref)

    def find(self, conn: OktaConnection, name: str) -> Iterable[PrincipalRef]:
        return find(conn, name)

    def alike(self, conn: OktaConnection, name: str) -> Iterable[Candidate | BlindSpot]:
        return alike(conn, name)

    def marks(self, who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
        return marks(who, accesses)

    def consumers(self, conn: OktaConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
        return used(conn, sought)

    def recognise(self, text: str) -> Iterable[Recognised]:
        return recognised(text)

    def alive(self, found: Recognised, settings: Any, io: Io) -> Liveness:
        return alive(found, settings, io, os.environ)

    def documents(self, stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
        return documents(stage, permissions)

    def holds(self, conn: OktaConnection, permissions: Sequence[str]) -> Iterable[Holding]:
        return holds(conn, permissions)

    def on_loopback(self, settings: Any) -> bool:
        try:
            return is_loopback(org_url(settings, os.environ))
        except Unauthenticated:
            return False

    def sandbox(self) -> Sandbox | None:
        from nhi_revoke_okta.sandbox.sandbox import OktaSandbox

        return OktaSandbox()
