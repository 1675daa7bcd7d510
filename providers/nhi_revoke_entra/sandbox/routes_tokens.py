"""The token service, and an API of the tenant's own that takes tokens until they expire.

facts entra.md 4 and 10: `AADSTS…` in the description; those of section 10 are documented, the others recalled.
Microsoft docs: v2-oauth2-client-creds-grant-flow; RFC 7523 for assertions.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_entra.sandbox.claims import named, of_a_user
from nhi_revoke_entra.sandbox.gate import Here
from nhi_revoke_entra.sandbox.sign_in_state import DeviceFlow, SignIn
from nhi_revoke_entra.sandbox.state import (
    ARM,
    GRAPH,
    KEY_VAULT,
    OTHER_TENANT,
    TENANT,
    Application,
    Directory,
    Key,
    Password,
    ServicePrincipal,
    Token,
    Trust,
    User,
)

TABLE = Table()
HOST = "https://login.microsoftonline.com"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"
REFRESH_LIVES = timedelta(days=90)
EXCHANGE = "api://AzureADTokenExchange"
REVOKED = {
    "clientSecret": "AADSTS7005003",
    "certificate": "AADSTS7005004",
    "federatedIdentityCredential": "AADSTS7005005",
}
AUDIENCES = {
    "https://graph.microsoft.com": GRAPH,
    "https://management.azure.com": ARM,
    "https://vault.azure.net": KEY_VAULT,
}
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
OF_USERS = ("refresh_token", "password", DEVICE)
OF_OPENID = frozenset({"openid", "profile", "email", "offline_access"})
DEVICE_LIVES = timedelta(minutes=15)
CAE = "cp1"
"""Client capability by which an app opts in."""


@TABLE.route("GET", "/<tenant>/v2.0/.well-known/openid-configuration", "-")
def discovery(_at: Here, tenant: str) -> Reply:
    """Names the public host, whatever was asked."""
    base = f"{HOST}/{tenant}"
    return Reply(
        200,
        {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "issuer": f"{base}/v2.0",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
        },
    )


@TABLE.route("POST", "/<tenant>/oauth2/v2.0/token", "-", mutates=False)
def token(at: Here, tenant: str) -> Reply:
    """It changes nothing that an operator would undo."""
    here = _known(tenant)
    form = {k: v[0] for k, v in parse_qs(at.asked.body.decode(), keep_blank_values=True).items()}
    agent = at.gate.tenant.principals.get(form.get("client_id", "").lower())
    if agent is not None and agent.blueprint:
        return _as_agent(at, agent, form)
    find = at.gate.tenant.principal_of if here else at.gate.tenant.foreign_of
    app = find(form.get("client_id", ""))
    if app is None:
        raise _no(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
    by = ("none", "")
    if not (form.get("grant_type") in OF_USERS and _is_public(at, app)):
        by = _signed_in(at, app, form)
        _not_revoked(at, app, *by)
    application = at.gate.tenant.application_of(app.app_id)
    if not app.enabled.obeyed(at.now) or (application is not None and application.disabled.obeyed(at.now)):
        raise _no(400, "unauthorized_client", "AADSTS7000112: Application is disabled.")
    if form.get("fmi_path"):
        return _for_agent(at, app, form)
    grant = form.get("grant_type")
    if grant == DEVICE:
        made, refresh = _by_device(at, app, form)
    elif grant == "refresh_token":
        made, refresh = _refreshed(at, app, form), form["refresh_token"]
    else:
        resource, refresh = _resource(at, form.get("scope", "")), ""
        made = _by_password(at, app, form) if grant == "password" else _own(at, app, resource, form)
    if here:
        _log(at, made, by, grant)
    return _granted(at, made, refresh)


@TABLE.route("POST", "/<tenant>/oauth2/v2.0/devicecode", "-", mutates=False)
def device_code(at: Here, tenant: str) -> Reply:
    """Microsoft docs: v2-oauth2-device-code."""
    _known(tenant)
    form = {k: v[0] for k, v in parse_qs(at.asked.body.decode()).items()}
    state = at.gate.tenant
    app = state.principal_of(form.get("client_id", ""))
    if app is None:
        raise _no(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
    if not _is_public(at, app):
        raise _no(401, "invalid_client", "AADSTS7000218: The request body must contain client_assertion or secret.")
    typed = state.new_mark()[:9].upper().replace("_", "A").replace("-", "B")
    flow = DeviceFlow(state.new_secret(60), typed, app.app_id, form.get("scope", ""), at.now + DEVICE_LIVES)
    state.device_flows[flow.code] = flow
    place = "https://microsoft.com/devicelogin"
    return Reply(
        200,
        {
            "user_code": typed,
            "device_code": flow.code,
            "verification_uri": place,
            "expires_in": int(DEVICE_LIVES.total_seconds()),
            "interval": 5,
            "message": f"To sign in, use a web browser to open the page {place} and enter the code {typed}.",
        },
    )


@TABLE.route("GET", "/_api/<app>/balance", "")
def balance(at: Here, app: str) -> Reply:
    """Of an API without CAE: it checks the token's audience and end, and asks nobody. No user's right is looked at."""
    if at.caller.token is None or at.caller.token.resource != app:
        raise Turned(401, "InvalidAuthenticationToken", "The audience is invalid.")
    return Reply(200, {"balance": 42})


# -- agents: agent-autonomous-app-oauth-flow --------------------------------------------------------------------------


def _for_agent(at: Here, blueprint: ServicePrincipal, form: Mapping[str, str]) -> Reply:
    """The first step: the blueprint signed in with its own credentials, and names one of its agents."""
    agent = at.gate.tenant.principals.get(form["fmi_path"].lower())
    if agent is None or agent.blueprint != blueprint.app_id or form.get("scope") != f"{EXCHANGE}/.default":
        raise _no(400, "invalid_request", "AADSTS82001: The agent is none of this blueprint's.")
    return _granted(at, at.gate.tenant.new_token(blueprint, EXCHANGE, at.now, agent=agent.id))


def _as_agent(at: Here, agent: ServicePrincipal, form: Mapping[str, str]) -> Reply:
    """The second one: that token is the agent's assertion."""
    held = at.gate.tenant.tokens.get(form.get("client_assertion", ""))
    if held is None or held.agent != agent.id or held.expires <= at.now:
        raise _no(401, "invalid_client", "AADSTS700211: No matching federated identity record found.")
    if not agent.enabled.obeyed(at.now) or not at.gate.tenant.principals[held.app].enabled.obeyed(at.now):
        raise _no(400, "unauthorized_client", "AADSTS7000112: Application is disabled.")
    resource = _resource(at, form.get("scope", ""))
    return _granted(at, _own(at, agent, resource, form))


