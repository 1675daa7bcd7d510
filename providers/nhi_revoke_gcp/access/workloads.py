"""Every kind of access of a workload of a pool, in the order in which a list shows them."""

from __future__ import annotations

from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_gcp.access.federated_token import FederatedTokens
from nhi_revoke_gcp.access.workload_pool import WorkloadPools
from nhi_revoke_gcp.access.workload_provider import WorkloadProviders
from nhi_revoke_gcp.access.workload_use import WorkloadUses
from nhi_revoke_gcp.connection import GcpConnection

WORKLOAD_KINDS: tuple[AccessKind[GcpConnection], ...] = (
    WorkloadPools(),
    WorkloadProviders(),
    FederatedTokens(),
    WorkloadUses(),
)
