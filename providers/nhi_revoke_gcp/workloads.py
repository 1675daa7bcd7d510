"""Workloads of a pool as principals: how they are written, and which pool Google confirms for them.

`gcp:workload/principal://iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/POOL/subject/S`, or a
`principalSet://…`; each also without its scheme, from the host or from `projects/` on; bare with its scheme.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing
from nhi_revoke_gcp.naming import POOL, PROVIDER, WORKLOAD
from nhi_revoke_gcp.pool_member import EVERYBODY, SUBJECT, PoolMember, pool_member
from nhi_revoke_gcp.pools import Pool

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

HOST = "iam.googleapis.com"
SCHEMES = re.compile(r"principal(?:Set)?:")
OF_CLUSTERS = (
    "its pool is Google's own, of the project's GKE clusters: this tool does not switch it off. End the pods and their "
    "service account of Kubernetes in the cluster, and take its members out of policies (--cut-trust)"
)
OF_SYSTEM = "its pool is Google's own: this tool does not switch it off. Take its members out of policies (--cut-trust)"


def workload_of(text: str) -> PoolMember | None:
    """From a reference's id; None for what names no member of a pool."""
    bare = SCHEMES.sub("", text, count=1).removeprefix("//")
    whole = f"{HOST}/{bare}" if bare.startswith("projects/") else bare
    return pool_member(f"principal://{whole}") or pool_member(f"principalSet://{whole}")


def parse_workload(text: str) -> PrincipalRef | None:
    """From what follows `gcp:`, or from a bare `principal://…`; as it was typed."""
    kind, _, rest = text.partition("/")
    its_id = rest if kind == WORKLOAD else text if SCHEMES.match(text) else ""
    return PrincipalRef(PROVIDER, WORKLOAD, its_id) if its_id and workload_of(its_id) else None


def is_workload(text: str) -> bool:
    """Whether a bare text is one by itself."""
    return bool(SCHEMES.match(text)) and workload_of(text) is not None


def workload_ref(who: PoolMember) -> PrincipalRef:
    """Canonical."""
    return PrincipalRef(PROVIDER, WORKLOAD, who.member)


def pool_ref(name: str) -> PrincipalRef:
    """Of a pool: no principal, but by it the operator's own workloads are known."""
    return PrincipalRef(PROVIDER, POOL, name)


def member_in(conn: GcpConnection, ref: PrincipalRef) -> tuple[PoolMember, Pool]:
    """With the pool's project by its number, as policies name it. Raises Missing, Denied."""
    who = workload_of(ref.id)
    if who is None:
        raise Missing(f"{ref}: no member of a workload identity pool", hint="principal://iam.googleapis.com/projects/…")
    if who.of_clusters:
        return who, Pool(who.pool)
    pool = conn.pools.of(who.pool)
    if pool.gone:
        raise Missing(f"{ref}: there is no such pool", hint="gcloud iam workload-identity-pools list --location=global")
    if pool.unread:
        raise Denied(f"{ref}: its pool could not be read ({pool.unread})", needs=pool.needs)
    same = pool_member(who.member.replace(who.pool, pool.named or who.pool, 1))
    return same or who, pool


def resolve_workload(conn: GcpConnection, ref: PrincipalRef) -> Principal:
    """Raises Missing, Denied. Google knows no subjects, only pools: that there is such a one nobody confirms."""
    who, pool = member_in(conn, ref)
    made = Principal(
        ref=workload_ref(who),
        kind=WORKLOAD,
        name=f"{who.attribute} {who.value} of pool {who.pool_id}" if who.value else f"everybody of pool {who.pool_id}",
        scope=who.project,
        unique_id=who.member,
        typed=str(ref),
        aliases=(*_names(who), str(pool_ref(who.pool))),
        facts={"pool": who.pool, "pool_state": pool.state},
    )
    if who.of_clusters or pool.of_google:
        return replace(made, untouchable=OF_CLUSTERS if who.of_clusters else OF_SYSTEM)
    return made


def _names(who: PoolMember) -> tuple[str, ...]:
    """How policies may name it. Which attributes a subject has, and which subjects are in a set, only its tokens tell:
    all of the pool's may be it, as far as names go.
    """
    mine = f"{PROVIDER}:{who.member}"
    whole = f"://{who.host}/{who.pool}/"
    subjects, sets = f"{PROVIDER}:principal{whole}", f"{PROVIDER}:principalSet{whole}"
    if who.attribute == EVERYBODY:
        return (mine, f"{subjects}*", f"{sets}*")
    everybody = f"{subjects}*" if who.attribute != SUBJECT else f"{sets}*"
    return (mine, everybody)
