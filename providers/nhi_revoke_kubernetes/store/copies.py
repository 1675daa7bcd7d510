"""What else in the namespace still holds the old credential: compared in memory, and named. Nothing of it is changed.

Kubernetes docs: tasks/manage-kubernetes-objects/declarative-config (`kubectl apply` writes what it was given, values
included, into an annotation of the object), concepts/configuration/secret (immutable Secrets: who rotates by hand makes
a new one, and the old one stays), reference/using-api/api-concepts (lists in chunks).
"""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from nhi_revoke.provider.fault import Fault
from nhi_revoke_kubernetes.connection import KubernetesConnection, May
from nhi_revoke_kubernetes.store.address import Address
from nhi_revoke_kubernetes.store.held import APPLIED, Held, decoded
from nhi_revoke_kubernetes.store.objects import Objects

HELM = "helm.sh/release.v1"
"""A release of Helm keeps the manifests that it made, compressed."""


class Copies(Struct, frozen=True):
    """As far as was looked."""

    keys: tuple[str, ...] = ()
    """Other keys of the same Secret that hold it."""
    applied: bool = False
    """Its annotation by `kubectl apply` does."""
    same: tuple[str, ...] = ()
    """Other Secrets that do, each with its key in words."""
    names: tuple[str, ...] = ()
    """Of those."""
    unread: tuple[str, ...] = ()
    """Secrets whose content could not be compared."""
    unseen: str = ""
    """Why others were not looked at."""


def copies_of(
    conn: KubernetesConnection, at: Address, present: Held | None, kept: Held | None, *, former: str, field: str
) -> Copies:
    """`kept`: the Secret with the former values, `former`: its name. `field`: key of the secret part where each field
    has its own. Raises no Fault: what could not be looked at is told, and never taken for none.
    """
    old = kept.data.get(at.key or field, "") if kept else ""
    if not old:
        return Copies()  # no credential stood there before
    keys = tuple(sorted(key for key, value in (present.data if present else {}).items() if value == old))
    applied = present is not None and _applied(present.applied, old)
    listing = May("list", "secrets", at.namespace)
    try:
        if conn.lacks([listing]):
            return Copies(keys, applied, unseen=f"the operator may not: kubectl auth can-i {listing.told}")
        rows, more = Objects(conn, at).listed()
    except Fault as refused:
        return Copies(keys, applied, unseen=refused.message)
    same: list[tuple[str, str]] = []
    unread: list[str] = []
    for name, each in rows:
        if name in (at.name, former):
            continue
        fitting = sorted(key for key, value in each.data.items() if value == old)
        if fitting:
            fixed = ", immutable" if each.immutable else ""
            same.append((name, f"Secret {at.namespace}/{name} (key {', '.join(fitting)}{fixed})"))
        elif _applied(each.applied, old):
            same.append((name, f"Secret {at.namespace}/{name} (annotation {APPLIED})"))
        elif each.type == HELM:
            unread.append(name)
    unseen = f"only the first {len(rows)} were looked at" if more else ""
    names, words = tuple(name for name, _ in same), tuple(word for _, word in same)
    return Copies(keys, applied, words, names, tuple(unread), unseen)


def says(at: Address, copies: Copies) -> str:
    """For the report; empty where nothing holds it."""
    named, said = f"{at.name} -n {at.namespace}", []
    if copies.keys:
        said.append(f"key {', '.join(copies.keys)} of {at.word} holds the old credential as well, and was left so")
    if copies.applied:
        said.append(
            f"annotation {APPLIED} of {at.word} still shows the old credential to whoever may get it (by hand: kubectl "
            f"annotate secret {named} {APPLIED}-)"
        )
    if copies.same:
        verb = "holds" if len(copies.same) == 1 else "hold"
        said.append(
            f"{', '.join(copies.same)} {verb} the old credential, and this run changes nothing there (by hand, once "
            f"nothing reads it: kubectl delete secret {' '.join(copies.names)} -n {at.namespace})"
        )
    if copies.unread:
        told = ", ".join(f"{at.namespace}/{name}" for name in copies.unread)
        said.append(f"could not be compared, and may hold it: Secret {told} (a release of Helm)")
    if copies.unseen:
        said.append(f"other Secrets of namespace {at.namespace} were not looked at ({copies.unseen})")
    return "; ".join(said)


def _applied(text: str, old: str) -> bool:
    """Whether the configuration that was applied holds this value. `old`: in base64."""
    try:
        told: Any = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return False
    if not isinstance(told, dict):
        return False
    data, clear = told.get("data") or {}, told.get("stringData") or {}
    value = decoded(old)
    in_data = isinstance(data, dict) and old in data.values()
    return in_data or (bool(value) and isinstance(clear, dict) and value in clear.values())
