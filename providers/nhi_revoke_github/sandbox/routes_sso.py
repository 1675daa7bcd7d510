"""Credentials that may pass single sign-on: in the enterprise plan, for owners; elsewhere the paths are not there.

OpenAPI: orgs/list-saml-sso-authorizations, orgs/remove-saml-sso-authorization, and
orgs/revoke-credential-authorizations-for-user, which is done later.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_github.sandbox.gate import Here
from nhi_revoke_github.sandbox.routes_names import NOT_FOUND
from nhi_revoke_github.sandbox.routes_tokens import A_JOB
from nhi_revoke_github.sandbox.state import ORG, Authorization, stamp

TABLE = Table()
READ, WRITE = "organization_administration:read", "organization_administration:write"


@TABLE.route("GET", "/orgs/<org>/credential-authorizations", READ)
def authorizations(at: Here, org: str) -> Reply:
    in_the_plan(at, org)
    login = at.asked.query.get("login", "").lower()
    mine = [a for a in _standing(at) if a.listed and (not login or a.login.lower() == login)]
    return Reply(200, [_row(at, a) for a in mine], rows=True)


@TABLE.route("DELETE", "/orgs/<org>/credential-authorizations/<int:number>", WRITE)
def remove(at: Here, org: str, number: int) -> Reply:
    in_the_plan(at, org)
    found = next((a for a in _standing(at) if a.id == number), None)
    if found is None:
        raise NOT_FOUND
    found.status.set(False, at.now, at.gate.hub.write_lag)
    at.gate.hub.log("org_credential_authorization.revoke", at.now, at.caller.login, user=found.login)
    return Reply(204)


@TABLE.route("POST", "/orgs/<org>/credential-authorizations/<login>/revoke", WRITE)
def remove_user(at: Here, org: str, login: str) -> Reply:
    in_the_plan(at, org)
    if at.gate.hub.account(login) is None:
        raise NOT_FOUND
    for found in _standing(at):
        if found.login.lower() == login.lower():
            found.status.set(False, at.now, at.gate.hub.write_lag + A_JOB.total_seconds())
            found.queued = True
    at.gate.hub.log("org_credential_authorization.revoke", at.now, at.caller.login, user=login)
    return Reply(202, {"message": "Revocation has been queued."})


def in_the_plan(at: Here, org: str) -> None:
    """Raises 404 where single sign-on and the audit log are not to be had."""
    if not at.gate.hub.enterprise_plan or org.lower() != ORG:
        raise NOT_FOUND


def _standing(at: Here) -> list[Authorization]:
    all_ = at.gate.hub.authorizations.values()
    return [a for a in all_ if a.status.shown or (a.queued and a.status.obeyed(at.now))]


def _row(at: Here, found: Authorization) -> dict[str, Any]:
    token = at.gate.hub.tokens.get(found.token)
    row: dict[str, Any] = {
        "login": found.login, "credential_id": found.id, "credential_type": found.type,
        "credential_authorized_at": stamp(found.created),
        "credential_accessed_at": stamp(token.last_used) if token else None,
        "authorized_credential_id": found.token or found.id,
    }  # fmt: skip
    if token is None:
        return {**row, "fingerprint": found.fingerprint, "authorized_credential_title": found.title}
    return {
        **row, "token_last_eight": token.value[-8:], "scopes": ["repo"], "authorized_credential_note": found.title,
        "authorized_credential_expires_at": stamp(token.expires),
    }  # fmt: skip
