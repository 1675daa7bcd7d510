"""Formats among the keys of a Secret: variables are keys, as `envFrom` reads them; a key that is named holds text."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.change import Done, Failed
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import JSON, Layout, document, section, variables
from tests.kubernetes.bench import NAME, NEW, NS, OLD, PATCH, Bench

ENV = variables({"KEY_ID": "AccessKeyId", "KEY": "SecretAccessKey"}, never=("SESSION",))
PROFILE = section("ini", {"id": "AccessKeyId", "key": "SecretAccessKey"}, by_default="default")
FILE = document("file", ("AccessKeyId", "SecretAccessKey"))
BESIDE = {"region": "eu", "other": "x\ny"}
CASES: list[tuple[str, Layout, dict[str, str], dict[str, str]]] = [
    ("", ENV, {"KEY_ID": "AKIAOLD", "KEY": OLD}, {"KEY_ID": "AKIANEW", "KEY": NEW.reveal()}),
    ("", JSON, {"AccessKeyId": "AKIAOLD", "SecretAccessKey": OLD}, NEW.fields()),
    ("#.env", ENV, {".env": f"A=1\nKEY_ID=x\nKEY={OLD}\n"}, {".env": f"A=1\nKEY_ID=AKIANEW\nKEY={NEW.reveal()}\n"}),
    ("#credentials", PROFILE, {}, {"credentials": f"[default]\nid = AKIANEW\nkey = {NEW.reveal()}\n"}),
    (
        "#key.json",
        FILE,
        {"key.json": '{"AccessKeyId": "x"}'},
        {"key.json": f'{{\n  "AccessKeyId": "AKIANEW",\n  "SecretAccessKey": "{NEW.reveal()}"\n}}\n'},
    ),
]


@pytest.mark.parametrize(("key", "layout", "before", "after"), CASES)
def test_written_taken_up_after_a_crash_and_taken_back(
    kube: Bench, key: str, layout: Layout, before: dict[str, str], after: dict[str, str]
) -> None:
    to = f"{kube.to}{key}#{layout.spelled}"
    kube.put({**before, **BESIDE})
    kube.minted()
    assert kube.check(to) is None
    kube.do("stage", to)
    assert kube.recall(to) is None, "what stood there is not the new one"
    change = kube.do("serve", to)
    assert isinstance(change, Done)
    assert kube.data() == {**after, **BESIDE}
    assert kube.seen("serve", to) == change.left
    assert set(change.left["keys"]) == set(after)
    if before:
        [kept] = kube.kept
        assert kube.data(kept) == before, "only what was written over is kept"
    kube.run.secrets.clear()
    kube.run.lefts.pop("serve")
    found = kube.recall(to)
    assert found is not None
    assert (found.fingerprint(), found.public) == (NEW.fingerprint(), NEW.public)
    assert kube.seen("serve", to) == change.left, "known by who wrote the keys"
    kube.run.give("mint", found)
    kube.do("serve", to)
    assert kube.writes.count(PATCH) == 1, "it is not written twice"
    assert isinstance(kube.undo("serve", to), Done)
    assert kube.data() == {**before, **BESIDE}
    assert kube.kept == []
    assert "canary" not in kube.told()


def test_somebody_adds_to_the_same_text_meanwhile(kube: Bench) -> None:
    kube.put({".env": "A=1\n"})
    kube.minted()
    to = f"{kube.to}#.env#{ENV.spelled}"
    kube.do("stage", to)
    kube.edit(**{".env": "A=1\nB=2\n"})
    kube.do("serve", to)
    assert kube.data() == {".env": f"A=1\nB=2\nKEY_ID=AKIANEW\nKEY={NEW.reveal()}\n"}


@pytest.mark.parametrize(
    ("key", "layout", "held"),
    [
        ("", ENV, {"SESSION": "canary"}),
        ("#e", ENV, {"e": "canary"}),
        ("#f", FILE, {"f": '{"other": "canary"}'}),
    ],
)
def test_another_form_is_left_as_it_is(kube: Bench, key: str, layout: Layout, held: dict[str, Any]) -> None:
    kube.put(held)
    kube.minted()
    to = f"{kube.to}{key}#{layout.spelled}"
    wrong = kube.check(to)
    assert wrong is not None
    assert "takes no credential" in wrong.why
    assert "canary" not in wrong.why
    assert isinstance(kube.do("serve", to), Failed)
    assert (kube.data(), kube.writes) == (held, [])


def test_a_key_that_holds_no_text_is_not_written_over(kube: Bench) -> None:
    kube.cluster.put(NS, "secrets", NAME, type="Opaque", data={"e": "//79"})
    wrong = kube.check(f"{kube.to}#e#{ENV.spelled}")
    assert wrong is not None
    assert "e holds no text" in wrong.why


@pytest.mark.parametrize("text", [f"prod/bot#a/b#{ENV.spelled}", f"prod/bot#k#k#{ENV.spelled}"])
def test_a_key_stays_a_key(text: str) -> None:
    from nhi_revoke_kubernetes.store.address import parse_address

    with pytest.raises(Rejected):
        parse_address(text)
