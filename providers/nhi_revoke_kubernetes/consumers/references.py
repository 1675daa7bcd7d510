"""What a workload's pods refer to, and what stands in their environment: read from the pods' template. Pure.

Kubernetes docs: reference/kubernetes-api/workload-resources/pod-v1 (env, envFrom, volumes, projected sources,
imagePullSecrets, serviceAccountName).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from nhi_revoke.model.ref import Json

CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
SECRET, CONFIG_MAP = "Secret", "ConfigMap"


class Reference(Struct, frozen=True):
    """To one Secret or ConfigMap."""

    kind: str
    name: str
    how: str
    """In a sentence: "as variable AWS_ACCESS_KEY_ID"."""


class Literal(Struct, frozen=True):
    """A value that stands in the template itself."""

    where: str
    text: str

    def __repr__(self) -> str:
        return f"Literal({self.where}, …)"


def pod_of(row: Json) -> dict[str, Any]:
    """The pods' template of a workload or a CronJob."""
    spec = dict(row.get("spec") or {})
    if "jobTemplate" in spec:
        spec = dict((spec["jobTemplate"] or {}).get("spec") or {})
    return dict(spec.get("template") or {})


def references(template: Mapping[str, Any]) -> tuple[Reference, ...]:
    """Each once."""
    spec = template.get("spec") or {}
    return tuple(dict.fromkeys((*_environment(spec), *_volumes(spec), *_pulls(spec))))


def literals(template: Mapping[str, Any]) -> Iterable[Literal]:
    """Variables, arguments and annotations."""
    for container in _containers(template.get("spec") or {}):
        for each in container.get("env") or ():
            if each.get("value"):
                yield Literal(f"variable {each.get('name')}", str(each["value"]))
        for part in ("command", "args"):
            for each in container.get(part) or ():
                yield Literal(f"its {part} in container {container.get('name')}", str(each))
    for name, value in ((template.get("metadata") or {}).get("annotations") or {}).items():
        yield Literal(f"annotation {name}", str(value))


def account(template: Mapping[str, Any]) -> str:
    """ServiceAccount that the pods run as."""
    spec = template.get("spec") or {}
    return str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default")


def _containers(spec: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    return (each for part in CONTAINERS for each in spec.get(part) or ())


def _environment(spec: Mapping[str, Any]) -> Iterable[Reference]:
    for container in _containers(spec):
        for each in container.get("env") or ():
            source = each.get("valueFrom") or {}
            for part, kind in (("secretKeyRef", SECRET), ("configMapKeyRef", CONFIG_MAP)):
                if (ref := source.get(part)) and ref.get("name"):
                    how = f"key {ref.get('key')} as variable {each.get('name')}"
                    yield Reference(kind, str(ref["name"]), how)
        for each in container.get("envFrom") or ():
            for part, kind in (("secretRef", SECRET), ("configMapRef", CONFIG_MAP)):
                if (ref := each.get(part)) and ref.get("name"):
                    yield Reference(kind, str(ref["name"]), "all its keys as variables (envFrom)")


def _volumes(spec: Mapping[str, Any]) -> Iterable[Reference]:
    for volume in spec.get("volumes") or ():
        how = f"as volume {volume.get('name')}"
        sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
        for source in sources:
            if secret := source.get("secret"):
                yield Reference(SECRET, str(secret.get("secretName") or secret.get("name") or ""), how)
            if config := source.get("configMap"):
                yield Reference(CONFIG_MAP, str(config.get("name") or ""), how)


def _pulls(spec: Mapping[str, Any]) -> Iterable[Reference]:
    for each in spec.get("imagePullSecrets") or ():
        yield Reference(SECRET, str(each.get("name") or ""), "to pull its images (imagePullSecrets)")
