"""The front door: what access to Google Cloud this knows, how its principals are named, and how it is connected to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke.model.found import Leak
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider, Settings
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke_gcp.access.access_token import AccessTokens
from nhi_revoke_gcp.access.agent_identity import AgentIdentities
from nhi_revoke_gcp.access.api_key import ApiKeys
from nhi_revoke_gcp.access.api_key_try import mark
from nhi_revoke_gcp.access.api_keys import KIND as API_KEY
from nhi_revoke_gcp.access.attached import Attached
from nhi_revoke_gcp.access.delegation import Delegations
from nhi_revoke_gcp.access.hmac_key import HmacKeys
from nhi_revoke_gcp.access.iam_rights import IamRights
from nhi_revoke_gcp.access.impersonation import Impersonations
from nhi_revoke_gcp.access.inherited import InheritedImpersonations
from nhi_revoke_gcp.access.key import Keys
from nhi_revoke_gcp.access.reach import Reach
from nhi_revoke_gcp.access.service_account import ServiceAccounts
from nhi_revoke_gcp.access.uploaded_key import UploadedKeys
from nhi_revoke_gcp.access.workloads import WORKLOAD_KINDS
from nhi_revoke_gcp.agent_identity import KIND as AGENT
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.consumers.consumers import READS as CONSUMERS
from nhi_revoke_gcp.consumers.consumers import consumers
from nhi_revoke_gcp.consumers.marks import marks
from nhi_revoke_gcp.leaked import leaked_api_keys, leaked_keys
from nhi_revoke_gcp.machines import READS as MACHINE_READS
from nhi_revoke_gcp.machines import on_machines
from nhi_revoke_gcp.naming import KINDS, WORKLOAD, canonical, is_native, parse_ref, project_of
from nhi_revoke_gcp.principals import find, resolve
from nhi_revoke_gcp.rights.documents import documents
from nhi_revoke_gcp.rights.holding import holds
from nhi_revoke_gcp.settings import GcpSettings
from nhi_revoke_gcp.stopping import KEY
from nhi_revoke_gcp.store.address import project_in
from nhi_revoke_gcp.store.secret_manager import SecretManager
from nhi_revoke_gcp.trusting import FINDS, trusting
from nhi_revoke_gcp.universe import on_loopback
from nhi_revoke_gcp.workloads import is_workload, parse_workload, resolve_workload, workload_of

if TYPE_CHECKING:
    from nhi_revoke.model.consumer import Consumer, Mark, Sought
    from nhi_revoke.model.found import Access, BlindSpot, Lead
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.right import Document, Holding, Stage
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.kind import AccessKind
    from nhi_revoke.provider.sandbox.contract import Sandbox
    from nhi_revoke.provider.secret import Secret


class GcpProvider(Provider[GcpConnection]):
    """Service accounts, and workloads of pools, of any project that the operator may look at."""

    name: ClassVar[str] = "gcp"
    title: ClassVar[str] = "Google Cloud"
    aliases: ClassVar[tuple[str, ...]] = ("google", "google-cloud")
    extra: ClassVar[str] = "gcp"
    requires: ClassVar[tuple[str, ...]] = (
        "google.cloud.iam_admin_v1", "google.auth", "google.api_core", "grpc", "cryptography",
    )  # fmt: skip
    settings: ClassVar[type[Settings]] = GcpSettings
    finds: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys((*FINDS, *MACHINE_READS, *CONSUMERS)))
    principal_kinds: ClassVar[tuple[str, ...]] = (*KINDS, AGENT)

    def kinds(self) -> Sequence[AccessKind[GcpConnection]]:
        """In the order in which a containment begins them: the brake, keys, who may become it, and what lives on."""
        return (
            ServiceAccounts(),
            Keys(),
            UploadedKeys(),
            HmacKeys(),
            ApiKeys(),
            Impersonations(),
            InheritedImpersonations(),
            Attached(),
            Delegations(),
            AccessTokens(),
            IamRights(),
            AgentIdentities(),
            Reach(),
            *WORKLOAD_KINDS,
        )

    def targets(self) -> Sequence[Store[GcpConnection] | Doer[GcpConnection]]:
        return (SecretManager(),)

    def parse(self, text: str) -> PrincipalRef | None:
        return parse_workload(text) or parse_ref(text)

    def native(self, text: str) -> bool:
        return is_native(text) or is_workload(text)

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return (ref.kind,)

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        """The project, where the reference tells it."""
        workload = workload_of(ref.id) if ref.kind == WORKLOAD else None
        return workload.project if workload else project_of(ref)

    def scope_of_target(self, address: str, settings: Any) -> str:
        """The project of the secret."""
        return project_in(address)

    def connect(self, scope: str, settings: Any, io: Io) -> GcpConnection:
        return GcpConnection(scope, settings, io)

    def resolve(self, conn: GcpConnection, ref: PrincipalRef) -> Principal:
        return resolve_workload(conn, ref) if ref.kind == WORKLOAD else resolve(conn, ref)

    def find(self, conn: GcpConnection, name: str) -> Iterable[PrincipalRef]:
        return find(conn, name)

    def trusting(self, conn: GcpConnection, who: Principal) -> Iterable[Lead | BlindSpot]:
        return trusting(conn, who)

    def on_machines(self, conn: GcpConnection, who: Principal, names: Sequence[str]) -> Iterable[Lead | BlindSpot]:
        return on_machines(conn, who, names)

    def marks(self, who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
        return marks(who, accesses)

    def consumers(self, conn: GcpConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
        return consumers(conn, sought)

    def documents(self, stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
        return documents(stage, permissions)

    def holds(self, conn: GcpConnection, permissions: Sequence[str]) -> Iterable[Holding]:
        return holds(conn, permissions)

    def leaks(self, text: str) -> Iterable[tuple[Leak, Secret]]:
        """Keys of service accounts, each with its private half; and API keys, of which Google alone knows whose."""
        yield from ((_leak(key), key) for key in leaked_keys(text))
        yield from (
            (Leak(API_KEY, mark(key), None, f"Google API key {mark(key)}"), key) for key in leaked_api_keys(text)
        )

    def on_loopback(self, settings: Any) -> bool:
        return on_loopback(settings)

    def sandbox(self) -> Sandbox | None:
        from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox

        return GcpSandbox(workload=True)


def _leak(key: Secret) -> Leak:
    key_id, email = key.public["private_key_id"], key.public["client_email"]
    owner = canonical(email) if is_native(email) else None  # the file may have been written by anybody
    return Leak(KEY, key_id, owner, f"key {key_id} of {email}" if owner else f"key {key_id}")
