"""Kubernetes: Secrets that replacements are delivered to, and workloads that read them. It has no principals here."""

from __future__ import annotations

from nhi_revoke_kubernetes.provider import KubernetesProvider

provider = KubernetesProvider()
