"""How policies name workloads of a workload identity pool, taken apart. Pure.

facts gcp.md 1 (row 9): `principal://…/subject/S`; `principalSet://…/attribute.X/V`, `…/group/G`, `…/*`. Pools of GKE
clusters (`PROJECT.svc.id.goog`) are Google's own: they trust the clusters' tokens, and nobody gives them providers.
"""

from __future__ import annotations

import re

from msgspec import Struct

SUBJECT, GROUPS = "google.subject", "google.groups"
"""Attributes that every mapping may have (discovery document iam.v1: WorkloadIdentityPoolProvider)."""
EVERYBODY = "*"
OF_CLUSTERS = ".svc.id.goog"
FORM = re.compile(
    r"principal(?:Set)?://(?P<host>iam\.[a-z0-9.-]+)/"
    r"(?P<pool>projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/workloadIdentityPools/(?P<id>[^/]+))/"
    r"(?:(?P<everybody>\*)|(?P<sort>subject|group|namespace|attribute\.[a-z0-9_]+)/(?P<value>.+))"
)


class PoolMember(Struct, frozen=True):
    """One workload of a pool, or several of them."""

    member: str
    """As it stands in a policy."""
    host: str
    pool: str
    """`projects/NUMBER/locations/global/workloadIdentityPools/POOL`."""
    project: str
    """Its number, most often."""
    pool_id: str
    attribute: str
    """`google.subject`, `google.groups`, `attribute.NAME`; `namespace` for managed workload identities; `*` for
    everybody in the pool."""
    value: str = ""

    @property
    def is_set(self) -> bool:
        return self.member.startswith("principalSet:")

    @property
    def of_clusters(self) -> bool:
        """Workloads of GKE."""
        return self.pool_id.endswith(OF_CLUSTERS)


def pool_member(member: str) -> PoolMember | None:
    """None for whatever else a policy names."""
    found = FORM.fullmatch(member)
    if found is None:
        return None
    sort = found["sort"] or EVERYBODY
    attribute = {"subject": SUBJECT, "group": GROUPS}.get(sort, sort)
    one = attribute == SUBJECT
    if one != member.startswith("principal:"):
        return None
    return PoolMember(
        member, found["host"], found["pool"], found["project"], found["id"], attribute, found["value"] or ""
    )
