"""Who uses a credential in a tenant: secrets of its vaults, its apps in Azure, and from where it signs in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from nhi_revoke.model.consumer import Consumer, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Unauthenticated
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.consumers import sites, vaults
from nhi_revoke_entra.consumers.sites import Site
from nhi_revoke_entra.consumers.used import used
from nhi_revoke_entra.consumers.vaults import Place
from nhi_revoke_entra.identities import NO_SUBSCRIPTION, subscriptions_of
from nhi_revoke_entra.naming import PROVIDER
from nhi_revoke_entra.permissions import (
    LIST_SECRETS,
    READ_AZURE,
    READ_LOGS,
    READ_REFERENCES,
    READ_SETTINGS,
    READ_SITES,
    READ_VAULTS,
)

FINDS = (READ_AZURE, READ_VAULTS, LIST_SECRETS, READ_SITES, READ_SETTINGS, READ_REFERENCES, READ_LOGS)
LEFT_OUT = "slots of apps, container apps, virtual machines, pipelines and automation accounts are not looked at"
NAMED = 5
"""So many of the apps that could not be read are told by name."""
T = TypeVar("T")


def consumers(conn: EntraConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
    """Raises Unauthenticated."""
    in_azure, by_use = conn.side_by_side(lambda: list(_in_azure(conn, sought)), lambda: list(used(conn, sought)))
    yield from in_azure
    yield from by_use


def _in_azure(conn: EntraConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
    on = PrincipalRef(PROVIDER, "tenant", conn.scope)
    try:
        subscriptions = subscriptions_of(conn)
    except Unauthenticated:
        raise
    except Fault as fault:
        needs = fault.needs if isinstance(fault, Denied) else ""
        yield BlindSpot(on, vaults.KIND, f"vaults and apps in Azure: {fault.message}", needs or READ_AZURE)
        return
    if not subscriptions:
        yield BlindSpot(on, vaults.KIND, f"vaults and apps in Azure: {NO_SUBSCRIPTION}", READ_AZURE)
        return
    names, unseen = _of_each(conn, subscriptions, vaults.vaults_of, on, vaults.KIND, READ_VAULTS)
    yield from unseen
    found: Sequence[Sequence[Place | BlindSpot]] = conn.io.map(
        lambda name: vaults.places_in(conn, name, sought, on), list(dict.fromkeys(names))
    )
    places = {one.key: one for part in found for one in part if isinstance(one, Place)}
    yield from (one for part in found for one in part if isinstance(one, BlindSpot))
    yield from (place.consumer(conn.scope) for place in places.values())
    known = places | {one.key: one for one in vaults.mapped_places(sought, places.values())}
    apps, unseen = _of_each(conn, subscriptions, sites.sites_of, on, sites.KIND, READ_SITES)
    yield from unseen
    if len(apps) > sites.MOST:
        why = f"settings of {len(apps) - sites.MOST} of {len(apps)} apps were not read: one request for each"
        yield BlindSpot(on, sites.KIND, why)
    read: Sequence[Site] = conn.io.map(lambda site: sites.read(conn, site, sought), apps[: sites.MOST])
    yield from _unread(on, [site for site in read if site.unread], len(read))
    for site in (*read, *apps[sites.MOST :]):
        if (one := sites.consumer(site, known, sought, conn.scope)) is not None:
            yield one
    yield BlindSpot(on, sites.KIND, LEFT_OUT, counts=False)


def _of_each(
    conn: EntraConnection, subscriptions: Sequence[str], look: Callable[[EntraConnection, str], Sequence[T]],
    on: PrincipalRef, kind: str, needs: str,
) -> tuple[list[T], list[BlindSpot]]:  # fmt: skip
    """Of every subscription; one that refuses hides no other."""

    def one(subscription: str) -> Sequence[T] | BlindSpot:
        try:
            return look(conn, subscription)
        except Unauthenticated:
            raise
        except Fault as fault:
            lacks = fault.needs if isinstance(fault, Denied) else ""
            return BlindSpot(on, kind, f"subscription {subscription}: {fault.message}", lacks or needs)

    found, spots = list[T](), list[BlindSpot]()
    for each in conn.io.map(one, subscriptions):
        if isinstance(each, BlindSpot):
            spots.append(each)
        else:
            found += each
    return found, spots


def _unread(on: PrincipalRef, unread: Sequence[Site], of: int) -> Iterable[BlindSpot]:
    by_why: dict[bool, list[Site]] = {}
    for site in unread:
        by_why.setdefault("nor which secrets" in site.unread, []).append(site)
    for each in by_why.values():
        names = ", ".join(site.told for site in each[:NAMED])
        more = f" and {len(each) - NAMED} more" if len(each) > NAMED else ""
        why = f"settings of {len(each)} of {of} apps could not be read: {names}{more} ({each[0].unread})"
        yield BlindSpot(on, sites.KIND, why, READ_SETTINGS)
