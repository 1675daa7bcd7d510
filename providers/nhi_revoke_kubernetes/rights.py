"""What the operator may do in a cluster: a ClusterRole to hand over, and SelfSubjectAccessReview for what is held.

Kubernetes docs: reference/access-authn-authz/rbac, authorization (a review of oneself is kept nowhere; an empty
namespace is every one).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from nhi_revoke.model.right import Document, Holding, Stage
from nhi_revoke_kubernetes.connection import KubernetesConnection, May
from nhi_revoke_kubernetes.permissions import ACCESS_REVIEW

CHECK = "SelfSubjectAccessReview"
ELSEWHERE = "a plan asks it for the namespace that it delivers to"


def documents(stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
    """One ClusterRole, in JSON, which `kubectl apply` takes as it takes YAML."""
    rules: dict[tuple[str, str], list[str]] = {}
    for each in sorted(permissions):
        verb, resource, group = _parts(each)
        rules.setdefault((group, resource), []).append(verb)
    if not rules:
        return
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"nhi-revoke-{stage}"},
        "rules": [
            {"apiGroups": [group], "resources": [resource], "verbs": verbs}
            for (group, resource), verbs in sorted(rules.items())
        ],
    }
    yield Document(
        "cluster-role",
        f"nhi-revoke-{stage}-cluster-role.json",
        "application/json",
        json.dumps(role, indent=2) + "\n",
        "kubectl apply -f FILE, bound by a RoleBinding in each namespace that is delivered to, or by a "
        "ClusterRoleBinding: it allows to read secrets wherever it is bound.",
        tuple(sorted(permissions)),
    )


def holds(conn: KubernetesConnection, permissions: Sequence[str]) -> Iterable[Holding]:
    """In every namespace, else in the operator's own. Raises what asking raises."""
    yield from conn.io.map(lambda each: _held(conn, each), permissions)


def _held(conn: KubernetesConnection, permission: str) -> Holding:
    everywhere = conn.may(_may(permission, ""))
    if everywhere is None:
        return Holding(permission, "unknown", CHECK, "the review of oneself is denied")
    if everywhere or permission == ACCESS_REVIEW:  # it has just been asked by it
        return Holding(permission, "held", CHECK)
    own = conn.namespace
    if conn.may(_may(permission, own)):
        return Holding(permission, "held", CHECK, f"in the namespace {own}, and not in every one")
    return Holding(permission, "unknown", CHECK, f"neither in every namespace nor in {own}: {ELSEWHERE}")


def _parts(permission: str) -> tuple[str, str, str]:
    """Verb, resource and API group."""
    verb, _, whole = permission.partition(" ")
    resource, _, group = whole.partition(".")
    return verb, resource, group


def _may(permission: str, namespace: str) -> May:
    """`namespace`: empty for every one."""
    verb, resource, group = _parts(permission)
    return May(verb, resource, namespace, group=group)
