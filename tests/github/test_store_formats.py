"""Formats in GitHub's secrets: the whole secret, since what it holds can be read, and merged into, by nobody."""

from __future__ import annotations

import json

import pytest

from nhi_revoke.model.change import Done
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import ALONE, JSON, WHOLE, Layout, document, section, variables
from nhi_revoke.provider.secret import Secret
from nhi_revoke_github.store.sealing import parse_address

from .conftest import Bench
from .test_store import REPO, STORE, do, seen, shelf, step_of

PAIR = Secret("canary-new", field="key", public={"id": "K2"})
TEXTS = [
    (variables({"KEY_ID": "id", "KEY": "key"}), "KEY_ID=K2\nKEY=canary-new\n"),
    (Layout("env", "variables", (("MY", ALONE),)), "MY=canary-new\n"),
    (Layout("env", "variables", (("MY", WHOLE),)), 'MY=\'{"id": "K2", "key": "canary-new"}\'\n'),
    (section("ini", {"a": "id", "b": "key"}, by_default="bot"), "[bot]\na = K2\nb = canary-new\n"),
    (document("file", ("id", "key")), '{\n  "id": "K2",\n  "key": "canary-new"\n}\n'),
    (JSON, json.dumps(PAIR.fields())),
]


@pytest.mark.parametrize(("layout", "text"), TEXTS)
def test_the_whole_secret_is_a_text_in_that_format(bench: Bench, layout: Layout, text: str) -> None:
    bench.run.give("m1", PAIR)
    to = f"{REPO}#{layout.spelled}"
    assert STORE.stage.check(bench.conn, step_of(to)) is None
    change = do(bench, to)
    assert isinstance(change, Done)
    name = REPO.rpartition("/")[2]
    assert shelf(bench, REPO)[change.left["staged"]]["value"] == text
    assert shelf(bench, REPO)[name]["value"] == ""
    assert isinstance(do(bench, to, "serve"), Done)
    assert shelf(bench, REPO)[name]["value"] == text
    assert change.left["staged"] not in shelf(bench, REPO)
    assert seen(bench, to, "serve")
    assert "canary" not in json.dumps(bench.run.lefts)


def test_a_field_that_was_not_minted_is_told_before_anything_is_written(bench: Bench) -> None:
    bench.run.give("m1", PAIR)
    before = dict(shelf(bench, REPO))
    with pytest.raises(Rejected, match="no field 'other'") as refused:
        do(bench, f"{REPO}#{variables({'A': 'other'}).spelled}")
    assert "canary" not in refused.value.message
    assert shelf(bench, REPO) == before


def test_an_environment_of_any_name_and_a_format() -> None:
    at = parse_address(f"o/r/env/a%2Fb/N#{TEXTS[0][0].spelled}")
    assert at is not None
    assert (at.name, at.folder) == ("N", "/repos/o/r/environments/a%2Fb/secrets")
    assert at.field == TEXTS[0][0].spelled
