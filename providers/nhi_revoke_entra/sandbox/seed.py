"""The demo's identity in one tenant: an app with its two objects; and who else is there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_entra.sandbox.azure_state import AzureRole, ManagedResource
from nhi_revoke_entra.sandbox.state import (
    ARM,
    GRAPH,
    KEY_VAULT,
    MICROSOFT,
    TENANT,
    Application,
    Assignment,
    Directory,
    DirectoryRole,
    Grant,
    Password,
    ServicePrincipal,
    Tenant,
    User,
)
from nhi_revoke_entra.sandbox.vault_state import Vault, VaultSecret, VaultVersion

IDENTITY = "payments-bot"
NAME, LEDGER, RESPONDER, MICROSOFT_GRAPH = "Payments Bot", "Ledger API", "Incident Response", "Microsoft Graph"
VAULT, VAULT_SECRET = "payments-kv", "payments-entra"
"""Where the app's secret lies for the workload."""
LEAD, INTRUDER, CLERK = "payments-lead@example.com", "helpdesk-7@example.com", "payments-clerk@example.com"
A_YEAR = timedelta(days=365)
GRAPH_ROLES = (
    "AppRoleAssignment.ReadWrite.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "User.Read.All",
    "Mail.Read",
)
MAP = """
[identity.payments-bot]
owner = "payments team"
principals = {principals}
"""
SECRET, IN_USE = "entra:client-secret", "production"
"""Of the app: the kind, and the name of the one that the workload uses."""
TO_FILE = "file:{folder}/payments-entra.json"
DELIVERY = """
[[identity.payments-bot.deliver]]
from = "{kind}"
to = "{to}"
principal = "entra:app/{app}"
"""


def operator(tenant: Tenant, at: datetime) -> tuple[str, str]:
    """The responder's own app: its appId and its secret. Beside it what Microsoft runs in every tenant."""
    graph = new_principal(tenant, MICROSOFT_GRAPH, at, app_id=GRAPH, owner_tenant=MICROSOFT)
    graph.roles = {tenant.new_id(): value for value in GRAPH_ROLES}
    new_principal(tenant, "Windows Azure Service Management API", at, app_id=ARM, owner_tenant=MICROSOFT)
    new_principal(tenant, "Azure Key Vault", at, app_id=KEY_VAULT, owner_tenant=MICROSOFT)
    application, principal = new_app(tenant, RESPONDER, at)
    return principal.app_id, add_password(tenant, application, at, "responder").value


def new_app(tenant: Tenant, name: str, at: datetime) -> tuple[Application, ServicePrincipal]:
    """Both of its objects."""
    application = Application(tenant.new_id(), tenant.new_id(), name, at)
    tenant.applications[application.id] = application
    return application, new_principal(tenant, name, at, app_id=application.app_id)


def new_principal(tenant: Tenant, name: str, at: datetime, app_id: str, owner_tenant: str = TENANT) -> ServicePrincipal:
    principal = ServicePrincipal(
        tenant.new_id(), app_id, name, at, enabled=Lagged(True, at), heard=Lagged(True, at), owner_tenant=owner_tenant
    )
    tenant.principals[principal.id] = principal
    return principal


def new_user(tenant: Tenant, login: str) -> User:
    user = User(tenant.new_id(), login)
    tenant.users[user.id] = user
    return user


def add_password(tenant: Tenant, thing: Directory, at: datetime, name: str, lives: timedelta = A_YEAR) -> Password:
    made = Password(tenant.new_id(), tenant.new_secret(), name, at, at + lives, Lagged(True, at), at)
    thing.passwords[made.key_id] = made
    return made


def add_owner(thing: Directory, owner: str, at: datetime) -> None:
    thing.owners[owner] = Lagged(True, at)


def add_role(tenant: Tenant, principal: ServicePrincipal, resource: ServicePrincipal, value: str, at: datetime) -> Any:
    role = next(each for each, named in resource.roles.items() if named == value)
    made = Assignment(tenant.new_mark(), resource.id, role, at, Lagged(True, at))
    principal.assignments[made.id] = made
    return made


def add_grant(tenant: Tenant, client: ServicePrincipal, scope: str, at: datetime, user: str = "") -> Grant:
    graph = tenant.principal_of(GRAPH)
    assert graph is not None
    grant = Grant(tenant.new_mark(), client.id, graph.id, scope, Lagged(True, at), user)
    tenant.grants[grant.id] = grant
    return grant


def add_directory_role(
    tenant: Tenant, principal: ServicePrincipal, name: str, at: datetime, scope: str = "/"
) -> DirectoryRole:
    known = {named: role for role, named in tenant.role_names.items()}
    role = known.get(name) or tenant.new_id()
    tenant.role_names[role] = name
    made = DirectoryRole(tenant.new_mark(), principal.id, role, scope, Lagged(True, at))
    tenant.directory_roles[made.id] = made
    return made


def add_group(tenant: Tenant, name: str, *members: str) -> str:
    """Its object id. `members`: object ids, of groups too."""
    group = tenant.new_id()
    tenant.groups[group], tenant.group_names[group] = set(members), name
    return group


def add_role_of(tenant: Tenant, holder: str, name: str, at: datetime, *, eligible: bool = False) -> DirectoryRole:
    """A directory role of any object, a group's too. `eligible`: it may be activated, and is not held."""
    any_app = next(iter(tenant.principals.values()))
    made = add_directory_role(tenant, any_app, name, at)
    made.principal = holder
    if eligible:
        tenant.eligible_roles[made.id] = tenant.directory_roles.pop(made.id)
    return made


def add_azure_role(tenant: Tenant, principal: str, name: str, scope: str, at: datetime) -> AzureRole:
    """`principal`: object id of a service principal, a user or a group. Its subscription is made, too."""
    tenant.subscriptions.setdefault(scope.split("/")[2], "Payments")
    known = {named: role for role, named in tenant.azure_role_names.items()}
    role = known.get(name) or tenant.new_id()
    tenant.azure_role_names[role] = name
    made = AzureRole(tenant.new_id(), principal, role, scope, Lagged(True, at))
    tenant.azure_roles[made.name] = made
    return made


def add_identity(tenant: Tenant, name: str, subscription: str, at: datetime) -> ManagedResource:
    """A user-assigned managed identity: its resource and its service principal."""
    tenant.subscriptions.setdefault(subscription, "Payments")
    principal = new_principal(tenant, name, at, app_id=tenant.new_id())
    principal.type = "ManagedIdentity"
    where = f"/subscriptions/{subscription}/resourcegroups/payments/providers/Microsoft.ManagedIdentity"
    made = ManagedResource(f"{where}/userAssignedIdentities/{name}", principal.id)
    tenant.identities[made.path.lower()] = made
    return made


def add_vault_secret(tenant: Tenant, vault: str, name: str, value: str, at: datetime, **more: Any) -> VaultVersion:
    """A new version of it, which is current; the vault is made, too."""
    secrets = tenant.vaults.setdefault(vault, Vault()).secrets
    made = VaultVersion(tenant.new_id().replace("-", ""), value, at, **more)
    secrets.setdefault(name.lower(), VaultSecret()).versions.append(made)
    return made


def long_ago(at: datetime) -> datetime:
    return at - timedelta(days=90)
