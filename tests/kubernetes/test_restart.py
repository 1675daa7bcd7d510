"""The flush: workloads get new pods, once, and it is told how far that came."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Done, Failed, Impossible
from nhi_revoke.model.proof import Proof
from nhi_revoke.provider.fault import Denied, NoAnswer
from nhi_revoke_kubernetes.flush.restart import AFTER_THE_SEAL
from nhi_revoke_kubernetes.flush.workloads import MARK, RESTARTED_AT
from tests.kubernetes.bench import NS, RESTART, START, Bench
from tests.kubernetes.stand_in import ROOT

AT = "2026-11-28T12:00:00Z"
EACH = (("deployments", "deployment"), ("statefulsets", "statefulset"), ("daemonsets", "daemonset"))


def check(kube: Bench, token: str = ROOT, **settings: Any) -> Impossible | None:
    return RESTART.check(kube.connect(token), kube.flush(**settings))


def done(kube: Bench, step_id: str = "flush-0", **settings: Any) -> Any:
    step = kube.flush(step_id, **settings)
    change = RESTART.apply(kube.conn, step, kube.run)
    kube.run.lefts[step.id] = getattr(change, "left", {})
    return change


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"namespace": NS}, "either workloads or selector"),
            ({"namespace": NS, "workloads": ["deploy/a"], "selector": "app=a"}, "either workloads or selector"),
            ({"workloads": ["deploy/a"]}, "namespace"),
            ({"namespace": "P R", "workloads": ["deploy/a"]}, "no namespace"),
            ({"namespace": NS, "workloads": ["deploymnt/a"]}, "no workload that can be restarted"),
            ({"namespace": NS, "workloads": ["pod/a"]}, "no workload that can be restarted"),
            ({"namespace": NS, "workloads": ["deployment/"]}, "no name"),
            ({"namespace": NS, "workload": ["deploy/a"]}, 'no setting "workload"'),
        ],
    )
    def test_wrong_ones_are_told_with_what_to_write(self, kube: Bench, settings: dict[str, Any], says: str) -> None:
        found = check(kube, **settings)
        assert found is not None
        assert says in found.why
        assert 'workloads = ["deployment/payments"]' in found.manual
        assert "will not be done" in RESTART.tells(settings)[0]
        assert kube.cluster.asked == []

    def test_what_it_does_and_what_breaks(self) -> None:
        says, breaks = RESTART.tells({"namespace": NS, "workloads": ["deploy/api", "sts/db", "deployment/api"]})
        assert says == "restart deployment/api, statefulset/db in namespace prod"
        assert "connections and work in them end" in breaks
        assert "the workloads with app=a in namespace prod" in RESTART.tells({"namespace": NS, "selector": "app=a"})[0]


class TestLooked:
    def test_a_missing_one_is_told_with_the_nearest(self, kube: Bench) -> None:
        kube.deploy(name="payments")
        found = check(kube, namespace=NS, workloads=["deployment/paymnts"])
        assert found is not None
        assert 'Did you mean "payments"?' in found.manual
        found = check(kube, namespace=NS, workloads=["statefulset/db"])
        assert found is not None
        assert "It has no statefulset" in found.manual
        found = check(kube, namespace=NS, selector="app=none")
        assert found is not None
        assert "no workload of namespace prod has app=none" in found.why

    def test_a_missing_one_where_nothing_may_be_listed(self, kube: Bench) -> None:
        kube.cluster.tokens["t"] = {("get", "deployments")}
        found = check(kube, "t")
        assert found is not None
        assert "kubectl get deployments -n prod" in found.manual

    @pytest.mark.parametrize(
        ("resource", "kind", "spec", "says"),
        [
            ("deployments", "deployment", {"paused": True}, "paused"),
            ("statefulsets", "statefulset", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
            ("daemonsets", "daemonset", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
            (
                "statefulsets",
                "statefulset",
                {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}},
                "partition",
            ),
        ],
    )
    def test_one_whose_pods_a_restart_would_not_replace(
        self, kube: Bench, resource: str, kind: str, spec: dict[str, Any], says: str
    ) -> None:
        kube.deploy(resource, "api", **spec)
        found = check(kube, namespace=NS, workloads=[f"{kind}/api"])
        assert found is not None
        assert says in found.why
        assert found.manual
        assert kube.writes == []

    def test_what_the_operator_lacks_is_named(self, kube: Bench) -> None:
        kube.deploy()
        kube.cluster.tokens["t"] = {("get", "deployments")}
        found = check(kube, "t")
        assert found is not None
        assert "patch deployments.apps/api -n prod" in found.why
        kube.cluster.tokens["t"] = {("get", "deployments"), ("patch", "deployments/api")}
        assert check(kube, "t") is None


class TestRestarted:
    @pytest.mark.parametrize(("resource", "kind"), EACH)
    def test_once_and_until_no_pod_of_before_runs(self, kube: Bench, resource: str, kind: str) -> None:
        kube.cluster.rolls_at_once = False
        kube.deploy(resource, "api")
        settings: dict[str, Any] = {"namespace": NS, "workloads": [f"{kind}/api"]}
        step = kube.flush(**settings)
        assert RESTART.seen(kube.conn, step, kube.run) is None
        change = done(kube, **settings)
        assert isinstance(change, Done)
        assert kube.template(resource) == {RESTARTED_AT: AT, MARK: f"{kube.run.id}.flush-0"}
        assert RESTART.seen(kube.conn, step, kube.run) is None
        proven = RESTART.prove(kube.conn, step, kube.run)
        assert (proven.proof, "not yet observed" in proven.how) == (Proof.REQUESTED, True)
        kube.cluster.roll(NS, resource, "api")
        assert RESTART.seen(kube.conn, step, kube.run) == change.left
        assert RESTART.prove(kube.conn, step, kube.run).proof is Proof.RECORDED
        assert len(kube.writes) == 1

    @pytest.mark.parametrize(
        ("resource", "kind", "status", "says"),
        [
            ("deployments", "deployment", {"updatedReplicas": 1}, "1 of 2 pods are new"),
            ("deployments", "deployment", {"replicas": 3}, "1 pods of before still run"),
            ("deployments", "deployment", {"availableReplicas": 1}, "1 of 2 new pods are available"),
            (
                "deployments",
                "deployment",
                {"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]},
                "progress deadline",
            ),
            ("statefulsets", "statefulset", {"updateRevision": "next", "updatedReplicas": 1}, "1 of 2 pods are new"),
            ("statefulsets", "statefulset", {"readyReplicas": 1}, "1 of 2 pods are ready"),
            ("daemonsets", "daemonset", {"updatedNumberScheduled": 1}, "1 of 2 pods are new"),
            ("daemonsets", "daemonset", {"numberAvailable": 1}, "1 of 2 new pods are available"),
        ],
    )
    def test_how_far_it_came(self, kube: Bench, resource: str, kind: str, status: dict[str, Any], says: str) -> None:
        kube.deploy(resource, "api")
        settings: dict[str, Any] = {"namespace": NS, "workloads": [f"{kind}/api"]}
        done(kube, **settings)
        kube.cluster.objects[NS, resource, "api"]["status"].update(status)
        step = kube.flush(**settings)
        assert RESTART.seen(kube.conn, step, kube.run) is None
        proven = RESTART.prove(kube.conn, step, kube.run)
        assert (proven.proof, says in proven.how) == (Proof.REQUESTED, True), proven.how

    def test_after_the_seal_it_is_enough_that_it_was_taken_up(self, kube: Bench) -> None:
        """Pods that lack the new credential come up once it is delivered, which waits for this."""
        kube.cluster.rolls_at_once = False
        kube.deploy()
        step = msgspec.structs.replace(kube.flush(), to=AFTER_THE_SEAL)
        left = done(kube).left
        assert RESTART.seen(kube.conn, step, kube.run) is None
        made = kube.cluster.objects[NS, "deployments", "api"]
        made["status"] = {"observedGeneration": made["metadata"]["generation"], "updatedReplicas": 0}
        assert RESTART.seen(kube.conn, step, kube.run) == left
        assert RESTART.prove(kube.conn, step, kube.run).proof is Proof.REQUESTED

    def test_by_labels_and_nothing_else(self, kube: Bench) -> None:
        for resource, _ in EACH:
            kube.deploy(resource, "api")
        kube.deploy(name="other")
        settings = {"namespace": NS, "selector": "app=api"}
        assert check(kube, **settings) is None
        change = done(kube, **settings)
        assert sorted(change.left["restarted"]) == ["daemonset/api", "deployment/api", "statefulset/api"]
        assert kube.template(name="other") == {}
        assert RESTART.seen(kube.conn, kube.flush(**settings), kube.run) == change.left

    def test_a_lost_answer_restarts_nothing_twice(self, kube: Bench) -> None:
        kube.deploy()
        kube.cluster.lose_next("PATCH")
        with pytest.raises(NoAnswer):
            done(kube)
        assert RESTART.seen(kube.conn, kube.flush(), kube.run) is not None
        kube.clock.advance(30)
        assert isinstance(done(kube), Done)
        assert kube.template()[RESTARTED_AT] == AT
        assert len(kube.writes) == 1

    def test_restarted_again_by_whomever_it_still_holds(self, kube: Bench) -> None:
        kube.deploy()
        left = done(kube).left
        kube.clock.advance(60)
        assert done(kube, "flush-1").left["restarted"] == {"deployment/api": "2026-11-28T12:01:00Z"}
        assert RESTART.seen(kube.conn, kube.flush(), kube.run) == left
        made = kube.cluster.objects[NS, "deployments", "api"]
        made["spec"]["template"]["metadata"]["annotations"] = {RESTARTED_AT: "2026-11-28T14:05:00+02:00"}
        assert RESTART.seen(kube.conn, kube.flush(), kube.run) == left, "kubectl writes its own time zone"
        made["spec"]["template"]["metadata"]["annotations"] = {}
        assert RESTART.seen(kube.conn, kube.flush(), kube.run) is None, "somebody put the former template back"

    def test_one_of_two_is_denied(self, kube: Bench) -> None:
        kube.deploy()
        kube.deploy(name="web")
        kube.cluster.tokens["t"] = {("get", "deployments"), ("patch", "deployments/api")}
        kube.conn = kube.connect("t")
        change = done(kube, namespace=NS, workloads=["deployment/api", "deployment/web"])
        assert isinstance(change, Failed)
        assert "done: deployment/api" in change.why
        assert change.needs == "patch deployments.apps"
        with pytest.raises(Denied):
            done(kube, namespace=NS, workloads=["deployment/web"])

    def test_paused_since_it_was_looked_at(self, kube: Bench) -> None:
        kube.deploy()
        assert check(kube) is None
        kube.cluster.objects[NS, "deployments", "api"]["spec"]["paused"] = True
        with pytest.raises(Exception, match="paused"):
            done(kube)
        assert kube.template() == {}

    def test_the_clock_is_the_clusters(self, kube: Bench) -> None:
        kube.deploy()
        assert done(kube).at == START
