"""Two patterns have a name in common: held against every short name, tried one by one."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.model.glob import overlap

NAMES = ["".join(letters) for length in range(9) for letters in product("ab", repeat=length)]
PATTERN = st.text("ab*?", max_size=4)


def fitting(pattern: str) -> set[str]:
    parts = {"*": ".*", "?": "."}
    whole = re.compile("".join(parts.get(c, c) for c in pattern))
    return {name for name in NAMES if whole.fullmatch(name)}


@given(PATTERN, PATTERN)
def test_as_if_every_name_were_tried(one: str, other: str) -> None:
    """Names of eight letters suffice for patterns of four: a shortest common name has no more."""
    assert overlap(one, other) is bool(fitting(one) & fitting(other))
    assert overlap(one, other) is overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("repo:acme/shop:*", "repo:acme/*:ref:refs/heads/main", True),
        ("repo:acme/shop:*", "repo:*/shop:environment:*", True),
        ("repo:acme/shop:*", "repo:acme/sh?p:*", True),
        ("repo:acme/shop:*", "*", True),
        ("repo:acme/shop:*", "repo:acme/shopping:*", False),
        ("repo:acme/shop:*", "repo:acme/shop", False),
        ("repo:acme/shop:*", "repo:other/shop:*", False),
        ("repo:acme/shop:*", "", False),
        ("user/bot[bot]", "user/bot[bot]", True),
        ("user/b", "user/[ab]", False),
    ],
)
def test_subjects_of_jobs(one: str, other: str, common: bool) -> None:
    assert overlap(one, other) is common


def test_case_where_it_does_not_matter() -> None:
    assert not overlap("repo:ACME/shop:*", "repo:acme/shop:*")
    assert overlap("repo:ACME/shop:*", "repo:acme/shop:*", fold=True)
