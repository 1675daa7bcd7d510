"""dotenv texts: a variable put in is what a real shell and a real parser read, and every other byte stays."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import dotenv as parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nhi_revoke.provider import dotenv
from nhi_revoke.provider.fault import Rejected

SECRET = "canary/+=" + "s" * 31
PLAIN = st.text("abcXYZ019_-./:=+@%,", max_size=12)
VALUES = st.one_of(
    PLAIN,
    PLAIN.map(lambda x: f"'{x} #;& $HOME \"{x}\"'"),
    PLAIN.map(lambda x: f'"it\'s {x}\nB=\nC= {x}"'),
    st.just("''"),
)
OTHERS = st.one_of(
    st.text("#= ab'\"`$\\", max_size=9).map(lambda x: f"  # {x}"),
    st.sampled_from(["", "   ", "\t", "export HOME", "export HOME PATH # both", "#TOKEN=old", "# export TOKEN=old"]),
    st.builds(
        "{}K{}={}{}".format,
        st.sampled_from(["", "export ", "\texport  "]),
        st.integers(0, 99),
        VALUES,
        st.sampled_from(["", " ", " # why not"]),
    ),
)
OURS = st.builds(
    "{}TOKEN={}{}".format, st.sampled_from(["", "export ", "  "]), VALUES, st.sampled_from(["", " # the key"])
)
NEW = st.one_of(st.text(max_size=20), st.text("ab'\"\\$`~: #\n{}!", max_size=12), st.text("aZ09/+=~:._-", min_size=1))


def shell(text: str, *names: str) -> list[str]:
    """As a POSIX shell has them once it has sourced the text; it has to have no complaint."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "bot.env"
        file.write_bytes(text.encode())
        script = ". ./bot.env; " + "; ".join(f'printf "%s\\000" "${name}"' for name in names)
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", script],
            cwd=folder,
            capture_output=True,
            check=True,
            env={"HOME": "/h", "PATH": ""},
        )
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


def parsed(text: str) -> dict[str, str | None]:
    return parser.dotenv_values(stream=io.StringIO(text, newline=""))


@settings(max_examples=150, deadline=None)
@given(st.lists(OTHERS, max_size=5), st.lists(OURS, max_size=2), st.lists(OTHERS, max_size=5), NEW, st.booleans())
def test_put_in_it_is_what_shells_and_parsers_read(
    before: list[str], ours: list[str], after: list[str], value: str, ended: bool
) -> None:
    text = "\n".join([*before, *ours, *after]) + ("\n" if ended else "")
    try:
        new = dotenv.merged(text, {"TOKEN": value})
    except Rejected:
        return  # told below
    assert dotenv.values(new)["TOKEN"] == value
    assert parsed(new)["TOKEN"] == value
    assert shell(new, "TOKEN") == [value]
    others = {k: v for k, v in parsed(text).items() if k != "TOKEN"}
    assert {k: v for k, v in parsed(new).items() if k != "TOKEN"} == others


@settings(deadline=None)
@given(st.lists(OTHERS, max_size=6), st.lists(OTHERS, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_other_bytes_stay_as_they_are(before: list[str], after: list[str], end: str) -> None:
    def text(value: str) -> str:
        lines = [*before, f"export TOKEN={value} # the key", *after]
        return "".join(f"{line}{end}" for line in lines)

    assert dotenv.merged(text("'o l d'"), {"TOKEN": SECRET}) == text(SECRET)
    there = "".join(f"{line}{end}" for line in before)
    assert dotenv.merged(there, {"TOKEN": SECRET}).startswith(there), "what is new comes last"


@given(st.text(max_size=60) | st.text("A=B'\"\\\n #$`", max_size=40), st.text(max_size=9))
def test_any_text_is_refused_or_kept(text: str, value: str) -> None:
    if dotenv.unfit(text, ("TOKEN",)):
        with pytest.raises(Rejected):
            dotenv.merged(text, {"TOKEN": "x"})
        return
    new = dotenv.merged(text, {"TOKEN": "x"})
    assert dotenv.values(new) == {**dotenv.values(text), "TOKEN": "x"}


@given(st.text("aZ09/+=~:._-", min_size=1, max_size=40).filter(lambda x: x[0] != "~" and ":~" not in x))
def test_what_vendors_make_needs_no_quotes(value: str) -> None:
    """So that readers that know none, as docker's --env-file, have it right, too."""
    assert dotenv.merged("", {"TOKEN": value}) == f"TOKEN={value}\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("~/x", "'~/x'"),
        ("a:~b", "'a:~b'"),
        ("a~b", "a~b"),
        ("a b", "'a b'"),
        ("a#b", "'a#b'"),
        ("$HOME", "'$HOME'"),
        ("it's", '"it\'s"'),
        ('{"k": "-----BEGIN\\nx"}', '\'{"k": "-----BEGIN\\nx"}\''),
        ("-----BEGIN\nx\n-----END\n", "'-----BEGIN\nx\n-----END\n'"),
        ("", "''"),
    ],
)
def test_how_it_is_quoted(value: str, written: str) -> None:
    text = dotenv.merged("", {"TOKEN": value})
    assert text == f"TOKEN={written}\n"
    assert shell(text, "TOKEN") == [value]
    assert parsed(text) == {"TOKEN": value}


