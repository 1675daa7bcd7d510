"""What the operator may do in a cluster: the role that is printed is enough, and each review is told as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.model.right import Holding
from nhi_revoke_kubernetes import provider
from nhi_revoke_kubernetes.permissions import ACCESS_REVIEW
from tests.kubernetes.bench import Bench

SECRETS = ("get secrets", "patch secrets", "patch deployments.apps", ACCESS_REVIEW)


@pytest.fixture
def kube(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def told(kube: Bench, *rules: tuple[str, str]) -> dict[str, Holding]:
    kube.cluster.tokens["canary-limited"] = set(rules)
    found = {each.permission: each for each in provider.holds(kube.connect("canary-limited"), SECRETS)}
    assert kube.writes == []
    assert set(found) == set(SECRETS)
    return found


def test_what_is_allowed_everywhere_is_held(kube: Bench) -> None:
    found = told(kube, ("get", "secrets"), ("patch", "secrets"), ("patch", "deployments"))
    assert {each.state for each in found.values()} == {"held"}
    assert {each.why for each in found.values()} == {""}


def test_what_is_allowed_in_ones_own_namespace_says_so_and_the_rest_is_unknown(kube: Bench) -> None:
    found = told(kube, ("get", "secrets -n default"), ("patch", "secrets -n prod"))
    assert (found["get secrets"].state, found["get secrets"].why) == (
        "held", "in the namespace default, and not in every one",
    )  # fmt: skip
    assert found["patch secrets"].state == found["patch deployments.apps"].state == "unknown"
    assert "neither in every namespace nor in default" in found["patch secrets"].why
    assert not any(each.later for each in found.values())


def test_the_role_has_a_rule_for_each_resource() -> None:
    [made] = provider.documents("rotate", SECRETS)
    role = json.loads(made.text)
    assert (role["kind"], role["apiVersion"]) == ("ClusterRole", "rbac.authorization.k8s.io/v1")
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]},
        {
            "apiGroups": ["authorization.k8s.io"],
            "resources": ["selfsubjectaccessreviews"],
            "verbs": ["create"],
        },
    ]
