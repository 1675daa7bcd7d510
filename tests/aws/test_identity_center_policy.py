"""A statement goes into a permission set's inline policy and comes out again; everybody else's bytes stay."""

from __future__ import annotations

import json

import pytest

from nhi_revoke_aws.identity_center_policy import (
    Unreadable,
    added,
    denied_by,
    document,
    find,
    removed,
    sid_for,
    statement,
)

USER = "0123456789-6c0b3f5e-1111-2222-3333-444455556666"
SID = sid_for("20261123T120000Z-7f3a", USER)
FOREIGN = '{"Sid": "Keep",  "Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}'


@pytest.mark.parametrize(
    "text",
    [
        f'{{"Version":"2012-10-17","Statement":[{FOREIGN}]}}',
        f'{{\n "Version": "2012-10-17",\n "Statement": [\n  {FOREIGN},\n  {FOREIGN.replace("Keep", "Two")}\n ]\n}}',
        f'{{"Statement":[{FOREIGN}],"Id":"Statement","Version":"2012-10-17"}}',
        f'{{"Id":"]}}\\"Statement\\":[","Statement" : [ {FOREIGN} ] }}',
    ],
)
def test_in_and_out_leaves_every_byte(text: str) -> None:
    merged = added(text, SID, USER)
    assert json.loads(merged)["Statement"] == [*json.loads(text)["Statement"], statement(SID, USER)]
    assert FOREIGN in merged
    assert find(merged, SID) == statement(SID, USER)
    assert removed(merged, SID) == text


def test_it_comes_out_wherever_it_stands() -> None:
    ours = json.dumps(statement(SID, USER))
    first = f'{{"Statement":[{ours}, {FOREIGN}]}}'
    middle = f'{{"Statement":[{FOREIGN}, {ours}, {FOREIGN}]}}'
    assert removed(first, SID) == f'{{"Statement":[{FOREIGN}]}}'
    assert removed(middle, SID) == f'{{"Statement":[{FOREIGN}, {FOREIGN}]}}'
    assert removed(middle, "another") == middle


def test_where_there_is_no_policy_ours_is_one_and_goes_whole() -> None:
    for nothing in ("", "  "):
        assert json.loads(added(nothing, SID, USER)) == document(SID, USER)
        assert find(nothing, SID) is None
    assert removed(added("", SID, USER), SID) == ""
    assert added('{"Statement":[ ]}', SID, USER).count("Sid") == 1


def test_a_lone_statement_becomes_one_of_two() -> None:
    merged = added(f'{{"Version":"2012-10-17","Statement":{FOREIGN}}}', SID, USER)
    assert json.loads(merged)["Statement"] == [json.loads(FOREIGN), statement(SID, USER)]
    assert json.loads(removed(merged, SID))["Statement"] == [json.loads(FOREIGN)]


def test_a_deny_that_stands_already_is_known_by_its_exact_shape() -> None:
    text = added("", SID, USER)
    assert denied_by(text, USER) == SID
    assert denied_by(text, USER.replace("0", "1")) is None
    assert denied_by(text.replace('"*","Condition"', '"arn:aws:s3:::x","Condition"'), USER) is None
    assert denied_by("", USER) is None


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"Statement":"x"}', '{"Statement":'])
def test_what_cannot_be_read_is_not_written_over(text: str) -> None:
    with pytest.raises(Unreadable):
        added(text, SID, USER)


def test_sids_differ_by_run_and_by_user_and_have_letters_and_digits_only() -> None:
    other = USER[:-1] + "7"
    assert SID.isalnum()
    assert len({SID, sid_for("20261123T120000Z-7f3a", other), sid_for("20261123T120000Z-7f3b", USER)}) == 3
