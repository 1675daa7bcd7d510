"""Whose leaked credentials are: each reference made the principal that it names, by the operator's own login."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec.structs import replace

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.inventory import unreachable
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.inventory import Unreachable
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider

Owner = Principal | Unreachable


def resolve_owners(
    refs: Iterable[PrincipalRef], connections: Connections, pool: ThreadPoolExecutor
) -> dict[PrincipalRef, Owner]:
    """Side by side; who cannot be looked up is told with the reason. Raises Interrupted."""

    def resolved(ref: PrincipalRef) -> Owner:
        try:
            plugin: Provider[Any] = connections.registry.provider(ref.provider)
            return replace(plugin.resolve(connections.of_ref(ref), ref), typed=str(ref))
        except Interrupted:
            raise
        except Exception as fault:  # noqa: BLE001 - one owner's fault is told and never blocks the others
            return unreachable(ref, fault)

    jobs = {ref: pool.submit(resolved, ref) for ref in dict.fromkeys(refs)}
    return {ref: job.result() for ref, job in jobs.items()}
