"""Apps, service users and API service integrations of the org that look like one identity.

All apps and integrations are listed, in pages; of users, who are many, those whose login begins as the name does, or as
service accounts' do (Okta docs: users API, `search` with `sw`). An app names nobody but itself: what ties it to others
is who holds its ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from nhi_revoke.model.alike import Candidate, Resemblance, Saying
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.listings import each_by_itself
from nhi_revoke.provider.resembling import SHORTEST, SORTS, resemblance, words_of
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.connection import PAGE, OktaConnection, client_id_of
from nhi_revoke_okta.consumers.marks import LONG_ENOUGH
from nhi_revoke_okta.naming import API_SERVICE, APP, PROVIDER, USER, canonical
from nhi_revoke_okta.principals import OKTAS_OWN
from nhi_revoke_okta.scopes import APPS, SERVICES, USERS

READS = (APPS.read, USERS.read, SERVICES.read)
KIND = "alike"
FIRST = "svc"
"""How logins of service accounts begin: a habit, nothing that Okta asks for."""
Row = Mapping[str, Any]


def alike(conn: OktaConnection, name: str) -> Iterable[Candidate | BlindSpot]:
    """Each listing by itself: one that is denied hides no other. Raises Unauthenticated."""
    looks: dict[str, tuple[Callable[[], list[Candidate]], str]] = {
        "apps": (lambda: _apps(conn, name), APPS.read),
        "API service integrations": (lambda: _services(conn, name), SERVICES.read),
        **{f"users whose login begins with {word}": (partial(_users, conn, name, word), USERS.read)
           for word in _beginnings(name)},
    }  # fmt: skip

    for what, found in each_by_itself({what: look for what, (look, _) in looks.items()}, conn.io):
        if isinstance(found, Fault):
            why = f"{what}: they could not be listed ({found.message})"
            on = PrincipalRef(PROVIDER, "", conn.scope or "*")
            yield BlindSpot(on, KIND, why, getattr(found, "needs", "") or looks[what][1])
        else:
            yield from found


def _beginnings(name: str) -> tuple[str, ...]:
    """The first word that says anything; as short as it is, too many logins would begin with it."""
    words = [word for word in words_of(name) if word not in SORTS and len(word) >= SHORTEST]
    return tuple(dict.fromkeys((*words[:1], FIRST)))


def _apps(conn: OktaConnection, name: str) -> list[Candidate]:
    found = []
    for row in conn.rows("/api/v1/apps", APPS.read, limit=PAGE):
        label, client = str(row.get("label") or ""), client_id_of(row)
        notes = str(((row.get("settings") or {}).get("notes") or {}).get("admin") or "")
        like = (
            *resemblance(name, label, "label", "GET /api/v1/apps"),
            *(resemblance(name, client, "client_id", "GET /api/v1/apps") if client != row["id"] else ()),
            *resemblance(name, notes, "its note for admins", "GET /api/v1/apps", "text"),
        )
        if like and str(row.get("name")) not in OKTAS_OWN:
            found.append(_one(conn, APP, row, label, like, (client,), notes))
    return found


def _users(conn: OktaConnection, name: str, begins: str) -> list[Candidate]:
    found = []
    for row in conn.rows("/api/v1/users", USERS.read, search=f'profile.login sw "{begins}"', limit=PAGE):
        login = str((row.get("profile") or {}).get("login") or "")
        like = resemblance(name, login, "login", "GET /api/v1/users")
        if like:
            found.append(_one(conn, USER, row, login, like, (login,)))
    return found


def _services(conn: OktaConnection, name: str) -> list[Candidate]:
    found = []
    for row in conn.rows("/integrations/api/v1/api-services", SERVICES.read):
        called = str(row.get("name") or "")
        like = resemblance(name, called, "name", "GET /integrations/api/v1/api-services")
        if like:
            found.append(_one(conn, API_SERVICE, row, called, like))
    return found


def _one(
    conn: OktaConnection,
    kind: str,
    row: Row,
    called: str,
    like: tuple[Resemblance, ...],
    ids: tuple[str, ...] = (),
    notes: str = "",
) -> Candidate:
    unique = str(row["id"])
    status = str(row.get("status") or "ACTIVE")
    known = [text for text in ids if text]
    ref = canonical(kind, unique)
    return Candidate(
        ref=ref,
        kind=kind,
        name=called or unique,
        scope=conn.scope,
        unique_id=unique,
        resembles=like,
        created=moment(row.get("created") or row.get("createdAt")),
        last_used=moment(row.get("lastLogin")),
        aliases=tuple(dict.fromkeys((str(ref), *(f"{PROVIDER}:{kind}/{text}" for text in known)))),
        marks=tuple(dict.fromkeys(text for text in (unique, *known) if len(text) >= LONG_ENOUGH)),
        says=(Saying(notes, "its note for admins", "GET /api/v1/apps"),) if notes else (),
        note="" if status == "ACTIVE" else status.lower(),
    )
