"""App Service and Function apps: whose settings hold an id, or refer to a secret of a vault, or which run as the app.

Settings are shown with their values by a POST that needs more than Reader (Azure docs: web-apps/list-application-
settings): they are compared in memory, and what is kept is a setting's name. Where that is denied, references alone are
read (web-apps/get-app-settings-key-vault-references), which hold no value, and the rest is a blind spot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke.model.consumer import Basis, Consumer, Mark, Sought
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.evidence import marks_in
from nhi_revoke.provider.fault import Denied, Fault, Unauthenticated
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.seeking import owners, told
from nhi_revoke_entra.arm import SUBSCRIPTIONS
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.consumers.vaults import Place
from nhi_revoke_entra.permissions import READ_REFERENCES, READ_SETTINGS, READ_SITES

RESOURCE = "/providers/Microsoft.Web/sites"
SETTINGS, REFERENCES = "config/appsettings/list", "config/configreferences/appsettings"
KIND = "entra:app-service"
MOST = 500
"""Apps whose settings are read: one request for each."""
REFERENCE = re.compile(r"\s*@Microsoft\.KeyVault\((?P<what>[^)]*)\)\s*", re.IGNORECASE)
"""Azure docs: app-service-key-vault-references."""
URI = re.compile(r"https://(?P<vault>[^./]+)\.[^/]+/secrets/(?P<name>[^/?]+)(?:/(?P<version>[^/?]+))?", re.IGNORECASE)
STRONGEST: tuple[Basis, ...] = ("id", "reference", "use", "name")


class Pointer(Struct, frozen=True):
    """A setting that refers to a secret."""

    setting: str
    vault: str
    secret: str
    version: str = ""


class Site(Struct, frozen=True):
    """One app, reduced."""

    path: str
    name: str
    sort: str
    runs_as: tuple[str, ...] = ()
    """Object ids and client ids of its managed identities, in small letters."""
    marked: tuple[tuple[str, tuple[Mark, ...]], ...] = ()
    """By setting."""
    pointers: tuple[Pointer, ...] = ()
    unread: str = ""
    """Why its settings could not be read."""

    @property
    def told(self) -> str:
        return f"{self.sort} {self.name}"


def sites_of(conn: EntraConnection, subscription: str) -> Sequence[Site]:
    """Without their settings. Raises Denied."""
    return [_site(row) for row in conn.azure.rows(f"{SUBSCRIPTIONS}/{segment(subscription)}{RESOURCE}", READ_SITES)]


def read(conn: EntraConnection, site: Site, sought: Sought) -> Site:
    """With its settings. Raises Unauthenticated."""
    try:
        body = conn.azure.shown(f"{site.path}/{SETTINGS}", READ_SETTINGS)
        settings = {str(k): str(v) for k, v in (body.get("properties") or {}).items()}
    except Unauthenticated:
        raise
    except Fault as fault:
        pointers, why = _references(conn, site), fault.message
        if pointers is None:
            return _with(site, (), (), f"{why}; nor which secrets they refer to")
        return _with(site, (), pointers, why if isinstance(fault, Denied) else f"they could not be read: {why}")
    marked = tuple((name, tuple(there)) for name, text in settings.items() if (there := marks_in(text, sought.marks)))
    return _with(site, marked, tuple(each for name, text in settings.items() if (each := pointer(name, text))), "")


def pointer(setting: str, text: str) -> Pointer | None:
    """None where it refers to no secret."""
    found = REFERENCE.fullmatch(text)
    if found is None:
        return None
    parts = dict(part.strip().partition("=")[::2] for part in found["what"].split(";"))
    named = {key.strip().lower(): value.strip() for key, value in parts.items()}
    if uri := URI.match(named.get("secreturi", "")):
        return Pointer(setting, uri["vault"].lower(), uri["name"].lower(), uri["version"] or "")
    vault, secret = named.get("vaultname", ""), named.get("secretname", "")
    return Pointer(setting, vault.lower(), secret.lower(), named.get("secretversion", "")) if vault and secret else None


def consumer(site: Site, places: Mapping[tuple[str, str], Place], sought: Sought, scope: str) -> Consumer | None:
    """None where nothing of the identity shows in it."""
    found: list[tuple[Basis, str, tuple[PrincipalRef, ...]]] = [
        ("id", f"its setting {name} holds {told(marks)}", owners(marks)) for name, marks in site.marked
    ]
    pinned = []
    for each in site.pointers:
        if (place := places.get((each.vault, each.secret))) is not None:
            basis: Basis = "name" if place.basis == "name" else "reference"
            found.append((basis, f"its setting {each.setting} refers to {place.told} ({place.why})", place.of))
            pinned += [each.setting] if each.version else []
    by_hand = _by_hand(site, pinned) if found else ""  # what only runs as the identity reads no credential
    for who in sought.principals:
        ids = {who.unique_id.lower(), str(who.facts.get("service_principal") or "").lower()} - {""}
        if who.ref.provider == "entra" and ids & set(site.runs_as):
            found.append(("reference", f"it runs as managed identity {who.name}, without any key", (who.ref,)))
    if not found:
        return None
    basis = min((each[0] for each in found), key=STRONGEST.index)
    strongest = [each for each in found if basis != "name" or each[0] == basis]
    return Consumer(
        what=site.told,
        scope=scope,
        basis=basis,
        why="; ".join(dict.fromkeys(words for _, words, _ in strongest)),
        evidence=f"POST …/sites/{site.name}/{SETTINGS}" if site.marked else "GET …/providers/Microsoft.Web/sites",
        of=tuple(dict.fromkeys(ref for _, _, of in strongest for ref in of)),
        by_hand=by_hand,
    )


def _by_hand(site: Site, pinned: Iterable[str]) -> str:
    group = site.path.lower().partition("/resourcegroups/")[2].partition("/")[0]
    command = "functionapp" if "Function" in site.sort else "webapp"
    done = f"Restart it once the new one is delivered: az {command} restart -g {group} -n {site.name}"
    names = ", ".join((*(name for name, _ in site.marked), *pinned))
    return f"Write the new one into its settings {names}. {done}" if names else done


def _site(row: Mapping[str, Any]) -> Site:
    identity = row.get("identity") or {}
    ids = [str(identity.get("principalId") or "")]
    for each in (identity.get("userAssignedIdentities") or {}).values():
        ids += [str((each or {}).get("principalId") or ""), str((each or {}).get("clientId") or "")]
    sort = "Function app" if "functionapp" in str(row.get("kind") or "").lower() else "App Service"
    return Site(str(row["id"]), str(row["name"]), sort, tuple(each.lower() for each in ids if each))


def _references(conn: EntraConnection, site: Site) -> tuple[Pointer, ...] | None:
    """None where these may not be read either."""
    try:
        rows = list(conn.azure.rows(f"{site.path}/{REFERENCES}", READ_REFERENCES))
    except Unauthenticated:
        raise
    except Fault:
        return None
    found = []
    for row in rows:
        properties = row.get("properties") or {}
        vault, secret = str(properties.get("vaultName") or ""), str(properties.get("secretName") or "")
        name = str(row.get("name") or str(row.get("id") or "").rpartition("/")[2])
        if vault and secret:
            version = str(properties.get("secretVersion") or "")
            found.append(Pointer(name, vault.lower(), secret.lower(), version))
    return tuple(found)


def _with(
    site: Site, marked: tuple[tuple[str, tuple[Mark, ...]], ...], pointers: tuple[Pointer, ...], unread: str
) -> Site:
    return Site(site.path, site.name, site.sort, site.runs_as, marked, pointers, unread)
