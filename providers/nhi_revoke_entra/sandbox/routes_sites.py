"""Azure Resource Manager: which vaults there are, and App Service with the settings of its apps.

Azure docs: keyvault vaults/list-by-subscription; appservice web-apps/list, web-apps/list-application-settings (a POST,
which changes nothing), web-apps/get-app-settings-key-vault-references.
"""

from __future__ import annotations

import re
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_entra.permissions import READ_REFERENCES, READ_SETTINGS, READ_SITES, READ_VAULTS
from nhi_revoke_entra.sandbox.azure_state import WebSite
from nhi_revoke_entra.sandbox.gate import Here
from nhi_revoke_entra.sandbox.routes_arm import SUBSCRIPTION, for_arm

TABLE = Table()
VAULTS, SITES = "/providers/Microsoft.KeyVault/vaults", "/providers/Microsoft.Web/sites"
LIST_VAULTS, LIST_SITES = f"{SUBSCRIPTION}{VAULTS}", f"{SUBSCRIPTION}{SITES}"
ONE = f"{SUBSCRIPTION}/resourceGroups/<group>{SITES}/<name>"
SETTINGS, REFERENCES = f"{ONE}/config/appsettings/list", f"{ONE}/config/configreferences/appsettings"
REFERENCE = re.compile(r"@Microsoft\.KeyVault\(SecretUri=https://([^.]+)\.[^/]+/secrets/([^/)]+)/?([^)]*)\)")
BY_NAME = re.compile(r"@Microsoft\.KeyVault\(VaultName=([^;]+);SecretName=([^;)]+)(?:;SecretVersion=([^)]+))?\)")


@TABLE.route("GET", LIST_VAULTS, READ_VAULTS)
def vaults(at: Here, subscription: str) -> Reply:
    for_arm(at)
    tenant = at.gate.tenant
    first = next(iter(tenant.subscriptions), "")
    where = f"/subscriptions/{subscription}/resourceGroups/payments{VAULTS}"
    mine = [name for name, vault in tenant.vaults.items() if (vault.subscription or first) == subscription]
    rows = [
        {"id": f"{where}/{n}", "name": n, "properties": {"vaultUri": f"https://{n}.vault.azure.net/"}} for n in mine
    ]
    return Reply(200, rows, rows=True, default=1000, most=1000)


@TABLE.route("GET", LIST_SITES, READ_SITES)
def sites(at: Here, subscription: str) -> Reply:
    for_arm(at)
    begin = f"/subscriptions/{subscription}/".lower()
    mine = [_row(site) for path, site in at.gate.tenant.sites.items() if path.startswith(begin)]
    return Reply(200, mine, rows=True, default=1000, most=1000)


@TABLE.route("POST", SETTINGS, READ_SETTINGS, mutates=False)
def settings(at: Here, subscription: str, group: str, name: str) -> Reply:
    site = _found(at, subscription, group, name)
    return Reply(200, {"id": f"{site.path}/config/appsettings", "name": "appsettings", "properties": site.settings})


@TABLE.route("GET", REFERENCES, READ_REFERENCES)
def references(at: Here, subscription: str, group: str, name: str) -> Reply:
    site, rows = _found(at, subscription, group, name), []
    for setting, text in site.settings.items():
        found = REFERENCE.fullmatch(text) or BY_NAME.fullmatch(text)
        if found:
            told = {"reference": text, "status": "Resolved", "vaultName": found[1], "secretName": found[2]}
            where = f"{site.path}/config/configreferences/appsettings/{setting}"
            rows.append({"id": where, "name": setting, "properties": {**told, "secretVersion": found[3] or ""}})
    return Reply(200, rows, rows=True, default=1000, most=1000)


def _found(at: Here, subscription: str, group: str, name: str) -> WebSite:
    for_arm(at)
    path = f"/subscriptions/{subscription}/resourceGroups/{group}{SITES}/{name}".lower()
    found = at.gate.tenant.sites.get(path)
    if found is None:
        raise Turned(404, "ResourceNotFound", "The resource was not found.")
    return found


def _row(site: WebSite) -> dict[str, Any]:
    identity: dict[str, Any] = {"principalId": site.principal} if site.principal else {}
    if site.identities:
        identity["userAssignedIdentities"] = site.identities
    more = {"identity": identity} if identity else {}
    return {"id": site.path, "name": site.path.rpartition("/")[2], "kind": site.kind, "properties": {}, **more}
