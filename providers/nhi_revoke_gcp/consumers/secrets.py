"""Secrets of Secret Manager that hold a credential, or may: by labels, annotations and names, never by a value.

Discovery document secretmanager.v1: projects.secrets.list shows no payload, and a project's number in each name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke.model.consumer import Basis, Consumer, Mark, Sought
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.evidence import marks_in
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.seeking import addresses, meant, name_like, owners, told, whose
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.naming import PROVIDER
from nhi_revoke_gcp.permissions import LIST_SECRETS
from nhi_revoke_gcp.store.address import SCHEME, parse_address
from nhi_revoke_gcp.universe import SECRET_MANAGER

KIND = "gcp:secret"
EVIDENCE = "GET …/secrets"
PAGE = 1000


class Place(Struct, frozen=True):
    """One secret. A reference may name its project by either."""

    project: str
    number: str
    name: str
    basis: Basis
    why: str
    of: tuple[PrincipalRef, ...] = ()
    deliver: tuple[Delivery, ...] = ()
    by_hand: str = ""

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        return tuple((each, self.name) for each in (self.project, self.number) if each)

    @property
    def told(self) -> str:
        return f"secret {self.name} of project {self.project}"

    def consumer(self) -> Consumer:
        return Consumer(
            what=self.told, scope=self.project, basis=self.basis, why=self.why, evidence=EVIDENCE, of=self.of,
            deliver=self.deliver, by_hand=self.by_hand,
        )  # fmt: skip


def places_in(conn: GcpConnection, project: str, sought: Sought) -> list[Place]:
    """Of one project. Raises the faults of the contract."""
    rows = conn.rows(SECRET_MANAGER, f"/v1/projects/{segment(project)}/secrets", "secrets", LIST_SECRETS, pageSize=PAGE)
    mapped = delivered(sought)
    return [place for row in rows if (place := _place(project, row, sought, mapped)) is not None]


def delivered(sought: Sought) -> Mapping[tuple[str, str], Delivery]:
    """By project and name, what the map delivers; what is no address of one is told by whoever delivers."""
    found: dict[tuple[str, str], Delivery] = {}
    for each, text in addresses(sought, SCHEME):
        try:
            at = parse_address(text)
        except Rejected:
            continue
        found[at.project, at.name] = each
    return found


def mapped_place(key: tuple[str, str], delivery: Delivery, sought: Sought) -> Place:
    """Of what no list showed: what refers to it is a consumer all the same."""
    why = f"the map delivers {delivery.kind} to it"
    return Place(key[0], "", key[1], "reference", why, whose(delivery, sought), (delivery,))


def _place(
    project: str, row: Mapping[str, Any], sought: Sought, mapped: Mapping[tuple[str, str], Delivery]
) -> Place | None:
    parts = str(row.get("name") or "").split("/")
    number, name = (parts[1], parts[3]) if len(parts) == 4 else ("", "")
    texts = {
        f"{sort} {key}": str(value)
        for sort in ("label", "annotation")
        for key, value in (row.get(f"{sort}s") or {}).items()
    }
    found = {where: there for where, text in texts.items() if (there := marks_in(text, sought.marks))}
    delivery = mapped.get((project, name)) or mapped.get((number, name))
    every = [mark for marks in found.values() for mark in marks]
    deliver, by_hand = ((delivery,), "") if delivery else _delivery(project, name, every, sought)
    if found:
        why = "; ".join(f"its {where} holds {told(marks)}" for where, marks in sorted(found.items()))
        return Place(project, number, name, "id", why, owners(every), deliver, by_hand)
    if delivery is not None:
        why = f"the map delivers {delivery.kind} to it"
        return Place(project, number, name, "reference", why, whose(delivery, sought), deliver)
    if like := name_like(name, sought):
        why = f"it is called like {like}; no value was read"
        return Place(project, number, name, "name", why, (), deliver, by_hand)
    return None


def _delivery(project: str, name: str, found: Sequence[Mark], sought: Sought) -> tuple[tuple[Delivery, ...], str]:
    """Where one kind alone can be meant: all fields merged, which of a key is its file."""
    if kind := meant(found, sought, PROVIDER):
        return (Delivery(kind, f"{SCHEME}:{project}/{name}"),), ""
    typed = f"gcloud secrets versions add {name} --project={project}"
    return (), f"Whoever knows what it holds writes the new one: {typed}"
