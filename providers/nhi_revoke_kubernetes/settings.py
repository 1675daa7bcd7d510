"""The `[kubernetes]` table of nhi.toml. What is left out is taken from where `kubectl` looks."""

from __future__ import annotations

from nhi_revoke.provider.contract import Settings


class KubernetesSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """Which cluster, and who the operator is there. No secret stands here: the kubeconfig holds or makes it."""

    kubeconfig: str = ""
    """File, or several with `:` between; empty: KUBECONFIG, else `~/.kube/config`, else the service account of the pod
    that this runs in."""
    context: str = ""
    """Context of the kubeconfig; empty: its current one."""
