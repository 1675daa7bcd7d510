"""From a reference to the one principal that Okta confirms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Denied, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_okta.connection import AI_AGENTS, PAGE, OktaConnection, client_id_of, named_agent
from nhi_revoke_okta.naming import AI_AGENT, API_SERVICE, APP, LOGIN, PROVIDER, USER, canonical
from nhi_revoke_okta.scopes import AGENTS, APPS, SERVICES, USERS

OKTAS_OWN = frozenset(
    {"saasure", "okta_enduser", "okta_browser_plugin", "okta_flow_sso", "okta_access_requests_resource_catalog"}
)
"""`name` of apps that Okta itself runs in every org."""
READS = {APP: (APPS.read,), USER: (USERS.read,), API_SERVICE: (SERVICES.read,), AI_AGENT: (AGENTS.read,)}
"""What resolving one needs."""


def resolve(conn: OktaConnection, ref: PrincipalRef) -> Principal:
    """Raises Missing, AmbiguousName, Denied."""
    named = conn.named(ref)
    if ref.kind == USER:
        return _user(conn, ref, conn.get(f"/api/v1/users/{segment(named.id)}", USERS.read))
    if ref.kind == APP:
        return _app(conn, ref, conn.get(f"/api/v1/apps/{segment(named.id)}", APPS.read))
    if ref.kind == AI_AGENT:
        return _agent(conn, ref, conn.get(f"{AI_AGENTS}/{segment(named.id)}", AGENTS.read))
    return _service(conn, ref, conn.get(f"/integrations/api/v1/api-services/{segment(named.id)}", SERVICES.read))


def find(conn: OktaConnection, name: str) -> Iterable[PrincipalRef]:
    """Apps of exactly this label, users of exactly this login (or its part before the @), API service integrations of
    exactly this name: each of them, whatever became of the others. AI agents, an experiment, are not looked for.

    Raises Denied, after all that was found, where something could not be looked at.
    """
    unseen: list[Denied] = []
    for look in (_labelled, _logins, _services):
        try:
            yield from look(conn, name)
        except Denied as denied:
            unseen.append(denied)
    if unseen:
        raise unseen[0]


def _labelled(conn: OktaConnection, name: str) -> Iterable[PrincipalRef]:
    for app in conn.rows("/api/v1/apps", APPS.read, q=name, limit=PAGE):
        if app.get("label") == name:
            yield canonical(APP, str(app["id"]))


def _logins(conn: OktaConnection, name: str) -> Iterable[PrincipalRef]:
    return _named(conn, PrincipalRef(PROVIDER, USER, name))


def _services(conn: OktaConnection, name: str) -> Iterable[PrincipalRef]:
    """Okta shows no integration by its name: all are listed (OpenAPI: listApiServiceIntegrationInstances)."""
    return _named(conn, PrincipalRef(PROVIDER, API_SERVICE, name))


def _named(conn: OktaConnection, ref: PrincipalRef) -> Iterable[PrincipalRef]:
    try:
        yield canonical(ref.kind, conn.named(ref).id)
    except AmbiguousName as several:
        yield from (PrincipalRef.parse(each) for each in several.candidates)
    except Missing:
        return


def _app(conn: OktaConnection, ref: PrincipalRef, app: dict[str, Any]) -> Principal:
    client, label = client_id_of(app), str(app.get("label") or app["id"])
    oauth = (app.get("settings") or {}).get("oauthClient") or {}
    own = str(app.get("name")) in OKTAS_OWN
    facts: Json = {
        "status": str(app.get("status") or ""),
        "label": label,
        "client_id": client,
        "application_type": str(oauth.get("application_type") or ""),
        "auth_method": str(
            ((app.get("credentials") or {}).get("oauthClient") or {}).get("token_endpoint_auth_method") or ""
        ),
        "grant_types": ", ".join(sorted(str(g) for g in oauth.get("grant_types") or ())),
        "jwks_uri": str(oauth.get("jwks_uri") or ""),
    }
    return Principal(
        ref=canonical(APP, str(app["id"])),
        kind=APP,
        name=label,
        scope=conn.scope,
        unique_id=str(app["id"]),
        typed=str(ref),
        aliases=tuple(dict.fromkeys((f"okta:app/{client}", client) if client else ())),
        untouchable="Okta itself runs this app in every org: ask its support" if own else None,
        facts=facts,
    )


def _user(conn: OktaConnection, ref: PrincipalRef, user: dict[str, Any]) -> Principal:
    login = str((user.get("profile") or {}).get("login") or user["id"])
    facts: Json = {"status": str(user.get("status") or ""), "login": login}
    return Principal(
        ref=canonical(USER, str(user["id"])),
        kind=USER,
        name=login,
        scope=conn.scope,
        unique_id=str(user["id"]),
        typed=str(ref),
        aliases=(f"okta:user/{login}",) if LOGIN.fullmatch(login) else (),
        facts=facts,
    )


def _service(conn: OktaConnection, ref: PrincipalRef, service: dict[str, Any]) -> Principal:
    return Principal(
        ref=canonical(API_SERVICE, str(service["id"])),
        kind=API_SERVICE,
        name=str(service.get("name") or service["id"]),
        scope=conn.scope,
        unique_id=str(service["id"]),
        typed=str(ref),
        facts={"type": str(service.get("type") or "")},
    )


def _agent(conn: OktaConnection, ref: PrincipalRef, agent: dict[str, Any]) -> Principal:
    """Experimental: the members are those of third-party notes, and each may be absent."""
    named = named_agent(agent)
    facts: Json = {
        "status": str(agent.get("status") or ""),
        "client_id": named.client_id,
        "platform": str(agent.get("platform") or (agent.get("profile") or {}).get("platform") or ""),
        "app": str((agent.get("signOnProvider") or {}).get("appInstanceId") or ""),
    }
    return Principal(
        ref=canonical(AI_AGENT, named.id),
        kind=AI_AGENT,
        name=named.name,
        scope=conn.scope,
        unique_id=named.id,
        typed=str(ref),
        facts=facts,
    )
