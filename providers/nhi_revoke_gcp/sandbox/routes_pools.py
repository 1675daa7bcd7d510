"""What Google answers of workload identity pools: reading them, switching them off and on, and the token service.

Discovery documents iam.v1 and sts.v1: every change is a long-running operation; a deleted pool or provider is shown
where it is asked for by name, and in lists with `showDeleted`.
"""

from __future__ import annotations

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_gcp.permissions import (
    GET_POOL,
    GET_POOL_PROVIDER,
    LIST_POOL_PROVIDERS,
    UPDATE_POOL,
    UPDATE_POOL_PROVIDER,
)
from nhi_revoke_gcp.sandbox.gate import Here
from nhi_revoke_gcp.sandbox.pools import Pool, PoolProvider
from nhi_revoke_gcp.sandbox.refusal import Refused

TABLE = Table()
POOL = "/v1/projects/<project>/locations/global/workloadIdentityPools/<pool>"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@TABLE.route("POST", "/v1/token", "-", mutates=False)
def exchange(at: Here) -> Reply:
    """RFC 8693: another issuer's token for one of a workload of the pool."""
    asked, cloud = at.asked.json, at.gate.cloud
    if asked.get("grantType") != EXCHANGE:
        raise Turned(400, "unsupported_grant_type", "Invalid grant type.")
    try:
        member = cloud.pools.exchanged(str(asked.get("audience")), str(asked.get("subjectToken")), at.now)
    except ValueError as refused:
        raise Turned(400, "invalid_grant", str(refused)) from None
    made = cloud.new_token(member, at.now)
    if at.caller.by == "intruder":
        at.gate.stolen.add(made.value)
    kind = "urn:ietf:params:oauth:token-type:access_token"
    return Reply(
        200,
        {"access_token": made.value, "issued_token_type": kind, "token_type": "Bearer", "expires_in": 3600},
    )


def _pool(at: Here, project: str, pool: str) -> Pool:
    """Raises Refused."""
    found = at.gate.cloud.pools.by_name.get(f"projects/{project}/locations/global/workloadIdentityPools/{pool}")
    if found is None:
        raise Refused("NOT_FOUND", "Requested entity was not found.")
    return found


@TABLE.route("GET", POOL, GET_POOL)
def get(at: Here, project: str, pool: str) -> Reply:
    return Reply(200, at.gate.cloud.pools.row(_pool(at, project, pool), at.now))


@TABLE.route("GET", f"{POOL}/providers", LIST_POOL_PROVIDERS)
def providers(at: Here, project: str, pool: str) -> Reply:
    found, deleted = _pool(at, project, pool), at.asked.query.get("showDeleted") == "true"
    rows = [
        at.gate.cloud.pools.provider_row(found, each, at.now)
        for each in found.providers.values()
        if deleted or each.deleted is None
    ]
    return Reply(200, rows, rows=True, default=50, most=100, under="workloadIdentityPoolProviders")


@TABLE.route("PATCH", POOL, UPDATE_POOL)
def patch(at: Here, project: str, pool: str) -> Reply:
    found = _pool(at, project, pool)
    return _switched(at, found.name, found)


def _switched(at: Here, name: str, thing: Pool | PoolProvider) -> Reply:
    """Only the one field is served; a deleted one cannot be changed. Raises Refused."""
    if at.asked.query.get("updateMask") != "disabled" or set(at.asked.json) != {"disabled"}:
        raise Refused("INVALID_ARGUMENT", "Only updateMask=disabled is served here.")
    if thing.deleted is not None:
        raise Refused("FAILED_PRECONDITION", "The resource is deleted.")
    cloud = at.gate.cloud
    return Reply(200, cloud.pools.switched(name, thing, bool(at.asked.json["disabled"]), at.now, cloud.write_lag))


def _provider(at: Here, project: str, pool: str, provider: str) -> tuple[Pool, PoolProvider]:
    """Raises Refused."""
    found = _pool(at, project, pool)
    if provider not in found.providers:
        raise Refused("NOT_FOUND", "Requested entity was not found.")
    return found, found.providers[provider]


@TABLE.route("GET", f"{POOL}/providers/<provider>", GET_POOL_PROVIDER)
def get_provider(at: Here, project: str, pool: str, provider: str) -> Reply:
    return Reply(200, at.gate.cloud.pools.provider_row(*_provider(at, project, pool, provider), at.now))


@TABLE.route("PATCH", f"{POOL}/providers/<provider>", UPDATE_POOL_PROVIDER)
def patch_provider(at: Here, project: str, pool: str, provider: str) -> Reply:
    found, one = _provider(at, project, pool, provider)
    return _switched(at, f"{found.name}/providers/{one.id}", one)
