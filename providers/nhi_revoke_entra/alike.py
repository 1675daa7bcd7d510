"""Apps of the tenant that look like one identity, and whom their federated credentials let in.

Applications and service principals are listed, in pages of 999, with their tags, notes and names of managed identities
(Microsoft docs: application, servicePrincipal). A tenant may have tens of thousands: only those that resemble are kept,
and where one object of an app does and the other does not, the other is asked for. Federated credentials stand in no
listing (facts entra.md 1, row 3): those of candidates alone are asked. Users are many, and are found by their user
principal name alone (`find`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from nhi_revoke.model.alike import Candidate, Pointer, Resemblance, Saying
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.resembling import owner_in, resemblance
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.access.federated_credential import credentials_of, lets_in
from nhi_revoke_entra.agents import is_agent
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.lifetimes import MANAGED_IDENTITY
from nhi_revoke_entra.lookup import PAGE
from nhi_revoke_entra.named import APPLICATIONS, SERVICE_PRINCIPALS
from nhi_revoke_entra.naming import AGENT, APP, PROVIDER, canonical
from nhi_revoke_entra.permissions import READ_APPS
from nhi_revoke_entra.principals import MICROSOFT

READS = (READ_APPS,)
KIND = "alike"
EVIDENCE = "GET /applications/…/federatedIdentityCredentials"
SELECTED = {
    APPLICATIONS: "id,appId,displayName,createdDateTime,tags,notes,description",
    SERVICE_PRINCIPALS: (
        "id,appId,displayName,tags,notes,description,alternativeNames,servicePrincipalType,appOwnerOrganizationId,"
        "accountEnabled"
    ),
}
Row = Mapping[str, Any]


def alike(conn: EntraConnection, name: str) -> Iterable[Candidate | BlindSpot]:
    """Both objects of an app are one candidate. Raises Denied where either cannot be listed."""
    listed = conn.side_by_side(*(partial(_resembling, conn, name, collection) for collection in SELECTED))
    apps: dict[PrincipalRef, dict[str, Row]] = {}
    for collection, rows in zip(SELECTED, listed, strict=True):
        for row in rows:
            apps.setdefault(_ref(row), {})[collection] = row
    for told in conn.io.map(lambda each: _about(conn, name, *each), apps.items()):
        yield from told


def _resembling(conn: EntraConnection, name: str, collection: str) -> list[Row]:
    """A page at a time, and of each what is kept alone."""
    query: dict[str, Any] = {"$select": SELECTED[collection], "$top": PAGE}
    rows = conn.rows(f"/{collection}", READ_APPS, **query)
    return [row for row in rows if not _is_microsofts(row) and _likeness(name, collection, row)]


def _is_microsofts(row: Row) -> bool:
    """What Microsoft itself runs in every tenant."""
    return str(row.get("appOwnerOrganizationId") or "").lower() in MICROSOFT


def _ref(row: Row) -> PrincipalRef:
    agent = is_agent(row) or not row.get("appId")
    return canonical(AGENT, str(row["id"])) if agent else canonical(APP, str(row["appId"]).lower())


def _likeness(name: str, collection: str, row: Row) -> tuple[Resemblance, ...]:
    evidence = f"GET /{collection}"
    found = [*resemblance(name, str(row.get("displayName") or ""), "displayName", evidence)]
    for tag in row.get("tags") or ():
        # Plain words, not keys and values: what follows a `:` or `=` is the value where somebody writes them so.
        value = str(tag).replace("=", ":").rpartition(":")[2]
        found += resemblance(name, value, f"tag {tag}", evidence, "tag")
    for other in row.get("alternativeNames") or ():
        found += resemblance(name, str(other).rpartition("/")[2], "alternativeNames", evidence)
    for member in ("notes", "description"):
        found += resemblance(name, str(row.get(member) or ""), f"its {member}", evidence, "text")
    return tuple(found)


def _about(conn: EntraConnection, name: str, ref: PrincipalRef, kept: Mapping[str, Row]) -> list[Candidate | BlindSpot]:
    told: list[Candidate | BlindSpot] = []
    parts = dict(kept)
    try:
        parts |= _other(conn, ref, kept)
    except Fault as fault:
        why = f"what its other object is called and says: it could not be read ({fault.message})"
        told.append(BlindSpot(ref, KIND, why, getattr(fault, "needs", "") or READ_APPS))
    rows = [(collection, parts[collection]) for collection in SELECTED if collection in parts]
    application, principal = parts.get(APPLICATIONS, {}), parts.get(SERVICE_PRINCIPALS, {})
    points: list[Pointer] = []
    try:
        trusts = credentials_of(conn, str(application["id"])) if application else []
        points = [_pointer(row) for row in trusts]
    except Fault as fault:
        why = f"whom its federated credentials let in: they could not be read ({fault.message})"
        told.append(BlindSpot(ref, KIND, why, getattr(fault, "needs", "") or READ_APPS))
    ids = tuple(dict.fromkeys((ref.id, *(str(row["id"]) for _, row in rows))))
    says = [
        Saying(str(row[member]), f"its {member}", f"GET /{collection}")
        for collection, row in rows
        for member in ("notes", "description")
        if row.get(member)
    ]
    candidate = Candidate(
        ref=ref,
        kind=ref.kind,
        name=str((application or principal).get("displayName") or ref.id),
        scope=conn.scope,
        unique_id=ref.id,
        resembles=tuple(dict.fromkeys(each for part in rows for each in _likeness(name, *part))),
        owner=_owner(row for _, row in rows),
        created=moment(application.get("createdDateTime")),
        aliases=tuple(f"{PROVIDER}:{ref.kind}/{each}" for each in ids),
        marks=ids,
        points=tuple(points),
        says=tuple(says),
        note="disabled" if principal.get("accountEnabled") is False else "",
    )
    return [candidate, *told]


def _other(conn: EntraConnection, ref: PrincipalRef, kept: Mapping[str, Row]) -> Mapping[str, Row]:
    """The app's other object, which resembles nothing; empty where it has none. Raises Denied, and what a read raises.

    An agent and a managed identity have no application anywhere.
    """
    missing = [collection for collection in SELECTED if collection not in kept]
    managed = str(kept.get(SERVICE_PRINCIPALS, {}).get("servicePrincipalType") or "") == MANAGED_IDENTITY
    if not missing or ref.kind == AGENT or managed:
        return {}
    collection = missing[0]
    try:
        row: Row = conn.get(f"/{collection}(appId='{segment(ref.id)}')", READ_APPS, **{"$select": SELECTED[collection]})
    except Missing:
        return {}
    return {} if _is_microsofts(row) else {collection: row}


def _pointer(row: Row) -> Pointer:
    """A flexible one names its subjects by an expression, which this listing does not show: it names nobody."""
    issuer = str(row.get("issuer") or "").removeprefix("https://")
    why = f"its federated credential {row.get('name')}: {row.get('subject') or 'those of an expression'}"
    return Pointer(lets_in(row), f"{why} of {issuer}", EVIDENCE)


def _owner(rows: Iterable[Row]) -> str:
    tags = [str(tag).replace("=", ":") for row in rows for tag in row.get("tags") or ()]
    return owner_in((key, value) for key, colon, value in (tag.partition(":") for tag in tags) if colon)
