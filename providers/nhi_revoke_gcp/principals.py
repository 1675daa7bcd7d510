"""From a reference to the one service account that Google confirms."""

from __future__ import annotations

from collections.abc import Iterable

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.fault import Missing
from nhi_revoke_gcp.agent_identity import KIND as AGENT
from nhi_revoke_gcp.agent_identity import resolve_agent
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.named import account_at
from nhi_revoke_gcp.naming import ACCOUNT, APP_ENGINE, COMPUTE, PROVIDER, canonical, is_native

SECONDS, NO_KEYS, NO_UPLOADS = "token_seconds", "no_keys", "no_uploads"
"""Of `Principal.facts`: how long its tokens live at most; the constraints that let nobody make or upload a key."""
NO_HMAC, NO_API_KEYS, API_SERVICES = "no_hmac", "no_api_keys", "api_services"
"""Likewise of HMAC keys, and of bound API keys; the only services for which the latter may be made; none: all."""
UNTOUCHABLE = (
    "Google itself made this service agent and runs its services with it: take its roles away instead, or deny it what "
    "it must not do (a deny policy)"
)
DELICATE = (
    (
        COMPUTE,
        "virtual machines, GKE nodes and jobs that run with the default account lose their access",
    ),
    (APP_ENGINE, "App Engine and what else of the project runs with the default account lose their access"),
)


def resolve(conn: GcpConnection, ref: PrincipalRef) -> Principal:
    """Raises Missing, Denied."""
    if ref.kind == AGENT:
        return resolve_agent(ref)
    named = conn.named(ref)
    if named.agent:
        return Principal(
            ref=canonical(named.email),
            kind=ACCOUNT,
            name=named.email,
            scope=conn.scope,
            unique_id=named.email,
            typed=str(ref),
            untouchable=UNTOUCHABLE,
        )
    row, allowed = conn.side_by_side(lambda: account_at(conn, named.resource), lambda: conn.constraints(ref))
    if row is None:
        raise Missing(f"{ref}: it was deleted a moment ago")
    facts: Json = {
        "enabled": not row.disabled,
        "client_id": named.client_id,
        "display_name": str(row.display_name),
        SECONDS: allowed.seconds,
        NO_KEYS: allowed.no_keys,
        NO_UPLOADS: allowed.no_uploads,
        NO_HMAC: allowed.no_hmac,
        NO_API_KEYS: "" if allowed.api_services else allowed.no_api_keys,
        API_SERVICES: list(allowed.api_services),
    }
    return Principal(
        ref=canonical(named.email),
        kind=ACCOUNT,
        name=named.email,
        scope=named.project,
        unique_id=named.unique_id,
        typed=str(ref),
        aliases=(f"{PROVIDER}:{ACCOUNT}/{named.unique_id}", f"{PROVIDER}:{ACCOUNT}/{named.resource}"),
        delicate=next((said for pattern, said in DELICATE if pattern.fullmatch(named.email)), None),
        facts=facts,
    )


def find(conn: GcpConnection, name: str) -> Iterable[PrincipalRef]:
    """The account of exactly this address."""
    if not is_native(name):
        return
    try:
        yield canonical(conn.named(PrincipalRef(PROVIDER, ACCOUNT, name)).email)
    except Missing:
        return
