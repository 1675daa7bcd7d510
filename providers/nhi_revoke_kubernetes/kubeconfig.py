"""Which cluster, and how the operator signs in there: as `kubectl` finds it.

Kubernetes docs: concepts/configuration/organize-cluster-access-kubeconfig: of several files the first that sets a value
wins. The official client lets the last current context win: it is chosen here, so that nothing goes to another cluster
than `kubectl` would show.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from nhi_revoke.model.nearest import did_you_mean
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.loopback import is_loopback, is_near
from nhi_revoke_kubernetes.plugin import signed_in
from nhi_revoke_kubernetes.settings import KubernetesSettings

HINT = "kubectl config current-context shows which one; KUBECONFIG, or kubeconfig and context in [kubernetes]."
NOTHING = "nothing of Kubernetes was looked at"
OF_THE_POD = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
HOST, PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"


class Chosen(Struct, frozen=True):
    """One cluster."""

    server: str
    """Scheme, host and port, and a path where a proxy of clusters has one."""
    paths: str = ""
    """Of kubeconfigs; empty: the service account of this pod."""
    context: str = ""
    namespace: str = ""
    """That of the context; empty: of the pod, else `default`."""


def scope_of(settings: KubernetesSettings, environ: Mapping[str, str]) -> str:
    """The server, which a run keeps; empty where none can be told."""
    try:
        return chosen(settings, environ).server
    except Unauthenticated:
        return ""


def chosen(settings: KubernetesSettings, environ: Mapping[str, str]) -> Chosen:
    """Raises Unauthenticated where no cluster is named, or what names it cannot be read or used."""
    paths = _paths(settings, environ)
    if paths:
        merged, current = _read(paths)
        return _of_context(merged, paths, settings.context or current)
    if settings.context:
        raise Unauthenticated(f"there is no kubeconfig, and so no context {settings.context}: {NOTHING}", hint=HINT)
    if environ.get(HOST) and environ.get(PORT):
        host = environ[HOST]
        return Chosen(f"https://{f'[{host}]' if ':' in host else host}:{environ[PORT]}")
    raise Unauthenticated(f"no cluster is named: {NOTHING}", hint=HINT)


def namespace_of(which: Chosen) -> str:
    """Where `kubectl` looks without `-n`. Kubernetes docs: tasks/run-application/access-api-from-pod."""
    if which.paths:
        return which.namespace or "default"
    try:
        with open(OF_THE_POD, encoding="utf-8") as file:
            return file.read().strip() or "default"
    except (OSError, UnicodeDecodeError):
        return "default"


def configuration(which: Chosen, environ: Mapping[str, str]) -> Any:
    """What the official client is made of. May run the kubeconfig's own program. Raises Unauthenticated."""
    from kubernetes.client import Configuration
    from urllib3 import Retry

    made = Configuration()
    if which.paths:
        _from_files(which, made, environ)
    else:
        _from_pod(made, environ)
    # The engine alone asks again; what is sent elsewhere is told, and never followed with the bearer.
    made.retries = Retry(total=False)
    if is_near(made.host):
        made.proxy = None
    if not is_loopback(made.host) and (not made.host.startswith("https://") or not made.verify_ssl):
        raise Unauthenticated(
            f"{made.host} would get the operator's login and the new secret without a proof of who it is: {NOTHING}",
            hint="In the kubeconfig: https://, and certificate-authority instead of insecure-skip-tls-verify.",
        )
    return made


def _from_files(which: Chosen, made: Any, environ: Mapping[str, str]) -> None:
    from kubernetes.config.kube_config import KubeConfigLoader

    merged, _ = _read(which.paths)
    context = _named(merged, "contexts", which.context).value["context"]
    name = str(context.get("user") or "")
    if name:
        user, cluster = _named(merged, "users", name), _named(merged, "clusters", str(context.get("cluster")))
        if isinstance(program := (user.value.get("user") or {}).get("exec"), dict):
            user.value["user"] = signed_in(program, cluster.value.get("cluster") or {}, _folder(user), environ)
    try:
        KubeConfigLoader(merged, active_context=which.context, config_base_path=None).load_and_set(made)
    except Exception as error:  # noqa: BLE001 - whatever it says may quote the file, which holds keys
        why = type(error).__name__
    else:
        return
    raise Unauthenticated(f"the kubeconfig's context {which.context} cannot be used ({why}): {NOTHING}", hint=HINT)


def _from_pod(made: Any, environ: Mapping[str, str]) -> None:
    from kubernetes.config.incluster_config import SERVICE_CERT_FILENAME, SERVICE_TOKEN_FILENAME, InClusterConfigLoader

    try:
        InClusterConfigLoader(SERVICE_TOKEN_FILENAME, SERVICE_CERT_FILENAME, environ=environ).load_and_set(made)
    except Exception as error:  # noqa: BLE001 - as above: of a file that holds a token
        why = type(error).__name__
    else:
        return
    raise Unauthenticated(f"this pod's service account cannot be used ({why}): {NOTHING}", hint=HINT)


def _paths(settings: KubernetesSettings, environ: Mapping[str, str]) -> str:
    if named := settings.kubeconfig or environ.get("KUBECONFIG", "").strip(":"):
        return named
    usual = os.path.join(environ.get("HOME", ""), ".kube", "config")
    return usual if environ.get("HOME") and os.path.exists(usual) else ""


def _read(paths: str) -> tuple[Any, str]:
    """All of them as one, and the current context."""
    from kubernetes.config.kube_config import KubeConfigMerger

    try:
        read = KubeConfigMerger(paths)
        current = next((c for each in read.config_files.values() if (c := each.get("current-context"))), "")
        why = "" if read.config is not None else "there is none"
    except Exception as error:  # noqa: BLE001 - a YAML reader quotes what it cannot read, and the file holds keys
        why = type(error).__name__
    if why:
        raise Unauthenticated(f"the kubeconfig cannot be read ({why}): {NOTHING}", hint=HINT)
    return read.config, str(current)


def _of_context(merged: Any, paths: str, context: str) -> Chosen:
    if not context:
        raise Unauthenticated(f"the kubeconfig has no current context: {NOTHING}", hint=HINT)
    cluster = (_named(merged, "contexts", context).value.get("context") or {}).get("cluster")
    server = (_named(merged, "clusters", str(cluster)).value.get("cluster") or {}).get("server")
    if not isinstance(server, str) or "://" not in server or "@" in server:
        raise Unauthenticated(
            f"the kubeconfig's cluster {cluster} has no server that can be used: {NOTHING}", hint=HINT
        )
    namespace = (_named(merged, "contexts", context).value.get("context") or {}).get("namespace")
    return Chosen(server.rstrip("/"), paths, context, namespace if isinstance(namespace, str) else "")


def _named(merged: Any, what: str, name: str) -> Any:
    rows = [each for each in merged.value.get(what) or () if isinstance(each.value, dict)]
    for each in rows:
        if each.value.get("name") == name:
            return each
    names = [str(each.value.get("name")) for each in rows]
    near = did_you_mean(name, names)
    raise Unauthenticated(f"the kubeconfig has no {what.removesuffix('s')} {name}: {NOTHING}", hint=near or HINT)


def _folder(node: Any) -> str:
    return os.path.dirname(os.path.abspath(node.path)) if node.path else ""
