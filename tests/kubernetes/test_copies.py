"""What else keeps the old value in a namespace: its annotation, other keys, immutable copies; named, never changed."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke_kubernetes.store import objects
from nhi_revoke_kubernetes.store.held import APPLIED
from tests.kubernetes.bench import NAME, NEW, NS, OLD, STORE, Bench, b64, pair

LIST = f"GET /api/v1/namespaces/{NS}/secrets?"


def beside(kube: Bench, name: str, value: str = OLD, **more: Any) -> None:
    kube.cluster.put(NS, "secrets", name, **{"type": "Opaque", "data": b64(pair(value)), **more})


def applied(**fields: Any) -> dict[str, Any]:
    told = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}, **fields}
    return {"annotations": {APPLIED: json.dumps(told)}}


def served(kube: Bench, to: str = "") -> str:
    kube.minted()
    kube.do("stage", to)
    change = kube.do("serve", to)
    assert isinstance(change, Done)
    return str(change.left.get("leaves") or "")


def finished(kube: Bench, to: str = "") -> str:
    """By another process, which holds no secret."""
    kube.run.secrets.clear()
    assert isinstance(kube.do("forget", to), Done | Already)
    return str(kube.run.left("finish-serve").get("leaves") or "")


def others(kube: Bench) -> dict[Any, Any]:
    """Everything but what the tool is for."""
    rows: dict[Any, Any] = {
        key: value for key, value in kube.cluster.objects.items() if key[2] not in (NAME, *kube.kept)
    }
    return copy.deepcopy(rows)


def test_other_secrets_that_hold_it_are_named_and_left(kube: Bench) -> None:
    kube.put(pair())
    beside(kube, "bot-aws-7f8d", immutable=True)
    beside(kube, "copy", data=b64({"token": OLD, "other": "x"}))
    beside(kube, "earlier", "canary-earlier")
    kube.cluster.put("stage", "secrets", "elsewhere", type="Opaque", data=b64(pair()))
    before = others(kube)
    said = served(kube)
    assert f"keeps the former values of {NAME}, until finish" in said
    wrote = len(kube.writes)
    told = finished(kube)
    for words in (said, told):
        assert f"Secret {NS}/bot-aws-7f8d (key SecretAccessKey, immutable)" in words
        assert f"Secret {NS}/copy (key token)" in words
        assert f"kubectl delete secret bot-aws-7f8d copy -n {NS}" in words
        assert "earlier" not in words
        assert "elsewhere" not in words
        assert OLD not in words
        assert b64({"k": OLD})["k"] not in words
    assert "until finish" not in told
    assert kube.kept == []
    assert others(kube) == before
    assert [each.split()[0] for each in kube.writes[wrote:]] == ["DELETE"], "the Secret with the former values alone"


@pytest.mark.parametrize("fields", [{"data": b64(pair())}, {"stringData": pair()}])
def test_what_kubectl_applied_still_shows_the_old_value(kube: Bench, fields: dict[str, Any]) -> None:
    kube.put(pair(), meta=applied(**fields))
    said = served(kube)
    assert f"annotation {APPLIED} of Secret {NS}/{NAME} still shows the old credential" in said
    assert f"kubectl annotate secret {NAME} -n {NS} {APPLIED}-" in said
    assert OLD not in said
    found = kube.cluster.objects[NS, "secrets", NAME]["metadata"]["annotations"]
    assert APPLIED in found, "kubectl needs it: it is left"
    assert "still shows the old credential" in finished(kube)


def test_an_annotation_without_the_value_is_not_named(kube: Bench) -> None:
    for text in ("", "{", "[]", '{"data": 7}', json.dumps({"data": b64(pair("canary-else"))})):
        kube.put(pair(), meta={"annotations": {APPLIED: text}})
        kube.run.lefts.clear()
        assert APPLIED not in served(kube)
        finished(kube)


def test_another_key_of_the_same_secret_is_named(kube: Bench) -> None:
    kube.put(pair(AWS_SECRET=OLD))
    said = served(kube)
    assert f"key AWS_SECRET of Secret {NS}/{NAME} holds the old credential as well, and was left so" in said
    assert kube.data() == {**pair(NEW.reveal(), "AKIANEW"), "AWS_SECRET": OLD}


def test_a_release_of_helm_could_not_be_compared(kube: Bench) -> None:
    kube.put(pair())
    beside(kube, "sh.helm.release.v1.bot.v3", type="helm.sh/release.v1", data=b64({"release": "H4sIA"}))
    assert f"could not be compared, and may hold it: Secret {NS}/sh.helm.release.v1.bot.v3" in served(kube)


def test_every_chunk_is_read(kube: Bench) -> None:
    kube.put(pair())
    for number in range(3):
        beside(kube, f"copy-{number}")
    kube.cluster.page_size = 1
    said = served(kube)
    assert all(f"Secret {NS}/copy-{number}" in said for number in range(3))
    assert len([each for each in kube.cluster.asked if each.startswith(LIST)]) == 5


def test_more_secrets_than_are_looked_at_are_said(kube: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    kube.put(pair())
    beside(kube, "copy")
    kube.cluster.page_size = 1
    monkeypatch.setattr(objects, "LOOKED", 2)
    assert "only the first 2 were looked at" in served(kube)


def test_who_may_not_list_is_told_what_was_not_seen(kube: Bench) -> None:
    """Nothing else needs that right: the delivery works without it, and nothing is asked that would be refused."""
    kube.put(pair())
    beside(kube, "copy")
    declared = {p for doer in (STORE.stage, STORE.serve, STORE.forget) for p in doer.permissions}
    assert "list secrets" not in declared
    kube.cluster.tokens["few"] = {(verb, "secrets") for verb in ("get", "patch", "create", "delete")}
    kube.conn = kube.connect("few")
    said = served(kube)
    assert f"other Secrets of namespace {NS} were not looked at" in said
    assert f"kubectl auth can-i list secrets -n {NS}" in said
    assert "copy" not in said
    assert "were not looked at" in finished(kube)
    assert not [each for each in kube.cluster.asked if each.startswith(LIST)]


def test_a_list_that_is_refused_never_fails_the_delivery(kube: Bench) -> None:
    kube.put(pair())
    refusal = json.dumps({"kind": "Status", "status": "Failure", "code": 403, "message": "no"}).encode()
    kube.cluster.answer = lambda what: (403, {}, refusal) if what.startswith(LIST) else None
    assert f"other Secrets of namespace {NS} were not looked at" in served(kube)
    assert kube.data() == pair(NEW.reveal(), "AKIANEW")


def test_where_no_credential_stood_before_nothing_is_looked_for(kube: Bench) -> None:
    kube.put({"other": "x"})
    beside(kube, "copy")
    assert served(kube) == ""
    assert finished(kube) == ""
    assert not [each for each in kube.cluster.asked if each.startswith(LIST)]


def test_one_key_alone_is_compared(kube: Bench) -> None:
    to = f"{NS}/{NAME}#token"
    kube.put({"token": OLD, "AccessKeyId": "same"})
    beside(kube, "copy", data=b64({"whatever": OLD}))
    beside(kube, "unlike", data=b64({"AccessKeyId": "same"}))
    said = served(kube, to)
    assert f"Secret {NS}/copy (key whatever)" in said
    assert "unlike" not in said


def test_after_a_crash_in_finish_it_is_said_that_nothing_was_compared(kube: Bench) -> None:
    kube.put(pair())
    beside(kube, "copy")
    served(kube)
    del kube.cluster.objects[NS, "secrets", kube.kept[0]]
    found = kube.seen("forget")
    assert "was not seen" in found["leaves"]
    assert "was not seen" in finished(kube)
