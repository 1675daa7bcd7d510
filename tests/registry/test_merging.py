"""A credential inside a stored JSON object: merged, compared by every part, and taken out again."""

from __future__ import annotations

import json

import pytest

from nhi_revoke.provider.merging import fields_of, holds, merged, public_id, same_public, taken
from nhi_revoke.provider.secret import Secret

PUBLIC = {"ServiceUserName": "bot-at-1", "ServiceSpecificCredentialId": "ACCA1"}
NEW = Secret("p" * 40, field="ServicePassword", public=PUBLIC)
SHAPE = Secret("", field="ServicePassword", public=PUBLIC)


@pytest.mark.parametrize("text", ["plain", "[]", "7", "null", ""])
def test_what_is_no_object_is_never_written_over(text: str) -> None:
    assert fields_of(text) is None
    assert merged(text, NEW, "") is None
    assert merged(text, NEW, "key") is None
    assert not holds(text, NEW, "")
    assert taken(text, SHAPE, "key") is None


def test_every_other_field_is_kept() -> None:
    old = {"host": "db", "ServicePassword": "old", "n": [1]}
    assert json.loads(merged(json.dumps(old), NEW, "") or "") == {**old, **NEW.fields()}
    assert json.loads(merged(json.dumps(old), NEW, "pw") or "") == {**old, "pw": NEW.reveal()}
    assert json.loads(merged(None, NEW, "") or "") == NEW.fields()


@pytest.mark.parametrize("part", [*PUBLIC, "ServicePassword"])
@pytest.mark.parametrize("value", ["another", None, 7])
def test_one_part_that_differs_is_another_credential(part: str, value: object) -> None:
    right = json.dumps(NEW.fields())
    assert holds(right, NEW, "")
    assert taken(right, SHAPE, "") is not None
    assert same_public(right, {"public": PUBLIC}, "")
    wrong = json.dumps({**NEW.fields(), part: value})
    assert not holds(wrong, NEW, "")
    if part in PUBLIC:
        assert taken(wrong, SHAPE, "") is None
        assert not same_public(wrong, {"public": PUBLIC}, "")


def test_a_key_of_its_own_holds_the_secret_part_alone() -> None:
    text = json.dumps({"pw": NEW.reveal()})
    assert holds(text, NEW, "pw")
    assert not holds(text, NEW, "other")
    back = taken(text, SHAPE, "pw")
    assert back is not None
    assert (back.fingerprint(), back.public) == (NEW.fingerprint(), PUBLIC)
    assert taken(text, SHAPE, "other") is None


def test_without_public_parts_nothing_can_be_compared() -> None:
    assert not same_public(json.dumps(NEW.fields()), {}, "")
    assert not same_public("{}", {"public": {}}, "")


def test_the_order_of_the_parts_does_not_matter() -> None:
    assert public_id(PUBLIC) == public_id(dict(reversed(PUBLIC.items())))
    assert public_id({"AccessKeyId": "AKIA1"}) == "AKIA1"
