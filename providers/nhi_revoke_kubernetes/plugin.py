"""A kubeconfig's own program that signs the operator in (`exec`): aws eks get-token, gke-gcloud-auth-plugin, …

Kubernetes docs: reference/access-authn-authz/authentication (client-go credential plugins). The official client runs it
without a limit of time and logs what it says: it is run here.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from typing import Any

from nhi_revoke.provider.command import started
from nhi_revoke.provider.fault import Unauthenticated

TIMEOUT = 60.0
"""Seconds."""
ITS_OWN = "client.authentication.k8s.io/exec"
"""Extension of a cluster that is meant for such a program."""


def signed_in(
    program: Mapping[str, Any], cluster: Mapping[str, Any], folder: str, environ: Mapping[str, str]
) -> dict[str, Any]:
    """The fields of a kubeconfig's user. Nobody sits at its terminal. Raises Unauthenticated, without its words.

    `program`: the kubeconfig's `exec`. `folder`: where the kubeconfig is, which its relative path counts from.
    """
    import subprocess
    import tempfile

    command, version = str(program.get("command") or ""), str(program.get("apiVersion") or "")
    name = os.path.basename(command)
    if not command:
        raise Unauthenticated("the kubeconfig's exec names no command: nothing of Kubernetes was looked at")
    about: dict[str, Any] = {"interactive": False}
    if program.get("provideClusterInfo"):
        about["cluster"] = {k: v for k, v in cluster.items() if k != "extensions"}
        for each in cluster.get("extensions") or ():
            if each.get("name") == ITS_OWN:
                about["cluster"]["config"] = each.get("extension")
    info = {"apiVersion": version, "kind": "ExecCredential", "spec": about}
    given = {str(each["name"]): str(each["value"]) for each in program.get("env") or ()}
    argv = [os.path.join(folder, command) if os.sep in command else command, *map(str, program.get("args") or ())]
    with tempfile.TemporaryFile() as out:
        try:
            run = started(
                argv,
                out=out,
                errors=subprocess.DEVNULL,
                environ={**environ, **given, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            )
            with run as going:
                code = going.wait(TIMEOUT)
            why = f"ended with exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            why = f"did not end in {TIMEOUT:g} s"
        except OSError as error:
            why = f"did not start ({error.strerror})"
        out.seek(0)
        said = b"" if why else out.read()
    if not why:
        if fields := _fields(said, version):
            return fields
        why = "gave no credential of its apiVersion"
    raise Unauthenticated(
        f"{name}, which signs the operator in to Kubernetes, {why}: nothing was looked at",
        hint="Sign in there first; kubectl get --raw /version shows whether it works.",
    )


def _fields(said: bytes, version: str) -> dict[str, Any]:
    try:
        told = json.loads(said)
        status = told["status"] if told["apiVersion"] == version and told["kind"] == "ExecCredential" else {}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    if not isinstance(status, dict):
        return {}
    out: dict[str, Any] = {"token": status["token"]} if isinstance(status.get("token"), str) else {}
    cert, key = status.get("clientCertificateData"), status.get("clientKeyData")
    if isinstance(cert, str) and isinstance(key, str):
        out["client-certificate-data"] = base64.b64encode(cert.encode()).decode()
        out["client-key-data"] = base64.b64encode(key.encode()).decode()
    return out
