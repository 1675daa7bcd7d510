"""Secrets of key vaults that hold a credential, or may: by their tags, their sort and their names, never by a value.

Microsoft docs: keyvault/vaults/list-by-subscription, keyvault/secrets/get-secrets (25 a page; attributes, tags and
contentType, and no value).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke.model.consumer import Basis, Consumer, Mark, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.evidence import marks_in
from nhi_revoke.provider.fault import Denied, Fault, Rejected, Unauthenticated
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.seeking import addresses, meant, name_like, owners, told, whose
from nhi_revoke_entra.arm import SUBSCRIPTIONS
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.naming import PROVIDER
from nhi_revoke_entra.permissions import LIST_SECRETS, READ_VAULTS
from nhi_revoke_entra.store.address import SCHEME, WHOLE, parse_address

RESOURCE = "/providers/Microsoft.KeyVault/vaults"
KIND = "entra:key-vault"
EVIDENCE = "GET /secrets of the vault"


class Place(Struct, frozen=True):
    """One secret."""

    vault: str
    name: str
    basis: Basis
    why: str
    of: tuple[PrincipalRef, ...] = ()
    deliver: tuple[Delivery, ...] = ()
    by_hand: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Names are told apart without their case."""
        return (self.vault.lower(), self.name.lower())

    @property
    def told(self) -> str:
        return f"secret {self.name} of vault {self.vault}"

    def consumer(self, scope: str) -> Consumer:
        return Consumer(
            what=self.told, scope=scope, basis=self.basis, why=self.why, evidence=EVIDENCE, of=self.of,
            deliver=self.deliver, by_hand=self.by_hand,
        )  # fmt: skip


def vaults_of(conn: EntraConnection, subscription: str) -> Sequence[str]:
    """Names. Raises Denied."""
    path = f"{SUBSCRIPTIONS}/{segment(subscription)}{RESOURCE}"
    return [str(row["name"]) for row in conn.azure.rows(path, READ_VAULTS)]


def places_in(conn: EntraConnection, vault: str, sought: Sought, on: PrincipalRef) -> list[Place | BlindSpot]:
    """Of one vault. Raises Unauthenticated."""
    try:
        rows = list(conn.vaults.of(vault).rows("/secrets", LIST_SECRETS))
    except Unauthenticated:
        raise
    except Fault as fault:
        needs = fault.needs if isinstance(fault, Denied) else ""
        why = f"secrets of vault {vault} could not be listed: {fault.message}"
        return [BlindSpot(on, KIND, f"{why} {fault.hint}".strip(), needs or LIST_SECRETS)]
    mapped = delivered(sought)
    return [place for row in rows if (place := _place(vault, row, sought, mapped)) is not None]


def delivered(sought: Sought) -> Mapping[tuple[str, str], Delivery]:
    """By vault and name, what the map delivers; what is no address of one is told by whoever delivers."""
    found: dict[tuple[str, str], Delivery] = {}
    for each, text in addresses(sought, SCHEME):
        try:
            at = parse_address(text)
        except Rejected:
            continue
        found[at.vault.lower(), at.name.lower()] = each
    return found


def mapped_places(sought: Sought, seen: Iterable[Place]) -> Iterable[Place]:
    """Those that the map delivers to, and that no list showed: what refers to them is a consumer all the same."""
    known = {place.key for place in seen}
    for key, each in delivered(sought).items():
        if key not in known:
            why = f"the map delivers {each.kind} to it"
            yield Place(*key, "reference", why, whose(each, sought), (each,))


def _place(
    vault: str, row: Mapping[str, Any], sought: Sought, mapped: Mapping[tuple[str, str], Delivery]
) -> Place | None:
    name = str(row.get("id") or "").partition("/secrets/")[2].partition("/")[0]
    tags = {str(k): str(v) for k, v in (row.get("tags") or {}).items()}
    texts = {**{f"tag {tag}": value for tag, value in tags.items()}, "content type": str(row.get("contentType") or "")}
    found = {where: there for where, text in texts.items() if (there := marks_in(text, sought.marks))}
    every = [mark for marks in found.values() for mark in marks]
    delivery = mapped.get((vault.lower(), name.lower()))
    deliver, by_hand = ((delivery,), "") if delivery else _delivery(vault, name, row, every, sought)
    if found:
        why = "; ".join(f"its {where} holds {told(marks)}" for where, marks in sorted(found.items()))
        return Place(
            vault, name, "id", why, owners(every), (delivery,) if delivery else deliver, "" if delivery else by_hand
        )
    if delivery is not None:
        why = f"the map delivers {delivery.kind} to it"
        return Place(vault, name, "reference", why, whose(delivery, sought), (delivery,))
    like = name_like(name, sought)
    if like:
        return Place(vault, name, "name", f"it is called like {like}; no value was read", (), deliver, by_hand)
    return None


def _delivery(
    vault: str, name: str, row: Mapping[str, Any], found: Sequence[Mark], sought: Sought
) -> tuple[tuple[Delivery, ...], str]:
    """Where one kind alone can be meant. A content type of JSON says that there are fields."""
    if row.get("managed"):
        return (), "It belongs to a certificate of the vault: make a new version of that"
    kind = meant(found, sought, PROVIDER)
    if not kind:
        typed = f"az keyvault secret set --vault-name {vault} -n {name}"
        return (), f"Whoever knows what it holds writes the new one: {typed}"
    key = f"#{WHOLE}" if "json" in str(row.get("contentType") or "").lower() else ""
    return (Delivery(kind, f"{SCHEME}:{vault}/{name}{key}"),), ""
