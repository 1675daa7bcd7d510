"""What kinds of a workload share: their names, how long a federated token lives, and whether its pool is stopped. Pure.

facts gcp.md 2 and 7 (17): no federated token can be revoked; the pool refuses all of its tokens while it is disabled.
"""

from __future__ import annotations

from datetime import timedelta

from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import AccessId
from nhi_revoke.provider.kind import View
from nhi_revoke_gcp.pool_member import PoolMember

POOL, PROVIDER = "gcp:workload-identity-pool", "gcp:workload-identity-provider"
TOKEN, USE = "gcp:federated-token", "gcp:workload-use"
ALL = "everybody"
"""In ids, of a whole pool."""
LIVES = timedelta(hours=1)
"""Of a federated token at most (facts gcp.md 1, row 3)."""
SOURCE = "Google Cloud docs: workloadIdentityPools.patch, workloadIdentityPools.providers.patch"  # facts gcp.md 2


def access_of(kind: str, name: str, who: PoolMember) -> AccessId:
    """Of a pool or a provider, by its whole name, as this workload's: another workload of the pool has its own."""
    return f"{kind}/{name}/{who.attribute}/{who.value}" if who.value else f"{kind}/{name}/{ALL}"


def standing(who: PoolMember) -> AccessId:
    """Id of the access that stands for all tokens of a workload."""
    return f"{access_of(TOKEN, who.pool, who)}/*"


def pool_is_cut(view: View, intent: Intent) -> bool:
    """Only where the operator names it: it stops every workload of the pool."""
    if intent.order != "contain":
        return False
    named = {*intent.cut_trust, intent.scope}
    return any(intent.brake == "on" or access.id in named for access in view.of(POOL))