@pytest.mark.parametrize(
    "value", ["${X}", "it's $x", "a\\\\b", "ends\\", "it's \\", "a\tb", "a\rb", "a\0b", "it's `x`"]
)
def test_what_readers_would_not_read_alike_is_not_written(value: str) -> None:
    with pytest.raises(Rejected, match="new value of TOKEN cannot be written") as refused:
        dotenv.merged("A=1\n", {"TOKEN": value})
    assert value not in refused.value.message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\nset -a\n", 2),
        ("canary\n", 1),
        ('{"SecretAccessKey": "canary"}', 1),
        ("[default]\naws_access_key_id = canary\n", 1),
        ("A='canary\nB=2\n", 1),
        ("A='x'canary\n", 1),
        ("\n\nA=canary\\\nB=2", 3),
        ('A="x"# canary', 1),
        ("A='x\\'canary'", 1),
        ("A=`canary`", 1),
        ("A+=canary", 1),
        ("if true; then\n A=canary\nfi", 1),
        ("\ufeffA=canary", 1),
    ],
)
def test_a_text_that_nobody_can_read_for_sure_is_refused_by_its_line(text: str, line: int) -> None:
    why = dotenv.unfit(text, ())
    assert f"line {line} of it" in why
    assert "canary" not in why
    with pytest.raises(Rejected):
        dotenv.merged(text, {"A": "x"})


@pytest.mark.parametrize("text", ["A=1\rB=2\r", "A=1\0"])
def test_odd_characters(text: str) -> None:
    assert "control character" in dotenv.unfit(text, ())


def test_replaced_where_it_stands_each_time() -> None:
    """The last one counts for readers; the first one would keep the old secret."""
    text = "TOKEN=old1\nA=1\n  export TOKEN='old2' # rotated yearly\nexport TOKEN = old3"
    new = dotenv.merged(text, {"TOKEN": "new", "ID": "7"})
    assert new == "TOKEN=new\nA=1\n  export TOKEN=new # rotated yearly\nexport TOKEN=new\nID=7\n"
    assert shell(new, "TOKEN", "A", "ID") == ["new", "1", "7"]


def test_a_new_one_is_exported_where_all_are() -> None:
    assert dotenv.merged("export A=1\nexport B=2", {"T": "x"}) == "export A=1\nexport B=2\nexport T=x\n"
    assert dotenv.merged("export A=1\nB=2\n", {"T": "x"}) == "export A=1\nB=2\nT=x\n"
    assert dotenv.merged("A=1\r\n", {"T": "x"}) == "A=1\r\nT=x\r\n"


def test_what_belongs_to_another_credential_stops_it() -> None:
    text = "AWS_ACCESS_KEY_ID=a\nexport AWS_SESSION_TOKEN=canary\n"
    why = dotenv.unfit(text, (), ("AWS_SESSION_TOKEN",))
    assert "sets AWS_SESSION_TOKEN" in why
    assert "canary" not in why
    assert dotenv.unfit("# AWS_SESSION_TOKEN=x\n", (), ("AWS_SESSION_TOKEN",)) == ""


@pytest.mark.parametrize(
    "line",
    [
        "export TOKEN=canary HOST=db",
        "TOKEN=canary; HOST=db",
        "TOKEN=canary&&HOST=db",
        "export HOST=db TOKEN=canary",
        "HOST=db;TOKEN=canary",
        "HOST=db export SESSION=canary",
    ],
)
def test_a_line_in_which_a_shell_reads_more_than_a_parser_is_not_touched(line: str) -> None:
    text = f"A=1\n{line}\n"
    why = dotenv.unfit(text, ("TOKEN",), ("SESSION",))
    assert "line 2 of it" in why
    assert "canary" not in why
    assert dotenv.unfit(text, ("OTHER",)) == "", "it is another's, and stays as it is"
    if "SESSION" not in line:
        with pytest.raises(Rejected):
            dotenv.merged(text, {"TOKEN": "x"})


def test_a_long_text_takes_no_time() -> None:
    text = "A=" + "x #" * 30_000 + "\nB='" + "\\n" * 50_000 + "'\nC=" + " " * 60_000 + "x\n# " + "a" * 70_000
    began = perf_counter()
    assert dotenv.values(text)["C"] == "x"
    assert perf_counter() - began < 2


def test_a_line_never_shows_its_value() -> None:
    assert SECRET not in repr(dotenv._lines(f"TOKEN={SECRET}"))
