"""One Secret as it was read. Its values are compared in memory, and are in no `repr`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from nhi_revoke.provider.secret import Secret
from nhi_revoke_kubernetes.store.address import Address

MARK = "nhi-revoke/run"
"""Annotation: the run that wrote it last."""
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation: what `kubectl apply` was given, values included."""
OF_OTHERS = {
    "kubernetes.io/service-account-token": "Kubernetes itself fills it",
    "kubernetes.io/dockercfg": "its one key holds a whole file",
    "kubernetes.io/dockerconfigjson": "its one key holds a whole file",
    "kubernetes.io/tls": "a key has to go with its certificate",
    "bootstrap.kubernetes.io/token": "it is a token of the cluster itself",
    "helm.sh/release.v1": "it is Helm's own",
}
"""Types that hold no credential of this shape. Kubernetes docs: concepts/configuration/secret (types of Secret)."""
OF_ONE_KEY = {"kubernetes.io/basic-auth": ("username", "password"), "kubernetes.io/ssh-auth": ("ssh-privatekey",)}
"""Types whose readers look at these keys alone."""


class Held(Struct, frozen=True):
    """What there is."""

    version: str
    """Its resourceVersion."""
    data: Mapping[str, str]
    """By key, in base64."""
    type: str = "Opaque"
    immutable: bool = False
    marked: str = ""
    """The annotation `nhi-revoke/run`."""
    owner: str = ""
    """Controller that keeps it, as `Kind name`."""
    managed: Mapping[str, frozenset[str]] | None = None
    """Keys of data by the manager that last changed them; None where Kubernetes does not tell."""
    applied: str = ""
    """The annotation of `kubectl apply`."""

    def __repr__(self) -> str:
        return f"Held({self.version}, …)"

    def holds(self, at: Address, secret: Secret) -> bool:
        """Whether it is this very credential that stands there."""
        return at.keyed.holds(self.texts, secret)

    @property
    def texts(self) -> Mapping[str, str | None]:
        """In clear; None for what is no text."""
        return {key: decoded(value) for key, value in self.data.items()}

    def mine(self, keys: Iterable[str], manager: str, run: str) -> bool:
        """Whether that run wrote all these keys, and nobody did since. Told without knowing any value."""
        wanted = set(keys)
        if self.managed is not None:
            return bool(wanted) and wanted <= self.managed.get(manager, frozenset())
        return bool(wanted) and self.marked == run and wanted <= set(self.data)

    def taken(self, at: Address, shape: Secret) -> Secret | None:
        """The credential that stands there, or None where there is none of this shape."""
        return at.keyed.taken(self.texts, shape)

    def unfit(self, at: Address) -> str:
        """Why it takes no credential; empty where it does."""
        if self.immutable:
            return "it is immutable: Kubernetes lets nobody change it"
        if why := OF_OTHERS.get(self.type):
            return f"it is of type {self.type}: {why}"
        if self.owner:
            return f"{self.owner} keeps it, and would put back what that holds"
        if (wanted := OF_ONE_KEY.get(self.type)) and at.key not in wanted:
            return f"it is of type {self.type}: whoever reads it looks at {' and '.join(wanted)} alone"
        return at.keyed.unfit(self.texts)


def held_in(told: Mapping[str, Any]) -> Held:
    """From a Secret as Kubernetes answers it."""
    meta = told.get("metadata") or {}
    owners = [each for each in meta.get("ownerReferences") or () if each.get("controller")]
    managed: dict[str, frozenset[str]] = {}
    for each in meta.get("managedFields") or ():
        fields = (each.get("fieldsV1") or {}).get("f:data") or {}
        keys = {key.removeprefix("f:") for key in fields if key.startswith("f:")}
        name = str(each.get("manager"))
        managed[name] = managed.get(name, frozenset()) | keys
    return Held(
        str(meta.get("resourceVersion") or ""),
        {str(k): str(v) for k, v in (told.get("data") or {}).items()},
        str(told.get("type") or "Opaque"),
        told.get("immutable") is True,
        str((meta.get("annotations") or {}).get(MARK) or ""),
        f"{owners[0].get('kind')} {owners[0].get('name')}" if owners else "",
        managed if meta.get("managedFields") else None,
        str((meta.get("annotations") or {}).get(APPLIED) or ""),
    )


def encoded(value: str) -> str:
    """As `data` has it."""
    return base64.b64encode(value.encode()).decode()


def decoded(value: str) -> str | None:
    """None where it is no text."""
    try:
        return base64.b64decode(value, validate=True).decode()
    except (ValueError, binascii.Error):
        return None
