"""Rows as Microsoft Graph shows them (shapes: its CSDL, held by contract tests)."""

from __future__ import annotations

from typing import Any

from nhi_revoke_entra.agents import BLUEPRINT, BLUEPRINT_PRINCIPAL, IDENTITY, TYPE
from nhi_revoke_entra.sandbox.state import (
    Application,
    Assignment,
    Directory,
    DirectoryRole,
    Grant,
    Key,
    Password,
    ServicePrincipal,
    Tenant,
    Trust,
    stamp,
)


def password_row(password: Password, *, hint: bool) -> dict[str, Any]:
    """Never its value; the hint stands on applications alone (facts entra.md 1, row 1)."""
    return {
        "customKeyIdentifier": None,
        "displayName": password.name,
        "endDateTime": stamp(password.end),
        "hint": password.value[:3] if hint else None,
        "keyId": password.key_id,
        "secretText": None,
        "startDateTime": stamp(password.start),
    }


def key_row(key: Key, *, whole: bool) -> dict[str, Any]:
    """`key` is null but where keyCredentials was selected of one object."""
    return {
        "customKeyIdentifier": key.thumbprint,
        "displayName": key.name,
        "endDateTime": stamp(key.end),
        "key": key.certificate if whole else None,
        "keyId": key.key_id,
        "startDateTime": stamp(key.start),
        "type": key.type,
        "usage": key.usage,
    }


def trust_row(trust: Trust, *, beta: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": trust.id,
        "name": trust.name,
        "issuer": trust.issuer,
        "subject": trust.subject or None,
        "audiences": trust.audiences,
        "description": None,
    }
    if beta:
        told = {"value": trust.expression, "languageVersion": 1} if trust.expression else None
        row["claimsMatchingExpression"] = told
    return row


def assignment_row(assignment: Assignment, principal: ServicePrincipal, tenant: Tenant) -> dict[str, Any]:
    return {
        "id": assignment.id,
        "deletedDateTime": None,
        "appRoleId": assignment.role,
        "createdDateTime": stamp(assignment.at),
        "principalDisplayName": principal.name,
        "principalId": principal.id,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": tenant.principals[assignment.resource].name,
        "resourceId": assignment.resource,
    }


def directory_role_row(role: DirectoryRole, tenant: Tenant, *, expanded: bool = False) -> dict[str, Any]:
    row = {
        "id": role.id,
        "principalId": role.principal,
        "roleDefinitionId": role.role,
        "directoryScopeId": role.scope,
        "appScopeId": None,
    }
    definition = {
        "id": role.role,
        "templateId": role.role,
        "displayName": tenant.role_names[role.role],
        "isBuiltIn": True,
        "isEnabled": True,
    }
    return {**row, "roleDefinition": definition} if expanded else row


def grant_row(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "clientId": grant.client,
        "consentType": "Principal" if grant.user else "AllPrincipals",
        "principalId": grant.user or None,
        "resourceId": grant.resource,
        "scope": grant.scope,
    }


def _directory_row(thing: Directory, *, one: bool, hint: bool) -> dict[str, Any]:
    return {
        "id": thing.id,
        "deletedDateTime": None,
        "appId": thing.app_id or None,
        "displayName": thing.name,
        "signInAudience": thing.audience,
        "tags": list(thing.tags),
        "notes": thing.notes or None,
        "description": thing.description or None,
        "isDisabled": None,
        "passwordCredentials": [password_row(p, hint=hint) for p in thing.passwords.values() if p.there.shown],
        "keyCredentials": [key_row(k, whole=one) for k in thing.keys.values() if k.there.shown],
    }


LOCKS = ("allProperties", "credentialsWithUsageSign", "credentialsWithUsageVerify", "tokenEncryptionKeyId")


def lock_row(lock: dict[str, bool] | None) -> dict[str, Any] | None:
    """Null where it was never set."""
    return None if lock is None else {"isEnabled": lock.get("isEnabled", False), **{n: lock.get(n) for n in LOCKS}}


def application_row(application: Application, *, one: bool = False) -> dict[str, Any]:
    """`one`: it was asked for by itself, with a selection."""
    typed = {"@odata.type": f"#{BLUEPRINT}"} if application.agents else {}
    return {
        **typed,
        **_directory_row(application, one=one, hint=True),
        "createdDateTime": stamp(application.created),
        "managerApplications": [app for app, there in application.managers.items() if there.shown],
        "isDisabled": True if application.disabled.shown else None,
        "servicePrincipalLockConfiguration": lock_row(application.lock),
    }


def agent_row(agent: ServicePrincipal) -> dict[str, Any]:
    """Without an appId, and without credentials (Microsoft docs: agentidentity)."""
    return {
        "@odata.type": f"#{IDENTITY}",
        "id": agent.id,
        "displayName": agent.name,
        "createdDateTime": stamp(agent.created),
        "agentIdentityBlueprintId": agent.blueprint,
        "accountEnabled": agent.enabled.shown,
        "servicePrincipalType": TYPE,
    }


def principal_row(principal: ServicePrincipal, *, one: bool = False, tenant: Tenant | None = None) -> dict[str, Any]:
    """`tenant`: told of whatever is no plain app which type it is."""
    application = tenant.application_of(principal.app_id) if tenant is not None and principal.app_id else None
    sort = IDENTITY if principal.blueprint else BLUEPRINT_PRINCIPAL if application and application.agents else ""
    return {
        **({"@odata.type": f"#{sort}"} if sort else {}),
        **_directory_row(principal, one=one, hint=False),
        "accountEnabled": None if principal.null_enabled else principal.enabled.shown,
        "appOwnerOrganizationId": principal.owner_tenant,
        "servicePrincipalType": principal.type,
        "alternativeNames": [i.path for i in tenant.identities.values() if i.principal == principal.id]
        if tenant is not None
        else [],
        "preferredTokenSigningKeyThumbprint": principal.sso_thumbprint or None,
        "appRoles": [
            {"id": role, "value": value, "displayName": value, "description": value, "isEnabled": True,
             "allowedMemberTypes": ["Application"], "origin": "Application"}
            for role, value in principal.roles.items()
        ],
    }  # fmt: skip
