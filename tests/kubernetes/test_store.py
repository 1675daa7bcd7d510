"""The store before the stand-in: looked at, written, read back, taken back, finished."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.provider.fault import Denied, NoAnswer, Rejected
from nhi_revoke_kubernetes.store.address import former_of, parse_address
from nhi_revoke_kubernetes.store.store import MERGED_ANEW
from tests.kubernetes.bench import NAME, NEW, NS, OLD, PATCH, STORE, Bench, b64, pair
from tests.kubernetes.stand_in import ROOT

BESIDE = {"region": "eu", "other": "x y\nz"}
EVERY = {(verb, "secrets") for verb in ("get", "patch", "create", "delete")}


class TestAddress:
    @pytest.mark.parametrize("text", ["prod/bot", "kubernetes:prod/bot", "prod/bot.v1#a.key_-1"])
    def test_taken(self, text: str) -> None:
        assert parse_address(text).namespace == "prod"

    @pytest.mark.parametrize(
        "text",
        ["bot", "/bot", "prod/", "Prod/bot", "prod/bot#", "prod/a/b", "prod/bot#a/b", "prod/bot#k#k", "p r/b", ""],
    )
    def test_refused_with_the_form(self, text: str) -> None:
        with pytest.raises(Rejected) as told:
            parse_address(text)
        assert "NAMESPACE/SECRET" in told.value.hint

    def test_the_name_of_what_keeps_former_values_is_one(self, kube: Bench) -> None:
        for text in (f"{NS}/{NAME}", f"{NS}/{'a' * 253}", f"{NS}/{'a.' * 120}a#key"):
            at = parse_address(text)
            former = former_of(at, kube.step("serve"), kube.run)
            assert parse_address(f"{NS}/{former}").name == former
        keyed = former_of(parse_address(f"{NS}/{NAME}#x"), kube.step("serve"), kube.run)
        assert keyed != former_of(parse_address(f"{NS}/{NAME}"), kube.step("serve"), kube.run)


class TestLooked:
    def test_it_takes_it_and_nothing_is_written(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        assert kube.check() is None
        left = kube.do("stage").left
        assert "written once the new one is proven" in left["unwritten"]
        assert kube.seen("stage") == left
        assert isinstance(kube.undo("stage"), Already)
        assert (kube.writes, kube.data()) == ([], pair())

    def test_there_is_none(self, kube: Bench) -> None:
        found = kube.check()
        assert found is not None
        assert "there is no Secret prod/bot-aws" in found.why
        assert "kubectl create secret generic bot-aws -n prod" in found.manual

    def test_an_address_that_is_none(self, kube: Bench) -> None:
        found = kube.check("prod")
        assert found is not None
        assert "NAMESPACE/SECRET" in found.manual
        assert kube.cluster.asked == []

    def test_gone_since(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.do("serve")
        del kube.cluster.objects[NS, "secrets", NAME]
        assert kube.seen("serve") is None
        assert kube.recall() is None
        for change in (kube.undo("serve"), kube.do("serve")):
            assert isinstance(change, Failed)
            assert "is gone" in change.why
        assert kube.data() is None, "it is not made by a run that did not find it"

    @pytest.mark.parametrize(
        ("more", "says"),
        [
            ({"immutable": True}, "immutable"),
            ({"type": "kubernetes.io/tls"}, "certificate"),
            ({"type": "kubernetes.io/dockerconfigjson"}, "whole file"),
            ({"type": "kubernetes.io/basic-auth"}, "password"),
            (
                {"meta": {"ownerReferences": [{"kind": "ExternalSecret", "name": "bot", "controller": True}]}},
                "ExternalSecret bot keeps it",
            ),
        ],
    )
    def test_one_that_takes_no_credential(self, kube: Bench, more: dict[str, Any], says: str) -> None:
        kube.put(pair(), **more)
        kube.minted()
        found = kube.check()
        assert isinstance(found, Impossible)
        assert says in found.why
        assert found.manual
        change = kube.do("serve")
        assert isinstance(change, Failed)
        assert (kube.writes, kube.data(), kube.kept) == ([], pair(), [])

    def test_a_key_that_readers_of_the_type_look_at(self, kube: Bench) -> None:
        kube.put({"username": "u", "password": OLD}, type="kubernetes.io/basic-auth")
        assert kube.check(f"{NS}/{NAME}#password") is None
        assert kube.check(f"{NS}/{NAME}#token") is not None

    @pytest.mark.parametrize("verb", ["get", "patch", "create", "delete"])
    def test_what_the_operator_lacks_is_named(self, kube: Bench, verb: str) -> None:
        kube.put(pair())
        named = {("get", f"secrets/{NAME}"), ("patch", f"secrets/{NAME}"), ("create", "secrets"), ("delete", "secrets")}
        kube.cluster.tokens["t"] = {each for each in named if each[0] != verb}
        found = kube.check(token="t")
        assert found is not None
        assert f"{verb} secrets" in found.why
        assert "kubectl auth can-i" in found.manual
        kube.cluster.tokens["t"] = named
        assert kube.check(token="t") is None


class TestWritten:
    @pytest.mark.parametrize(
        ("key", "before", "after"),
        [
            ("", {**pair(), **BESIDE}, {**NEW.fields(), **BESIDE}),
            ("", BESIDE, {**NEW.fields(), **BESIDE}),
            ("#token", {"token": "old", "user": "x"}, {"token": NEW.reveal(), "user": "x"}),
        ],
    )
    @pytest.mark.parametrize("tells", [True, False])
    def test_written_read_back_and_taken_back(
        self, kube: Bench, key: str, before: dict[str, str], after: dict[str, str], tells: bool
    ) -> None:
        kube.cluster.tells_managers = tells
        to = f"{kube.to}{key}"
        kube.put(before)
        kube.minted()
        change = kube.do("serve", to)
        assert isinstance(change, Done)
        assert kube.data() == after
        had = set(before) & set(change.left["keys"])
        assert len(kube.kept) == bool(had)
        assert bool(change.left.get("leaves")) is bool(had), "where the former values are is told"
        assert kube.cluster.objects[NS, "secrets", NAME]["metadata"]["annotations"] == {"nhi-revoke/run": kube.run.id}
        assert kube.seen("serve", to) == change.left
        kube.run.secrets.clear()
        assert kube.seen("serve", to) == change.left, "by another process, too"
        kube.edit(theirs="x") if tells else None
        assert isinstance(kube.undo("serve", to), Done)
        assert kube.data() == before | ({"theirs": "x"} if tells else {})
        assert kube.kept == []
        assert kube.seen("serve", to) is None
        assert isinstance(kube.undo("serve", to), Already), "once is enough"
        assert "canary" not in kube.told()

    def test_values_that_are_no_text_are_kept_as_they_are(self, kube: Bench) -> None:
        kube.cluster.put(NS, "secrets", NAME, type="Opaque", data={**b64(pair()), "cert": "/w=="})
        kube.minted()
        kube.do("serve")
        assert kube.cluster.objects[NS, "secrets", NAME]["data"]["cert"] == "/w=="

    def test_an_undo_of_nothing(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        assert isinstance(kube.undo("serve"), Already)
        assert kube.writes == []

    def test_somebody_writes_between_the_look_and_the_write(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.cluster.once_before(PATCH, lambda: kube.edit(theirs="kept", SecretAccessKey="canary-third"))
        assert isinstance(kube.do("serve"), Done)
        assert kube.data() == {**NEW.fields(), "theirs": "kept"}
        [former] = kube.kept
        assert kube.data(former) == pair("canary-third"), "what stood there at the write, not at the look"
        kube.undo("serve")
        assert kube.data() == pair("canary-third", theirs="kept")

    def test_others_write_all_the_time(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        numbers = iter(range(99))
        kube.cluster.before = lambda what: kube.edit(n=str(next(numbers))) if what.startswith(PATCH) else None
        change = kube.do("serve")
        assert isinstance(change, Failed)
        assert "merged anew" in change.why
        assert len([w for w in kube.writes if w == PATCH]) == MERGED_ANEW
        assert kube.data() == pair(n=str(MERGED_ANEW - 1))
        assert kube.kept == [], "no copy is left of a write that did not happen"

    def test_a_lost_answer_is_looked_at_before_anything_is_written_again(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.cluster.lose_next(PATCH)
        with pytest.raises(NoAnswer):
            kube.do("serve")
        seen = kube.seen("serve")
        assert seen["kept"] == kube.kept[0]
        assert isinstance(kube.do("serve"), Already)
        assert kube.writes.count(PATCH) == 1
        assert kube.data() == NEW.fields()

    def test_a_lost_answer_to_the_copy(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.cluster.lose_next("POST /api/v1/namespaces")
        assert isinstance(kube.do("serve"), Done)
        assert len(kube.kept) == 1

    def test_denied_after_the_look(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.cluster.tokens["t"] = EVERY - {("patch", "secrets")}
        kube.conn = kube.connect("t")
        with pytest.raises(Denied) as told:
            kube.do("serve")
        assert told.value.needs == "patch secrets"
        assert (kube.data(), kube.kept) == (pair(), [])

    def test_a_copy_that_cannot_be_deleted_is_told(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.cluster.tokens["t"] = EVERY - {("patch", "secrets"), ("delete", "secrets")}
        kube.conn = kube.connect("t")
        change = kube.do("serve")
        assert isinstance(change, Failed)
        assert f"{kube.kept[0]} keeps the former values, and could not be deleted" in change.why
        assert change.needs == "patch secrets"
        kube.cluster.tokens["t"] = EVERY - {("delete", "secrets")}
        kube.do("serve")
        change = kube.undo("serve")
        assert isinstance(change, Done)
        assert "delete it by hand" in change.left["leaves"]
        assert kube.data() == pair()

    def test_a_copy_of_that_name_that_is_somebody_elses(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        former = former_of(parse_address(kube.to), kube.step("serve"), kube.run)
        kube.cluster.put(NS, "secrets", former, data=b64({"a": "b"}))
        with pytest.raises(Rejected, match="somebody else's"):
            kube.do("serve")
        assert kube.data(former) == {"a": "b"}
        assert kube.data() == pair()

    def test_undo_leaves_what_somebody_wrote_since(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.do("serve")
        kube.edit(SecretAccessKey="canary-third")
        found = kube.undo("serve")
        assert isinstance(found, Failed)
        assert "not as this run left it" in found.why
        kube.run.secrets.clear()
        assert kube.seen("serve") is None
        assert kube.data() == {**NEW.fields(), "SecretAccessKey": "canary-third"}
        assert len(kube.kept) == 1

    def test_undo_where_the_copy_is_gone(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.do("serve")
        kube.do("forget")
        found = kube.undo("serve")
        assert isinstance(found, Impossible)
        assert "kubectl edit secret" in found.manual
        assert kube.data() == NEW.fields()

    def test_undo_merges_anew_where_others_write(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.do("serve")
        kube.cluster.once_before(PATCH, lambda: kube.edit(theirs="kept"))
        assert isinstance(kube.undo("serve"), Done)
        assert kube.data() == pair(theirs="kept")

    def test_undo_after_the_answer_died_with_the_process(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.do("serve")
        del kube.run.lefts["serve"]
        kube.run.secrets.clear()
        assert isinstance(kube.undo("serve"), Done)
        assert kube.data() == pair()

    def test_a_field_that_can_be_no_key(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.run.secrets["mint"] = type(NEW)("canary-x", field="no key")
        assert isinstance(kube.do("serve"), Failed)
        assert kube.writes == []


class TestAfterACrash:
    @pytest.mark.parametrize("key", ["", "#token"])
    @pytest.mark.parametrize("tells", [True, False])
    def test_the_new_one_is_recalled(self, kube: Bench, key: str, tells: bool) -> None:
        kube.cluster.tells_managers = tells
        to = f"{kube.to}{key}"
        kube.put({**pair(), "token": "old"})
        kube.minted()
        kube.do("stage", to)
        assert kube.recall(to) is None, "what stands there is the old one"
        kube.do("serve", to)
        found = kube.recall(to)
        assert found is not None
        assert found.fingerprint() == NEW.fingerprint()

    def test_what_somebody_wrote_since_is_never_recalled(self, kube: Bench) -> None:
        to = f"{kube.to}#token"
        kube.put({"token": "old"})
        kube.minted()
        kube.do("serve", to)
        kube.edit(token="theirs")
        assert kube.recall(to) is None


class TestDeclared:
    def test_with_exactly_the_declared_permissions_it_works(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        for verb in ("stage", "serve", "forget"):
            kube.conn = kube.connect(self.with_those_of(kube, getattr(STORE, verb)))
            assert isinstance(kube.do(verb), Done), verb
            assert kube.seen(verb) is not None

    def test_undo_needs_no_more_than_serve(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.conn = kube.connect(self.with_those_of(kube, STORE.serve))
        kube.do("serve")
        assert isinstance(kube.undo("serve"), Done)

    def with_those_of(self, kube: Bench, doer: Any) -> str:
        wanted = (each.split(" ") for each in doer.permissions)
        kube.cluster.tokens["t"] = {(verb, resource) for verb, resource in wanted}
        return "t"


class TestFinished:
    def test_the_copy_is_deleted(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        kube.do("serve")
        [former] = kube.kept
        assert kube.seen("forget") is None
        change = kube.do("forget")
        assert isinstance(change, Done)
        assert change.left["deleted"] == former
        assert (kube.kept, kube.data()) == ([], NEW.fields())
        assert kube.seen("forget") == change.left
        assert isinstance(kube.do("forget"), Already)
        assert isinstance(kube.undo("forget"), Impossible)
        assert "canary" not in kube.told()

    def test_where_there_was_none(self, kube: Bench) -> None:
        kube.put(BESIDE)
        kube.minted()
        kube.do("serve")
        assert isinstance(kube.do("forget"), Already)

    def test_no_secret_is_told(self, kube: Bench) -> None:
        kube.put(pair())
        kube.minted()
        for verb in ("stage", "serve", "forget"):
            kube.do(verb)
        text = kube.told() + repr(kube.conn) + str(kube.conn.whoami())
        for secret in (OLD, NEW.reveal(), ROOT, *b64(pair()).values()):
            assert secret not in text
