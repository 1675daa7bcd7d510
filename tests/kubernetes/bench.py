"""The store and the flush by themselves, before the stand-in, and what another provider minted."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.change import Impossible
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.secret import Secret
from nhi_revoke_kubernetes.connection import KubernetesConnection
from nhi_revoke_kubernetes.flush.restart import Restart
from nhi_revoke_kubernetes.settings import KubernetesSettings
from nhi_revoke_kubernetes.store.store import SecretStore
from tests.kubernetes.stand_in import ROOT, Cluster
from tests.provider_bench import Notes

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
STORE, RESTART = SecretStore(), Restart()
PUBLIC = {"AccessKeyId": "AKIANEW"}
OLD, NEW = "canary-old" + "o" * 30, Secret("canary-new" + "n" * 30, field="SecretAccessKey", public=PUBLIC)
WHO = PrincipalRef("aws", "user", "bot")
PHASES = {"stage": Phase.DELIVER, "serve": Phase.SERVE, "forget": Phase.FINISH}
NS, NAME = "prod", "bot-aws"
PATCH = f"PATCH /api/v1/namespaces/{NS}/secrets/{NAME}"


def pair(value: str = OLD, key_id: str = "AKIAOLD", **more: str) -> dict[str, str]:
    return {"AccessKeyId": key_id, "SecretAccessKey": value, **more}


def b64(fields: Mapping[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in fields.items()}


def kubeconfig(folder: Path, server: str, token: str = ROOT, name: str = "here") -> Path:
    """One cluster, one user, one context of this name, which is the current one."""
    path = folder / f"kubeconfig-{name}"
    told = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    path.touch(0o600)
    path.write_text(json.dumps(told))  # JSON is YAML, too
    return path


class Bench:
    """One cluster. `with` starts it."""

    def __init__(self, folder: Path) -> None:
        self.clock = MovableClock(START, running=False)
        self.folder, self.cluster = folder, Cluster(self.clock)
        self.io = EngineIo(SandboxClock(self.clock))
        self.run = Notes()
        self.to = f"{NS}/{NAME}"
        self.conn: KubernetesConnection

    def __enter__(self) -> Bench:
        self.cluster.__enter__()
        self.conn = self.connect()
        return self

    def __exit__(self, *exc: object) -> None:
        self.io.close()
        self.cluster.__exit__(*exc)

    def connect(self, token: str = ROOT, scope: str = "") -> KubernetesConnection:
        path = kubeconfig(self.folder, self.cluster.url, token)
        return KubernetesConnection(scope, KubernetesSettings(str(path)), self.io, {})

    # -- the cluster, as an administrator ----------------------------------------------------------------------------

    def put(self, fields: Mapping[str, str], **more: Any) -> None:
        self.cluster.put(NS, "secrets", NAME, **{"type": "Opaque", "data": b64(fields), **more})

    def edit(self, **changes: str | None) -> None:
        """By somebody else."""
        told = self.cluster.objects[NS, "secrets", NAME]
        data = {**told["data"], **b64({k: v for k, v in changes.items() if v is not None})}
        data = {k: v for k, v in data.items() if changes.get(k, v) is not None}
        with self.cluster.lock:
            self.cluster.store(NS, "secrets", {**told, "data": data}, told, "kubectl-edit")

    def data(self, name: str = NAME) -> dict[str, str] | None:
        """What a reader gets, in clear."""
        found = self.cluster.objects.get((NS, "secrets", name))
        return (
            None if found is None else {k: base64.b64decode(v).decode() for k, v in (found.get("data") or {}).items()}
        )

    @property
    def kept(self) -> list[str]:
        """Secrets that keep former values."""
        return [name for _, resource, name in self.cluster.objects if resource == "secrets" and "-nhi-revoke-" in name]

    def deploy(self, resource: str = "deployments", name: str = "api", **spec: Any) -> None:
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        shape = {"replicas": 2} if resource != "daemonsets" else {}
        whole = {**shape, "selector": {"matchLabels": {"app": name}}, "template": template, **spec}
        self.cluster.put(NS, resource, name, spec=whole, meta={"labels": {"app": name}})

    def template(self, resource: str = "deployments", name: str = "api") -> dict[str, str]:
        """Annotations of the pods' template."""
        found = self.cluster.objects[NS, resource, name]["spec"]["template"]["metadata"].get("annotations")
        return dict(found or {})

    @property
    def writes(self) -> list[str]:
        """What the tool changed, in order."""
        return [w.partition("?")[0] for w in self.cluster.asked if not w.startswith("GET") and "selfsubject" not in w]

    # -- the tool ----------------------------------------------------------------------------------------------------

    def step(self, verb: str, to: str = "") -> Step:
        step_id = "finish-serve" if verb == "forget" else verb
        return Step(step_id, f"kubernetes/{verb}", WHO, PHASES[verb], "", takes="mint", to=to or self.to)

    def minted(self, secret: Secret = NEW) -> None:
        self.run.give("mint", secret)
        left = {"id": "aws:access-key/bot/AKIANEW", "field": secret.field, "public": dict(secret.public)}
        self.run.lefts["mint"] = left

    def do(self, verb: str, to: str = "") -> Any:
        one = self.step(verb, to)
        change = getattr(STORE, verb).apply(self.conn, one, self.run)
        if hasattr(change, "left"):
            self.run.lefts[one.id] = change.left
        return change

    def seen(self, verb: str, to: str = "") -> Any:
        return getattr(STORE, verb).seen(self.conn, self.step(verb, to), self.run)

    def undo(self, verb: str, to: str = "") -> Any:
        one = self.step(verb, to)
        return getattr(STORE, verb).undo(self.conn, one, self.run.left(one.id), self.run)

    def check(self, to: str = "", token: str = ROOT) -> Impossible | None:
        return STORE.stage.check(self.connect(token), self.step("stage", to))

    def recall(self, to: str = "") -> Secret | None:
        shape = Secret("", field=NEW.field, public=PUBLIC)
        return STORE.recall(self.conn, self.step("stage", to), self.run, shape)

    def flush(self, step_id: str = "flush-0", **settings: Any) -> Step:
        given = settings or {"namespace": NS, "workloads": ["deployment/api"]}
        return Step(step_id, RESTART.name, WHO, Phase.FLUSH, "", before=given)

    def told(self) -> str:
        """All that a run would keep."""
        return json.dumps(self.run.lefts) + repr(self.run.secrets)
