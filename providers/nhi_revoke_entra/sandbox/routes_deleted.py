"""Deletion, which for 30 days is none: what was deleted keeps its credentials, and may be restored with them.

facts entra.md 2 ("delete / restore") and 8 (8); Microsoft docs: directory-deleteditems-list, -get, -restore: a listing
names the type that it wants; each object is restored by itself. With an application its service principal goes.
"""

from __future__ import annotations

import re
from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_entra.permissions import READ_APPS, WRITE_APPS
from nhi_revoke_entra.sandbox.gate import Here, allowed, bad, missing
from nhi_revoke_entra.sandbox.routes_objects import application, principal, selected
from nhi_revoke_entra.sandbox.rows import application_row, principal_row
from nhi_revoke_entra.sandbox.state import CAE_HEARS, Application, Directory, ServicePrincipal, stamp

TABLE = Table()
NAMED = re.compile(r"(displayName|appId) eq '((?:[^']|'')*)'")


@TABLE.route("DELETE", "/v1.0/applications/<one>", WRITE_APPS)
def delete_application(at: Here, one: str) -> Reply:
    thing = application(at, one)
    allowed(at, thing)
    own = at.gate.tenant.principal_of(thing.app_id)
    _delete(at, thing)
    if own is not None:
        _delete(at, own)
    return Reply(204)


@TABLE.route("DELETE", "/v1.0/servicePrincipals/<one>", WRITE_APPS)
def delete_principal(at: Here, one: str) -> Reply:
    thing = principal(at, one)
    allowed(at, thing)
    _delete(at, thing)
    return Reply(204)


@TABLE.route("GET", "/v1.0/directory/deletedItems/microsoft.graph.application", READ_APPS)
def deleted_applications(at: Here) -> Reply:
    return _listed(at, Application)


@TABLE.route("GET", "/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal", READ_APPS)
def deleted_principals(at: Here) -> Reply:
    return _listed(at, ServicePrincipal)


@TABLE.route("POST", "/v1.0/directory/deletedItems/<one>/restore", WRITE_APPS)
def restore(at: Here, one: str) -> Reply:
    tenant, thing = at.gate.tenant, _deleted(at, one)
    del tenant.deleted[thing.id]
    thing.deleted = None
    if isinstance(thing, ServicePrincipal):
        tenant.principals[thing.id] = thing
        thing.heard.set(thing.enabled.shown, at.now, 0.0)
    else:
        assert isinstance(thing, Application)
        tenant.applications[thing.id] = thing
    return Reply(200, _row(thing))


@TABLE.route("DELETE", "/v1.0/directory/deletedItems/<one>", WRITE_APPS)
def purge(at: Here, one: str) -> Reply:
    del at.gate.tenant.deleted[_deleted(at, one).id]
    return Reply(204)


def _delete(at: Here, thing: Directory) -> None:
    tenant = at.gate.tenant
    thing.deleted = at.now
    tenant.deleted[thing.id] = thing
    if isinstance(thing, ServicePrincipal):
        del tenant.principals[thing.id]
        thing.heard.set(False, at.now, CAE_HEARS)
    else:
        del tenant.applications[thing.id]


def _deleted(at: Here, one: str) -> Directory:
    found = at.gate.tenant.deleted.get(one.lower())
    if found is None:
        raise missing(one)
    return found


def _listed(at: Here, kind: type[Directory]) -> Reply:
    wanted = at.asked.query.get("$filter", "")
    found = NAMED.fullmatch(wanted)
    if wanted and found is None:
        raise bad(f"Invalid filter clause: {wanted}")
    rows = [_row(thing) for thing in at.gate.tenant.deleted.values() if isinstance(thing, kind)]
    if found is not None:
        value = found.group(2).replace("''", "'").lower()
        rows = [row for row in rows if str(row[found.group(1)]).lower() == value]
    return Reply(200, [selected(at, row) for row in rows], rows=True, default=100, most=999)


def _row(thing: Directory) -> dict[str, Any]:
    assert isinstance(thing, Application | ServicePrincipal)
    row = application_row(thing) if isinstance(thing, Application) else principal_row(thing)
    return {**row, "deletedDateTime": stamp(thing.deleted) if thing.deleted else None}
