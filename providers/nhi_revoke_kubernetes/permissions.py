"""What RBAC has to allow, in Kubernetes' own words: a verb and a resource, as `kubectl auth can-i` takes them.

Kubernetes docs: reference/access-authn-authz/rbac and authorization (a rule with resourceNames cannot allow `create`).
Reviews of oneself are allowed to everybody who is signed in (`system:basic-user`).
"""

from __future__ import annotations

GET_SECRET = "get secrets"  # noqa: S105 - a permission
LIST_SECRETS = "list secrets"
"""Needed by nothing: without it, other copies of a former value are not looked for, and the report says so."""
PATCH_SECRET = "patch secrets"  # noqa: S105 - a permission
CREATE_SECRET = "create secrets"  # noqa: S105 - a permission
DELETE_SECRET = "delete secrets"  # noqa: S105 - a permission
ACCESS_REVIEW = "create selfsubjectaccessreviews.authorization.k8s.io"
WHO_AM_I = "create selfsubjectreviews.authentication.k8s.io"
WORKLOADS = ("deployments", "statefulsets", "daemonsets")
GET_WORKLOAD = tuple(f"get {each}.apps" for each in WORKLOADS)
LIST_WORKLOAD = tuple(f"list {each}.apps" for each in WORKLOADS)
PATCH_WORKLOAD = tuple(f"patch {each}.apps" for each in WORKLOADS)
LIST_CONSUMERS = (
    "list secrets",
    "list configmaps",
    "list serviceaccounts",
    *LIST_WORKLOAD,
    "list cronjobs.batch",
)
"""Cluster-wide, or in the namespaces that are to be looked at."""
