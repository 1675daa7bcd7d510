"""Secrets, ConfigMaps and ServiceAccounts that hold or name what tells a credential. Values are compared in memory, and
what is kept of an object is its name, the names of its keys, and which marks stand there.

Docs of the annotations: EKS, IAM roles for service accounts; GKE, Workload Identity Federation (iam.gke.io); Azure,
Workload ID (azure.workload.identity).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from nhi_revoke.model.consumer import Basis, Consumer, Mark, Sought
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.provider.evidence import marks_in
from nhi_revoke.provider.seeking import addresses, name_like, owners, told, whose
from nhi_revoke_kubernetes.consumers.listing import CONFIG_MAPS, SECRETS
from nhi_revoke_kubernetes.consumers.references import CONFIG_MAP, SECRET
from nhi_revoke_kubernetes.store.address import SCHEME, Address, parse_address
from nhi_revoke_kubernetes.store.held import Held, decoded, held_in
from nhi_revoke_kubernetes.store.objects import OURS

FEDERATED = ("eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id")
"""Annotations that name the principal whose sessions a ServiceAccount's pods get."""
EVIDENCE = {SECRET: SECRETS.evidence, CONFIG_MAP: CONFIG_MAPS.evidence}


class Place(Struct, frozen=True):
    """Where a credential lies, or may: what workloads refer to."""

    kind: str
    namespace: str
    name: str
    basis: Basis
    why: str
    of: tuple[PrincipalRef, ...] = ()
    deliver: tuple[Delivery, ...] = ()
    by_hand: str = ""
    seen: bool = True
    """False: nothing showed it but the map."""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.kind, self.namespace, self.name)

    @property
    def told(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def consumer(self, scope: str) -> Consumer:
        return Consumer(
            what=self.told, scope=scope, basis=self.basis, why=self.why, evidence=EVIDENCE[self.kind], of=self.of,
            deliver=self.deliver, by_hand=self.by_hand,
        )  # fmt: skip


class Federated(Struct, frozen=True):
    """A ServiceAccount whose pods act as a principal that is looked for: without any key."""

    namespace: str
    name: str
    why: str
    of: tuple[PrincipalRef, ...]

    @property
    def told(self) -> str:
        return f"ServiceAccount {self.namespace}/{self.name}"


def secret_place(row: Json, sought: Sought) -> Place | None:
    """None where nothing of the identity shows in it."""
    meta = row.get("metadata") or {}
    if OURS.items() <= (meta.get("labels") or {}).items():
        return None  # former values that a run of ours keeps
    held = held_in(row)
    texts = {key: decoded(value) or "" for key, value in held.data.items()}
    found = _marked(texts, sought.marks)
    if not found:
        return _by_name(SECRET, row, sought)
    exact = {key: marks for key, marks in found.items() if any(texts[key].strip() == mark.text for mark in marks)}
    namespace, name = str(meta.get("namespace")), str(meta.get("name"))
    deliver, by_hand = _delivery(held, namespace, name, exact or found, bool(exact))
    every = [mark for marks in found.values() for mark in marks]
    return Place(SECRET, namespace, name, "id", _holds(found), owners(every), deliver, by_hand)


def config_map_place(row: Json, sought: Sought) -> Place | None:
    """The same; nothing is delivered to a ConfigMap, which is no place for a secret."""
    found = _marked({str(k): str(v) for k, v in (row.get("data") or {}).items()}, sought.marks)
    if not found:
        return _by_name(CONFIG_MAP, row, sought)
    meta = row.get("metadata") or {}
    namespace, name = str(meta.get("namespace")), str(meta.get("name"))
    every = [mark for marks in found.values() for mark in marks]
    by_hand = f"Write the new id into ConfigMap {name}: kubectl edit configmap {name} -n {namespace}"
    return Place(CONFIG_MAP, namespace, name, "id", _holds(found), owners(every), by_hand=by_hand)


def federated(row: Json, sought: Sought) -> Federated | None:
    """By the annotations of the clouds' workload identities."""
    meta = row.get("metadata") or {}
    for annotation in FEDERATED:
        value = str((meta.get("annotations") or {}).get(annotation) or "")
        of = _named_by(value, sought) if value else ()
        if of:
            why = f"its annotation {annotation} is {value}"
            return Federated(str(meta.get("namespace")), str(meta.get("name")), why, of)
    return None


def delivered(sought: Sought) -> Iterable[Place]:
    """Secrets that the map delivers to: what refers to them is a consumer, whatever they hold now."""
    for each, text in addresses(sought, SCHEME):
        at = parse_address(text.partition("#")[0])
        why = f"the map delivers {each.kind} to it"
        yield Place(SECRET, at.namespace, at.name, "reference", why, whose(each, sought), (each,), seen=False)


def _marked(texts: Mapping[str, str], marks: Sequence[Mark]) -> dict[str, list[Mark]]:
    """By key, what stands there."""
    found = {key: list(marks_in(text, marks)) for key, text in texts.items()}
    return {key: there for key, there in found.items() if there}


def _holds(found: Mapping[str, Sequence[Mark]]) -> str:
    return "; ".join(f"its key {key} holds {told(marks)}" for key, marks in sorted(found.items()))


def _by_name(kind: str, row: Json, sought: Sought) -> Place | None:
    meta = row.get("metadata") or {}
    name = str(meta.get("name"))
    like = name_like(name, sought)
    if not like:
        return None
    return Place(kind, str(meta.get("namespace")), name, "name", f"it is called like {like}; nothing in it tells")


def _named_by(value: str, sought: Sought) -> tuple[PrincipalRef, ...]:
    marked = owners(marks_in(value, sought.marks))
    same = tuple(who.ref for who in sought.principals if value.lower() in (who.ref.id.lower(), who.unique_id.lower()))
    return tuple(dict.fromkeys((*marked, *same)))


def _delivery(
    held: Held, namespace: str, name: str, found: Mapping[str, Sequence[Mark]], exact: bool
) -> tuple[tuple[Delivery, ...], str]:
    """Where the replacement goes, or what to do by hand. This store writes each part into the key of its name, or
    as `env` into that of its variable: it is proposed only where the id lies in that very key, since any other would
    keep the old one.
    """
    at = Address(namespace, name)
    kinds = {mark.kind for marks in found.values() for mark in marks if mark.kind}
    if why := held.unfit(at):
        return (), f"Nothing is delivered to {at.word}: {why}. Deliver to what fills it"
    fits = {mark.kind for key, marks in found.items() for mark in marks if mark.kind and mark.field == key}
    reads = {mark.kind for key, marks in found.items() for mark in marks if mark.kind and mark.variable == key}
    if exact and (fits or reads):
        plain = (Delivery(kind, f"{SCHEME}:{namespace}/{name}") for kind in sorted(fits))
        variables = (Delivery(kind, f"{SCHEME}:{namespace}/{name}", format="env") for kind in sorted(reads - fits))
        return (*plain, *variables), ""
    if not kinds:
        return (), ""
    keys = ", ".join(sorted(found))
    how = f"its keys ({keys}) have other names than the parts of a new credential" if exact else f"{keys} is a text"
    return (), f"Write the new credential into {at.word} by hand: {how}. kubectl edit secret {name} -n {namespace}"
