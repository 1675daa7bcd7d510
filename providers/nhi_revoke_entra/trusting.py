"""Apps of the tenant whose federated credentials let in another provider's principal: jobs that sign in by OIDC.

facts entra.md 1 (row 3): federated credentials stand in no listing of apps, so that each app is asked for its own, 20
in a request. Of a flexible one the beta alone shows whom it lets in (Microsoft docs: workload-identities-flexible-
federated-identity-credentials); what of its expression is not read counts as met.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nhi_revoke.model.command import command
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.glob import overlap
from nhi_revoke.model.identity import Principal
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.http import segment
from nhi_revoke_entra.access.federated_credential import KIND, expression_of, lets_in
from nhi_revoke_entra.access.managed_trust import KIND as MANAGED
from nhi_revoke_entra.batch import MOST, Part
from nhi_revoke_entra.connection import BETA, NEXT, EntraConnection
from nhi_revoke_entra.identities import NO_SUBSCRIPTION, identities_of, subscriptions_of, trusts_of
from nhi_revoke_entra.lookup import BRIEF, PAGE
from nhi_revoke_entra.named import APPLICATIONS
from nhi_revoke_entra.naming import APP, canonical
from nhi_revoke_entra.permissions import READ_APPS, READ_AZURE, READ_IDENTITIES, READ_IDENTITY_TRUSTS

PACE = 15
"""Batches in a second: 3,000 reads in ten seconds, below what the smallest tenants allow one app (3,500 resource units;
facts entra.md 2, "Throttling"; that a read of these is one unit is taken, not documented)."""
AT_ONCE = 50
"""Batches whose apps are kept at a time: a tenant may have tens of thousands, of which few let anybody in."""
OF_IDENTITIES = "managed identities whose federated credentials let its jobs in"
IN_AZURE = "GET …/userAssignedIdentities/…/federatedIdentityCredentials"
FINDS = (READ_APPS, READ_AZURE, READ_IDENTITIES, READ_IDENTITY_TRUSTS)
EVIDENCE = "GET /applications/…/federatedIdentityCredentials"


def trusting(conn: EntraConnection, who: Principal) -> Iterable[Lead | BlindSpot]:
    """A lead for each app, and for each user-assigned managed identity. Raises Denied where no app can be listed."""
    found = conn.side_by_side(lambda: list(_apps(conn, who)), lambda: list(_identities(conn, who)))
    yield from (each for part in found for each in part)


def _apps(conn: EntraConnection, who: Principal) -> Iterable[Lead | BlindSpot]:
    query: dict[str, Any] = {"$select": BRIEF, "$top": PAGE}
    rows = conn.rows(f"/{APPLICATIONS}", READ_APPS, **query)
    while apps := list(itertools.islice(rows, AT_ONCE * MOST)):
        batches = [apps[start : start + MOST] for start in range(0, len(apps), MOST)]
        asked: Sequence[list[Lead | BlindSpot]] = conn.io.map(lambda batch: _asked(conn, who, batch), batches)
        yield from itertools.chain.from_iterable(asked)


def _asked(conn: EntraConnection, who: Principal, apps: Sequence[Mapping[str, Any]]) -> list[Lead | BlindSpot]:
    conn.io.pace("entra:batch", PACE, PACE)
    parts = conn.together([_path(app) for app in apps], READ_APPS, version=BETA)
    there = [pair for pair in zip(apps, parts, strict=True) if pair[1].status != 404]  # or deleted in between
    return [found for app, part in there for found in _found(conn, who, app, part)]


def _path(app: Mapping[str, Any]) -> str:
    return f"/{APPLICATIONS}/{segment(str(app['id']))}/federatedIdentityCredentials"


def _found(conn: EntraConnection, who: Principal, app: Mapping[str, Any], part: Part) -> Iterable[Lead | BlindSpot]:
    ref = canonical(APP, str(app["appId"]))
    rows = part.body.get("value") if part.status < 400 and isinstance(part.body, dict) else None
    if not isinstance(rows, list):
        why = f"federated credentials of app {app.get('displayName') or ref.id}: they could not be read ({part.status})"
        yield BlindSpot(who.ref, KIND, why, READ_APPS)
        return
    if part.body.get(NEXT):
        rows = list(conn.rows(_path(app), READ_APPS, version=BETA))
    said = [why for row in rows if (why := _why(row, who.aliases))]
    if said:
        yield Lead(ref, "; ".join(said), EVIDENCE, of=who.ref, next=command("list", ref))


def _identities(conn: EntraConnection, who: Principal) -> Iterable[Lead | BlindSpot]:
    """Those of every subscription that the operator sees (identities.py)."""
    try:
        subscriptions = subscriptions_of(conn)
        every = [one for each in subscriptions for one in identities_of(conn, each)]
        trusts = conn.io.map(lambda one: trusts_of(conn, one.path), every)
    except Fault as fault:
        yield BlindSpot(who.ref, MANAGED, f"{OF_IDENTITIES}: {fault.message}", READ_IDENTITY_TRUSTS)
        return
    if not subscriptions:
        yield BlindSpot(who.ref, MANAGED, f"{OF_IDENTITIES}: {NO_SUBSCRIPTION}", READ_IDENTITY_TRUSTS)
    for one, rows in zip(every, trusts, strict=True):
        said = [why for row in rows if (why := _why(row, who.aliases))]
        if said:
            to = canonical(APP, one.client_id)
            why = f"managed identity {one.name}: {'; '.join(said)}"
            yield Lead(to, why, IN_AZURE, of=who.ref, next=command("list", to))


def _why(row: Mapping[str, Any], aliases: Sequence[str]) -> str:
    """Why this credential lets one of them in; empty where it does not. Letters' case aside, to leave none out."""
    if not any(overlap(pattern, alias, fold=True) for pattern in lets_in(row) for alias in aliases):
        return ""
    name, issuer = str(row.get("name") or row.get("id")), str(row.get("issuer") or "").removeprefix("https://")
    if row.get("subject"):
        return f"its federated credential {name} lets in {row['subject']} of {issuer}"
    how = expression_of(row) or "it was not shown"
    return f"its federated credential {name} lets in those of {issuer} whom its expression matches: {how}"
