"""What stands beside `use = "kubernetes-restart"` in the map."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from nhi_revoke.model.building import converted
from nhi_revoke.model.nearest import did_you_mean
from nhi_revoke.model.ref import Json
from nhi_revoke.provider.fault import Rejected
from nhi_revoke_kubernetes.store.address import A_NAMESPACE, A_SECRET

NAME = "kubernetes-restart"
EXAMPLE = 'namespace = "prod", workloads = ["deployment/payments"]; or selector = "app=payments"'
KINDS = {
    **dict.fromkeys(("deployment", "deployments", "deploy", "deployment.apps", "deployments.apps"), "deployment"),
    **dict.fromkeys(("statefulset", "statefulsets", "sts", "statefulset.apps", "statefulsets.apps"), "statefulset"),
    **dict.fromkeys(("daemonset", "daemonsets", "ds", "daemonset.apps", "daemonsets.apps"), "daemonset"),
}
"""As kubectl names them."""


class Target(Struct, frozen=True, order=True):
    """One workload."""

    kind: str
    """`deployment`, `statefulset` or `daemonset`."""
    name: str

    @property
    def told(self) -> str:
        return f"{self.kind}/{self.name}"


class RestartSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    namespace: str
    workloads: tuple[str, ...] = ()
    """`kind/name` each."""
    selector: str = ""
    """Labels, as kubectl's `-l` takes them: all workloads of the three kinds that have them."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """Those that are named. Raises Rejected."""
        return tuple(dict.fromkeys(map(_target, self.workloads)))

    @property
    def told(self) -> str:
        named = ", ".join(each.told for each in self.targets)
        return f"{named or f'the workloads with {self.selector}'} in namespace {self.namespace}"


def settings_of(given: Json) -> RestartSettings:
    """Raises Rejected, with what to write."""
    valid = [field.name for field in msgspec.structs.fields(RestartSettings)]
    for key in given:
        if key not in valid:
            raise Rejected(f'{NAME}: there is no setting "{key}"', hint=f"{did_you_mean(key, valid)} Write {EXAMPLE}.")
    try:
        read = converted(dict(given), RestartSettings)
    except msgspec.ValidationError as error:
        raise Rejected(f"{NAME}: {error}", hint=f"Write {EXAMPLE}.") from None
    if not A_NAMESPACE.fullmatch(read.namespace):
        raise Rejected(f"{NAME}: {read.namespace!r} is no namespace", hint=f"Write {EXAMPLE}.")
    if bool(read.targets) == bool(read.selector.strip()):
        raise Rejected(f"{NAME}: it needs either workloads or selector", hint=f"Write {EXAMPLE}.")
    return read


def _target(text: Any) -> Target:
    kind, _, name = text.partition("/")
    if kind.lower() not in KINDS:
        near = did_you_mean(kind, ("deployment", "statefulset", "daemonset"))
        raise Rejected(
            f"{NAME}: {text!r} is no workload that can be restarted", hint=f"{near} Write {EXAMPLE}.".strip()
        )
    if not A_SECRET.fullmatch(name):
        raise Rejected(f"{NAME}: {text!r} has no name of a workload", hint=f"Write {EXAMPLE}.")
    return Target(KINDS[kind.lower()], name)
