"""The two objects of one app, read whole enough for every kind that lists from them.

facts entra.md 1, rows 1, 2 and 4: credentials stand on the application and on the service principal; the portal's page
of app registrations shows the former alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from nhi_revoke.provider.fault import Missing
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.named import APPLICATIONS, SERVICE_PRINCIPALS, Named
from nhi_revoke_entra.permissions import READ_APPS

WORDS = {APPLICATIONS: "the application", SERVICE_PRINCIPALS: "the service principal"}
CREDENTIALS = "passwordCredentials,keyCredentials"
SELECT = {
    APPLICATIONS: (
        "id,appId,displayName,createdDateTime,signInAudience,isDisabled,servicePrincipalLockConfiguration,"
        f"{CREDENTIALS}"
    ),
    SERVICE_PRINCIPALS: (
        "id,appId,displayName,accountEnabled,servicePrincipalType,appOwnerOrganizationId,signInAudience,"
        f"preferredTokenSigningKeyThumbprint,{CREDENTIALS}"
    ),
}


class Place(Struct, frozen=True):
    """One of the two objects. `collection`: as paths name it."""

    collection: str
    id: str

    @property
    def path(self) -> str:
        return f"/{self.collection}/{self.id}"

    @property
    def word(self) -> str:
        """In a sentence."""
        return WORDS.get(self.collection, self.collection)


def places_of(named: Named) -> tuple[Place, ...]:
    """Those that there are in this tenant."""
    both = (Place(APPLICATIONS, named.application), Place(SERVICE_PRINCIPALS, named.service_principal))
    return tuple(place for place in both if place.id)


def read(conn: EntraConnection, place: Place) -> dict[str, Any]:
    """The object as it is now. Raises Denied, Missing."""
    found: dict[str, Any] = conn.get(place.path, READ_APPS, **{"$select": SELECT[place.collection]})
    return found


def read_all(conn: EntraConnection, named: Named) -> Iterable[tuple[Place, dict[str, Any]]]:
    """Both at once: for lists. Raises Denied; one that is gone is left out."""
    places = places_of(named)
    return [(p, row) for p, row in zip(places, conn.io.map(lambda p: _listed(conn, p), places), strict=True) if row]


def is_locked(application: Mapping[str, Any]) -> bool:
    """Whether nobody may change what signs in on its service principal (app instance property lock; Microsoft docs:
    serviceprincipallockconfiguration).
    """
    lock = application.get("servicePrincipalLockConfiguration") or {}
    return bool(lock.get("isEnabled") and (lock.get("allProperties") or lock.get("credentialsWithUsageVerify")))


def is_orphaned(conn: EntraConnection, application: Mapping[str, Any] | None, principal: Mapping[str, Any]) -> bool:
    """Whether a service principal's application was this tenant's own, and is not there: it was deleted by itself."""
    owner = str(principal.get("appOwnerOrganizationId") or "").lower()
    return application is None and bool(owner) and owner == conn.counted_for


def application_of(conn: EntraConnection, named: Named) -> dict[str, Any] | None:
    """For lists. None where it is another tenant's."""
    return _listed(conn, Place(APPLICATIONS, named.application)) if named.application else None


def service_principal_of(conn: EntraConnection, named: Named) -> dict[str, Any] | None:
    """For lists. None where the app has none in this tenant."""
    return _listed(conn, Place(SERVICE_PRINCIPALS, named.service_principal)) if named.service_principal else None


def _listed(conn: EntraConnection, place: Place) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] | None = conn.reads.read(place, lambda: read(conn, place))
    except Missing:
        return None
    return found
