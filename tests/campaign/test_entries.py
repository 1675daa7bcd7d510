"""The operator's file, in each form: read whole, or told line by line with nothing planned."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nhi_revoke.campaign.entries import BadEntries, Form, chosen, read_entries, sniffed
from nhi_revoke.campaign.item import Entry
from nhi_revoke.model.error import NotFound, Usage
from nhi_revoke.model.identity import Delivery, FlushTarget, Identity
from nhi_revoke.model.ref import PrincipalRef

CSV = """\
# from the CMDB
Name,principals,owner,tags,reason,config
ci,x:bot/a x:bot/b;y:app/c,"Team, A",legacy;eu,offboarding,eu/one.toml
payments,,,,,

"two
lines",x:bot/d,,,,
"""
TOML = """\
[identity.ci]
principals = ["x:bot/a"]
reason = "offboarding"
config = "eu.toml"
[[identity.ci.deliver]]
from = "x:key"
to = "file:/run/key"
[[identity.ci.flush]]
use = "redis"
match = "ci:*"
[identity."other bot"]
principals = ["x:bot/b"]
tags = ["legacy"]
"""


def bad(text: str, form: Form | None = None, source: str = "-") -> list[str]:
    with pytest.raises(BadEntries) as told:
        read_entries(text, source, form)
    assert "Nothing was planned" in told.value.message
    return [each.message for each in told.value.parts]


def test_csv_has_a_header_and_says_on_which_line_an_entry_stands() -> None:
    made = read_entries(CSV.replace('"two\nlines"', "two"), "bots.csv")
    assert made == (
        Entry(
            "ci", ("x:bot/a", "x:bot/b", "y:app/c"), "Team, A", ("legacy", "eu"), "offboarding", "eu/one.toml", line=3
        ),
        Entry("payments", line=4),
        Entry("two", ("x:bot/d",), line=6),
    )
    assert bad(CSV) == ["line 6: its name or owner holds what a terminal should not show, or begins with -"]
    assert read_entries("name;owner\nci;me\n", "-") == (Entry("ci", owner="me", line=2),)
    assert read_entries("\ufeffname\towner\nci\tme\n", "-") == (Entry("ci", owner="me", line=2),)


def test_one_column_alone_is_principals() -> None:
    assert read_entries("x:bot/a\nx:bot/b; x:bot/c\n\npayments\n", "-") == (
        Entry("x:bot/a", ("x:bot/a",), line=1),
        Entry("x:bot/b", ("x:bot/b", "x:bot/c"), line=2),
        Entry("payments", ("payments",), line=4),
    )
    assert read_entries("principals\nx:bot/a\n", "-") == (Entry("x:bot/a", ("x:bot/a",), line=2),)


def test_toml_is_the_maps_own_with_deliveries() -> None:
    assert read_entries(TOML, "bots.toml") == (
        Entry(
            "ci",
            ("x:bot/a",),
            reason="offboarding",
            config="eu.toml",
            deliver=(Delivery("x:key", "file:/run/key"),),
            flush=(FlushTarget("redis", {"match": "ci:*"}),),
            line=1,
        ),
        Entry("other bot", ("x:bot/b",), tags=("legacy",), line=11),
    )


def test_json_lines() -> None:
    text = '{"name":"ci","principals":["x:bot/a"],"tags":"a;b"}\n\n{"principals":"x:bot/b x:bot/c"}\n'
    assert read_entries(text, "-") == (
        Entry("ci", ("x:bot/a",), tags=("a", "b"), line=1),
        Entry("x:bot/b", ("x:bot/b", "x:bot/c"), line=3),
    )


def test_every_bad_line_is_told() -> None:
    assert bad("name,principals\n,\nci,x:bot/a,more\n-x,\nok,x:bot/b\nok2,x:bot/b x:bot/a\n,\n") == [
        "line 3: 3 columns, and the header names 2",
        "line 4: its name or owner holds what a terminal should not show, or begins with -",
        "line 6: x:bot/b stands on line 5, too: one identity ends once",
    ]
    assert bad("name,reason,config\na,leakd,\nb,,/etc/x\nc,,../x\n") == [
        "line 2: reason 'leakd' is none. Did you mean \"leaked\"?",
        "line 3: config must be the name of a file in the folder of tenants, and nowhere else",
        "line 4: config must be the name of a file in the folder of tenants, and nowhere else",
    ]
    assert bad("name,principles\na,x:bot/a\n") == ['line 1: no such column: principles. Did you mean "principals"?']
    assert bad("x:bot/a,me\nx:bot/b\n") == ["line 1: 2 columns, and no first row names them"]
    assert bad('name,owner\n"a"b,me\nc,me\n"d,me\n') == [
        "line 2: no CSV: ',' expected after '\"'",
        "line 4: no CSV: unexpected end of data",
    ]
    assert bad('{"name":"a"}\n{"nam":"b"}\nno\n{"name":1}\n{}\n') == [
        "line 2: no entry: Object contains unknown field `nam`",
        "line 3: no entry: Input data was truncated",
        "line 4: no entry: Expected `str`, got `int` - at `$.name`",
        "line 5: it names nobody: a name of the map or at least one principal",
    ]
    assert bad('[identity.a]\nprincipals = []\n[x]\ny = 1\n[identity.b]\nprincipal = ["x:bot/a"]\n', "toml") == [
        "line 1: identity.a.principals is empty or holds an empty text: nothing of a could be ended. "
        "Name at least one principal, such as provider:kind/id.",
        "line 3: x is no [identity.NAME] table: settings belong into nhi.toml. --from-map 'name=*' takes its map",
        'line 5: unknown key "principal" (table [identity.b]). Nothing was read from this file. '
        'Did you mean "principals"?',
    ]


def test_what_names_nobody_is_no_file_of_entries() -> None:
    for text, source in (("", "-"), ("name,owner\n", "-"), ("identity = 1\n", "a.toml"), ("= 1", "a.toml")):
        with pytest.raises(Usage):
            read_entries(text, source)


def test_the_form_is_told_by_how_it_begins() -> None:
    assert [sniffed(text) for text in ('\n{"a":1}', "# x\n[identity.a]", "name\n", "")] == [
        "ndjson",
        "toml",
        "csv",
        "csv",
    ]


def test_the_same_principal_in_another_tenant_is_another_identity() -> None:
    text = "principals,config\nx:bot/a,one.toml\nx:bot/a,two.toml\n"
    assert len(read_entries(text, "-")) == 2


BOTS = {
    name: Identity(name, (PrincipalRef("x", "bot", name),), owner, tags=tags)
    for name, owner, tags in (("ci-a", "me", ("legacy",)), ("ci-b", "you", ()), ("web", "you", ("legacy", "eu")))
}


def test_a_choice_from_the_map() -> None:
    def names(*words: str) -> list[str]:
        return [each.name for each in chosen(words, BOTS)]

    assert names("tag=legacy") == ["ci-a", "web"]
    assert names("owner=you") == ["ci-b", "web"]
    assert names("name=ci-*", "tag=eu") == ["ci-a", "ci-b", "web"]
    assert chosen(["tag=eu"], BOTS) == (Entry("web", owner="you", tags=("legacy", "eu")),)
    with pytest.raises(NotFound) as nobody:
        names("tag=legasy")
    assert nobody.value.hint == 'Did you mean "legacy"?'
    for word in ("legacy", "kind=x", "tag="):
        with pytest.raises(Usage):
            names(word)


WORD = st.text(st.characters(categories=("L", "N"), include_characters=":/._-@"), min_size=1, max_size=8)
ENTRIES = st.lists(
    st.builds(
        Entry,
        name=WORD.filter(lambda name: name[0] != "-"),
        principals=st.lists(WORD, max_size=3, unique=True).map(tuple),
        owner=st.text(st.characters(categories=("L", "P")), max_size=8).map(str.strip),
        tags=st.lists(WORD, max_size=2).map(tuple),
        reason=st.sampled_from(("", "leaked", "offboarding")),
        config=st.sampled_from(("", "one.toml", "eu/two.toml")),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each.name,
)


@settings(max_examples=30, deadline=None)
@given(ENTRIES)
def test_entries_come_back_as_they_were_written(entries: list[Entry]) -> None:
    number = iter(range(10**6))
    once = [replace(each, principals=tuple(f"{p}{next(number)}" for p in each.principals)) for each in entries]
    once = [replace(each, name=f"{each.name}!{next(number)}") for each in once]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("name", "principals", "owner", "tags", "reason", "config"))
    for each in once:
        writer.writerow(
            (each.name, ";".join(each.principals), each.owner, " ".join(each.tags), each.reason, each.config)
        )
    lines = b"".join(
        msgspec.json.encode({key: value for key, value in msgspec.to_builtins(each).items() if key in FIELDS}) + b"\n"
        for each in once
    )
    for text, form in ((out.getvalue(), "csv"), (lines.decode(), "ndjson")):
        found = read_entries(text, "-", form)  # type: ignore[arg-type]  # the two words of the line above
        assert [replace(each, line=0) for each in found] == once


FIELDS = ("name", "principals", "owner", "tags", "reason", "config")
