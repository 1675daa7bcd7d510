"""Whom members of an account's policy stand for, where they are workloads of a pool: by what its providers trust."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from nhi_revoke_gcp.federation import Admitted, admitted
from nhi_revoke_gcp.pool_member import PoolMember, pool_member

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection
    from nhi_revoke_gcp.policy import Trust
    from nhi_revoke_gcp.pools import Pool

CLUSTERS = "pods of the project's GKE clusters, by namespace and service account of Kubernetes"


class LetIn(Struct, frozen=True):
    """Of one trust. Without a pool: nothing."""

    globs: tuple[str, ...] = ()
    """Over aliases of other providers' principals."""
    said: str = ""
    """A clause for the trust's note."""
    by: tuple[Admitted, ...] = ()
    pool: str = ""
    state: str = ""
    """Of the pool, where it does not work now."""
    unread: str = ""
    """Why nobody knows whom the pool lets in."""
    needs: str = ""


def let_in(conn: GcpConnection, trusts: Iterable[Trust]) -> Sequence[LetIn]:
    """Of each, in order. Pools are read at once (pools.py)."""
    named = [None if trust.is_dead else pool_member(trust.member) for trust in trusts]
    wanted = tuple(dict.fromkeys(who.pool for who in named if who is not None and not who.of_clusters))
    pools = dict(zip(wanted, conn.pools.all_of(wanted), strict=True))
    return [LetIn() if who is None else _of(who, pools.get(who.pool)) for who in named]


def _of(who: PoolMember, pool: Pool | None) -> LetIn:
    if pool is None:
        return LetIn(said=CLUSTERS, pool=who.pool)
    named = f"pool {who.pool_id} of project {who.project}"
    if pool.unread:
        return LetIn(said=f"whom {named} lets in was not seen", pool=who.pool, unread=pool.unread, needs=pool.needs)
    by = admitted(who, pool.providers)
    globs = tuple(dict.fromkeys(glob for each in by for glob in each.lets_in))
    told = "; ".join(each.means for each in by) or (
        "" if pool.gone else "none of its providers makes such a member now"
    )
    state = f"the pool {pool.state}" if pool.state else ""
    said = f"{named}: {'; '.join(filter(None, (state, told)))}"
    return LetIn(globs, said, by, who.pool, pool.state)
