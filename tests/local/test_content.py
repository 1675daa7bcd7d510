"""The JSON in the file: every other field is kept."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.provider.secret import Secret
from nhi_revoke_local.store import content

words = st.text(max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(words, json_values, max_size=4),
    st.text(min_size=1, max_size=8),
    words,
    st.sampled_from([None, 2, "\t"]),
)
def test_every_other_field_is_kept(held: dict[str, Any], key: str, value: str, indent: int | str | None) -> None:
    present = json.dumps(held, indent=indent).encode()
    new = content.merged(present, Secret(value, field="f"), key)
    assert json.loads(new) == {**held, key: value}
    assert content.extracted(new, "f", key) == value


def test_the_look_of_the_file_is_kept() -> None:
    for held in (b'{"a": "\xc3\xa9"}', b'{\n    "a": 1\n}\n', b'{\n\t"a": 1\n}'):
        text = content.merged(held, Secret("v", field="f"), "").decode()
        new = text.replace(', "f": "v"', "").replace(',\n    "f": "v"', "").replace(',\n\t"f": "v"', "")
        assert new.encode() == held


def test_an_empty_file_is_an_empty_object() -> None:
    assert json.loads(content.merged(b" \n", Secret("v", field="f"), "")) == {"f": "v"}


def test_what_is_not_there_is_not_extracted() -> None:
    for held in (b"", b"[]", b"{", b'{"f": 1}', b'{"g": "v"}', b"\xff", b"[" * 100_000):
        assert content.extracted(held, "f", "") is None
