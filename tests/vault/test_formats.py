"""Formats among the fields of a secret: variables are fields of their own; a field that is named holds the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nhi_revoke.model.change import Done
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import JSON, Layout, document, section, variables
from tests.vault.bench import NEW, OLD, Bench
from tests.vault.stand_in import StandIn

ENV = variables({"KEY_ID": "AccessKeyId", "KEY": "SecretAccessKey"}, never=("SESSION",))
PROFILE = section("ini", {"id": "AccessKeyId", "key": "SecretAccessKey"}, by_default="default")
FILE = document("file", ("AccessKeyId", "SecretAccessKey"))
BESIDE: dict[str, Any] = {"region": "eu", "n": [1, None]}
CASES: list[tuple[str, Layout, dict[str, Any], dict[str, Any]]] = [
    ("", ENV, {"KEY_ID": "AKIAOLD", "KEY": OLD}, {"KEY_ID": "AKIANEW", "KEY": NEW.reveal()}),
    ("", JSON, {"AccessKeyId": "AKIAOLD", "SecretAccessKey": OLD}, NEW.fields()),
    ("#e", ENV, {"e": f"A=1\nKEY_ID=x\nKEY={OLD}\n"}, {"e": f"A=1\nKEY_ID=AKIANEW\nKEY={NEW.reveal()}\n"}),
    (
        "#c",
        PROFILE,
        {"c": f"[default]\nid = x\nkey = {OLD}"},
        {"c": f"[default]\nid = AKIANEW\nkey = {NEW.reveal()}\n"},
    ),
    (
        "#f",
        FILE,
        {"f": '{"AccessKeyId": "x"}'},
        {"f": f'{{\n  "AccessKeyId": "AKIANEW",\n  "SecretAccessKey": "{NEW.reveal()}"\n}}\n'},
    ),
]


@pytest.fixture
def vault() -> Iterator[Bench]:
    with StandIn() as server, Bench(server) as bench:
        yield bench


@pytest.mark.parametrize(("key", "layout", "before", "after"), CASES)
def test_written_taken_up_after_a_crash_and_taken_back(
    vault: Bench, key: str, layout: Layout, before: dict[str, Any], after: dict[str, Any]
) -> None:
    to = f"{vault.to}{key}#{layout.spelled}"
    vault.put({**before, **BESIDE})
    vault.minted()
    assert vault.check(to) is None
    vault.do("stage", to)
    assert vault.recall(to) is None, "what stood there is not the new one"
    change = vault.do("serve", to)
    assert isinstance(change, Done)
    assert vault.data() == {**after, **BESIDE}
    assert vault.seen("serve", to) == change.left
    left = vault.run.lefts.pop("serve")
    vault.run.secrets.clear()
    found = vault.recall(to)
    assert found is not None
    assert (found.fingerprint(), found.public) == (NEW.fingerprint(), NEW.public)
    vault.run.give("mint", found)
    assert vault.do("serve", to).left["version"] == left["version"], "it is not written twice"
    assert isinstance(vault.undo("serve", to), Done)
    assert vault.data() == {**before, **BESIDE}
    assert "canary" not in vault.told()


def test_versions_that_hold_the_old_one_are_deleted(vault: Bench) -> None:
    to = f"{vault.to}#{ENV.spelled}"
    old = {"KEY_ID": "x", "KEY": OLD}
    vault.put(old, {"KEY_ID": "x", "KEY": "canary-other"}, {**old, "B": "1"})
    vault.minted()
    vault.do("stage", to)
    vault.do("serve", to)
    assert vault.do("forget", to).left["deleted"] == [1, 3]
    assert vault.data() == {"KEY_ID": "AKIANEW", "KEY": NEW.reveal(), "B": "1"}


@pytest.mark.parametrize(
    ("key", "layout", "held"),
    [
        ("", ENV, {"SESSION": "canary"}),
        ("#e", ENV, {"e": "canary"}),
        ("#e", ENV, {"e": {"canary": 1}}),
        ("#f", FILE, {"f": '{"other": "canary"}'}),
    ],
)
def test_another_form_is_left_as_it_is(vault: Bench, key: str, layout: Layout, held: dict[str, Any]) -> None:
    vault.put(held)
    vault.minted()
    to = f"{vault.to}{key}#{layout.spelled}"
    wrong = vault.check(to)
    assert wrong is not None
    assert "takes no credential of this form" in wrong.why
    assert "canary" not in wrong.why
    if key and isinstance(held[key[1:]], str):
        with pytest.raises(Rejected):
            vault.do("serve", to)
        assert vault.data() == held