def _granted(at: Here, made: Token, refresh: str = "") -> Reply:
    if at.caller.by == "intruder":
        at.gate.stolen.add(made.value)
    lives = int((made.expires - made.issued).total_seconds())
    more = {"refresh_token": refresh} if refresh else {}
    return Reply(200, {"token_type": "Bearer", "expires_in": lives, "access_token": made.value, **more})


def _log(at: Here, made: Token, by: tuple[str, str], grant: str | None) -> None:
    row = SignIn(at.gate.tenant.new_id(), at.now, made.app, made.resource, *by)
    if made.user:
        row.user, row.event = made.user, "interactiveUser" if grant == DEVICE else "nonInteractiveUser"
        row.from_token = "refreshToken" if grant == "refresh_token" else "none"
    at.gate.tenant.sign_ins.append(row)


def _known(tenant: str) -> bool:
    """Whether it is the tenant itself, and not the other one. Raises Turned."""
    here = tenant.lower() in (TENANT, "example.com")
    if not here and tenant.lower() != OTHER_TENANT:
        raise _no(400, "invalid_request", "AADSTS90002: Tenant not found.")
    return here


# -- what is granted -----------------------------------------------------------------------------------------------


def _own(at: Here, app: ServicePrincipal, resource: ServicePrincipal, form: Mapping[str, str]) -> Token:
    if form.get("grant_type") != "client_credentials":
        raise _no(400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
    mine = (a for a in app.assignments.values() if a.resource == resource.id and a.there.obeyed(at.now))
    roles = frozenset(resource.roles[a.role] for a in mine)
    roles = _all_of_the_operators(at, app) or roles
    opted_in = CAE in form.get("claims", "") and resource.app_id == GRAPH
    told = {"roles": names} if (names := named(at, roles)) else {}
    return at.gate.tenant.new_token(app, resource.app_id, at.now, roles=roles, cae=opted_in, told=told)


def _refreshed(at: Here, app: ServicePrincipal, form: Mapping[str, str]) -> Token:
    """As long as a grant lets the app act for this user."""
    held = at.gate.tenant.tokens.get(form.get("refresh_token", ""))
    if held is None or not held.refresh or held.app != app.id or held.expires <= at.now:
        raise _no(400, "invalid_grant", "AADSTS70008: The refresh token has expired.")
    user = at.gate.tenant.users[held.user]
    _not_disabled(at, user)
    if held.issued < user.valid_from.obeyed(at.now):
        raise _no(400, "invalid_grant", "AADSTS50173: The provided grant has expired due to it being revoked.")
    grants = [g for g in at.gate.tenant.grants.values() if g.client == app.id and g.user in ("", held.user)]
    if not any(g.there.obeyed(at.now) for g in grants):
        raise _no(400, "invalid_grant", "AADSTS65001: The user or administrator has not consented.")
    resource = _resource(at, form.get("scope", "") or GRAPH_SCOPE).app_id
    roles = _all_of_the_operators(at, app)
    return at.gate.tenant.new_token(app, resource, at.now, user=held.user, roles=roles, told=of_a_user(at, roles))


def _all_of_the_operators(at: Here, app: ServicePrincipal) -> frozenset[str]:
    return frozenset({"*"}) if app.app_id in at.gate.operator else frozenset()


def _by_device(at: Here, app: ServicePrincipal, form: Mapping[str, str]) -> tuple[Token, str]:
    """Once somebody typed its code in a browser, and once alone; with a refresh token."""
    tenant = at.gate.tenant
    flow = tenant.device_flows.get(form.get("device_code", ""))
    if flow is None or flow.client != app.app_id:
        raise _no(400, "bad_verification_code", "AADSTS70019: The device code is not recognised.")
    flow.polls += 1
    tenant.browser(flow)
    if at.now >= flow.ends:
        raise _no(400, "expired_token", "AADSTS70020: The provided device code has expired.")
    if flow.declined:
        raise _no(400, "authorization_declined", "AADSTS70018: The user declined the request.")
    if not flow.user:
        raise _no(400, "authorization_pending", "AADSTS70016: OAuth 2.0 device flow error. Authorization is pending.")
    del tenant.device_flows[flow.code]
    user = tenant.users[flow.user]
    _not_disabled(at, user)
    value = f"0.A{tenant.new_secret(60)}"
    ends = at.now + REFRESH_LIVES
    tenant.tokens[value] = Token(value, app.id, GRAPH, at.now, ends, user=user.id, refresh=True)
    resource = _resource(at, flow.scope).app_id
    roles = _all_of_the_operators(at, app)
    return tenant.new_token(app, resource, at.now, user=user.id, roles=roles, told=of_a_user(at, roles)), value


def _by_password(at: Here, app: ServicePrincipal, form: Mapping[str, str]) -> Token:
    """Resource owner password credentials: no second factor is asked for."""
    login = form.get("username", "").lower()
    user = next((u for u in at.gate.tenant.users.values() if u.login == login), None)
    if user is None or not user.password or user.password != form.get("password"):
        raise _no(400, "invalid_grant", "AADSTS50126: Invalid username or password.")
    _not_disabled(at, user)
    return at.gate.tenant.new_token(app, GRAPH, at.now, user=user.id)


def _not_disabled(at: Here, user: User) -> None:
    if not user.enabled.obeyed(at.now):
        raise _no(400, "invalid_grant", "AADSTS50057: The user account is disabled.")


def _resource(at: Here, scope: str) -> ServicePrincipal:
    name = next((s for s in scope.split() if s not in OF_OPENID), "").removesuffix("/.default")
    found = at.gate.tenant.principal_of(AUDIENCES.get(name, name.removeprefix("api://")))
    if found is None:
        raise _no(400, "invalid_resource", "AADSTS500011: The resource principal was not found in the tenant.")
    return found


def _is_public(at: Here, app: ServicePrincipal) -> bool:
    """A public client (an app on users' machines) refreshes without a credential of its own."""
    application = at.gate.tenant.application_of(app.app_id)
    return application is not None and application.public


# -- who signs in --------------------------------------------------------------------------------------------------


def _signed_in(at: Here, app: ServicePrincipal, form: Mapping[str, str]) -> tuple[str, str]:
    """By a secret, a key or a federated credential of either object: which sort, and its id. Raises Turned."""
    application = at.gate.tenant.application_of(app.app_id)
    objects: list[Directory] = [app, *([application] if application else [])]
    if form.get("client_assertion_type") == ASSERTION:
        return _by_assertion(at, app, objects, application, form.get("client_assertion", ""))
    wanted = form.get("client_secret", "")
    found = [p for thing in objects for p in thing.passwords.values() if wanted and p.value == wanted]
    for password in found:
        if _accepts(at, password):
            return "clientSecret", password.key_id
    if any(p.end <= at.now for p in found):
        raise _no(401, "invalid_client", "AADSTS7000222: The provided client secret keys are expired.")
    raise _no(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")


def _not_revoked(at: Here, app: ServicePrincipal, sort: str, its_id: str) -> None:
    """Microsoft docs: Troubleshoot revoked application credentials. Marked so, a credential is still listed."""
    revoked = at.gate.tenant.revoked
    if its_id in revoked:
        raise _no(401, "invalid_client", f"{REVOKED[sort]}: The credential is revoked.")
    if app.app_id in revoked:
        raise _no(401, "invalid_client", "AADSTS7005006: TokenRevocationBlocksIssuance.")


def _accepts(at: Here, password: Password) -> bool:
    if not password.there.obeyed(at.now) or not password.start <= at.now < password.end:
        return False
    return _replica_knows(at, password)


def _replica_knows(at: Here, credential: Password | Key) -> bool:
    """While a new one is replicated, every other request meets a replica that does not know it."""
    if at.now < credential.replicated:
        credential.tries += 1
        return credential.tries % 2 == 1
    return True


def _by_assertion(
    at: Here, app: ServicePrincipal, objects: list[Directory], application: Application | None, assertion: str
) -> tuple[str, str]:
    import jwt

    try:
        claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.exceptions.PyJWTError:
        raise _no(401, "invalid_client", "AADSTS50027: JWT token is invalid or malformed.") from None
    if str(claims.get("iss")).lower() != app.app_id:
        holders = [application, *(i for i in at.gate.tenant.identities.values() if i.principal == app.id)]
        trusts = [trust for holder in holders if holder is not None for trust in holder.trusts.values()]
        return _federated(at, trusts, assertion, claims)
    if float(claims.get("exp", 0)) <= at.now.timestamp():
        raise _no(401, "invalid_client", "AADSTS700024: Client assertion is not within its valid time range.")
    keys = [k for thing in objects for k in thing.keys.values()]
    usable = [k for k in keys if k.there.obeyed(at.now) and k.usage == "Verify" and k.end > at.now]
    found = next((k for k in usable if _verifies(assertion, k.certificate)), None)
    if found is None or not _replica_knows(at, found):
        says = "AADSTS700027: The certificate used to sign the client assertion is not known."
        raise _no(401, "invalid_client", says)
    return "certificate", found.key_id


def _federated(at: Here, every: Sequence[Trust], assertion: str, claims: Mapping[str, Any]) -> tuple[str, str]:
    trusts = [t for t in every if t.there.obeyed(at.now)]
    key = at.gate.tenant.issuers.get(str(claims.get("iss")))
    subject = str(claims.get("sub"))
    fits = [
        t for t in trusts if t.issuer == claims.get("iss") and (t.subject == subject or _matches(t.expression, subject))
    ]
    good = key is not None and claims.get("aud") == EXCHANGE and _signed(assertion, key)
    if not fits or not good:
        raise _no(401, "invalid_client", "AADSTS700213: No matching federated identity record found.")
    return "federatedIdentityCredential", fits[0].id


def _matches(expression: str, subject: str) -> bool:
    """`claims['sub'] matches 'repo:…*'`, the one form that is planted here."""
    from fnmatch import fnmatchcase

    pattern = expression.partition("matches '")[2].rstrip("'")
    return bool(pattern) and fnmatchcase(subject, pattern)


def _verifies(assertion: str, certificate: str) -> bool:
    from cryptography import x509

    return _signed(assertion, x509.load_der_x509_certificate(base64.b64decode(certificate)).public_key())


def _signed(assertion: str, key: Any) -> bool:
    import jwt

    try:
        jwt.decode(
            assertion, key, algorithms=["RS256", "PS256", "ES256"],
            options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )  # fmt: skip
    except (jwt.exceptions.PyJWTError, TypeError, ValueError):
        return False
    return True


def _no(status: int, error: str, says: str) -> Turned:
    return Turned(status, error, says)
