"""Who uses a credential in a cluster: found by id, by reference, by annotation, by name; and nothing else."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.consumer import Consumer, Mark, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery, FlushTarget, Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_kubernetes import provider
from nhi_revoke_kubernetes.consumers import listing
from nhi_revoke_kubernetes.flush.settings import settings_of
from nhi_revoke_kubernetes.permissions import LIST_CONSUMERS
from nhi_revoke_kubernetes.store.address import parse_address
from tests.kubernetes.bench import Bench, b64

Spec = dict[str, Any]
AWS = PrincipalRef("aws", "", "arn:aws:iam::111122223333:role/payments-bot")
GCP = PrincipalRef("gcp", "sa", "payments@shop.iam.gserviceaccount.com")
APP = PrincipalRef("entra", "app", "00000000-0000-0000-0000-00000000a001")
KEY, EMAIL, OTHER = "AKIAEXAMPLEKEY000001", GCP.id, "AKIASOMEBODYELSE0001"
CANARY = "canary-value-of-a-secret"
AWS_KEY = "aws:access-key"
SOUGHT = Sought(
    "payments-bot",
    (
        Principal(AWS, "role", "payments-bot", "111122223333", "AROA1"),
        Principal(GCP, "sa", EMAIL, "shop", "1234"),
        Principal(APP, "app", "Payments Bot", "tenant", "sp-1"),
    ),
    (
        Mark(KEY, AWS, "aws:access-key/x/1", AWS_KEY, "AccessKeyId"),
        Mark(EMAIL, GCP),
        Mark(APP.id, APP, kind="entra:client-secret", field="client_id"),
    ),
)
EVERY = [sort for sort in vars(listing).values() if isinstance(sort, listing.Sort)]


def secret(kube: Bench, name: str, fields: dict[str, str], namespace: str = "prod", **more: Any) -> None:
    kube.cluster.put(namespace, "secrets", name, **{"type": "Opaque", "data": b64(fields), **more})


def workload(
    kube: Bench, name: str, resource: str = "deployments", namespace: str = "prod", *, pod: Spec | None = None,
    env: list[Spec] | None = None, **spec: Any,
) -> None:  # fmt: skip
    container: dict[str, Any] = {"name": "c", "image": "i", "env": env or []}
    meta: dict[str, Any] = {"labels": {"app": name}}
    template = {"metadata": meta, "spec": {"containers": [container], **(pod or {})}}
    whole: dict[str, Any] = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    if resource == "cronjobs":
        whole = {"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": template}}}
    kube.cluster.put(namespace, resource, name, spec=whole)


def of_key(name: str, key: str, variable: str) -> dict[str, Any]:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}


def look(kube: Bench, sought: Sought = SOUGHT, token: str = "") -> tuple[dict[str, Consumer], list[BlindSpot]]:
    """By what each is called. Nothing changes anything, and no value comes out."""
    conn = kube.connect(token) if token else kube.conn
    found = list(provider.consumers(conn, sought))
    assert kube.writes == []
    assert CANARY not in msgspec.json.encode(found).decode()
    rows = [each for each in found if isinstance(each, Consumer)]
    assert len({each.what for each in rows}) == len(rows)
    return {each.what: each for each in rows}, [each for each in found if isinstance(each, BlindSpot) and each.counts]


def test_where_the_id_is_a_variable_its_replacement_is_written_as_variables(kube: Bench) -> None:
    secret(kube, "settings", {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": CANARY, "REGION": "eu"})
    secret(kube, "both", {"AWS_ACCESS_KEY_ID": KEY, "AccessKeyId": KEY, "SecretAccessKey": CANARY})
    mark = Mark(KEY, AWS, "aws:access-key/x/1", AWS_KEY, "AccessKeyId", "AWS_ACCESS_KEY_ID")
    found, _ = look(kube, Sought("payments-bot", SOUGHT.principals, (mark,)))
    assert found["Secret prod/settings"].deliver == (Delivery(AWS_KEY, "kubernetes:prod/settings", format="env"),)
    assert found["Secret prod/settings"].by_hand == ""
    assert found["Secret prod/both"].deliver == (Delivery(AWS_KEY, "kubernetes:prod/both"),)


def seed(kube: Bench) -> None:
    """One of everything, and beside each something of somebody else."""
    secret(kube, "bot-aws", {"AccessKeyId": KEY, "SecretAccessKey": CANARY})
    secret(kube, "other-aws", {"AccessKeyId": OTHER, "SecretAccessKey": CANARY})
    secret(kube, "payments-bot", {"password": CANARY}, "stage")
    kube.cluster.put("prod", "configmaps", "settings", data={"app.ini": f"[gcp]\naccount = {EMAIL}\n"})
    kube.cluster.put("prod", "configmaps", "others", data={"app.ini": f"account = a-{EMAIL}\n"})
    kube.cluster.put("prod", "serviceaccounts", "bot", meta={"annotations": {"eks.amazonaws.com/role-arn": AWS.id}})
    kube.cluster.put("prod", "serviceaccounts", "default")
    workload(kube, "api", env=[of_key("bot-aws", "AccessKeyId", "AWS_ACCESS_KEY_ID")])
    workload(kube, "web", env=[of_key("other-aws", "AccessKeyId", "AWS_ACCESS_KEY_ID")])
    workload(kube, "db", "statefulsets", pod={"volumes": [{"name": "v", "secret": {"secretName": "bot-aws"}}]})
    workload(kube, "log", "daemonsets", env=[{"name": "WHO", "value": EMAIL}])
    workload(kube, "nightly", "cronjobs", pod={"serviceAccountName": "bot"})
    workload(kube, "api", namespace="stage", env=[of_key("bot-aws", "AccessKeyId", "AWS_ACCESS_KEY_ID")])


ALL = {
    "Secret prod/bot-aws": "id",
    "Secret stage/payments-bot": "name",
    "ConfigMap prod/settings": "id",
    "ServiceAccount prod/bot": "id",
    "Deployment prod/api": "reference",
    "StatefulSet prod/db": "reference",
    "DaemonSet prod/log": "id",
    "CronJob prod/nightly": "reference",
}


class TestFound:
    def test_everything_that_uses_it_and_nothing_else(self, kube: Bench) -> None:
        seed(kube)
        found, unseen = look(kube)
        assert {what: each.basis for what, each in found.items()} == ALL
        assert unseen == []
        assert {each.scope for each in found.values()} == {kube.cluster.url}
        assert found["Secret prod/bot-aws"].of == (AWS,)
        assert found["DaemonSet prod/log"].of == (GCP,)
        assert found["Secret stage/payments-bot"].of == ()

    def test_it_says_what_it_does_not_look_at(self, kube: Bench) -> None:
        said = [each for each in provider.consumers(kube.conn, SOUGHT) if isinstance(each, BlindSpot)]
        assert [(each.counts, "pods and Jobs" in each.why) for each in said] == [(False, True)]

    @pytest.mark.parametrize(
        "text",
        [
            KEY,
            json.dumps({"aws": {"id": KEY}}),
            f"AWS_ACCESS_KEY_ID={KEY}\nAWS_SECRET_ACCESS_KEY={CANARY}\n",
            f"[default]\naws_access_key_id = {KEY}\n",
        ],
    )
    def test_an_id_in_a_text_of_any_form(self, kube: Bench, text: str) -> None:
        secret(kube, "s", {"config": text})
        found, _ = look(kube)
        assert found["Secret prod/s"].why == f"its key config holds {KEY}"

    def test_what_is_no_text_is_no_match(self, kube: Bench) -> None:
        kube.cluster.put("prod", "secrets", "s", type="Opaque", data={"blob": "/wD+", "broken": "%%%"})
        assert look(kube)[0] == {}

    def test_former_values_of_our_own_runs_are_no_consumer(self, kube: Bench) -> None:
        labels = {"app.kubernetes.io/managed-by": "nhi-revoke"}
        secret(kube, "bot-aws-former", {"AccessKeyId": KEY}, meta={"labels": labels})
        assert look(kube)[0] == {}

    @pytest.mark.parametrize(
        ("annotation", "value", "of"),
        [
            ("eks.amazonaws.com/role-arn", AWS.id, AWS),
            ("iam.gke.io/gcp-service-account", EMAIL, GCP),
            ("azure.workload.identity/client-id", APP.id.upper(), APP),
        ],
    )
    def test_a_service_account_that_federates_and_what_runs_as_it(
        self, kube: Bench, annotation: str, value: str, of: PrincipalRef
    ) -> None:
        kube.cluster.put("prod", "serviceaccounts", "bot", meta={"annotations": {annotation: value}})
        kube.cluster.put("prod", "serviceaccounts", "robot", meta={"annotations": {annotation: f"x{value}"}})
        workload(kube, "a", pod={"serviceAccountName": "bot"})
        workload(kube, "b", pod={"serviceAccountName": "robot"})
        workload(kube, "c", namespace="stage", pod={"serviceAccountName": "bot"})
        found, _ = look(kube)
        assert set(found) == {"ServiceAccount prod/bot", "Deployment prod/a"}
        assert found["ServiceAccount prod/bot"].of == found["Deployment prod/a"].of == (of,)
        assert found["ServiceAccount prod/bot"].why == f"its annotation {annotation} is {value}"

    @pytest.mark.parametrize(
        "pod",
        [
            {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
            {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}]},
            {"imagePullSecrets": [{"name": "s"}]},
            {"initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "s"}}]}]},
            {"initContainers": [{"name": "i", "env": [of_key("s", "k", "V")]}]},
        ],
    )
    def test_every_way_to_refer_to_a_secret(self, kube: Bench, pod: dict[str, Any]) -> None:
        secret(kube, "s", {"k": KEY})
        workload(kube, "a", pod=pod)
        found, _ = look(kube)
        assert found["Deployment prod/a"].basis == "reference"
        assert f"its key k holds {KEY}" in found["Deployment prod/a"].why

    def test_a_config_map_is_not_taken_for_a_secret_of_its_name(self, kube: Bench) -> None:
        secret(kube, "s", {"k": KEY})
        kube.cluster.put("prod", "configmaps", "s", data={"k": "nothing"})
        workload(kube, "a", pod={"volumes": [{"name": "v", "configMap": {"name": "s"}}]})
        assert set(look(kube)[0]) == {"Secret prod/s"}

    def test_what_reads_a_secret_that_is_only_called_so_is_no_more_than_that(self, kube: Bench) -> None:
        secret(kube, "payments-bot", {"k": CANARY})
        workload(kube, "a", pod={"volumes": [{"name": "v", "secret": {"secretName": "payments-bot"}}]})
        found, _ = look(kube)
        assert {each.basis for each in found.values()} == {"name"}
        assert found["Deployment prod/a"].of == ()


class TestDelivered:
    def test_what_reads_the_place_that_the_map_delivers_to(self, kube: Bench) -> None:
        secret(kube, "store", {"k": CANARY})
        workload(kube, "a", env=[of_key("store", "k", "V")])
        workload(kube, "b", env=[of_key("other", "k", "V")])
        delivery = Delivery("aws:access-key", "kubernetes:prod/store#k")
        found, _ = look(kube, msgspec.structs.replace(SOUGHT, marks=(), delivered=(delivery,)))
        assert set(found) == {"Deployment prod/a"}
        assert found["Deployment prod/a"].basis == "reference"
        assert found["Deployment prod/a"].of == (AWS,)
        assert "the map delivers aws:access-key to it" in found["Deployment prod/a"].why

    def test_an_address_that_is_none_hides_nothing_else(self, kube: Bench) -> None:
        seed(kube)
        found, unseen = look(kube, msgspec.structs.replace(SOUGHT, delivered=(Delivery("a:b", "kubernetes:N/x"),)))
        assert set(found) == set(ALL)
        assert ["names no Secret" in each.why for each in unseen] == [True]


class TestProposed:
    def test_a_secret_whose_key_is_the_part_itself_takes_the_replacement(self, kube: Bench) -> None:
        secret(kube, "bot-aws", {"AccessKeyId": KEY, "SecretAccessKey": CANARY})
        one = look(kube)[0]["Secret prod/bot-aws"]
        assert one.deliver == (Delivery(AWS_KEY, "kubernetes:prod/bot-aws"),)
        assert one.by_hand == ""
        at = parse_address(one.deliver[0].to)
        assert (at.namespace, at.name, at.key) == ("prod", "bot-aws", "")

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"AWS_ACCESS_KEY_ID": KEY}, "its keys (AWS_ACCESS_KEY_ID) have other names"),
            ({"credentials": f"[default]\naws_access_key_id={KEY}"}, "credentials is a text"),
        ],
    )
    def test_a_secret_that_would_keep_the_old_one_is_done_by_hand(
        self, kube: Bench, fields: dict[str, str], says: str
    ) -> None:
        secret(kube, "s", fields)
        one = look(kube)[0]["Secret prod/s"]
        assert one.deliver == ()
        assert says in one.by_hand
        assert "kubectl edit secret s -n prod" in one.by_hand

    def test_a_secret_that_something_else_fills_is_not_written(self, kube: Bench) -> None:
        owner = {"ownerReferences": [{"kind": "ExternalSecret", "name": "e", "controller": True}]}
        secret(kube, "s", {"AccessKeyId": KEY}, meta=owner)
        one = look(kube)[0]["Secret prod/s"]
        assert one.deliver == ()
        assert "ExternalSecret e keeps it" in one.by_hand

    def test_workloads_are_restarted_by_settings_that_the_flush_takes(self, kube: Bench) -> None:
        seed(kube)
        found, _ = look(kube)
        one = found["Deployment prod/api"]
        assert one.flush == (FlushTarget("kubernetes-restart", {"namespace": "prod", "workloads": ["deployment/api"]}),)
        flushed = [each for each in found.values() if each.flush]
        assert {each.what for each in flushed} == {"Deployment prod/api", "StatefulSet prod/db", "DaemonSet prod/log"}
        for each in flushed:
            settings_of(each.flush[0].settings)

    def test_a_restart_that_would_replace_no_pod_is_not_proposed(self, kube: Bench) -> None:
        secret(kube, "s", {"k": KEY})
        workload(kube, "a", env=[of_key("s", "k", "V")], paused=True)
        one = look(kube)[0]["Deployment prod/a"]
        assert one.flush == ()
        assert "deployment/a is paused" in one.by_hand

    def test_what_no_restart_changes_is_told(self, kube: Bench) -> None:
        seed(kube)
        found, _ = look(kube)
        assert "kubectl edit daemonset/log -n prod" in found["DaemonSet prod/log"].by_hand
        assert "kubectl edit configmap settings -n prod" in found["ConfigMap prod/settings"].by_hand
        assert "Its next job reads the replacement" in found["CronJob prod/nightly"].by_hand


class TestUnseen:
    @pytest.mark.parametrize("sort", EVERY, ids=lambda sort: sort.name)
    def test_each_listing_denied_is_a_blind_spot_and_hides_no_other(self, kube: Bench, sort: listing.Sort) -> None:
        seed(kube)
        kube.cluster.tokens["t"] = {("list", each.name.partition(".")[0]) for each in EVERY if each is not sort}
        found, unseen = look(kube, token="t")
        assert {each.kind for each in unseen} == {sort.kind}
        assert all(each.needs.startswith(sort.needs) for each in unseen)
        assert any("cluster-wide is denied" in each.why for each in unseen)
        assert set(found) < set(ALL)
        assert sort.needs in LIST_CONSUMERS

    def test_one_namespace_is_looked_at_where_the_cluster_may_not_be_listed(self, kube: Bench) -> None:
        seed(kube)
        kube.cluster.tokens["t"] = {("list", f"{each.name.partition('.')[0]} -n prod") for each in EVERY}
        sought = msgspec.structs.replace(SOUGHT, delivered=(Delivery("aws:access-key", "kubernetes:prod/bot-aws"),))
        found, unseen = look(kube, sought, "t")
        assert set(found) == set(ALL) - {"Secret stage/payments-bot"}
        wide = [each for each in unseen if "of all namespaces but prod" in each.why]
        assert {each.kind for each in wide} == {each.kind for each in EVERY}
        assert any("namespace default" in each.why for each in unseen)

    def test_nothing_at_all_may_be_listed(self, kube: Bench) -> None:
        seed(kube)
        kube.cluster.tokens["t"] = set()
        found, unseen = look(kube, token="t")
        assert found == {}
        assert {each.kind for each in unseen} == {each.kind for each in EVERY}

    def test_a_server_that_fails_at_one_listing(self, kube: Bench) -> None:
        seed(kube)
        kube.cluster.answer = lambda what: (422, {}, b"{}") if "/configmaps" in what else None
        found, unseen = look(kube)
        assert set(found) == set(ALL) - {"ConfigMap prod/settings"}
        assert [each.kind for each in unseen] == ["kubernetes:configmaps"]

    def test_a_login_that_does_not_work_is_no_blind_spot(self, kube: Bench) -> None:
        with pytest.raises(Unauthenticated):
            list(provider.consumers(kube.connect("wrong"), SOUGHT))


class TestPages:
    @pytest.mark.parametrize("size", [1, 2, 1000])
    def test_any_size_of_page_finds_the_same(self, kube: Bench, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        monkeypatch.setattr(listing, "PAGE", size)
        seed(kube)
        assert set(look(kube)[0]) == set(ALL)
        assert any("continue=" in each for each in kube.cluster.asked) == (size < 1000)

    def test_a_page_that_is_too_old_begins_the_list_anew(self, kube: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listing, "PAGE", 1)
        seed(kube)
        kube.cluster.too_old = {"2"}
        found, unseen = look(kube)
        assert set(found) == set(ALL)
        assert unseen == []

    def test_seven_requests_are_enough(self, kube: Bench) -> None:
        seed(kube)
        look(kube)
        assert len(kube.cluster.asked) == len(EVERY)
