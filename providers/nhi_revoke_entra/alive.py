"""Whether a leaked credential of Entra still works, by one call with it alone.

A client secret: one token by client credentials, of an msal application that remembers nothing; the tenant's sign-in
log shows it. What a refusal means: Microsoft docs, reference-error-codes (which says that codes may change), and facts
entra.md 10. An access token for Microsoft Graph: one read of whoever bears it. Any other API is not asked.

Only hosts of Microsoft's clouds are, or those that the settings name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nhi_revoke.model.liveness import Alive, Liveness
from nhi_revoke.provider.fault import Denied, Fault, Missing, NoAnswer, Throttled, Unauthenticated, Unavailable
from nhi_revoke.provider.http import HttpApi, segment
from nhi_revoke.provider.unsigned_jwt import Jwt, read
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_entra.client_credentials import tenant_of as tenant_named
from nhi_revoke_entra.cloud import CLOUDS, cloud_of, host_now, host_of
from nhi_revoke_entra.naming import APP, USER, canonical
from nhi_revoke_entra.recognising import ACCESS_TOKEN, CLIENT_SECRET, REFRESH_TOKEN, app_of, owner_of, tenant_of
from nhi_revoke_entra.tokens import REVOKED, Granted, Refused, TokenService
from nhi_revoke_entra.words import Graph

if TYPE_CHECKING:
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.recognised import Recognised
    from nhi_revoke.provider.secret import Secret
    from nhi_revoke_entra.settings import EntraSettings

WRONG, EXPIRED, DISABLED, NO_APP, NO_TENANT = (
    "AADSTS7000215", "AADSTS7000222", "AADSTS7000112", "AADSTS700016", "AADSTS90002",
)  # fmt: skip
DEAD = {WRONG: "it is no secret of that app", EXPIRED: "it has expired", **REVOKED}
UNCLEAR = {
    DISABLED: "the app is disabled: nothing gets a token for it until somebody enables it",
    NO_APP: "the app is not in that tenant: it may be in another one",
    NO_TENANT: "there is no such tenant",
}
GRAPH = "00000003-0000-0000-c000-000000000000"
OUTDATED = "InvalidAuthenticationToken"
"""Of a token that Graph does not take: expired, or (CAE) revoked."""
NO_CALL = {
    REFRESH_TOKEN: "a refresh token is tried only by getting tokens with it",
    "entra:id-token": "an ID token opens no API: whoever checks it alone asks nobody",
}


def alive(found: Recognised, settings: EntraSettings, io: Io, environ: Mapping[str, str]) -> Liveness:
    """Raises NoAnswer, Unavailable, Throttled."""
    if found.value is None:
        return Liveness("unknown", "only its public part stands in the text")
    try:
        if found.leak.kind == CLIENT_SECRET:
            return _secret(found.value, settings, io, environ)
        token = read(found.value.reveal())
        if token is not None:
            return _token(token, found.leak.kind, settings, io, environ)
    except (Throttled, Unavailable, NoAnswer):
        raise
    except Fault as fault:
        return Liveness("unknown", f"there was no clear answer: {fault.message}")
    return Liveness("unknown", NO_CALL.get(found.leak.kind, "no harmless call tells of this kind"))


# -- a client secret -----------------------------------------------------------------------------------------------


def _secret(value: Secret, settings: EntraSettings, io: Io, environ: Mapping[str, str]) -> Liveness:
    client, tenant = value.public.get("client_id", ""), value.public.get("tenant_id", "")
    if not client:
        return Liveness("unknown", "it cannot be tried: no app's id stands near it")
    owner = canonical(APP, client)
    tenant = tenant or tenant_named(settings, {})
    if not tenant:
        return Liveness(
            "unknown", "it cannot be tried: neither the text nor tenant_id in [entra] names a tenant", owner
        )
    from nhi_revoke_entra.token_http import TokenHttp

    cloud, clock = cloud_of(settings, environ), VendorClock(io.now)
    if not _is_chosen(settings, environ) and (login := value.public.get("login")):
        cloud = next(each for each in CLOUDS.values() if host_of(each) == host_now(login))
    service = TokenService(io, cloud, tenant, TokenHttp(io, cloud, clock), clock)
    said = service.granted(client, value.reveal(), f"{cloud.graph}/.default")
    return _granted(said, owner, tenant) if isinstance(said, Granted) else _refused(said, owner, tenant)


def _granted(said: Granted, owner: PrincipalRef, tenant: str) -> Liveness:
    token = read(said.token)
    how = "it got a token for Microsoft Graph, which was thrown away: the tenant's sign-in log shows it"
    return Liveness("alive", how, owner, tenant, token.texts("roles") if token is not None else ())


def _refused(said: Refused, owner: PrincipalRef, tenant: str) -> Liveness:
    code = said.code or said.error or "no code"
    if said.code in DEAD:
        return Liveness("dead", f"tenant {tenant} refuses it: {DEAD[said.code]} ({code})", owner, tenant)
    why = UNCLEAR.get(said.code, "not because it is no secret of the app")
    return Liveness("unknown", f"it gets no token of tenant {tenant}: {why} ({code})", owner, tenant)


# -- a JWT ---------------------------------------------------------------------------------------------------------


def _token(token: Jwt, kind: str, settings: EntraSettings, io: Io, environ: Mapping[str, str]) -> Liveness:
    def told(state: Alive, how: str) -> Liveness:
        reaches = (*token.texts("roles"), *token.texts("scp"), *(f"API {each}" for each in token.texts("aud")))
        return Liveness(state, how, owner_of(token), tenant_of(token), reaches, token.expires)

    if token.expires is not None and token.expires <= io.now():
        return told("dead", f"it says itself that it ended at {token.expires:%Y-%m-%d %H:%M:%S} UTC")
    if kind != ACCESS_TOKEN:
        return told("unknown", NO_CALL[kind])
    base, sure = _graph_of(token, settings, environ)
    owner = owner_of(token)
    if not base or owner is None:
        until = f" until {token.expires:%Y-%m-%d %H:%M:%S} UTC" if token.expires else ""
        return told("unknown", f"it is for an API that is not asked here: it may work there{until}")
    path = f"/users/{segment(owner.id)}" if owner.kind == USER else f"/servicePrincipals(appId='{app_of(token)}')"
    api = HttpApi(io, base, Graph())
    bearer = {"Authorization": f"Bearer {token.value}"}
    try:
        api.call("GET", f"/v1.0{path}", query={"$select": "id"}, headers=bearer, what="GET of whoever bears it")
    except Unauthenticated as fault:
        if fault.code == OUTDATED and not sure:
            return told(
                "unknown", f"Microsoft Graph does not take it (401 {fault.code}); another cloud's may: cloud in [entra]"
            )
        if fault.code == OUTDATED:
            return told("dead", f"Microsoft Graph does not take it (401 {fault.code})")
        return told("unknown", f"there was no clear answer: {fault.message}")
    except (Denied, Missing) as fault:
        return told("alive", f"Microsoft Graph takes it, and shows it no more of whoever bears it ({fault.code})")
    return told("alive", "Microsoft Graph takes it, and shows whoever bears it")


def _is_chosen(settings: EntraSettings, environ: Mapping[str, str]) -> bool:
    """Whether somebody said which cloud, or where it is."""
    return bool(settings.cloud or settings.login_url or settings.graph_url or environ.get("AZURE_AUTHORITY_HOST"))


def _graph_of(token: Jwt, settings: EntraSettings, environ: Mapping[str, str]) -> tuple[str, bool]:
    """Where the Graph is that this token is for, empty where it is for none that is Microsoft's; and whether no other
    cloud's may be meant: as an id the audience is the same in each.
    """
    cloud, audience = cloud_of(settings, environ), token.text("aud").rstrip("/")
    known = next((each.graph for each in CLOUDS.values() if audience == each.graph), "")
    if known:
        return cloud.graph_at or known, True
    if audience != GRAPH:
        return "", True
    issuer = host_now(urlsplit(token.text("iss")).hostname or "")
    clouds = [each for each in CLOUDS.values() if host_of(each) == issuer]
    if _is_chosen(settings, environ) or not clouds:  # sts.windows.net issues in several
        return cloud.graph_url, _is_chosen(settings, environ)
    return clouds[0].graph, len(clouds) == 1
