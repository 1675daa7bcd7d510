"""What is sent to Kubernetes, and what the stand-in answers, is what the official client's own models have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes.client as official
import pytest

from nhi_revoke_kubernetes import provider
from tests.kubernetes.bench import NS, RESTART, Bench, pair
from tests.kubernetes.test_consumers import SOUGHT, seed

pytestmark = pytest.mark.contract
LISTED = ("ConfigMap", "ServiceAccount", "CronJob")
"""Besides Secrets and workloads, what `find --consumers` lists."""
WORKLOADS = {"deployments": "V1Deployment", "statefulsets": "V1StatefulSet", "daemonsets": "V1DaemonSet"}
MODELS = {
    "Secret": "V1Secret", "SecretList": "V1SecretList", "Status": "V1Status",
    "SelfSubjectAccessReview": "V1SelfSubjectAccessReview", "SelfSubjectReview": "V1SelfSubjectReview",
    **{name.removeprefix("V1"): name for name in WORKLOADS.values()},
    **{f"{name.removeprefix('V1')}List": f"{name}List" for name in WORKLOADS.values()},
    **{name: f"V1{name}" for name in LISTED}, **{f"{name}List": f"V1{name}List" for name in LISTED},
}  # fmt: skip
LOOSE = frozenset({"data", "annotations", "labels", "fieldsV1", "matchLabels"})
"""Maps whose keys are the writer's own."""
ASKED = {"SelfSubjectAccessReview": {"status": {"allowed": False}}, "SelfSubjectReview": {}}
"""What a model wants that a request has no say in."""


def unknown(model: Any, told: Any, at: str = "") -> list[str]:
    """Fields that the models do not have, deep."""
    if isinstance(told, Mapping):
        names = {field.serialization_alias or name: name for name, field in type(model).model_fields.items()}
        out = [f"{at}.{key}" for key in told if key not in names]
        for key, value in told.items():
            if key in names and key not in LOOSE:
                out += unknown(getattr(model, names[key]), value, f"{at}.{key}")
        return out
    if isinstance(told, list):
        return [each for n, value in enumerate(told) for each in unknown(model[n], value, f"{at}[{n}]")]
    return []


def read(told: dict[str, Any]) -> Any:
    return getattr(official, MODELS[told["kind"]]).from_dict(told)


def driven(kube: Bench) -> None:
    """Everything that the provider asks."""
    kube.put(pair())
    kube.minted()
    kube.check()
    kube.check("prod/none")
    for verb in ("stage", "serve", "forget"):
        kube.do(verb)
    kube.undo("serve")
    kube.conn.whoami()
    for resource in WORKLOADS:
        kube.deploy(resource, "api")
    step = kube.flush(namespace=NS, selector="app=api")
    assert RESTART.check(kube.conn, step) is None
    RESTART.apply(kube.conn, step, kube.run)
    RESTART.check(kube.conn, kube.flush(namespace=NS, workloads=["deployment/none"]))
    seed(kube)
    assert list(provider.consumers(kube.conn, SOUGHT))


def test_answers_are_the_models(tmp_path: Path) -> None:
    with Bench(tmp_path) as kube:
        driven(kube)
        answers = list(kube.cluster.answers)
    listed = {f"{name}List" for name in LISTED}
    assert {told["kind"] for _, told in answers} > {"Secret", "Status", "Deployment", "DaemonSetList", *listed}
    for what, told in answers:
        assert unknown(read(told), told) == [], what


def test_requests_are_the_models(tmp_path: Path) -> None:
    with Bench(tmp_path) as kube:
        driven(kube)
        asked = list(zip(kube.cluster.asked, kube.cluster.bodies, kube.cluster.headers, strict=True))
    sent = [(what, body, headers) for what, body, headers in asked if body]
    assert len(sent) > 10
    for what, body, headers in sent:
        method, _, path = what.partition(" ")
        if method == "PATCH":
            assert "merge-patch" in headers["content-type"]
            assert "fieldManager=nhi-revoke" in path
            kind = "Secret" if "/secrets/" in path else next(w for r, w in WORKLOADS.items() if f"/{r}/" in path)
            for field in body.get("spec", {}), body.get("metadata", {}):
                assert isinstance(field, dict)
            model = getattr(official, kind if kind.startswith("V1") else f"V1{kind}")
            names = {field.serialization_alias or name for name, field in model.model_fields.items()}
            assert set(body) <= names, what
        elif method == "DELETE":
            assert unknown(official.V1DeleteOptions.from_dict(body), body) == [], what
        else:
            assert unknown(read({**ASKED.get(body["kind"], {}), **body}), body) == [], what
