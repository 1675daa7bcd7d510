"""Secrets of KV stores that hold a credential, or may: by their custom metadata and their names, never by a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nhi_revoke.model.consumer import Consumer, Mark, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.evidence import marks_in
from nhi_revoke.provider.fault import Denied, Fault, Unauthenticated
from nhi_revoke.provider.seeking import addresses, meant, name_like, owners, told, whose
from nhi_revoke_vault.connection import VaultConnection
from nhi_revoke_vault.permissions import LIST_METADATA, READ_METADATA
from nhi_revoke_vault.store.address import SCHEME
from nhi_revoke_vault.walk import Entry, Unseen, mounts_of, walk, with_metadata

KIND = "vault:secret"
READS = (LIST_METADATA, READ_METADATA)
LEFT_OUT = "secrets engines other than KV, and other namespaces, are not looked at"
NO_VALUE = "no value was read"
EVIDENCE, OF_METADATA = "LIST MOUNT/metadata/…", "GET MOUNT/metadata/…"


def consumers(conn: VaultConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
    """Raises Unauthenticated."""
    on = PrincipalRef("vault", "server", conn.scope)
    try:
        mounts = mounts_of(conn)
    except Unauthenticated:
        raise
    except Fault as fault:
        needs = fault.needs if isinstance(fault, Denied) else ""
        yield BlindSpot(on, KIND, f"which KV stores there are: {fault.message}", needs)
        return
    entries, unseen = walk(conn, mounts)
    # What is called like it goes before what only its metadata may tell.
    entries.sort(key=lambda entry: not name_like(entry.address, sought))
    entries, unread = with_metadata(conn, entries)
    yield from (_spot(on, each) for each in (*unseen, *unread))
    mapped = {address.partition("#")[0]: each for each, address in addresses(sought, SCHEME)}
    for entry in entries:
        if (one := _consumer(conn.scope, entry, sought, mapped)) is not None:
            yield one
    if not mounts:
        yield BlindSpot(on, KIND, "the operator's token is shown no KV store", LIST_METADATA)
    yield BlindSpot(on, KIND, LEFT_OUT, counts=False)


def _consumer(scope: str, entry: Entry, sought: Sought, mapped: Mapping[str, Delivery]) -> Consumer | None:
    """None where nothing of the identity shows in it."""
    found = {key: there for key, text in entry.custom.items() if (there := marks_in(text, sought.marks))}
    every = [mark for marks in found.values() for mark in marks]
    delivery = mapped.get(entry.address)
    deliver, by_hand = ((delivery,), "") if delivery else _delivery(entry, every, sought)
    if found:
        why = "; ".join(f"its custom metadata {key} holds {told(marks)}" for key, marks in sorted(found.items()))
        return Consumer(entry.told, scope, "id", why, OF_METADATA, owners(every), deliver, by_hand=by_hand)
    if delivery is not None:
        why = f"the map delivers {delivery.kind} to it"
        return Consumer(entry.told, scope, "reference", why, EVIDENCE, whose(delivery, sought), deliver)
    if like := name_like(entry.address, sought):
        why = f"it is called like {like}; {NO_VALUE}"
        return Consumer(entry.told, scope, "name", why, EVIDENCE, (), deliver, by_hand=by_hand)
    return None


def _delivery(entry: Entry, found: Sequence[Mark], sought: Sought) -> tuple[tuple[Delivery, ...], str]:
    """Where one kind alone can be meant. What KV version 1 holds is not written here: it keeps no
    version of before.
    """
    typed = f"vault kv patch -mount={entry.mount.path} {entry.path}"
    if entry.mount.version != "2":
        return (), f"KV version 1 keeps no former value, and is not written here: vault kv put {entry.address} by hand"
    if kind := meant(found, sought):
        return (Delivery(kind, f"{SCHEME}:{entry.address}"),), ""
    return (), f"Whoever knows what it holds writes the new one: {typed}"


def _spot(on: PrincipalRef, unseen: Unseen) -> BlindSpot:
    return BlindSpot(on, KIND, f"{unseen.what}: {unseen.why}", unseen.needs)
