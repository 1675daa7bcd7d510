"""Formats as an address carries them, and credentials in texts and among keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.provider import text as formatted
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.keyed import Keyed
from nhi_revoke.provider.layout import (
    ALONE,
    JSON,
    WHOLE,
    Layout,
    document,
    in_section,
    layout_in,
    section,
    shown,
    split,
    variables,
)
from nhi_revoke.provider.merging import holds, merged, same_public, taken, unfit
from nhi_revoke.provider.secret import Secret

PUBLIC = {"KeyId": "K2", "User": "bot"}
NEW = Secret("canary-new", field="Key", public=PUBLIC)
OLD = Secret("canary-old", field="Key", public={"KeyId": "K1", "User": "bot"})
SHAPE = Secret("", field="Key", public=PUBLIC)
MINTED = {"field": "Key", "public": PUBLIC}
PAIR = {"KEY_ID": "KeyId", "KEY": "Key"}
VARIABLES = variables(PAIR, never=("SESSION",))
PROFILE = section("ini", {k.lower(): v for k, v in PAIR.items()}, by_default="default", never=("session",))
WHOLE_FILE = document("file", ("KeyId", "User", "Key"))
OWN = Layout("env", "variables", (("MY_KEY", ALONE),))
OWN_WHOLE = Layout("env", "variables", (("MY_FILE", WHOLE),))
TEXTS: list[tuple[Layout, str | None]] = [
    (VARIABLES, "# keep\nHOST=db\n"),
    (PROFILE, "[prod]\nregion = eu\n"),
    (in_section(PROFILE, "prod"), "[prod]\nregion = eu\n"),
    (WHOLE_FILE, None),
    (OWN, "export HOST=db\n"),
    (OWN_WHOLE, ""),
    (JSON, '{"host": "db"}'),
]
NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)


@given(
    st.sampled_from(["variables", "section", "document"]),
    st.lists(st.tuples(NAME, NAME | st.sampled_from([ALONE, WHOLE])), min_size=1, max_size=5),
    st.lists(NAME, max_size=2),
    st.from_regex(r"[A-Za-z0-9_./%@:+-]{0,9}", fullmatch=True),
)
def test_an_address_tells_the_whole_format(sort: Any, parts: list[tuple[str, str]], never: list[str], at: str) -> None:
    parts = [(x, x) for x, _ in parts] if sort == "document" else parts
    layout = Layout("some-format", sort, tuple(parts), tuple(never), at if sort == "section" else "")
    for place in ("/run/a#b", "arn:aws:x:y:z:secret", "o/r/env/a%20b/NAME"):
        address = f"{place}#{layout.spelled}"
        assert split(address) == (place, layout.spelled)
        assert layout_in(split(address)[1]) == layout


def test_as_it_is_spelled_and_said() -> None:
    assert VARIABLES.spelled == "format=env(KEY_ID=KeyId,KEY=Key,!SESSION)"
    assert in_section(PROFILE, "prod").spelled == "format=ini:prod[key_id=KeyId,key=Key,!session]"
    assert WHOLE_FILE.spelled == "format=file{KeyId,User,Key}"
    assert JSON.spelled == "format=json"
    assert shown(f"NAME#{VARIABLES.spelled}") == "NAME as env (KEY_ID, KEY)"
    assert shown(f"NAME#{in_section(PROFILE, 'prod').spelled}") == "NAME as ini:prod"
    assert shown("NAME#key") == "NAME#key"
    for none in ("", "key", "env(A=b)", "format=", "format=env(A=b", "format=En v", "format=env", "format=json:x"):
        assert layout_in(none) is None
    assert split("/a#key") == ("/a#key", "")


@pytest.mark.parametrize(("layout", "text"), TEXTS)
def test_put_in_told_apart_and_taken_out(layout: Layout, text: str | None) -> None:
    key = layout.spelled
    assert unfit(text, key) == ""
    before = merged(text, OLD, key)
    assert before is not None
    assert holds(before, OLD, key)
    assert not holds(before, NEW, key)
    new = merged(before, NEW, key)
    assert new is not None
    assert holds(new, NEW, key)
    assert not holds(new, OLD, key)
    assert "canary-old" not in new
    found = taken(new, SHAPE, key)
    assert found is not None
    assert (found.reveal(), found.public, found.field) == ("canary-new", PUBLIC, "Key")
    assert same_public(new, MINTED, key)
    if layout is not OWN:  # it has no public part beside it
        assert taken(before, SHAPE, key) is None
        assert not same_public(before, MINTED, key)
    anybody = taken(before, Secret("", field="Key"), key)
    assert anybody is not None
    assert anybody.fingerprint() == OLD.fingerprint()
    for line in (text or "").splitlines():
        assert line.strip("{}") in new


@pytest.mark.parametrize("key", [layout.spelled for layout, _ in TEXTS])
@pytest.mark.parametrize("text", ["plain canary", "[x]\nno option canary", "[]", '{"other": "canary"}', "A='canary"])
def test_what_is_of_another_form_holds_nothing(key: str, text: str) -> None:
    assert not holds(text, NEW, key)
    assert taken(text, SHAPE, key) is None
    if why := unfit(text, key):
        assert "canary" not in why
        if key != JSON.spelled:
            with pytest.raises(Rejected):
                merged(text, NEW, key)


def test_a_whole_document_takes_the_place_of_its_own_kind_alone() -> None:
    key = WHOLE_FILE.spelled
    assert unfit("{}", key) == unfit(" \n", key) == unfit(None, key) == unfit('{"KeyId": "K1"}', key) == ""
    assert unfit('{"KeyId": "K1", "host": "canary", "port": 1}', key).endswith("take away: host, port")
    assert unfit("[]", key) == unfit("x", key) == "it is no JSON object"
    assert merged(None, NEW, key) == json.dumps({"KeyId": "K2", "User": "bot", "Key": "canary-new"}, indent=2) + "\n"


def test_a_document_in_a_variable_stays_on_one_line() -> None:
    text = merged("", NEW, OWN_WHOLE.spelled)
    assert text == 'MY_FILE=\'{"KeyId": "K2", "User": "bot", "Key": "canary-new"}\'\n'


def test_what_the_credential_lacks_is_told_without_it() -> None:
    with pytest.raises(Rejected, match="no field 'Nothing', which env needs") as refused:
        formatted.written("", NEW, variables({"A": "Nothing", "B": "Key"}))
    assert "canary" not in refused.value.message


KEYED: list[tuple[Keyed, dict[str, str]]] = [
    (Keyed(), {"KeyId": "K2", "User": "bot", "Key": "canary-new"}),
    (Keyed("k"), {"k": "canary-new"}),
    (Keyed("", VARIABLES.spelled), {"KEY_ID": "K2", "KEY": "canary-new"}),
    (Keyed("", OWN.spelled), {"MY_KEY": "canary-new"}),
    (Keyed("f.env", VARIABLES.spelled), {"f.env": "KEY_ID=K2\nKEY=canary-new\n"}),
    (Keyed("f", PROFILE.spelled), {"f": "[default]\nkey_id = K2\nkey = canary-new\n"}),
    (Keyed("f", WHOLE_FILE.spelled), {"f": merged(None, NEW, WHOLE_FILE.spelled) or ""}),
    (Keyed("f", JSON.spelled), {"f": merged(None, NEW, WHOLE_FILE.spelled) or ""}),
]


@pytest.mark.parametrize(("keyed", "written"), KEYED)
def test_among_keys(keyed: Keyed, written: dict[str, str]) -> None:
    assert keyed.unfit({"other": 7}) == ""
    assert keyed.changes({"other": 7}, NEW) == written
    assert keyed.keys(MINTED) == tuple(written)
    held: dict[str, Any] = {"other": 7, **keyed.changes({}, OLD)}
    assert not keyed.holds(held, NEW)
    held |= keyed.changes(held, NEW)
    assert keyed.holds(held, NEW)
    found = keyed.taken(held, SHAPE)
    assert found is not None
    assert (found.reveal(), found.public) == ("canary-new", PUBLIC)
    assert keyed.taken({"other": 7}, SHAPE) is None
    assert not keyed.holds({}, NEW)


def test_a_text_under_a_key_keeps_what_else_it_holds() -> None:
    keyed = Keyed("f", VARIABLES.spelled)
    assert keyed.changes({"f": "# keep\nA=1\n"}, NEW) == {"f": "# keep\nA=1\nKEY_ID=K2\nKEY=canary-new\n"}


@pytest.mark.parametrize("held", [{"f": None}, {"f": {"a": 1}}, {"f": "no assignment"}, {"f": "SESSION=x\n"}])
def test_a_key_that_holds_something_else(held: dict[str, Any]) -> None:
    assert Keyed("f", VARIABLES.spelled).unfit(held).startswith("f")
    assert Keyed("", VARIABLES.spelled).unfit(held) == "", "it is left alone"


def test_a_key_that_belongs_to_another_credential() -> None:
    assert "has SESSION, which goes with another" in Keyed("", VARIABLES.spelled).unfit({"SESSION": "x"})
