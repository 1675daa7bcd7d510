"""The front door: what access to Google Cloud this knows, how its principals are named, and how it is connected to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider, Settings
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke_gcp.access.access_token import AccessTokens
from nhi_revoke_gcp.access.agent_identity import AgentIdentities
from nhi_revoke_gcp.access.api_key import ApiKeys
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
from nhi_revoke_gcp.alike import READS as ALIKE
from nhi_revoke_gcp.alike import alike, linked
from nhi_revoke_gcp.alive import alive
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.consumers.consumers import READS as CONSUMERS
from nhi_revoke_gcp.consumers.consumers import consumers
from nhi_revoke_gcp.consumers.marks import marks
from nhi_revoke_gcp.leaked import leaked_api_keys, leaked_keys
from nhi_revoke_gcp.machines import READS as MACHINE_READS
from nhi_revoke_gcp.machines import on_machines
from nhi_revoke_gcp.naming import KINDS, WORKLOAD, is_native, parse_ref, project_of
from nhi_revoke_gcp.principals import find, resolve
from nhi_revoke_gcp.recognising import leak_of_api_key, leak_of_key, recognised
from nhi_revoke_gcp.rights.documents import documents
from nhi_revoke_gcp.rights.holding import holds
from nhi_revoke_gcp.settings import GcpSettings
from nhi_revoke_gcp.store.address import project_in
from nhi_revoke_gcp.store.secret_manager import SecretManager
from nhi_revoke_gcp.trusting import FINDS, trusting
from nhi_revoke_gcp.universe import on_loopback
from nhi_revoke_gcp.workloads import is_workload, parse_workload, resolve_workload, workload_of

if TYPE_CHECKING:
    from nhi_revoke.model.alike import Candidate
    from nhi_revoke.model.consumer import Consumer, Mark, Sought
    from nhi_revoke.model.found import Access, BlindSpot, Lead, Leak
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.liveness import Liveness
    from nhi_revoke.model.right import Document, Holding, Stage
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.kind import AccessKind
    from nhi_revoke.provider.recognised import Recognised
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
    finds: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys((*ALIKE, *FINDS, *MACHINE_READS, *CONSUMERS)))
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

    def alike(self, conn: GcpConnection, name: str) -> Iterable[Candidate | BlindSpot]:
        return alike(conn, name)

    def linked(self, conn: GcpConnection, around: Sequence[Candidate]) -> Iterable[Candidate | BlindSpot]:
        return linked(conn, around)

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
        yield from ((leak_of_key(key), key) for key in leaked_keys(text))
        yield from ((leak_of_api_key(key.reveal()), key) for key in leaked_api_keys(text))

    def recognise(self, text: str) -> Iterable[Recognised]:
        """Those, and what OAuth and Cloud Storage have besides."""
        return recognised(text)

    def alive(self, found: Recognised, settings: Any, io: Io) -> Liveness:
        return alive(found, settings, io)

    def on_loopback(self, settings: Any) -> bool:
        return on_loopback(settings)

    def sandbox(self) -> Sandbox | None:
        from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox

        return GcpSandbox(workload=True)
